import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';

/** How long a task goes on before it lets others have their turn, in milliseconds. */
const SLICE_MS = 5;

/** Tells a long task when others should have their turn. */
export class Slice {
  readonly #clock: Clock;
  #endsAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endsAtMs = clock.monotonicMs() + SLICE_MS;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endsAtMs;
  }

  /** Is kept when the others had their turn. */
  async giveWay(): Promise<void> {
    await nextTurn();
    this.#endsAtMs = this.#clock.monotonicMs() + SLICE_MS;
  }
}
