import { messageOf } from '../lib/domain-error.ts';
import type { Activation, ActivationHost } from './activation.ts';
import type { RetryStrategy } from './error-strategy.ts';
import type { JobClock } from './job-clock.ts';
import type { JobLife } from './job-life.ts';

/** What the list of reruns is put together from. */
export interface RerunsParts {
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly host: ActivationHost;
  /** Called when the code of an activation is to be run again. It may pause or end the job. */
  readonly onDue: (activation: Activation) => void;
}

/**
 * Activations whose code is to be run again: retries, when their delay is over, and in a restored job those that were
 * running. What comes due while nothing may begin is parked.
 */
export class Reruns {
  readonly #parts: RerunsParts;
  #parked: Activation[] = [];

  constructor(parts: RerunsParts) {
    this.#parts = parts;
  }

  /** Whether the code of a failed activation is to have another attempt. */
  isWorthIt(activation: Activation, { maxAttempts, retryOn }: RetryStrategy): boolean {
    const { life, host } = this.#parts;
    if (activation.attempt >= maxAttempts || life.isEnding) return false;
    try {
      return retryOn?.(activation.error) ?? true;
    } catch (error) {
      host.writeLog(activation, 'WARNING', `retryOn failed: ${messageOf(error)}`);
      return false;
    }
  }

  /** Has a retry run after a delay. */
  schedule(activation: Activation, delayMs: number): void {
    activation.retryDueMs = this.#parts.clock.readMs() + delayMs;
    this.#setTimer(activation, delayMs);
  }

  /** The same in a job that was restored: one that is overdue runs at once. */
  reschedule(activation: Activation): void {
    const leftMs = activation.retryDueMs - this.#parts.clock.readMs();
    if (leftMs > 0) this.#setTimer(activation, leftMs);
    else this.runOrPark(activation);
  }

  runOrPark(activation: Activation): void {
    if (this.#parts.life.mayBegin) this.#parts.onDue(activation);
    else this.#parked.push(activation);
  }

  /** Runs what came due while nothing could begin. */
  runParked(): void {
    const parked = this.#parked;
    this.#parked = [];
    // The code of the one before may have paused or ended the job again.
    for (const activation of parked) this.runOrPark(activation);
  }

  /** Gives up what is parked: the job is ending. */
  clear(): void {
    this.#parked = [];
  }

  #setTimer(activation: Activation, delayMs: number): void {
    const { life, clock } = this.#parts;
    if (life.isFrozen) return;
    activation.cancelTimer = clock.setTimer(delayMs, () => {
      activation.cancelTimer = undefined;
      this.runOrPark(activation);
    });
  }
}
