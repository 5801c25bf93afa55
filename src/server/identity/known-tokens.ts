import { createHash, randomBytes } from 'node:crypto';

/** So many are remembered; beyond that the one that was not shown for longest is forgotten. */
const MOST_TOKENS = 10_000;

/** Remembers which tokens were good when they were last shown: digests of them, which are worth nothing elsewhere. */
export class KnownTokens {
  readonly #salt = randomBytes(16);
  readonly #digests = new Set<string>();

  /** How many are remembered. */
  get size(): number {
    return this.#digests.size;
  }

  has(token: string): boolean {
    return this.#digests.has(this.#digest(token));
  }

  add(token: string): void {
    const digest = this.#digest(token);
    this.#digests.delete(digest); // so that the one not shown for longest comes first
    this.#digests.add(digest);
    if (this.#digests.size <= MOST_TOKENS) return;
    const [oldest] = this.#digests;
    if (oldest !== undefined) this.#digests.delete(oldest);
  }

  delete(token: string): void {
    this.#digests.delete(this.#digest(token));
  }

  #digest(token: string): string {
    return createHash('sha256').update(this.#salt).update(token).digest('base64url');
  }
}
