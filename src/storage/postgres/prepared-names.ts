/** The most statements that one connection keeps prepared; each takes memory of the server. */
const MOST_NAMES = 100;
/** The most statements to remember that were run once. */
const MOST_SEEN = 1_000;

/**
 * Gives names to statements that come again. PostgreSQL parses a statement that has a name once for each connection,
 * and plans it a few times, where it would do both each time.
 */
export class PreparedNames {
  readonly #names = new Map<string, string>();
  readonly #seen = new Set<string>();

  /** The name of a statement; `undefined` the first time, and when there are too many. */
  of(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined) return known;
    if (this.#names.size >= MOST_NAMES) return undefined;
    if (this.#seen.delete(sql)) {
      const name = `millrace_${this.#names.size + 1}`;
      this.#names.set(sql, name);
      return name;
    }
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.add(sql);
    return undefined;
  }
}
