import { type Engine, isFinalState, type JobRun } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { JobMonitor, type JobMonitorOptions } from '../monitoring/job-monitor.ts';
import { JobSampler } from '../monitoring/job-sampler.ts';
import { failureOf } from '../monitoring/read-routine.ts';
import type {
  DurationReading,
  JobReading,
  LogRecord,
  TraceReading,
} from '../monitoring/readings.ts';
import { matchesTraceFilter, selectTracePage } from '../monitoring/trace-page.ts';
import type { JobHost, JobHostListener } from './job-host.ts';
import { keepOutputs } from './keep-outputs.ts';

export interface LocalJobHostOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly listener: JobHostListener;
  readonly monitor?: JobMonitorOptions | undefined;
  /** How many ended jobs keep their trace and log. Default 50. */
  readonly endedTraces?: number | undefined;
}

interface RunningJob {
  readonly job: JobRun;
  readonly monitor: JobMonitor;
  readonly sampler: JobSampler;
}

/** What is left of a job that has ended: plain data, nothing of its items. */
interface EndedJob {
  readonly reading: JobReading;
  readonly durations: ReadonlyMap<string, DurationReading>;
  trace: TraceReading;
  logs: readonly LogRecord[];
}

const NO_TRACE: TraceReading = { records: [], droppedCount: 0 };

/** The items that the trace of an ended job shows have at most so many characters together. */
const KEPT_TRACE_CHARACTERS = 256 * 1024;

/** How often the rates of running jobs' queues are measured. */
const RATE_INTERVAL_MS = 1000;

/** Runs jobs in this process. */
export function createLocalJobHost(options: LocalJobHostOptions): JobHost {
  const { engine, clock, listener, endedTraces = 50 } = options;
  const running = new Map<string, RunningJob>();
  const ended = new Map<string, EndedJob>();
  /** Ended jobs that still have their trace, oldest first. */
  const traced: EndedJob[] = [];
  let cancelRateTimer: (() => void) | undefined;

  const measureRates = () => {
    cancelRateTimer = undefined;
    if (running.size === 0) return;
    for (const { monitor } of running.values()) monitor.measureRates();
    cancelRateTimer = clock.setTimer(RATE_INTERVAL_MS, measureRates);
  };

  const settle = (jobId: string, { monitor, sampler }: RunningJob) => {
    const last: EndedJob = {
      reading: monitor.read(),
      durations: monitor.readDurations(),
      trace: monitor.keepTrace(KEPT_TRACE_CHARACTERS),
      logs: monitor.readLogs(),
    };
    running.delete(jobId);
    ended.set(jobId, last);
    traced.push(last);
    if (traced.length > endedTraces) {
      const oldest = traced.shift();
      if (oldest !== undefined) {
        oldest.trace = {
          records: [],
          droppedCount: oldest.trace.droppedCount + oldest.trace.records.length,
        };
        oldest.logs = [];
      }
    }
    sampler.end();
    if (running.size > 0) return;
    cancelRateTimer?.();
    cancelRateTimer = undefined;
  };

  const find = (jobId: string): RunningJob => {
    const found = running.get(jobId);
    if (found === undefined) throw new NotFoundError('running Job', jobId, 'It may have ended.');
    return found;
  };

  return {
    async start({ jobId, flow, input, priority }) {
      const job = engine.start(flow, input as never, { id: jobId, priority });
      const monitor = new JobMonitor(job, options.monitor);
      const sampler = new JobSampler(
        { version: () => monitor.version, read: () => monitor.read() },
        clock,
      );
      const entry: RunningJob = { job, monitor, sampler };
      running.set(jobId, entry);
      job.observe({
        stateChanged: (_, from) => {
          const { state, error, unresponsive } = job;
          if (isFinalState(state)) settle(jobId, entry);
          listener.stateChanged({
            jobId,
            from,
            state,
            at: clock.now(),
            error: state === 'FAILED' ? failureOf(error) : undefined,
            outputs: isFinalState(state) ? keepOutputs(job.outputs) : {},
            unresponsiveRoutineIds: unresponsive,
          });
        },
        logged: (_, { routineId, level, message, at }) =>
          listener.logged({ jobId, flowId: flow.id, routineId, level, message, at }),
      });
      cancelRateTimer ??= clock.setTimer(RATE_INTERVAL_MS, measureRates);
    },
    async pause(jobId) {
      find(jobId).job.pause();
    },
    async resume(jobId) {
      find(jobId).job.resume();
    },
    async cancel(jobId) {
      const { job } = find(jobId);
      if (!job.isEnding) job.cancel();
      await job.settled;
    },
    async forget(jobId) {
      const last = ended.get(jobId);
      if (last === undefined) return;
      ended.delete(jobId);
      const at = traced.indexOf(last);
      if (at >= 0) traced.splice(at, 1);
    },
    read: async (jobIds) =>
      jobIds.map((jobId) => running.get(jobId)?.monitor.read() ?? ended.get(jobId)?.reading),
    readDurations: async (jobId) =>
      running.get(jobId)?.monitor.readDurations() ?? ended.get(jobId)?.durations ?? new Map(),
    async readTrace(jobId, query) {
      const entry = running.get(jobId);
      if (entry !== undefined) return entry.monitor.readTrace(query);
      return selectTracePage((ended.get(jobId)?.trace ?? NO_TRACE).records, query);
    },
    async countTrace(jobId, filter) {
      const entry = running.get(jobId);
      if (entry !== undefined) return entry.monitor.countTrace(filter);
      const { records, droppedCount } = ended.get(jobId)?.trace ?? NO_TRACE;
      const matching = records.filter((record) => matchesTraceFilter(record, filter)).length;
      return { matching, dropped: droppedCount };
    },
    readLogs: async (jobId) =>
      running.get(jobId)?.monitor.readLogs() ?? ended.get(jobId)?.logs ?? [],
    watch(jobId, rateHz, sink) {
      const entry = running.get(jobId);
      if (entry !== undefined) return entry.sampler.watch(rateHz, sink);
      const last = ended.get(jobId);
      if (last !== undefined) sink.push(last.reading);
      sink.end();
      return () => undefined;
    },
    async close() {
      await engine.close(); // with the last job the timer goes
    },
  };
}
