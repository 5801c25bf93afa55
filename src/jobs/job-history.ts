import type {
  ActivationRecord,
  DurationReading,
  JobReading,
  LogRecord,
} from '../monitoring/readings.ts';
import type { TraceCounts, TraceFilter, TraceQuery } from '../monitoring/trace-page.ts';
import type { KeptOutput } from './job.ts';

/** What is kept of jobs in the database, besides the jobs themselves. Lists answer in the order of the ids. */
export interface JobHistory {
  readReadings(jobIds: readonly string[]): Promise<(JobReading | undefined)[]>;
  readDurations(
    jobIds: readonly string[],
  ): Promise<(ReadonlyMap<string, DurationReading> | undefined)[]>;
  readOutputs(
    jobIds: readonly string[],
  ): Promise<(Readonly<Record<string, KeptOutput>> | undefined)[]>;
  readTrace(jobId: string, query: TraceQuery): Promise<readonly ActivationRecord[]>;
  /** @param before counts only what comes before this place; what is dropped is counted as always */
  countTrace(jobId: string, filter: TraceFilter, before?: number): Promise<TraceCounts>;
  readLogs(jobId: string, query: LogQuery): Promise<readonly LogRecord[]>;
  countLogs(jobId: string, filter: LogFilter, before?: number): Promise<number>;
  /** Takes down activations, to be written soon. Those it has already are replaced. */
  keepTrace(jobId: string, records: readonly ActivationRecord[]): void;
  keepLogs(jobId: string, records: readonly LogRecord[]): void;
  /** Removes what is in the trace up to this place. */
  trimTrace(jobId: string, upTo: number): void;
  /** The highest places in the trace and the log of a job that are taken; 0 for none. */
  readLastPlaces(jobId: string): Promise<{ readonly trace: number; readonly log: number }>;
  /** Is kept when all that was handed in is written, or was given up. */
  flush(): Promise<void>;
}

export interface LogFilter {
  readonly routineIds?: readonly string[] | undefined;
  readonly levels?: readonly string[] | undefined;
}

/** A page of a log, which is in the order it was written. */
export interface LogQuery {
  readonly filter: LogFilter;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
  readonly fromEnd: boolean;
}
