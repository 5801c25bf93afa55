import { backOffDelayMs } from '../lib/back-off.ts';
import { Activation, type ActivationOutcome } from './activation.ts';
import type { CodeHost } from './code-host.ts';
import { CodeWaits, isThenable } from './code-wait.ts';
import type { Delivery } from './delivery.ts';
import type { FinalErrorStrategy } from './error-strategy.ts';
import type { Inspection } from './inspection.ts';
import type { JobClock } from './job-clock.ts';
import type { JobLife } from './job-life.ts';
import type { JobNews } from './job-news.ts';
import type { ReadyList } from './ready-list.ts';
import { Reruns } from './reruns.ts';
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
  readonly delivery: Delivery;
  readonly inspection: Inspection;
}

/**
 * Leads the activations of a job through their life; see `ActivationPhase` for its stations. Where each step ends the
 * next begins, in the same call, unless there is something to wait for: then the activation is suspended, and a
 * promise, a timer, a delivery or the inspector takes it up again.
 */
export class ActivationRunner {
  /** Activations that outlive the call that began them: asynchronous, held, waiting for room or for a retry. */
  readonly suspended = new SuspendedActivations();
  /** Those of them whose code is to be run again. */
  readonly reruns: Reruns;
  readonly inspection: Inspection;
  /** Number of the newest activation. */
  count = 0;
  readonly #life: JobLife;
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;
  readonly #host: CodeHost;
  readonly #delivery: Delivery;
  readonly #waits: CodeWaits;

