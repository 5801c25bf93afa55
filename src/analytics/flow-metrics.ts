import { readDurations } from '../monitoring/durations.ts';
import type { DurationReading } from '../monitoring/readings.ts';
import type { OpenJobs } from './flow-metrics-store.ts';
import type { Tally } from './tally.ts';

/** What became of the jobs of a flow that ended in some stretch of time. */
export interface JobFigures {
  readonly completedCount: number;
  readonly failedCount: number;
  readonly cancelledCount: number;
  /** All three. */
  readonly finishedCount: number;
  /** Completed ones as a share of those that completed or failed, 0.0–1.0; `undefined` when there were none. */
  readonly successRate: number | undefined;
  /** How long those took from start to end that completed or failed. */
  readonly durations: DurationReading;
  /** Activations in these jobs that ended. */
  readonly executionCount: number;
  /** Those that failed. */
  readonly errorCount: number;
  /** Failed activations as a share of all, 0.0–1.0; `undefined` when there were none. */
  readonly errorRate: number | undefined;
}

/** The figures of a flow: of a stretch of time, and how many of its jobs there are now that have not ended. */
export interface FlowMetrics extends JobFigures, OpenJobs {
  /** Jobs that ended in `[since, until)` are counted; milliseconds since the Unix epoch. `undefined` for none ever. */
  readonly since: number | undefined;
  readonly until: number;
  /** Jobs that ended, for each hour from `since` to `until` or to now, whichever is first. */
  readonly jobsPerHour: number;
}

/** The figures of a minute, hour or day. */
export interface FlowMetricsPoint extends JobFigures {
  /** Jobs that ended in `[startAt, endAt)` are counted; milliseconds since the Unix epoch. */
  readonly startAt: number;
  readonly endAt: number;
}

export function figuresOf(tally: Tally): JobFigures {
  const { completedCount, failedCount, cancelledCount, executionCount, errorCount } = tally;
  return {
    completedCount,
    failedCount,
    cancelledCount,
    finishedCount: completedCount + failedCount + cancelledCount,
    successRate: shareOf(completedCount, completedCount + failedCount),
    durations: readDurations(tally.durations),
    executionCount,
    errorCount,
    errorRate: shareOf(errorCount, executionCount),
  };
}

function shareOf(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
