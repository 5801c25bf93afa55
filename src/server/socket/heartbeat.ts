/** Into so many portions the members are parted, so that not all are called in the same moment. */
const PORTIONS = 30;

/** Who is called. */
export interface Beating {
  /** Called once a period. Must not fail. */
  beat(): void;
}

/** One timer that calls each of its members once a period, a portion of them at a time. */
export class Heartbeat {
  readonly #portions = Array.from({ length: PORTIONS }, () => new Set<Beating>());
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
   * Calls a member once a period, for the first time within one.
   * @returns its place, to leave by
   */
  join(member: Beating): number {
    const place = this.#joined++ % PORTIONS;
    this.#portions[place]?.add(member);
    return place;
  }

  leave(member: Beating, place: number): void {
    this.#portions[place]?.delete(member);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    for (const member of this.#portions[this.#turn++ % PORTIONS] ?? []) member.beat();
  }
}
