import type { SlotQueue } from '../engine/index.ts';

/** How fast items enter and leave a slot, measured between two looks at its counts. */
export class SlotRates {
  inPerSecond = 0;
  outPerSecond = 0;
  readonly #slot: SlotQueue;
  #accepted: number;
  #left: number;
  #atMs: number;

  constructor(slot: SlotQueue, nowMs: number) {
    this.#slot = slot;
    this.#accepted = slot.accepted;
    this.#left = leftOf(slot);
    this.#atMs = nowMs;
  }

  /**
   * Measures the time since the last call, and answers whether a rate has changed. A look sooner than 100 ms after
   * that changes nothing.
   */
  measure(nowMs: number): boolean {
    const seconds = (nowMs - this.#atMs) / 1000;
    if (seconds < 0.1) return false;
    const { accepted } = this.#slot;
    const left = leftOf(this.#slot);
    const inPerSecond = (accepted - this.#accepted) / seconds;
    const outPerSecond = (left - this.#left) / seconds;
    const hasChanged = inPerSecond !== this.inPerSecond || outPerSecond !== this.outPerSecond;
    this.inPerSecond = inPerSecond;
    this.outPerSecond = outPerSecond;
    this.#accepted = accepted;
    this.#left = left;
    this.#atMs = nowMs;
    return hasChanged;
  }
}

/** How many items were taken from a slot, ever. */
function leftOf({ accepted, length, droppedOldest }: SlotQueue): number {
  return accepted - length - droppedOldest;
}
