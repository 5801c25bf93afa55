/** Into so many portions the members are parted, so that not all are called in the same moment. */
const PORTIONS = 30;

/** One timer that calls each of its members once a period, a portion of them at a time. */
export class Heartbeat {
  readonly #portions = Array.from({ length: PORTIONS }, () => new Set<() => void>());
  readonly #timer: NodeJS.Timeout;
  #joined = 0;
  #turn = 0;

  /** @param periodMs in milliseconds */
  constructor(periodMs: number) {
    this.#timer = setInterval(() => this.#beat(), periodMs / PORTIONS);
    this.#timer.unref();
  }

  /** How many members there are. */
  get size(): number {
    return this.#portions.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Calls `beat` once a period, for the first time within one. `beat` must not fail.
   * @returns to be called to end that
   */
  join(beat: () => void): () => void {
    const member = () => beat(); // the same function may be given twice
    const portion = this.#portions[this.#joined++ % PORTIONS];
    portion?.add(member);
    return () => portion?.delete(member);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    for (const beat of this.#portions[this.#turn++ % PORTIONS] ?? []) beat();
  }
}
