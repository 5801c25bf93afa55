import { isFinalState, type JobState } from '../engine/index.ts';
import { DomainError } from '../lib/domain-error.ts';
import type { DurationReading, FailureReading, JobReading } from '../monitoring/readings.ts';

/** One run of a flow on one input, as it is kept. Times are in milliseconds since the Unix epoch. */
export interface Job {
  /** UUID version 7: as text, ids sort by creation. */
  readonly id: string;
  /** Whose it is: only viewers of this tenant learn of it. It never changes. */
  readonly tenant: string;
  readonly flowId: string;
  readonly state: JobState;
  /** As it was handed in, before the flow's input schema filled in defaults. */
  readonly input: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly owner: string | undefined;
  readonly priority: number;
  readonly idempotencyKey: string | undefined;
  /** The job that this one tries again. */
  readonly retryOf: string | undefined;
  /** Of a job that begins in the middle of another: where. */
  readonly rerunOf?: JobOrigin | undefined;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** When its end was asked for; running code may take a while to follow. */
  readonly cancelRequestedAt: number | undefined;
  /** Why it failed. */
  readonly error: FailureReading | undefined;
  /** Routines whose code did not end in time after the job was ended. */
  readonly unresponsiveRoutineIds: readonly string[];
  /** How it was taken up again after the process it ran in had ended; `undefined` when that never happened. */
  readonly recovery: JobRecovery | undefined;
}

/** The activation of another job that a job begins with. */
export interface JobOrigin {
  readonly jobId: string;
  readonly activationId: number;
  readonly routineId: string;
  /** Hash of how its items were edited; `undefined` for items as they were. */
  readonly edits: string | undefined;
}

/** A job was taken up again by another process than the one it ran in. */
export interface JobRecovery {
  /** How often, in all. */
  readonly count: number;
  /** How many of the latest of them followed crashes, with no stable time between. */
  readonly crashCount: number;
  /** When it was taken up last. */
  readonly at: number;
  /** When the checkpoint was taken that it went on from; `undefined` when it began again from its start. */
  readonly from: number | undefined;
}

/** What is kept of a job that has ended, besides the job itself, its trace and its log. */
export interface JobResults {
  /** What it put out, by name. */
  readonly outputs: Readonly<Record<string, KeptOutput>>;
  /** As it was at its end. */
  readonly reading: JobReading;
  /** By routine id. */
  readonly durations: ReadonlyMap<string, DurationReading>;
  /** How many activations ended, those not in its trace any more included. */
  readonly traceTotal: number;
}

/** What is kept of an output of a job that has ended. */
export interface KeptOutput {
  /** The first values, as JSON can write them. */
  readonly values: readonly unknown[];
  /** How many values there were, those not kept included. */
  readonly count: number;
}

/** How long the job has run, or ran, in milliseconds; `undefined` before it started. */
export function durationMs(job: Job, now: number): number | undefined {
  if (job.startedAt === undefined) return undefined;
  return (job.finishedAt ?? now) - job.startedAt;
}

export function hasEnded(job: Job): boolean {
  return isFinalState(job.state);
}

/** A job can't do what was asked of it now. */
export class InvalidJobStateError extends DomainError {
  readonly code = 'INVALID_STATE';
  readonly state: JobState;

  constructor(job: Pick<Job, 'id' | 'state'>, wanted: string, advice = '') {
    super(`Job ${job.id} is ${job.state} and can't be ${wanted}. ${advice}`.trimEnd());
    this.state = job.state;
  }
}

/** An idempotency key was used before, for another request. */
export class IdempotencyConflictError extends DomainError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
  readonly jobId: string;

  constructor(key: string, jobId: string) {
    super(
      `The idempotency key "${key}" was used for job ${jobId}, which has another flow, input or beginning. Use a new key.`,
    );
    this.jobId = jobId;
  }
}

/** No job is accepted any more: the server is on its way out. */
export class ShuttingDownError extends DomainError {
  readonly code = 'SHUTTING_DOWN';

  constructor() {
    super('The server is shutting down and takes no more jobs. Try again when it is back.');
  }
}
