import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { Outcome, Probe } from './probe.ts';

export interface CheckLoopParts {
  readonly probe: Probe;
  readonly intervalMs: number;
  /** When the first check is, in milliseconds from now. */
  readonly firstAfterMs: number;
  readonly clock: Clock;
  /** Is handed what each check found. Must not throw. */
  readonly onOutcome: (outcome: Outcome) => void;
}

/**
 * Checks one service at a steady beat.
 *
 * *Waiting*: a timer is set for the next beat. *Checking*: a check is under way, and the timer of the next beat is set all the
 * same. A beat that comes while a check is under way is passed over: there are never two checks at once. *Stopped*: for good; what
 * a check that was under way finds is told to nobody.
 *
 * Beats are at `start + n × interval` on the monotonic clock, so that neither late timers nor slow checks make them drift.
 */
export class CheckLoop {
  readonly #parts: CheckLoopParts;
  /** When the next beat is, on the monotonic clock. */
  #dueMs: number;
  #cancelTimer: CancelTimer;
  #checking: Promise<Outcome> | undefined;
  #isStopped = false;

  constructor(parts: CheckLoopParts) {
    this.#parts = parts;
    this.#dueMs = parts.clock.monotonicMs() + parts.firstAfterMs;
    this.#cancelTimer = parts.clock.setTimer(parts.firstAfterMs, this.#beat);
  }

  /** Checks now; where a check is under way it is answered with what that finds. */
  checkNow(): Promise<Outcome> {
    this.#checking ??= this.#check();
    return this.#checking;
  }

  /** Checks no more, and lets go of all connections. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelTimer();
    this.#parts.probe.close();
  }

  #beat = (): void => {
    const { clock, intervalMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    const beats = Math.max(1, Math.ceil((nowMs - this.#dueMs) / intervalMs));
    this.#dueMs += beats * intervalMs;
    this.#cancelTimer = clock.setTimer(Math.max(0, this.#dueMs - nowMs), this.#beat);
    this.#checking ??= this.#check();
  };

  async #check(): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = await this.#parts.probe.check();
    } catch (error) {
      await undefined; // one that throws at once: who called has to have the promise first
      outcome = failedOutcome(messageOf(error)); // a probe that breaks its word
    }
    this.#checking = undefined;
    if (!this.#isStopped) this.#parts.onOutcome(outcome);
    return outcome;
  }
}

/** What is found of something that can't be looked at. */
export function failedOutcome(error: string, responseTimeMs = 0): Outcome {
  const failure = 'FAILED';
  return {
    status: 'UNHEALTHY',
    responseTimeMs,
    httpStatus: undefined,
    failure,
    error,
    details: undefined,
  };
}
