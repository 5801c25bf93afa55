import type { DebugListener, DebugStart } from '../debugger/debug-host.ts';
import { DebuggedJob } from '../debugger/debugged-job.ts';
import { isHeld } from '../debugger/job-debugger.ts';
import { createLocalDebugHost } from '../debugger/local-debug-host.ts';
import {
  type Engine,
  type Flow,
  isFinalState,
  type JobOptions,
  type JobRun,
} from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { JobMonitor, type JobMonitorOptions } from '../monitoring/job-monitor.ts';
import { LAST_PLACE } from '../monitoring/job-sampler.ts';
import { failureOf } from '../monitoring/read-routine.ts';
import type { OfJob } from '../pubsub/topics.ts';
import { readCheckpoint } from './checkpoint.ts';
import { HostedRun } from './hosted-run.ts';
import type { JobResults } from './job.ts';
import type { HostedJob, JobHost, JobHostListener } from './job-host.ts';
import { itemsOf, MOST_RERUN_CHARACTERS, readItems, writeItems } from './recorded-items.ts';

export interface LocalJobHostOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly listener: JobHostListener & DebugListener;
  readonly monitor?: JobMonitorOptions | undefined;
  /** Told of checkpoints that could not be taken, and of what is left of ended jobs that could not be told. */
  readonly onFailure: (error: unknown, jobId: string) => void;
  /** How often a running job that changes is checkpointed, in milliseconds. Default 5,000. */
  readonly checkpointIntervalMs?: number | undefined;
}

/** A job that has ended, until it is forgotten. */
interface EndedRun {
  readonly monitor: JobMonitor;
  readonly results: JobResults;
}

/** How a job is debugged of which nothing was said. */
const UNDEBUGGED: DebugStart = { breakpoints: [], stopsAtEntry: false, before: undefined };

/** How often running jobs are looked at, for the rates of their queues and for checkpoints; more often for the latter. */
const LOOK_INTERVAL_MS = 1000;
const SHORTEST_LOOK_INTERVAL_MS = 20;

