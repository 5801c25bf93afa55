import type { JobState } from '../engine/index.ts';
import { Histogram } from '../lib/histogram.ts';

/** What is counted of a job that has ended. */
export interface EndedJob {
  readonly id: string;
  readonly tenant: string;
  readonly flowId: string;
  readonly state: JobState;
  /** Milliseconds since the Unix epoch. */
  readonly finishedAt: number;
  /** From start to end; `undefined` when it never started. */
  readonly durationMs: number | undefined;
  /** Activations that ended. */
  readonly executionCount: number;
  /** Those that failed. */
  readonly errorCount: number;
}

/** What became of the jobs of a flow in some stretch of time. */
export class Tally {
  completedCount = 0;
  failedCount = 0;
  cancelledCount = 0;
  executionCount = 0;
  errorCount = 0;
  /** How long the jobs took that completed or failed. A cancelled one tells nothing about how long its flow takes. */
  readonly durations: Histogram;

  constructor(durations = new Histogram()) {
    this.durations = durations;
  }

  /** Counts one job. */
  add({ state, durationMs, executionCount, errorCount }: EndedJob): void {
    if (state === 'COMPLETED') this.completedCount++;
    else if (state === 'FAILED') this.failedCount++;
    else this.cancelledCount++;
    if (durationMs !== undefined && state !== 'CANCELLED') this.durations.record(durationMs);
    this.executionCount += executionCount;
    this.errorCount += errorCount;
  }

  /** Adds all that another tally counted. */
  merge(other: Tally): void {
    this.completedCount += other.completedCount;
    this.failedCount += other.failedCount;
    this.cancelledCount += other.cancelledCount;
    this.executionCount += other.executionCount;
    this.errorCount += other.errorCount;
    this.durations.merge(other.durations);
  }
}
