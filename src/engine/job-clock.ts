import { type CancelTimer, type Clock, systemClock } from '../lib/clock.ts';

/** Moves a time from one clock to another, both in milliseconds. */
export type MoveTime = (ms: number) => number;

/** The times of a snapshot on the clock of a job that is restored from it. */
export interface RestoredTimes {
  /** When it was taken, in monotonic milliseconds. */
  readonly takenMs: number;
  readonly fromWall: MoveTime;
}

/**
 * The engine's clock as one job sees it: with the time that what happens now is stamped with.
 *
 * Reading a clock costs as much as a small activation. So the time is read when work begins, then now and then while
 * it goes on, and from what happens between two pieces of work (code that ends or emits later) by the first thing
 * that does, which also asks for the next piece.
 */
export class JobClock {
  /** Monotonic milliseconds; see above for how new. */
  nowMs: number;
  /** Between two pieces of work, until the time has been read again. */
  isStale = false;
  readonly #clock: Clock;
  readonly #wallOffsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.monotonicMs();
    this.#wallOffsetMs = clock.now() - this.nowMs;
  }

  /** Stamps what follows with the present time. */
  tick(): void {
    this.nowMs = this.#clock.monotonicMs();
    this.isStale = false;
  }

  /** The same for who has just read the machine's clock: `realMs` is of `performance.now()`. */
  tickAt(realMs: number): void {
    this.nowMs = this.#clock === systemClock ? realMs : this.#clock.monotonicMs();
    this.isStale = false;
  }

  /** The present monotonic time; what happens goes on being stamped as before. */
  readMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Wall-clock milliseconds since the Unix epoch, now. */
  readWallMs(): number {
    return this.#clock.now();
  }

  /** Wall-clock milliseconds since the Unix epoch of a monotonic time. */
  wallTime(monotonicMs: number): number {
    return monotonicMs + this.#wallOffsetMs;
  }

  /** Makes wall-clock times of monotonic ones by what both clocks say now: for what outlives this process. */
  toWall(): MoveTime {
    const offsetMs = this.#clock.now() - this.#clock.monotonicMs();
    return (monotonicMs) => monotonicMs + offsetMs;
  }

  /**
   * The way back, in another process. A wall clock that is behind the one of then counts as if no time had gone by.
   * @param takenAt when the wall-clock times were taken
   */
  restoreTimes(takenAt: number): RestoredTimes {
    const offsetMs = Math.max(this.#clock.now(), takenAt) - this.#clock.monotonicMs();
    const fromWall: MoveTime = (wallMs) => wallMs - offsetMs;
    return { takenMs: fromWall(takenAt), fromWall };
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    return this.#clock.setTimer(delayMs, fire);
  }
}
