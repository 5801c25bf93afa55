import type { SlotQueue } from '../engine/index.ts';

/** How fast items enter and leave a slot, measured between two looks at its counts. */
export class SlotRates {
  inPerSecond = 0;
  outPerSecond = 0;
  readonly #slot: SlotQueue;
  #accepted = 0;
  #left = 0;
  #atMs: number;

  constructor(slot: SlotQueue, nowMs: number) {
    this.#slot = slot;
    this.#atMs = nowMs;
  }

  /** Measures the time since the last call. A look sooner than 100 ms after that changes nothing. */
  measure(nowMs: number): void {
    const seconds = (nowMs - this.#atMs) / 1000;
    if (seconds < 0.1) return;
    const { accepted, length } = this.#slot;
    const left = accepted - length;
    this.inPerSecond = (accepted - this.#accepted) / seconds;
    this.outPerSecond = (left - this.#left) / seconds;
    this.#accepted = accepted;
    this.#left = left;
    this.#atMs = nowMs;
  }
}
