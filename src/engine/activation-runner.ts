import { backOffDelayMs } from '../lib/back-off.ts';
import { messageOf } from '../lib/domain-error.ts';
import { Activation, type ActivationOutcome } from './activation.ts';
import type { CodeHost } from './code-host.ts';
import { CodeWaits } from './code-wait.ts';
import type { FinalErrorStrategy } from './error-strategy.ts';
import { ActivationTimeoutError } from './errors.ts';
import { Inspection } from './inspection.ts';
import type { JobClock } from './job-clock.ts';
import type { JobLife } from './job-life.ts';
import type { JobNews } from './job-news.ts';
import type { ReadyList } from './ready-list.ts';
import type { RoutineRun } from './routine-run.ts';
import type { Item } from './slot-queue.ts';
import { SuspendedActivations } from './suspended-activations.ts';

/** What an activation runner is put together from. */
export interface ActivationRunnerParts {
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  readonly host: CodeHost;
}

/**
 * Leads the activations of a job through their life; see `ActivationPhase` for its stations. Where each step ends the
 * next begins, in the same call, unless there is something to wait for: then the activation is suspended, and a
 * promise, a timer, a delivery or the inspector takes it up again.
 */
export class ActivationRunner {
  /** Activations that outlive the call that began them: asynchronous, held, waiting for room or for a retry. */
  readonly suspended = new SuspendedActivations();
  readonly inspection: Inspection;
  readonly #life: JobLife;
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;
  readonly #host: CodeHost;
  readonly #waits = new CodeWaits((activation, hasFailed, error) =>
    this.#codeEndedLater(activation, hasFailed, error),
  );
  /** Retries that came due while the job was paused. */
  #parked: Activation[] = [];
  #count = 0;

  constructor(parts: ActivationRunnerParts) {
    this.inspection = new Inspection(parts.host);
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#news = parts.news;
    this.#ready = parts.ready;
    this.#host = parts.host;
  }

  // ── From the outside ───────────────────────────────────────────────────────────────────────────────────────────

  /** Begins an activation on items that were taken. */
  begin(routine: RoutineRun, items: readonly Item[]): void {
    const { nowMs } = this.#clock;
    routine.running++;
    routine.begun++;
    routine.lastActivationMs = nowMs;
    const activation = new Activation(routine, items, ++this.#count, 1, nowMs);
    if (this.inspection.inspector !== undefined) {
      this.inspection.stage(activation);
      if (this.inspection.holds(activation, 'holdsBefore')) {
        activation.phase = 'HELD_BEFORE';
        this.suspended.add(activation);
        return;
      }
      if (this.#life.isEnding) {
        this.#conclude(activation, 'ABANDONED');
        return;
      }
    }
    this.#runCode(activation);
  }

  /** Lets an activation go on that the inspector held. Any other is left alone. */
  release(activation: Activation): void {
    if (this.#life.isEnding || !activation.isSuspended) return;
    this.#clock.tick();
    if (activation.phase === 'HELD_BEFORE') {
      activation.phase = 'RUNNING';
      this.suspended.delete(activation);
      activation.startedMs = this.#clock.nowMs;
      this.#runCode(activation);
    } else if (activation.phase === 'HELD_AFTER') {
      this.suspended.delete(activation);
      this.#deliverStaged(activation);
    }
    this.#ready.requestWork();
  }

  /** Takes up an activation whose outputs have all found their place, if its code has ended. */
  goOnDelivered(activation: Activation): void {
    if (activation.phase !== 'DELIVERING') return;
    this.suspended.delete(activation);
    activation.phase = 'RUNNING';
    this.#awaitDelivery(activation);
  }

  /** Runs again what came due while the job was paused. */
  runParked(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const activation of parked) {
      // The code of the one before may have paused or ended the job again.
      if (this.#life.mayBegin) this.#runAgain(activation);
      else this.#parked.push(activation);
    }
  }

  /** The job is ending: tells running code, and concludes all that only waits. */
  giveUpWaiting(reason: unknown): void {
    this.#parked = [];
    this.#host.abort(reason);
    for (const activation of this.suspended) {
      if (activation.phase === 'RUNNING') continue;
      this.suspended.delete(activation);
      activation.cancelTimer?.();
      if (activation.phase === 'RETRYING') this.#giveUp(activation, 'continue');
      else if (activation.phase === 'HELD_AFTER') this.#deliverStaged(activation);
      else this.#conclude(activation, 'ABANDONED');
    }
  }

  /** Concludes also what still runs. */
  giveUpRunning(): void {
    const left = [...this.suspended];
    for (const activation of left) this.suspended.delete(activation);
    for (const activation of left) {
      activation.cancelTimer?.();
      this.#conclude(activation, 'ABANDONED');
    }
  }

  // ── The code ───────────────────────────────────────────────────────────────────────────────────────────────────

  #runCode(activation: Activation): void {
    const { routine } = activation;
    let result: unknown;
    let lasts: boolean;
    try {
      // The inputs are in the shape the policy declares, which `defineRoutine` checked the code against.
      result = routine.definition.type.run(
        routine.inputsFrom(activation.items) as never,
        activation as never,
      );
      // Code that answers what `emit` gave it has ended: only its outputs wait.
      lasts = isThenable(result) && !activation.isDelivery(result);
    } catch (error) {
      this.#codeEnded(activation, true, error);
      return;
    }
    if (lasts) this.#waitFor(activation, result);
    else this.#codeEnded(activation, false, undefined);
  }

  #waitFor(activation: Activation, result: unknown): void {
    this.suspended.add(activation);
    const { timeoutMs } = activation.routine.definition;
    if (timeoutMs !== undefined) this.#limitTime(activation, timeoutMs);
    this.#waits.wait(activation, result);
  }

  #limitTime(activation: Activation, timeoutMs: number): void {
    activation.cancelTimer = this.#clock.setTimer(timeoutMs, () => {
      const error = new ActivationTimeoutError(activation.routine.id, timeoutMs);
      activation.abort(error);
      this.#codeEndedLater(activation, true, error);
    });
  }

  #codeEndedLater(activation: Activation, hasFailed: boolean, error: unknown): void {
    // The code may end after its activation did: it timed out, or the job did not wait any longer.
    if (activation.phase !== 'RUNNING') return;
    activation.cancelTimer?.();
    this.suspended.delete(activation);
    this.#codeEnded(activation, hasFailed, error);
    this.#ready.requestWork();
  }

  #codeEnded(activation: Activation, hasFailed: boolean, error: unknown): void {
    activation.hasFailed = hasFailed;
    activation.error = error;
    if (activation.staged === undefined) {
      this.#awaitDelivery(activation);
    } else if (!this.#life.isEnding && this.inspection.holds(activation, 'holdsAfter')) {
      activation.phase = 'HELD_AFTER';
      this.#clock.tick();
      activation.beginBlock(this.#clock.nowMs);
      this.suspended.add(activation);
    } else {
      this.#deliverStaged(activation);
    }
  }

  #deliverStaged(activation: Activation): void {
    const { staged = [], routine } = activation;
    if (activation.phase === 'HELD_AFTER') activation.endBlock(this.#clock.nowMs);
    activation.staged = undefined;
    for (const { event, value } of staged) {
      const targets = routine.targets.get(event);
      if (targets === undefined) continue;
      try {
        this.#host.deliver(activation, event, targets, value);
      } catch (error) {
        // The code can't be told any more. What it emitted after this one is not lost.
        if (!activation.hasFailed) activation.error = error;
        activation.hasFailed = true;
      }
    }
    this.#awaitDelivery(activation);
  }

  // ── After the code ─────────────────────────────────────────────────────────────────────────────────────────────

  #awaitDelivery(activation: Activation): void {
    // A failure that ends the job waits for no room: what is outside then is discarded with the rest.
    const endsJob = activation.hasFailed && activation.routine.definition.onError === 'stop';
    if (activation.pending > 0 && !endsJob) {
      activation.phase = 'DELIVERING';
      this.suspended.add(activation);
    } else if (activation.hasFailed) {
      this.#handleFailure(activation);
    } else {
      this.#conclude(activation, 'COMPLETED');
    }
  }

  #handleFailure(activation: Activation): void {
    const strategy = activation.routine.definition.onError;
    if (typeof strategy === 'string') {
      this.#giveUp(activation, strategy);
      return;
    }
    let isWorthIt = activation.attempt < strategy.maxAttempts && !this.#life.isEnding;
    try {
      if (isWorthIt) isWorthIt = strategy.retryOn?.(activation.error) ?? true;
    } catch (error) {
      this.#host.writeLog(activation, 'WARNING', `retryOn failed: ${messageOf(error)}`);
      isWorthIt = false;
    }
    if (!isWorthIt) {
      this.#giveUp(activation, strategy.then);
      return;
    }
    activation.routine.retried++;
    this.#tell(activation, 'RETRIED');
    activation.phase = 'RETRYING';
    if (this.#life.isEnding) {
      // An observer ended the job just now.
      this.#giveUp(activation, 'continue');
      return;
    }
    this.#retryAfter(activation, backOffDelayMs(strategy, activation.attempt));
  }

  #retryAfter(activation: Activation, delayMs: number): void {
    this.suspended.add(activation);
    activation.retryDueMs = this.#clock.readMs() + delayMs;
    activation.cancelTimer = this.#clock.setTimer(delayMs, () => {
      activation.cancelTimer = undefined;
      if (this.#life.state === 'RUNNING') {
        this.#runAgain(activation);
        this.#ready.requestWork();
      } else this.#parked.push(activation);
    });
  }

  #runAgain(failed: Activation): void {
    const { routine, items, activationId, attempt } = failed;
    this.suspended.delete(failed);
    failed.phase = 'ENDED';
    this.#clock.tick();
    const next = new Activation(routine, items, activationId, attempt + 1, this.#clock.nowMs);
    this.inspection.stage(next);
    this.#runCode(next);
  }

  #giveUp(activation: Activation, strategy: FinalErrorStrategy): void {
    activation.routine.lastError = activation.error;
    this.#conclude(activation, strategy === 'skip' ? 'SKIPPED' : 'FAILED');
    if (strategy === 'stop') this.#life.end('FAILED', activation.error);
  }

  /** Acknowledges the items, once, and makes room for the next activation. */
  #conclude(activation: Activation, outcome: Exclude<ActivationOutcome, 'RETRIED'>): void {
    const { routine, items } = activation;
    for (const { slot } of items) slot.acknowledge(outcome);
    routine.running--;
    if (outcome === 'COMPLETED') routine.completed++;
    else if (outcome === 'FAILED') routine.failed++;
    else if (outcome === 'SKIPPED') routine.skipped++;
    if (outcome !== 'ABANDONED') routine.lastOutcome = outcome;
    // The end of a run that waited for another attempt was told when it failed.
    if (activation.phase === 'RETRYING') activation.phase = 'ENDED';
    else this.#tell(activation, outcome);
    if (this.#life.isEnding) this.#life.finishWhenQuiet();
    else if (routine.waiting > 0) this.#ready.wake(routine);
  }

  #tell(activation: Activation, outcome: ActivationOutcome): void {
    activation.outcome = outcome;
    activation.phase = 'ENDED';
    this.#news.version++;
    this.#host.unlisten(activation);
    if (!this.#news.isWatched) return;
    this.#clock.tick();
    activation.endedMs = this.#clock.nowMs;
    this.#news.tellActivation(activation);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