/** Runs jobs in this process. */
export function createLocalJobHost(options: LocalJobHostOptions): JobHost {
  const { engine, clock, listener, onFailure, checkpointIntervalMs = 5_000 } = options;
  const running = new Map<string, HostedRun>();
  const ended = new Map<string, EndedRun>();
  /** Flows of which a job was checkpointed here, so that it is known whether that is possible. */
  const tried = new WeakSet<Flow>();
  let cancelLook: (() => void) | undefined;
  const lookIntervalMs = Math.min(
    LOOK_INTERVAL_MS,
    Math.max(SHORTEST_LOOK_INTERVAL_MS, checkpointIntervalMs),
  );
  let isLeaving = false;
  const looksPerRate = Math.round(LOOK_INTERVAL_MS / lookIntervalMs);
  let looks = 0;

  const checkpoint = (run: HostedRun) => {
    run.checkpoint(false).catch((error: unknown) => onFailure(error, run.job.id));
  };

  /** The same of what is now, also when the last is still being stored. */
  const save = (run: HostedRun) =>
    run.save().catch((error: unknown) => onFailure(error, run.job.id));

  const look = () => {
    cancelLook = undefined;
    if (running.size === 0) return;
    const isRateDue = ++looks % looksPerRate === 0;
    for (const run of running.values()) {
      if (run.job.state === 'PENDING') continue;
      if (isRateDue) run.monitor.measureRates();
      if (run.isDue) checkpoint(run);
    }
    cancelLook = clock.setTimer(lookIntervalMs, look);
  };

  /** Answers what is left of a job that has ended; `undefined` when that could not be told, which must not hide its end. */
  const settle = (run: HostedRun): JobResults | undefined => {
    const { job, monitor } = run;
    running.delete(job.id);
    run.debugged?.end();
    if (running.size === 0) {
      cancelLook?.();
      cancelLook = undefined;
    }
    try {
      const results = run.end();
      ended.set(job.id, { monitor, results });
      return results;
    } catch (error) {
      onFailure(error, job.id);
      return undefined;
    }
  };

  /** The job is debugged from now on. */
  const debug = (run: HostedRun, start: DebugStart = UNDEBUGGED): DebuggedJob => {
    const { job, of, monitor } = run;
    const { jobId } = of;
    if (run.debugged !== undefined) return run.debugged;
    run.debugged = new DebuggedJob({
      job,
      start,
      clock,
      listener: {
        changed: (snapshot) => listener.debugChanged(jobId, snapshot),
        breakpointHit: (hit) => listener.breakpointHit({ ...of, at: clock.now(), ...hit }),
        logged({ breakpointId, activationId = 0, ...line }) {
          const at = clock.now();
          monitor.logged(job, { ...line, activationId, facts: { breakpointId }, at });
          run.noteLogged();
          listener.logged({ ...line, ...of, at, breakpointId });
        },
      },
    });
    if (isLeaving) run.debugged.debugger.detach();
    return run.debugged;
  };

  /** Takes a job that the engine has just made; nothing has happened in it yet. */
  const host = (
    job: JobRun,
    of: OfJob,
    monitor: JobMonitor,
    isPaused: boolean,
    start?: DebugStart,
  ) => {
    const { id: jobId, flow } = job;
    const run = new HostedRun({ job, of, monitor, clock, listener, checkpointIntervalMs });
    running.set(jobId, run);
    if (start !== undefined || job.state === 'PAUSED') debug(run, start);
    job.observe({
      stateChanged: (_, from) => {
        const { state, error, unresponsive } = job;
        if (from === 'PENDING') run.noteStarted();
        const hasEnded = isFinalState(state);
        const results = hasEnded ? settle(run) : undefined;
        listener.stateChanged({
          jobId,
          from,
          state,
          at: clock.now(),
          error: state === 'FAILED' ? failureOf(error) : undefined,
          results,
          unresponsiveRoutineIds: unresponsive,
        });
        if (from === 'PENDING' && isPaused && state === 'RUNNING') job.pause();
        if (state === 'PAUSED') debug(run);
        const isFirst = !hasEnded && !tried.has(flow);
        if (isFirst) tried.add(flow);
        // Only once the job's code is not in the middle of something.
        if (state === 'PAUSED') setImmediate(() => save(run));
        else if (isFirst) setImmediate(() => checkpoint(run));
      },
      logged: (_, { routineId, level, message, at }) => {
        run.noteLogged();
        listener.logged({ ...of, routineId, level, message, at });
      },
    });
    cancelLook ??= clock.setTimer(lookIntervalMs, look);
  };

  const optionsOf = ({ jobId, priority }: HostedJob): JobOptions => ({ id: jobId, priority });

  const beginningOf = ({ from }: HostedJob): JobOptions =>
    from === undefined ? {} : { from: { routineId: from.routineId, items: readItems(from.items) } };

  const find = (jobId: string): HostedRun => {
    const found = running.get(jobId);
    if (found === undefined) throw new NotFoundError('running Job', jobId, 'It may have ended.');
    return found;
  };

  const monitorOf = (jobId: string) => (running.get(jobId) ?? ended.get(jobId))?.monitor;

  return {
    async start(hosted) {
      const { jobId, tenant, flow, input, debug: start } = hosted;
      const of = { jobId, tenant, flowId: flow.id };
      // One that is to stop at its entry does so by itself.
      const isPaused = hosted.isPaused === true && start?.stopsAtEntry !== true;
      const beforeStart = () => {
        running.get(jobId)?.noteStarting();
        return listener.starting(of, isPaused);
      };
      const job = engine.start(flow, input as never, {
        ...optionsOf(hosted),
        ...beginningOf(hosted),
        beforeStart,
      });
      const monitor = new JobMonitor(job, options.monitor, hosted.before);
      host(job, of, monitor, isPaused, start);
    },
    async restore(hosted, checkpoint) {
      const { job: snapshot, monitor: counts } = readCheckpoint(checkpoint);
      // It may have been paused or resumed since.
      const state = hosted.isPaused === true ? 'PAUSED' : 'RUNNING';
      const job = engine.restore(hosted.flow, { ...snapshot, state }, optionsOf(hosted));
      const { traceTotal = 0, logTotal = 0 } = hosted.before ?? {};
      const counted = {
        ...counts,
        traceTotal: Math.max(traceTotal, counts.traceTotal),
        logTotal: Math.max(logTotal, counts.logTotal),
      };
      const start = hosted.debug && { ...hosted.debug, stopsAtEntry: false };
      const hasHeld = [...job.suspended].some(isHeld);
      const monitor = new JobMonitor(job, options.monitor, counted);
      const { jobId, tenant, flow } = hosted;
      const of = { jobId, tenant, flowId: flow.id };
      host(job, of, monitor, false, start ?? (hasHeld ? UNDEBUGGED : undefined));
    },
    async pause(jobId) {
      await running.get(jobId)?.starting;
      find(jobId).job.pause();
    },
    async resume(jobId) {
      await running.get(jobId)?.starting;
      const { job, debugged } = find(jobId);
      if (debugged?.debugger.stop === undefined) job.resume();
      else debugged.debugger.continue();
    },
    async cancel(jobId) {
      const { job } = find(jobId);
      if (!job.isEnding) job.cancel();
      await job.settled;
    },
    async forget(jobId) {
      ended.delete(jobId);
    },
    listRunning: async () => [...running.values()].map(({ of }) => of),
    read: async (jobIds) =>
      jobIds.map(
        (jobId) => running.get(jobId)?.monitor.read() ?? ended.get(jobId)?.results.reading,
      ),
    readDurations: async (jobIds) =>
      jobIds.map(
        (jobId) =>
          running.get(jobId)?.monitor.readDurations() ?? ended.get(jobId)?.results.durations,
      ),
    readOutputs: async (jobIds) => jobIds.map((jobId) => ended.get(jobId)?.results.outputs),
    readTrace: async (jobId, query) => monitorOf(jobId)?.readTrace(query),
    countTrace: async (jobId, filter) => monitorOf(jobId)?.countTrace(filter),
    readLinks: async (jobId) => monitorOf(jobId)?.readLinks(),
    readActivations: async (jobId, activationIds) =>
      monitorOf(jobId)?.readActivations(activationIds),
    async readItems(jobId, activationId) {
      const activation = monitorOf(jobId)?.findActivation(activationId);
      if (activation === undefined) return undefined;
      const recorded = writeItems(itemsOf(activation), MOST_RERUN_CHARACTERS);
      return { routineId: activation.routineId, recorded };
    },
    readLogs: async (jobId) => monitorOf(jobId)?.readLogs(),
    watch(jobId, rateHz, sink) {
      const run = running.get(jobId);
      if (run !== undefined) return run.sampler.watch(rateHz, sink);
      const last = ended.get(jobId);
      if (last === undefined) return undefined;
      sink.push(last.results.reading, LAST_PLACE);
      sink.end();
      return () => undefined;
    },
    debug: createLocalDebugHost({
      find(jobId) {
        const run = running.get(jobId);
        return run && (run.debugged ?? 'IDLE');
      },
      require: (jobId) => debug(find(jobId)),
      async save(jobId) {
        const run = running.get(jobId);
        if (run !== undefined) await save(run);
      },
    }),
    async suspend(limitMs) {
      isLeaving = true;
      for (const { debugged } of running.values()) debugged?.debugger.detach();
      await engine.freeze(limitMs);
      for (const { debugged } of running.values()) debugged?.end();
      await Promise.all([...running.values()].map((run) => run.checkpoint(true)));
    },
    async close() {
      await engine.close(); // with the last job the timer goes
      cancelLook?.();
    },
  };
}
