import type { DebugHost, DebugStart } from '../debugger/debug-host.ts';
import type { Flow, JobState, LogLevel } from '../engine/index.ts';
import type { MonitorSnapshot } from '../monitoring/job-monitor.ts';
import type { ReadingSink } from '../monitoring/job-sampler.ts';
import type {
  ActivationRecord,
  DurationReading,
  FailureReading,
  JobReading,
  LogRecord,
  RecordedItems,
  TraceLinks,
} from '../monitoring/readings.ts';
import type { TraceCounts, TraceFilter, TraceQuery } from '../monitoring/trace-page.ts';
import type { OfJob } from '../pubsub/topics.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { JobResults, KeptOutput } from './job.ts';

/** What a host needs to know to run a job. */
export interface HostedJob {
  readonly jobId: string;
  readonly tenant: string;
  readonly flow: Flow;
  readonly input: unknown;
  readonly priority: number;
  /** Of a job that begins in the middle of another: the routine, and its items as text of `writeItems`. */
  readonly from?: { readonly routineId: string; readonly items: string } | undefined;
  /** With true it stands still, as PAUSED, right after its start. Default false. */
  readonly isPaused?: boolean | undefined;
  /** How it is debugged from its beginning, or from where it is restored. Default: not at all. */
  readonly debug?: DebugStart | undefined;
  /** What was counted of it before, when it has run before: its trace and its log are numbered on. */
  readonly before?: MonitorSnapshot | undefined;
}

/** The items of an activation, as they are now. */
export interface ActivationItems {
  readonly routineId: string;
  readonly recorded: RecordedItems;
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
  /** Of a job that has ended, unless they could not be told. */
  readonly results: JobResults | undefined;
  readonly unresponsiveRoutineIds: readonly string[];
}

/** A routine of a job on a host wrote to the log. */
export interface HostedLogLine extends OfJob {
  readonly routineId: string;
  readonly level: LogLevel;
  readonly message: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Of a line that a breakpoint wrote. */
  readonly breakpointId?: string | undefined;
}

/** What a host has to tell of a job's past: to be written down soon. */
export interface HostedRecords {
  readonly jobId: string;
  /** Activations of its trace that are new. */
  readonly trace: readonly ActivationRecord[];
  /** Those up to this place in the trace are not wanted any more. */
  readonly traceGoneTo: number;
  /** Lines of its log that are new. */
  readonly logs: readonly LogRecord[];
}

/** Told by a host what happens to its jobs. */
export interface JobHostListener {
  /**
   * Asked when there is a place for a job that has not run before, before any of its code runs. The job is started
   * when the answer is kept. With `isPaused` it stands still right after.
   */
  starting(job: OfJob, isPaused: boolean): Promise<void>;
  stateChanged(change: HostedStateChange): void;
  logged(line: HostedLogLine): void;
  recorded(records: HostedRecords): void;
  /** Is kept when the checkpoint is stored. */
  checkpointed(jobId: string, checkpoint: Checkpoint): Promise<void>;
}

/**
 * Where jobs run. The API asks every question about a running job through this port and waits for the answer, so
 * that the job may as well live in another process: all that passes is plain data, except the flow itself, which
 * a remote host finds by its id.
 *
 * A host knows a job that has ended until it is told to forget it.
 */
export interface JobHost {
  /** Takes a job. @throws InvalidInputError, EngineClosedError */
  start(job: HostedJob): Promise<void>;
  /**
   * Goes on with a job where a checkpoint of it was taken.
   * @throws FlowChangedError, CheckpointError, EngineClosedError
   */
  restore(job: HostedJob, checkpoint: Checkpoint): Promise<void>;
  /** @throws InvalidStateError, NotFoundError when it does not run here or has ended; so does `resume` */
  pause(jobId: string): Promise<void>;
  /** Lets also what is held at a breakpoint go on. */
  resume(jobId: string): Promise<void>;
  /**
   * Is kept when the job has ended, which its running code may delay up to a limit. A job that is ending already is
   * waited for.
   * @throws NotFoundError as `pause`
   */
  cancel(jobId: string): Promise<void>;
  forget(jobId: string): Promise<void>;
  /** Jobs that it has and that have not ended, also those that wait for a place. */
  listRunning(): Promise<readonly OfJob[]>;
  /** In the order of the ids; `undefined` for a job that the host does not know. So are the others. */
  read(jobIds: readonly string[]): Promise<(JobReading | undefined)[]>;
  /** By routine id. */
  readDurations(
    jobIds: readonly string[],
  ): Promise<(ReadonlyMap<string, DurationReading> | undefined)[]>;
  /** By name; only of jobs that have ended. */
  readOutputs(
    jobIds: readonly string[],
  ): Promise<(Readonly<Record<string, KeptOutput>> | undefined)[]>;
  /** `undefined` for a job that the host does not know; so are those that follow. */
  readTrace(jobId: string, query: TraceQuery): Promise<readonly ActivationRecord[] | undefined>;
  countTrace(jobId: string, filter: TraceFilter): Promise<TraceCounts | undefined>;
  /** Who emitted what to whom, as far as it is remembered: also of activations that have not ended. */
  readLinks(jobId: string): Promise<TraceLinks | undefined>;
  /** The last runs of activations, in the order of the ids; `undefined` for those not remembered, or not ended. */
  readActivations(
    jobId: string,
    activationIds: readonly number[],
  ): Promise<readonly (ActivationRecord | undefined)[] | undefined>;
  /** Writes down what an activation took, if it is remembered or has not ended. */
  readItems(jobId: string, activationId: number): Promise<ActivationItems | undefined>;
  /** Those it remembers, in order. */
  readLogs(jobId: string): Promise<readonly LogRecord[] | undefined>;
  /**
   * Hands `sink` the job's present reading, then changed ones, then ends. The answer stops that; `undefined` for a job
   * that the host does not know.
   */
  watch(jobId: string, rateHz: number, sink: ReadingSink): (() => void) | undefined;
  readonly debug: DebugHost;
  /**
   * Stops all jobs where they are, waits for running code up to a limit, and hands their last checkpoints to the
   * listener. Is kept when those are stored. Afterwards nothing happens in them any more.
   */
  suspend(limitMs: number): Promise<void>;
  /** Ends all jobs; after `suspend` lets go of them as they are. */
  close(): Promise<void>;
}
