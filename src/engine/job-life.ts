import { InvalidStateError } from './errors.ts';
import type { JobClock } from './job-clock.ts';
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

/** The state of a job, and the way to its end; see `JobState` for what the states mean. */
export class JobLife {
  state: JobState = 'PENDING';
  /** What made the job fail, or the reason it was cancelled for, once it has ended. */
  error: unknown = undefined;
  /** Kept when the job has ended; never rejected. */
  readonly settled: Promise<JobResult>;
  readonly #jobId: string;
  readonly #parts: JobLifeParts;
  #ending: { readonly to: 'FAILED' | 'CANCELLED'; readonly reason: unknown } | undefined =
    undefined;
  #cancelEndGrace: (() => void) | undefined = undefined;
  #settle: (result: JobResult) => void = () => undefined;

  constructor(jobId: string, parts: JobLifeParts) {
    this.#jobId = jobId;
    this.#parts = parts;
    this.settled = new Promise((settle) => {
      this.#settle = settle;
    });
  }

  /** Whether activations may begin now. Any call into user code may change it. */
  get mayBegin(): boolean {
    return this.state === 'RUNNING' && this.#ending === undefined;
  }

  /** From when the job was ended until it has, and after. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  get endReason(): unknown {
    return this.#ending?.reason;
  }

  /** What is told to somebody who wants what the present state does not allow. */
  refusal(wanted: string): InvalidStateError {
    const state = this.isEnding ? `${this.state} and ending` : this.state;
    return new InvalidStateError(this.#jobId, state, wanted);
  }

  /** The only place where the state changes. */
  transition(to: JobState): void {
    const from = this.state;
    if (!NEXT_STATES[from].includes(to)) throw new InvalidStateError(this.#jobId, from, to);
    this.state = to;
    this.#parts.onStateChange(from);
  }

  /** Ends the job as soon as running code has ended or had its time. While it ends already nothing changes. */
  end(to: 'FAILED' | 'CANCELLED', reason: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = { to, reason };
    this.#parts.onEnding(reason);
    this.finishWhenQuiet();
    if (isFinalState(this.state)) return;
    this.#cancelEndGrace = this.#parts.clock.setTimer(this.#parts.endGraceMs, () => {
      this.#parts.onGraceOver();
      this.finishWhenQuiet();
    });
  }

  /** Takes the last step of an end that was waiting for running code. */
  finishWhenQuiet(): void {
    if (this.#ending === undefined || isFinalState(this.state) || !this.#parts.isQuiet()) return;
    this.#finish(this.#ending.to, this.#ending.reason);
  }

  /** Nothing is queued, in flight or due any more. */
  complete(): void {
    this.#finish('COMPLETED', undefined);
  }

  #finish(state: FinalJobState, error: unknown): void {
    this.#cancelEndGrace?.();
    const outputs = this.#parts.onFinish();
    this.error = error;
    this.transition(state);
    this.#settle({ state, outputs, error });
  }
}
