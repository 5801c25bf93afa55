import type { CancelTimer, Clock } from '../../src/lib/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** A clock that moves only by `advance`. Its wall clock begins at the given time, its monotonic one at 0. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are set and have not fired; what has stopped must have none left. */
  get timers(): number {
    return this.#timers.size;
  }

  /**
   * Moves time on. Timers fire in the order they are due, at the time they are due, and what follows from each is
   * let happen before the next: code that sets another timer inside the span sees that one fire too.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.fire();
      await settle();
    }
    this.#elapsedMs = endMs;
  }

  #nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

/** Lets everything happen that needs no timer: some rounds of the event loop. */
export async function settle(rounds = 10): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await new Promise((keep) => setImmediate(keep));
  }
}

/** Waits until something is so, as long as the test's time limit allows. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((keep) => setImmediate(keep));
}
