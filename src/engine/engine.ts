import { type Clock, systemClock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { EngineClosedError, FlowChangedError, InvalidInputError } from './errors.ts';
import type { Flow } from './flow.ts';
import { compareShapes, shapeOf } from './flow-shape.ts';
import { freezeJobs } from './freeze-jobs.ts';
import { checkBeginning, type JobBeginning } from './job-beginning.ts';
import { JobPlaces } from './job-places.ts';
import { type JobHandle, JobRun } from './job-run.ts';
import type { JobSnapshot } from './job-snapshot.ts';
import { isFinalState, type JobResult } from './job-state.ts';
import type { JobInspector, JobObserver } from './observer.ts';
import { Scheduler, type Sliced } from './scheduler.ts';
import { validate } from './validate.ts';

/** How an engine runs its jobs. */
export interface EngineOptions {
  readonly clock?: Clock;
  /** The most jobs that run at once; others wait as PENDING. Default 64. */
  readonly maxRunningJobs?: number;
  /** How long synchronous routines keep the event loop at a time, in milliseconds. Default 5. */
  readonly turnMs?: number;
  /** How long running code may go on after its job was ended, in milliseconds. Default 5,000. */
  readonly endGraceMs?: number;
  /**
   * How long a job may stand still before it counts as dead-locked, when all code that still runs waits for room for
   * what it emitted; in milliseconds. Default 1,000.
   */
  readonly deadlockGraceMs?: number;
}

/** What can be said of one job when it is started. */
export interface JobOptions {
  /** Default: a new UUID version 7. */
  readonly id?: string;
  /** Among jobs that wait for a place, a higher one goes first. Default 0. */
  readonly priority?: number;
  /** Told what happens in the job, from its start on. */
  readonly observers?: readonly JobObserver[];
  /** May stop single activations of the job. */
  readonly inspector?: JobInspector;
  /**
   * Called when there is a place for the job, before any of its code runs. It is started when the answer is kept; when
   * the answer is rejected it stays PENDING until it is cancelled. Not for jobs that are restored.
   */
  readonly beforeStart?: () => Promise<void>;
  /**
   * The job begins with this activation, and with nothing else: its input enters no slot, though all code sees it, and
   * sources do not run. What comes of the activation goes on as usual. Routine states are new. Not for jobs that are
   * restored.
   */
  readonly from?: JobBeginning;
}

/** Runs jobs in this process. */
export interface Engine {
  /**
   * Makes a job, as PENDING, and starts it as soon as there is a place for it: at the earliest after the present
   * call has returned.
   * @throws InvalidInputError when the input does not fit the flow's input schema
   * @throws RangeError when it is to begin with a routine or a slot that the flow does not have
   * @throws EngineClosedError after `close` or `freeze`
   */
  start<Input>(flow: Flow<Input>, input: Input, options?: JobOptions): JobRun;
  /**
   * Makes a job that goes on where another was captured. It has the state of then from the beginning, so observers are
   * told of no change until the next; routine states are what they were, and nobody is asked to make them anew. As
   * soon as there is a place for it activations begin, unless it is PAUSED. Until then it can be paused, resumed and
   * cancelled like any other. Code that was running runs again, as the same activation and attempt. Errors from before
   * keep name, message, code and stack, not their class. One that was ending goes on with that at once. A snapshot does
   * not hold the job's id: `options.id` says it.
   * @throws FlowChangedError when the flow's shape is not what it was
   * @throws EngineClosedError after `close` or `freeze`
   */
  restore(flow: Flow, snapshot: JobSnapshot, options?: JobOptions): JobRun;
  /** Runs a flow to its end. Is kept also when the job fails: look at `state`. @throws as `start` */
  run<Input, Outputs>(
    flow: Flow<Input, Outputs>,
    input: Input,
    options?: JobOptions,
  ): Promise<JobResult<Outputs>>;
  /**
   * Stops all jobs where they are, so that each can be captured and restored elsewhere. From now on no job starts and
   * no activation begins; states do not change, and whoever pauses, resumes or cancels a job gets an
   * `EngineClosedError`. Code that runs has `limitMs` milliseconds to end, and what it emits is delivered as usual. Then
   * the signals of code that still runs are aborted, whatever it does changes nothing any more, and no observer is told
   * anything. Kept when it is so: sooner when all code has ended, or when for a second (`deadlockGraceMs`) all that runs
   * only waits for room for what it emitted. `close` then lets go of the jobs without cancelling them; their `settled`
   * is never kept. To call it again changes nothing.
   */
  freeze(limitMs: number): Promise<void>;
  /** Cancels all jobs, starts no more, and is kept when they have ended. To call it again changes nothing. */
  close(): Promise<void>;
}

/**
 * The input as the flow's routines will see it: checked by the flow's input schema, defaults filled in.
 * @throws InvalidInputError with every fault
 */
export function checkInput(flow: Pick<Flow, 'id' | 'inputSchema'>, input: unknown): unknown {
  if (flow.inputSchema === undefined) return input;
  const { value, issues } = validate(flow.inputSchema, input);
  if (issues.length > 0) throw new InvalidInputError(flow.id, issues);
  return value;
}

/** Makes an engine. It holds no resources while no job runs. */
export function createEngine(options: EngineOptions = {}): Engine {
  const { clock = systemClock, maxRunningJobs = 64, turnMs = 5 } = options;
  const { endGraceMs = 5_000, deadlockGraceMs = 1_000 } = options;
  const scheduler = new Scheduler(turnMs);
  const jobRunOptions = {
    clock,
    schedule: (work: Sliced) => scheduler.schedule(work),
    isTurnOver: () => scheduler.isTurnOver(),
    endGraceMs,
    deadlockGraceMs,
  };
  const places = new JobPlaces(maxRunningJobs);
  let frozen: Promise<void> | undefined;
  let closing: Promise<unknown> | undefined;

  const enter = (handle: JobHandle, jobOptions: JobOptions) => {
    const { priority = 0, observers = [], inspector, beforeStart } = jobOptions;
    const { job } = handle;
    job.inspector = inspector;
    for (const observer of observers) job.observe(observer);
    places.enter(handle, priority, job.state === 'PENDING' ? beforeStart : undefined);
    return job;
  };

  const expectOpen = () => {
    if (closing !== undefined || frozen !== undefined) throw new EngineClosedError();
  };

  const engine: Engine = {
    start(flow, input, jobOptions = {}) {
      expectOpen();
      const { id = newId(), from } = jobOptions;
      if (from !== undefined) checkBeginning(flow, from);
      const checked = checkInput(flow, input);
      return enter(JobRun.create(id, flow, checked, jobRunOptions, from), jobOptions);
    },
    restore(flow, snapshot, jobOptions = {}) {
      expectOpen();
      const differences = compareShapes(snapshot.shape, shapeOf(flow));
      if (differences.length > 0) throw new FlowChangedError(flow.id, differences);
      const { id = newId() } = jobOptions;
      return enter(JobRun.restore(id, flow, snapshot, jobRunOptions), jobOptions);
    },
    run(flow, input, jobOptions) {
      // The outputs were typed by the ports that `defineFlow` got.
      return engine.start(flow, input, jobOptions).settled as Promise<JobResult<never>>;
    },
    async freeze(limitMs) {
      if (closing === undefined && frozen === undefined) {
        places.close();
        frozen = freezeJobs(places.all, { limitMs, deadlockGraceMs }, clock);
      }
      await (frozen ?? closing);
    },
    async close() {
      if (closing === undefined) {
        if (frozen === undefined) {
          const jobs = places.all.map(({ job }) => job);
          closing = Promise.all(jobs.map(({ settled }) => settled));
          for (const job of jobs) if (!isFinalState(job.state) && !job.isEnding) job.cancel();
        } else closing = frozen.then(() => places.clear());
      }
      await closing;
    },
  };
  return engine;
}
