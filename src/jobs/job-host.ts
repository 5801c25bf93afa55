import type { Flow, JobState, LogLevel } from '../engine/index.ts';
import type { ReadingSink } from '../monitoring/job-sampler.ts';
import type {
  ActivationRecord,
  DurationReading,
  FailureReading,
  JobReading,
  LogRecord,
} from '../monitoring/readings.ts';
import type { TraceCounts, TraceFilter, TraceQuery } from '../monitoring/trace-page.ts';
import type { KeptOutput } from './job.ts';

/** What a host needs to know to run a job. */
export interface HostedJob {
  readonly jobId: string;
  readonly flow: Flow;
  readonly input: unknown;
  readonly priority: number;
}

/** A job on a host came to another state. */
export interface HostedStateChange {
  readonly jobId: string;
  readonly from: JobState;
  readonly state: JobState;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Of a job that failed. */
  readonly error: FailureReading | undefined;
  /** Of a job that has ended, by name. */
  readonly outputs: Readonly<Record<string, KeptOutput>>;
  readonly unresponsiveRoutineIds: readonly string[];
}

/** A routine of a job on a host wrote to the log. */
export interface HostedLogLine {
  readonly jobId: string;
  readonly flowId: string;
  readonly routineId: string;
  readonly level: LogLevel;
  readonly message: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Told by a host what happens to its jobs. What is told returns at once. */
export interface JobHostListener {
  stateChanged(change: HostedStateChange): void;
  logged(line: HostedLogLine): void;
}

/**
 * Where jobs run. The API asks every question about a running job through this port and waits for the answer, so
 * that the job may as well live in another process: all that passes is plain data, except the flow itself, which
 * a remote host finds by its id.
 *
 * A host remembers the readings of a job that has ended until it is told to forget it; traces and logs of the
 * oldest ended jobs may go sooner.
 */
export interface JobHost {
  /** Takes a job. @throws InvalidInputError, EngineClosedError */
  start(job: HostedJob): Promise<void>;
  /** @throws InvalidStateError, NotFoundError when it does not run here or has ended; so does `resume` */
  pause(jobId: string): Promise<void>;
  resume(jobId: string): Promise<void>;
  /**
   * Is kept when the job has ended, which its running code may delay up to a limit. A job that is ending already is
   * waited for.
   * @throws NotFoundError as `pause`
   */
  cancel(jobId: string): Promise<void>;
  forget(jobId: string): Promise<void>;
  /** In the order of the ids; `undefined` for a job that the host does not know. */
  read(jobIds: readonly string[]): Promise<(JobReading | undefined)[]>;
  /** By routine id; empty for a job that the host does not know. So are the others. */
  readDurations(jobId: string): Promise<ReadonlyMap<string, DurationReading>>;
  readTrace(jobId: string, query: TraceQuery): Promise<readonly ActivationRecord[]>;
  countTrace(jobId: string, filter: TraceFilter): Promise<TraceCounts>;
  readLogs(jobId: string): Promise<readonly LogRecord[]>;
  /** Hands `sink` the job's present reading, then changed ones, then ends. The answer stops that. */
  watch(jobId: string, rateHz: number, sink: ReadingSink): () => void;
  /** Ends all jobs. */
  close(): Promise<void>;
}
