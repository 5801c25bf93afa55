import type { JobState } from '../engine/index.ts';
import { Histogram } from '../lib/histogram.ts';

/** How much time one row of the metrics of a flow covers. */
export type Resolution = 'MINUTE' | 'HOUR' | 'DAY';

/** In milliseconds. Minutes, hours and days are those of UTC, so all of them begin at multiples of these. */
export const RESOLUTION_MS: Readonly<Record<Resolution, number>> = {
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
};

export const RESOLUTIONS: readonly Resolution[] = ['MINUTE', 'HOUR', 'DAY'];

/** When the minute, hour or day begins that a moment is in; milliseconds since the Unix epoch. */
export function floorTo(resolution: Resolution, at: number): number {
  const size = RESOLUTION_MS[resolution];
  return Math.floor(at / size) * size;
}

/** The first beginning of a minute, hour or day that is not before a moment. */
export function ceilTo(resolution: Resolution, at: number): number {
  const size = RESOLUTION_MS[resolution];
  return Math.ceil(at / size) * size;
}

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
