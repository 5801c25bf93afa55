import type { DomainError } from '../lib/domain-error.ts';
import { captureError, restoreError } from './error-snapshot.ts';
import { EngineClosedError, InvalidStateError } from './errors.ts';
import type { JobClock } from './job-clock.ts';
import type { JobSnapshot } from './job-snapshot.ts';
import {
  type FinalJobState,
  isFinalState,
  type JobResult,
  type JobState,
  NEXT_STATES,
} from './job-state.ts';

/** What a job's life asks of the rest of the job. */
export interface JobLifeParts {
  readonly clock: JobClock;
  /** How long running code may take to end after the job was ended, in milliseconds. */
  readonly endGraceMs: number;
  readonly onStateChange: (from: JobState) => void;
  /** Called once, when the job begins to end: nothing may begin any more, and all that only waits is to be given up. */
  readonly onEnding: (reason: unknown) => void;
  /** Called at most once, when running code has had its time: it is to be given up too. */
  readonly onGraceOver: () => void;
  /** Called once, right before the final state: what is left is to be put away. Answers the job's outputs. */
  readonly onFinish: () => JobResult['outputs'];
  /** Whether no activation runs, waits or is held. */
  readonly isQuiet: () => boolean;
}

/**
 * The state of a job, and the way to its end; see `JobState` for what the states mean.
 *
 * A restored job has the state that was captured from the beginning, so there is no change to tell; but nothing begins
 * in it until it has a place (`enter`). In a frozen one nothing begins any more, and it stays in its state for good.
 */
export class JobLife {
  state: JobState = 'PENDING';
  /** Whether activations may begin now. Any call into user code may change it. Only this class does. */
  mayBegin = false;
  isFrozen = false;
  /** False for a restored job until it goes on. */
  hasPlace = true;
  /** Whether code that still runs is to stop. */
  isStopping = false;
  /** What made the job fail, or the reason it was cancelled for, once it has ended. */
  error: unknown = undefined;
  /** Kept when the job has ended; never rejected. */
  readonly settled: Promise<JobResult>;
  readonly #jobId: string;
  readonly #parts: JobLifeParts;
  #ending: { readonly to: 'FAILED' | 'CANCELLED'; readonly reason: unknown } | undefined =
    undefined;
  #stopReason: unknown = undefined;
  #cancelEndGrace: (() => void) | undefined = undefined;
  #settle: (result: JobResult) => void = () => undefined;

  constructor(jobId: string, parts: JobLifeParts) {
    this.#jobId = jobId;
    this.#parts = parts;
    this.settled = new Promise((settle) => {
      this.#settle = settle;
    });
  }

  /** From when the job was ended until it has, and after. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether nobody can change any more what becomes of the job: it is ending, or frozen. */
  get isDecided(): boolean {
    return this.isEnding || this.isFrozen;
  }

  /** What code that is to stop is told. */
  get stopReason(): unknown {
    return this.#stopReason;
  }

  /** What is told to somebody who wants what the present state does not allow. */
  refusal(wanted: string): DomainError {
    if (this.isFrozen) return new EngineClosedError();
    const state = this.isEnding ? `${this.state} and ending` : this.state;
    return new InvalidStateError(this.#jobId, state, wanted);
  }

  /** The only place where the state changes. */
  transition(to: JobState): void {
    const from = this.state;
    if (!NEXT_STATES[from].includes(to)) throw new InvalidStateError(this.#jobId, from, to);
    this.state = to;
    this.#decideMayBegin();
    this.#parts.onStateChange(from);
  }

  /** Ends the job as soon as running code has ended or had its time. While it ends already nothing changes. */
  end(to: 'FAILED' | 'CANCELLED', reason: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = { to, reason };
    this.#beginEnd(reason);
  }

  #beginEnd(reason: unknown): void {
    this.isStopping = true;
    this.#stopReason = reason;
    this.#decideMayBegin();
    this.#parts.onEnding(reason);
    this.finishWhenQuiet();
    if (isFinalState(this.state) || this.isFrozen) return;
    this.#cancelEndGrace = this.#parts.clock.setTimer(this.#parts.endGraceMs, () => {
      this.#parts.onGraceOver();
      this.finishWhenQuiet();
    });
  }

  /** Takes the last step of an end that was waiting for running code. */
  finishWhenQuiet(): void {
    if (this.#ending === undefined || this.isFrozen || isFinalState(this.state)) return;
    if (!this.#parts.isQuiet()) return;
    this.#finish(this.#ending.to, this.#ending.reason);
  }

  /** Nothing is queued, in flight or due any more. */
  complete(): void {
    this.#finish('COMPLETED', undefined);
  }

  // ── From one process to the next ───────────────────────────────────────────────────────────────────────────────

  /** @throws InvalidStateError when the job has not started or has ended */
  capture(): Pick<JobSnapshot, 'state' | 'ending'> {
    const { state } = this;
    if (state !== 'RUNNING' && state !== 'PAUSED') {
      throw new InvalidStateError(this.#jobId, state, 'captured');
    }
    if (this.#ending === undefined) return { state, ending: undefined };
    const { to, reason } = this.#ending;
    return { state, ending: { to, error: captureError(reason) } };
  }

  /** Takes over what was captured; tells nobody. Nothing goes on before `enter`. */
  restore({ state, ending }: Pick<JobSnapshot, 'state' | 'ending'>): void {
    this.state = state;
    this.hasPlace = false;
    if (ending !== undefined) this.#ending = { to: ending.to, reason: restoreError(ending.error) };
  }

  /** A restored job goes on. One that was ending goes on with that. */
  enter(): void {
    this.hasPlace = true;
    this.#decideMayBegin();
    if (this.#ending !== undefined && !isFinalState(this.state))
      this.#beginEnd(this.#ending.reason);
  }

  /** From now on nothing begins, and the state does not change. */
  freeze(): void {
    this.isFrozen = true;
    this.#decideMayBegin();
    this.#cancelEndGrace?.();
  }

  /** Code that still runs in the frozen job is to stop. */
  stopCode(reason: unknown): void {
    this.isStopping = true;
    this.#stopReason ??= reason;
  }

  #decideMayBegin(): void {
    this.mayBegin =
      this.state === 'RUNNING' && this.#ending === undefined && this.hasPlace && !this.isFrozen;
  }

  #finish(state: FinalJobState, error: unknown): void {
    this.#cancelEndGrace?.();
    const outputs = this.#parts.onFinish();
    this.error = error;
    this.transition(state);
    this.#settle({ state, outputs, error });
  }
}
