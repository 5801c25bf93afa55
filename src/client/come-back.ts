import { type BackOff, backOffDelayMs } from '../lib/back-off.ts';

/** How a server that goes away tells how long to stay away. */
const ASKED_DELAY = /retry in (\d{1,9}) ms/;

/** Decides how long to wait before a connection that was lost is tried for again. */
export class ComeBack {
  readonly #backOff: BackOff;
  /** Waits in a row without a good connection after them. */
  #attempt = 0;
  #lastDelayMs = 0;
  #askedDelayMs: number | undefined;

  constructor(backOff: BackOff) {
    this.#backOff = backOff;
  }

  /**
   * A connection ended. One that lasted no longer than the wait before it was no good one: the waits go on growing.
   * @param upMs how long the server served it, in milliseconds; `undefined` when it did not come about
   * @param reason the reason that the server gave
   */
  ended(upMs: number | undefined, reason: string): void {
    if (upMs !== undefined && upMs > this.#lastDelayMs) this.#attempt = 0;
    const [, asked] = ASKED_DELAY.exec(reason) ?? [];
    this.#askedDelayMs = asked === undefined ? undefined : Number(asked);
  }

  /** How long to wait now, in milliseconds: what the server asked for, else longer each time. */
  nextDelayMs(): number {
    const asked = this.#askedDelayMs;
    this.#askedDelayMs = undefined;
    if (asked !== undefined) return asked;
    this.#attempt++;
    this.#lastDelayMs = backOffDelayMs(this.#backOff, this.#attempt);
    return this.#lastDelayMs;
  }
}
