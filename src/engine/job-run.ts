import type { Activation } from './activation.ts';
import { captureJob, restoreJob, versionOf } from './capture-job.ts';
import type { Edits } from './edits.ts';
import { JobBusyError } from './errors.ts';
import type { Flow } from './flow.ts';
import type { JobBeginning } from './job-beginning.ts';
import { JobRooms, type JobRunOptions } from './job-rooms.ts';
import type { JobSnapshot } from './job-snapshot.ts';
import { isFinalState, type JobResult, type JobState } from './job-state.ts';
import type { JobInspector, JobObserver } from './observer.ts';
import type { OutputBuffer, RoutineRun } from './routine-run.ts';
import type { JobContext } from './routine-type.ts';
import type { Suspended } from './suspended-activations.ts';

/** A job, with what only the engine that made it may do to it. */
export interface JobHandle {
  readonly job: JobRun;
  /** The job has its place: it starts, or when it was restored, goes on. To be called once, and not in a final state. */
  readonly start: () => void;
  /** Lets nothing begin any more. `onSlice` is called whenever running code may have ended since. */
  readonly freeze: (onSlice: () => void) => void;
  /** Whether a frozen job's code has ended, but for code that waits for room, if that is counted as well. */
  readonly isStill: (countsWaiting: boolean) => boolean;
  /** Leaves the frozen job as it is for good, and tells code that still runs to stop. Nobody is told anything any more. */
  readonly seal: (reason: unknown) => void;
}

/**
 * One run of a flow: what people do to it, and what they can see of it. The engine that made it starts it. How it works
 * is in the rooms behind; see `JobRooms`.
 */
export class JobRun {
  readonly id: string;
  readonly flow: Flow;
  /** What the job was started with, checked by the flow's input schema. */
  readonly input: unknown;
  /** What routines see of the job. */
  readonly context: JobContext;
  readonly routines: readonly RoutineRun[];
  readonly outputs: ReadonlyMap<string, OutputBuffer>;
  readonly #rooms: JobRooms;

  /** Makes a job, as PENDING. Whoever makes it gets the only way to start it. */
  static create(
    id: string,
    flow: Flow,
    input: unknown,
    options: JobRunOptions,
    from?: JobBeginning,
  ): JobHandle {
    const job = new JobRun(id, flow, input, options);
    return job.#handle(() => job.#rooms.start(from));
  }

  /** Makes a job that is where it was captured. The flow has the shape of then. */
  static restore(id: string, flow: Flow, snapshot: JobSnapshot, options: JobRunOptions): JobHandle {
    const job = new JobRun(id, flow, snapshot.input, options);
    restoreJob(job.#rooms, snapshot);
    return job.#handle(() => job.#rooms.enter());
  }

  private constructor(id: string, flow: Flow, input: unknown, options: JobRunOptions) {
    this.id = id;
    this.flow = flow;
    this.input = input;
    this.context = { id, flowId: flow.id, input, data: new Map() };
    this.#rooms = new JobRooms(this, flow, this.context, options);
    this.routines = this.#rooms.routines;
    this.outputs = this.#rooms.outputs;
  }

  // ── What people see ────────────────────────────────────────────────────────────────────────────────────────────

  get state(): JobState {
    return this.#rooms.life.state;
  }

  /** From when the job was ended, by a failure or a cancellation. */
  get isEnding(): boolean {
    return this.#rooms.life.isEnding;
  }

  /** False for a restored job that waits for a place among the running jobs: nothing begins in it. */
  get hasPlace(): boolean {
    return this.#rooms.life.hasPlace;
  }

  /** What made the job fail, or the reason it was cancelled for, once it has ended. */
  get error(): unknown {
    return this.#rooms.life.error;
  }

  /** Ids of the routines whose code did not end in time after the job was ended. */
  get unresponsive(): readonly string[] {
    return this.#rooms.unresponsive;
  }

  /** Kept when the job has ended; never rejected. */
  get settled(): Promise<JobResult> {
    return this.#rooms.life.settled;
  }

  /**
   * Whoever wants to know whether anything changed compares it. It changes with all that `capture` answers, but for
   * what flows themselves keep: outputs, routine states and shared data, which change only while activations begin and
   * end. A restored job counts on.
   */
  get version(): number {
    return versionOf(this.#rooms);
  }

  /** Activations that have begun and are not in the middle of synchronous code. */
  get suspended(): Suspended {
    return this.#rooms.runner.suspended;
  }

  /** @throws RangeError when the flow has no such routine */
  routine(id: string): RoutineRun {
    return this.#rooms.routine(id);
  }

  /** The present time in monotonic milliseconds, which all times of items and activations are in. */
  readClockMs(): number {
    return this.#rooms.clock.readMs();
  }

  /** Wall-clock milliseconds since the Unix epoch of a monotonic time. */
  wallTime(monotonicMs: number): number {
    return this.#rooms.clock.wallTime(monotonicMs);
  }

  /** Attaches an observer for the rest of the job's life. What happened before is not told again. */
  observe(observer: JobObserver): void {
    this.#rooms.news.observe(observer);
  }

  /** Who may stop single activations. */
  get inspector(): JobInspector | undefined {
    return this.#rooms.runner.inspection.inspector;
  }

  set inspector(inspector: JobInspector | undefined) {
    this.#rooms.runner.inspection.inspector = inspector;
  }

  // ── What people do ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets no activation begin until `resume`. @throws InvalidStateError unless RUNNING and not ending */
  pause(): void {
    if (this.state !== 'RUNNING' || this.#rooms.life.isDecided)
      throw this.#rooms.life.refusal('paused');
    this.#rooms.life.transition('PAUSED');
  }

  /** @throws InvalidStateError unless PAUSED and not ending */
  resume(): void {
    if (this.state !== 'PAUSED' || this.#rooms.life.isDecided)
      throw this.#rooms.life.refusal('resumed');
    this.#rooms.resume();
  }

  /**
   * Ends the job as CANCELLED, as soon as running code has ended or had its time.
   * @throws InvalidStateError when it has ended or is ending
   */
  cancel(reason: unknown = new Error('The job was cancelled.')): void {
    if (isFinalState(this.state) || this.#rooms.life.isDecided)
      throw this.#rooms.life.refusal('cancelled');
    this.#rooms.life.end('CANCELLED', reason);
  }

  /** What a person changes in it by hand. Not from inside its work. */
  get edits(): Edits {
    return this.#rooms.edits;
  }

  /** Lets an activation go on that the inspector held, also while the job is paused. Any other is left alone. */
  release(activation: Activation): void {
    this.#rooms.runner.release(activation);
  }

  /**
   * Writes the job down, so that `Engine.restore` can go on with it. What code is doing is not in it, its activation
   * is. Values of flows are in it by reference: whoever keeps the snapshot writes them down at once.
   * @throws JobBusyError when called from inside the job's work: by an observer, an inspector or a routine's synchronous
   * code
   * @throws InvalidStateError unless RUNNING or PAUSED
   */
  capture(): JobSnapshot {
    if (this.#rooms.isBusy) throw new JobBusyError(this.id);
    return captureJob(this.#rooms);
  }

  #handle(start: () => void): JobHandle {
    const rooms = this.#rooms;
    return {
      job: this,
      start,
      freeze: (onSlice) => {
        rooms.onFrozenSlice = onSlice;
        rooms.freeze();
      },
      isStill: (countsWaiting) => rooms.runner.suspended.isStill(countsWaiting),
      seal: (reason) => rooms.seal(reason),
    };
  }
}