  constructor(parts: ActivationRunnerParts) {
    this.inspection = parts.inspection;
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#news = parts.news;
    this.#ready = parts.ready;
    this.#host = parts.host;
    this.#delivery = parts.delivery;
    this.#waits = new CodeWaits(parts.clock, (activation, hasFailed, error) =>
      this.#codeEndedLater(activation, hasFailed, error),
    );
    this.reruns = new Reruns({
      life: parts.life,
      clock: parts.clock,
      host: parts.host,
      onDue: (activation) => this.#runAgain(activation),
    });
  }

  // ── From the outside ───────────────────────────────────────────────────────────────────────────────────────────

  /** Begins an activation on items that were taken. */
  begin(routine: RoutineRun, items: readonly Item[]): void {
    const { nowMs } = this.#clock;
    routine.running++;
    routine.begun++;
    routine.lastActivationMs = nowMs;
    this.#begin(new Activation(routine, items, ++this.count, 1, nowMs));
  }

  /** Lets an activation go on that the inspector held. Any other is left alone. */
  release(activation: Activation): void {
    if (this.#life.isDecided || !activation.isSuspended) return;
    this.#clock.tick();
    if (activation.phase === 'HELD_BEFORE') {
      this.#runSuspended(activation);
    } else if (activation.phase === 'HELD_AFTER') {
      this.suspended.delete(activation);
      this.#goOnAfter(activation);
    } else if (activation.phase === 'RUNNING' && activation.staged !== undefined) {
      this.#releaseOutputs(activation);
      this.#waits.limitAgain(activation);
    } else if (activation.phase === 'RESTORED' && activation.staged !== undefined) {
      this.#runRestored(activation);
    }
    this.#ready.requestWork();
  }

  /** Ends an activation that is held before its code as SKIPPED, its code not run. Any other is left alone. */
  skip(activation: Activation): void {
    if (this.#life.isDecided || activation.phase !== 'HELD_BEFORE') return;
    this.#clock.tick();
    this.suspended.delete(activation);
    activation.startedMs = this.#clock.nowMs;
    this.#conclude(activation, 'SKIPPED');
    this.#ready.requestWork();
  }

  /** Keeps an emitted item back, if the inspector wants it. */
  keepsBack(activation: Activation, event: string, value: unknown): boolean {
    if (!this.inspection.holdsOutput(activation, event, value)) return false;
    this.#clock.tick();
    // How long a person looks at it says nothing of how long the code takes.
    activation.cancelTimer?.();
    activation.keepBack(event, value, this.#clock.nowMs);
    this.#news.version++;
    return true;
  }

  /** Takes up an activation whose outputs have all found their place, if its code has ended. */
  goOnDelivered(activation: Activation): void {
    if (activation.phase !== 'DELIVERING') return;
    this.suspended.delete(activation);
    activation.phase = 'RUNNING';
    this.#awaitDelivery(activation);
  }

  /** The job is ending: tells running code, and concludes all that only waits. */
  giveUpWaiting(reason: unknown): void {
    this.reruns.clear();
    this.#host.abort(reason);
    for (const activation of this.suspended) {
      if (activation.phase === 'RUNNING') {
        if (activation.staged !== undefined) this.#releaseOutputs(activation);
        continue;
      }
      this.suspended.delete(activation);
      activation.cancelTimer?.();
      if (activation.phase === 'RETRYING') this.#giveUp(activation, 'continue');
      else if (activation.phase === 'HELD_AFTER') this.#goOnAfter(activation);
      else {
        this.#deliverStaged(activation);
        this.#conclude(activation, 'ABANDONED');
      }
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

  /** The restored activations go on, each as it was captured. Code that runs again may pause or end the job. */
  enter(): void {
    for (const activation of this.suspended) {
      if (!activation.isSuspended || this.#staysHeld(activation)) continue;
      if (activation.phase === 'RESTORED') this.#runRestored(activation);
      else if (activation.phase === 'PARKED') this.reruns.runOrPark(activation);
      else if (activation.phase === 'RETRYING') this.reruns.reschedule(activation);
      else if (activation.phase === 'HELD_BEFORE') {
        activation.phase = 'RESTORED';
        this.reruns.runOrPark(activation);
      } else if (activation.phase === 'HELD_AFTER') {
        this.suspended.delete(activation);
        this.#goOnAfter(activation);
      } else if (activation.pending === 0) this.goOnDelivered(activation);
    }
  }

  #staysHeld(activation: Activation): boolean {
    const { phase, staged } = activation;
    const wasHeld = phase === 'HELD_BEFORE' || phase === 'HELD_AFTER' || staged !== undefined;
    return wasHeld && this.inspection.holds(activation, 'holdsRestored');
  }

  /** Its code runs again. What it had emitted stays emitted, also what was kept back: the code may be past that. */
  #runRestored(activation: Activation): void {
    this.#deliverStaged(activation);
    this.reruns.runOrPark(activation);
  }

  #deliverStaged(activation: Activation): void {
    const { staged = [] } = activation;
    activation.staged = undefined;
    this.#delivery.deliverAll(activation, staged);
  }

  #begin(activation: Activation): void {
    if (activation.routine.asksStarts) {
      if (this.inspection.holdsBefore(activation)) {
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
    if (lasts) {
      this.suspended.add(activation);
      this.#waits.wait(activation, result);
    } else this.#codeEnded(activation, false, undefined);
  }

  #runSuspended(activation: Activation): void {
    activation.phase = 'RUNNING';
    this.suspended.delete(activation);
    activation.startedMs = this.#clock.nowMs;
    if (activation.pending > 0) activation.resumeBlock(this.#clock.nowMs);
    this.#runCode(activation);
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
    // It may have failed before: a slot refused what was kept back.
    if (!activation.hasFailed) {
      activation.hasFailed = hasFailed;
      activation.error = error;
    }
    if (!activation.hasFailed && activation.staged === undefined) {
      this.#awaitDelivery(activation);
      return;
    }
    if (!this.#isHeldAfter(activation)) {
      this.#goOnAfter(activation);
      return;
    }
    this.#news.version++;
    this.#clock.tick();
    activation.holdAfter(this.#clock.nowMs);
    this.suspended.add(activation);
  }

  #isHeldAfter(activation: Activation): boolean {
    if (this.inspection.inspector === undefined || this.#life.isEnding) return false;
    // Asked also when outputs are kept back, so that the inspector knows of both.
    const isHeld = activation.hasFailed && this.inspection.holds(activation, 'holdsFailure');
    return isHeld || (activation.staged !== undefined && !this.#life.isEnding);
  }

  #releaseOutputs(activation: Activation): void {
    const outputs = activation.releaseOutputs(this.#clock.nowMs);
    this.#delivery.deliverAll(activation, outputs);
    activation.settleOutputs();
  }

  #goOnAfter(activation: Activation): void {
    this.#releaseOutputs(activation);
    this.#awaitDelivery(activation);
  }

  // ── After the code ─────────────────────────────────────────────────────────────────────────────────────────────

  #awaitDelivery(activation: Activation): void {
    // A failure that ends the job waits for no room: what is outside then is discarded with the rest.
    const endsJob = activation.hasFailed && activation.routine.definition.onError === 'stop';
    if (activation.pending > 0 && !endsJob) {
      activation.phase = 'DELIVERING';
      this.#news.version++;
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
    if (!this.reruns.isWorthIt(activation, strategy)) {
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
    this.suspended.add(activation);
    this.reruns.schedule(activation, backOffDelayMs(strategy, activation.attempt));
  }

  #runAgain(activation: Activation): void {
    this.#clock.tick();
    if (activation.phase === 'RETRYING') {
      const { routine, items, activationId, attempt } = activation;
      this.suspended.delete(activation);
      activation.phase = 'ENDED';
      const next = new Activation(routine, items, activationId, attempt + 1, this.#clock.nowMs);
      this.#runCode(next);
    } else if (activation.phase === 'PARKED') {
      activation.phase = 'RUNNING';
      this.suspended.delete(activation);
      activation.startedMs = this.#clock.nowMs;
      this.#begin(activation);
    } else this.#runSuspended(activation);
    this.#ready.requestWork();
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
