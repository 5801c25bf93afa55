import { Deque } from '../lib/deque.ts';

/** Work that is done a slice at a time. */
export interface Sliced {
  /** Whether it stands in the scheduler's line; only the scheduler changes it. */
  isScheduled: boolean;
  /**
   * Works until there is nothing to do (answers false) or the time `untilMs` has come (answers true). `fromMs` is the
   * present time; both are real milliseconds, of `performance.now()`.
   */
  work(fromMs: number, untilMs: number): boolean;
}

/** What `queueMicrotask` does for the price of a bare microtask: that wraps each in an asynchronous resource. */
const KEPT = Promise.resolve();

/**
 * Shares the event loop among jobs. A turn lasts a few milliseconds, in which jobs take slices one after another;
 * then the loop gets back to sockets and timers before the next turn begins. While a turn's time is not used up,
 * new work goes on in a microtask, so that asynchronous routines need not wait for the loop to come round.
 *
 * It measures real time, never a job's clock: a clock that is moved by hand must not stop the sharing.
 */
export class Scheduler {
  readonly #line = new Deque<Sliced>();
  readonly #turnMs: number;
  readonly #sliceMs: number;
  #turnEndsMs = 0;
  #isTurnDue = false;

  /** @param turnMs how long the event loop is kept at most, in milliseconds, when code is synchronous */
  constructor(turnMs: number) {
    this.#turnMs = turnMs;
    this.#sliceMs = turnMs / 4;
  }

  schedule(work: Sliced): void {
    if (work.isScheduled) return;
    work.isScheduled = true;
    this.#line.push(work);
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    void KEPT.then(this.#continueTurn); // which finds out whether the turn's time is used up
  }

  /** Whether the present turn's time is used up, or there is none. */
  isTurnOver(): boolean {
    return performance.now() >= this.#turnEndsMs;
  }

  readonly #beginTurn = (): void => {
    const nowMs = performance.now();
    this.#turnEndsMs = nowMs + this.#turnMs;
    this.#takeSlices(nowMs);
  };

  readonly #continueTurn = (): void => {
    const nowMs = performance.now();
    if (nowMs < this.#turnEndsMs) this.#takeSlices(nowMs);
    else setImmediate(this.#beginTurn);
  };

  #takeSlices(fromMs: number): void {
    this.#isTurnDue = false;
    let nowMs = fromMs;
    for (let work = this.#line.shift(); work !== undefined; work = this.#line.shift()) {
      work.isScheduled = false;
      if (work.work(nowMs, Math.min(nowMs + this.#sliceMs, this.#turnEndsMs))) {
        work.isScheduled = true;
        this.#line.push(work);
      }
      if (this.#line.length === 0) return;
      nowMs = performance.now();
      if (nowMs >= this.#turnEndsMs) break;
    }
    if (this.#line.length === 0 || this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(this.#beginTurn);
  }
}
