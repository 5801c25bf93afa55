/**
 * PENDING → RUNNING ⇄ PAUSED → COMPLETED | FAILED | CANCELLED.
 *
 * PENDING: made, and waiting to be started or for a place among the running jobs.
 * RUNNING: activations begin.
 * PAUSED: none begins; those that run go on to their end, and what they emit is queued.
 * COMPLETED: nothing was queued, in flight or due any more.
 * FAILED, CANCELLED: it was ended. Between the request and this state the job is *ending*: nothing begins, running
 * code has seen its signal aborted, and is waited for up to a limit. What ignores it is listed as unresponsive.
 */
export type JobState = 'PENDING' | 'RUNNING' | 'PAUSED' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** The states that a job ends in and never leaves. */
export type FinalJobState = 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** The states that may follow each state. */
export const NEXT_STATES: Readonly<Record<JobState, readonly JobState[]>> = {
  PENDING: ['RUNNING', 'FAILED', 'CANCELLED'],
  RUNNING: ['PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED'],
  PAUSED: ['RUNNING', 'FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

/** Whether a job in this state has ended. */
export function isFinalState(state: JobState): state is FinalJobState {
  return NEXT_STATES[state].length === 0;
}

/** How a job ended. */
export interface JobResult<Outputs = Readonly<Record<string, unknown>>> {
  readonly state: FinalJobState;
  /** The values of each output, in the order they were emitted; the first `OUTPUT_LIMIT` of them. */
  readonly outputs: { readonly [K in keyof Outputs]: readonly Outputs[K][] };
  /** What made the job fail, or the reason it was cancelled for. */
  readonly error: unknown;
}

/** The most values of one output that a job keeps. */
export const OUTPUT_LIMIT = 1000;
