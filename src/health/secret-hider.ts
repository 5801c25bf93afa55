import { maskSecrets } from '../lib/mask-secrets.ts';
import { MASK } from '../lib/secret-names.ts';

/** Puts `***` in the place of known secrets: a service may send back what it was sent. */
export class SecretHider {
  /** The longest first, as they may have others in them. */
  readonly #secrets: readonly string[];
  readonly #numbers: ReadonlySet<number>;

  constructor(secrets: readonly string[]) {
    this.#secrets = [...new Set(secrets)].sort((a, b) => b.length - a.length);
    this.#numbers = new Set(this.#secrets.map(Number));
  }

  /** Of a text that is not cut: what is left of a secret that was cut is not found. */
  inText(text: string): string {
    let hidden = text;
    for (const secret of this.#secrets) hidden = hidden.replaceAll(secret, MASK);
    return hidden;
  }

  /**
   * Of JSON as a service wrote it, which may have secrets in it that are written otherwise (`\/`, `\u0041`). It is read only
   * where that may be. What is no JSON is taken as any text.
   */
  inJson(text: string): string {
    if (this.#secrets.length === 0) return text;
    const mayHave = text.includes('\\') || this.#secrets.some((secret) => text.includes(secret));
    if (!mayHave) return text;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return this.inText(text);
    }
    // By name first: the name of a secret may itself be one that is hidden. As text last: a secret may be JSON.
    return this.inText(JSON.stringify(this.inValue(maskSecrets(value))));
  }

  /**
   * Of a value as `JSON.parse` makes them, no deeper than `maskSecrets` leaves it; the keys count too.
   *
   * @param mostSeen of longer texts only so much is looked at that the first `mostSeen` characters of what is left are right
   */
  inValue(value: unknown, mostSeen = Number.POSITIVE_INFINITY): unknown {
    const [longest] = this.#secrets;
    if (longest === undefined) return value;
    return this.#inPart(value, (mostSeen + 1) * longest.length);
  }

  #inPart(part: unknown, mostRead: number): unknown {
    if (typeof part === 'string') return this.inText(part.slice(0, mostRead));
    if (typeof part === 'number') {
      const hidden = this.#numbers.has(part) ? MASK : this.inText(String(part));
      return hidden.includes(MASK) ? hidden : part;
    }
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map((each) => this.#inPart(each, mostRead));
    const entries = Object.entries(part).map(([key, value]) => [
      this.inText(key),
      this.#inPart(value, mostRead),
    ]);
    return Object.fromEntries(entries);
  }
}
