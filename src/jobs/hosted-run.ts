import type { DebuggedJob } from '../debugger/debugged-job.ts';
import type { JobRun } from '../engine/index.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { type JobMonitor, KEPT_TRACE_CHARACTERS } from '../monitoring/job-monitor.ts';
import { JobSampler } from '../monitoring/job-sampler.ts';
import type { OfJob } from '../pubsub/topics.ts';
import { type Checkpoint, writeCheckpoint } from './checkpoint.ts';
import type { JobResults } from './job.ts';
import type { HostedRecords, JobHostListener } from './job-host.ts';
import { keepOutputs } from './keep-outputs.ts';
import { createItemRecorder } from './recorded-items.ts';

/** Log lines are handed over so long after the first that was not, in milliseconds. */
const LOG_DELAY_MS = 250;

/** Taking a checkpoint may take this share of the time at most. */
const CHECKPOINT_SHARE = 1 / 50;

/** Of the trace, a checkpoint of a job that goes on brings the newest that have so many characters. */
const TRACE_CHARACTERS = 32 * 1024;

/** Of what is kept of a trace, items that were written down to be run on again may take this share at most. */
const ITEMS_SHARE = 1 / 2;

export interface HostedRunParts {
  readonly job: JobRun;
  readonly of: OfJob;
  readonly monitor: JobMonitor;
  readonly clock: Clock;
  readonly listener: JobHostListener;
  /** The shortest time between two checkpoints of a job that changes, in milliseconds. */
  readonly checkpointIntervalMs: number;
}

/**
 * A job that runs here, and the taking down of what happens in it: its checkpoints, its trace, its log. One checkpoint is
 * stored before the next is taken.
 */
export class HostedRun {
  readonly job: JobRun;
  /** Names it in messages. */
  readonly of: OfJob;
  readonly monitor: JobMonitor;
  readonly sampler: JobSampler;
  /** From when somebody debugs it, or it is paused. */
  debugged: DebuggedJob | undefined = undefined;
  /** Kept when it has started, from when it is stored that it starts. */
  starting: Promise<void> | undefined = undefined;
  #started: () => void = () => undefined;
  readonly #clock: Clock;
  readonly #listener: JobHostListener;
  readonly #intervalMs: number;
  /** The job's version, and the time, at its newest checkpoint. */
  #version = -1;
  #nextMs: number;
  #storing: Promise<void> | undefined = undefined;
  #hasEnded = false;
  /** Whether its last checkpoint was taken. */
  #isLeft = false;
  #tracedTo: number;
  #loggedTo: number;
  #cancelLogTimer: CancelTimer | undefined = undefined;

  constructor({ job, of, monitor, clock, listener, checkpointIntervalMs }: HostedRunParts) {
    this.of = of;
    this.job = job;
    this.monitor = monitor;
    this.#clock = clock;
    this.#listener = listener;
    this.#intervalMs = checkpointIntervalMs;
    this.#nextMs = clock.monotonicMs() + checkpointIntervalMs;
    this.#tracedTo = monitor.traceTotal;
    this.#loggedTo = monitor.logTotal;
    this.sampler = new JobSampler(
      { version: () => monitor.version, read: () => monitor.read() },
      clock,
    );
  }

  /** It is being stored that it starts. */
  noteStarting(): void {
    this.starting = new Promise((keep) => {
      this.#started = keep;
    });
  }

  /** It has started, or will not any more. */
  noteStarted(): void {
    this.#started();
    this.starting = undefined;
  }

  /** Whether it is time for a checkpoint, and something has happened since the last. */
  get isDue(): boolean {
    return this.#clock.monotonicMs() >= this.#nextMs && this.job.version !== this.#version;
  }

  /**
   * Takes a checkpoint, unless the last is still being stored or the job has not started or has ended.
   * @param isFinal nothing will happen in the job any more: waits for the last one to be stored
   */
  async checkpoint(isFinal: boolean): Promise<void> {
    if (isFinal) await this.#storing;
    else if (this.#storing !== undefined || this.#isLeft) return;
    this.#isLeft = isFinal;
    const { job, monitor } = this;
    if (isFinal && this.starting !== undefined && job.state === 'PENDING') {
      this.noteStarted();
      await this.#listener.checkpointed(job.id, notStarted(this.#clock.now()));
    }
    if (job.state !== 'RUNNING' && job.state !== 'PAUSED') return;
    const beforeMs = this.#clock.monotonicMs();
    const checkpoint = writeCheckpoint(job.capture(), monitor.capture(), isFinal);
    const afterMs = this.#clock.monotonicMs();
    this.#version = job.version;
    this.#nextMs = afterMs + Math.max(this.#intervalMs, (afterMs - beforeMs) / CHECKPOINT_SHARE);
    this.#recordTrace();
    const stored = this.#listener.checkpointed(job.id, checkpoint).finally(() => {
      this.#storing = undefined;
    });
    this.#storing = stored;
    await stored;
  }

  /** Takes a checkpoint of what was just changed by hand. Is kept when it is stored. */
  async save(): Promise<void> {
    await this.#storing;
    await this.checkpoint(false);
  }

  /** A line was written to the log: hands it over soon, with those that follow. */
  noteLogged(): void {
    if (this.#hasEnded) return; // code that outlives its job
    const { logTotal, logLength } = this.monitor;
    if (logTotal - this.#loggedTo >= logLength / 2) this.#record([], 0);
    else this.#cancelLogTimer ??= this.#clock.setTimer(LOG_DELAY_MS, () => this.#record([], 0));
  }

  /** What is left of a job that has ended. Hands over what is new in its trace and its log. */
  end(): JobResults {
    const { job, monitor } = this;
    this.#hasEnded = true;
    const recordItems = createItemRecorder(KEPT_TRACE_CHARACTERS * ITEMS_SHARE);
    this.#record(monitor.keepTrace(KEPT_TRACE_CHARACTERS, recordItems).records, 0);
    this.sampler.end();
    return {
      outputs: keepOutputs(job.outputs),
      reading: monitor.read(),
      durations: monitor.readDurations(),
      traceTotal: monitor.traceTotal,
    };
  }

  #recordTrace(): void {
    const { monitor } = this;
    const recordItems = createItemRecorder(TRACE_CHARACTERS * ITEMS_SHARE);
    const trace = monitor.traceSince(this.#tracedTo, TRACE_CHARACTERS, recordItems);
    this.#tracedTo = monitor.traceTotal;
    this.#record(trace, monitor.traceTotal - monitor.traceLength);
  }

  #record(trace: HostedRecords['trace'], traceGoneTo: number): void {
    this.#cancelLogTimer?.();
    this.#cancelLogTimer = undefined;
    const logs = this.monitor.logsSince(this.#loggedTo);
    this.#loggedTo = this.monitor.logTotal;
    this.#listener.recorded({ jobId: this.job.id, trace, traceGoneTo, logs });
  }
}

/** The last checkpoint of a job that is stored as RUNNING, and was stopped right before it was. */
function notStarted(takenAt: number): Checkpoint {
  return { takenAt, data: undefined, hash: undefined, problem: undefined, isFinal: true };
}
