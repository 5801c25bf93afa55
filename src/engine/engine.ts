import { type Clock, systemClock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { EngineClosedError, InvalidInputError } from './errors.ts';
import type { Flow } from './flow.ts';
import { JobRun } from './job-run.ts';
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
}

/** Runs jobs in this process. */
export interface Engine {
  /**
   * Makes a job, as PENDING, and starts it as soon as there is a place for it: at the earliest after the present
   * call has returned.
   * @throws InvalidInputError when the input does not fit the flow's input schema
   * @throws EngineClosedError after `close`
   */
  start<Input>(flow: Flow<Input>, input: Input, options?: JobOptions): JobRun;
  /** Runs a flow to its end. Is kept also when the job fails: look at `state`. @throws as `start` */
  run<Input, Outputs>(
    flow: Flow<Input, Outputs>,
    input: Input,
    options?: JobOptions,
  ): Promise<JobResult<Outputs>>;
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
  const running = new Set<JobRun>();
  /** Highest priority first; among equals, first come first. */
  const waiting: {
    readonly job: JobRun;
    readonly start: () => void;
    readonly priority: number;
  }[] = [];
  let closing: Promise<unknown> | undefined;

  const startNext = () => {
    while (running.size < maxRunningJobs) {
      const next = waiting.shift();
      if (next === undefined) return;
      if (next.job.state !== 'PENDING') continue;
      running.add(next.job);
      next.start();
    }
  };

  /** A job that ended before it had a place must not be held on to until there is one. */
  const forget = (job: JobRun) => {
    const at = waiting.findIndex((other) => other.job === job);
    if (at >= 0) waiting.splice(at, 1);
  };

  const engine: Engine = {
    start(flow, input, jobOptions = {}) {
      if (closing !== undefined) throw new EngineClosedError();
      const { id = newId(), priority = 0, observers = [], inspector } = jobOptions;
      const { job, start } = JobRun.create(id, flow, checkInput(flow, input), jobRunOptions);
      job.inspector = inspector;
      for (const observer of observers) job.observe(observer);
      // From the end, where most find their place at once: thousands may wait.
      const before = waiting.findLastIndex((other) => other.priority >= priority);
      waiting.splice(before + 1, 0, { job, start, priority });
      void job.settled.then(() => {
        if (running.delete(job)) startNext();
        else forget(job);
      });
      queueMicrotask(startNext);
      return job;
    },
    run(flow, input, jobOptions) {
      // The outputs were typed by the ports that `defineFlow` got.
      return engine.start(flow, input, jobOptions).settled as Promise<JobResult<never>>;
    },
    async close() {
      if (closing === undefined) {
        const jobs = [...running, ...waiting.map(({ job }) => job)];
        closing = Promise.all(jobs.map(({ settled }) => settled));
        for (const job of jobs) if (!isFinalState(job.state) && !job.isEnding) job.cancel();
      }
      await closing;
    },
  };
  return engine;
}
