import type { Clock } from '../lib/clock.ts';
import { fairLimit } from './fair-limit.ts';
import { createRetentionStore, type RemovedJob, type TimePlace } from './retention-store.ts';

export type { RemovedJob } from './retention-store.ts';

/** What is kept of one kind: what is older, or of which there are more, is removed, the oldest first. */
export interface KeepLimits {
  /** In milliseconds. `Infinity` for no limit. */
  readonly maxAgeMs?: number | undefined;
  /** `Infinity` for no limit. */
  readonly maxCount?: number | undefined;
}

/** How long and how much is kept. What has not ended is never removed. */
export interface RetentionOptions {
  /** Jobs that have ended, with all that belongs to them. Default: 365 days, 1,000,000 jobs. */
  readonly jobs?: KeepLimits | undefined;
  /** Traces and logs of ended jobs; the count is of jobs. Default: 30 days, 100,000 jobs. */
  readonly traces?: KeepLimits | undefined;
  /** How many lines the log of one job may have, running or not. Default 10,000. */
  readonly logLinesPerJob?: number | undefined;
  /** Entries of the audit log; where they are too many, those of the tenants that have most. Default: 365 days, 1,000,000 entries. */
  readonly audit?: KeepLimits | undefined;
  /** How many events of all jobs, the newest. `Infinity` for no limit. Default 100,000. */
  readonly events?: number | undefined;
  /** For how long flows have metrics by minute, hour and day. Default: 2 days, 60 days, 5 years (1,826 days). */
  readonly metrics?:
    | {
        readonly minutesMs?: number | undefined;
        readonly hoursMs?: number | undefined;
        readonly daysMs?: number | undefined;
      }
    | undefined;
  /** How long from the end of one round to the next, in milliseconds. Default 60,000. */
  readonly intervalMs?: number | undefined;
  /** How long others have the database for themselves after each step, in milliseconds. Default 20. */
  readonly pauseMs?: number | undefined;
}

const DAY_MS = 86_400_000;

/** How long and how much is kept unless it is said. */
export const DEFAULT_RETENTION = {
  jobs: { maxAgeMs: 365 * DAY_MS, maxCount: 1_000_000 },
  traces: { maxAgeMs: 30 * DAY_MS, maxCount: 100_000 },
  logLinesPerJob: 10_000,
  audit: { maxAgeMs: 365 * DAY_MS, maxCount: 1_000_000 },
  events: 100_000,
  metrics: { minutesMs: 2 * DAY_MS, hoursMs: 60 * DAY_MS, daysMs: 1826 * DAY_MS },
  intervalMs: 60_000,
  pauseMs: 20,
} as const;

export interface RetentionParts extends RetentionOptions {
  readonly database: Parameters<typeof createRetentionStore>[0];
  readonly clock: Clock;
  /** Where it is written when something could not be removed; that is tried again in the next round. */
  readonly logger: { warn(facts: object, message: string): void };
  /** Removes at most `limit` of the oldest events, so that only the newest `keep` are left; answers how many. */
  readonly trimEvents: (keep: number, limit: number) => Promise<number>;
  /** Told of jobs once they are gone. */
  readonly onRemoved: (jobs: readonly RemovedJob[]) => void;
}

/** Removes in the background what is kept no longer. */
export interface Retention {
  /** Is kept when the step under way has ended; nothing is removed after it. */
  close(): Promise<void>;
}

/** Jobs and rows of one step. */
const STEP_JOBS = 100;
const STEP_ROWS = 500;

/** What was told of a job shortly before its end may still wait to be written. */
const SETTLING_MS = 60_000;

/**
 * Removes in rounds what is kept no longer. A round is made of steps of a few hundred rows each, with pauses between,
 * so that others hardly notice. A round that fails is given up; the next one finds what it left.
 */
export function createRetention(parts: RetentionParts): Retention {
  const { clock, logger, trimEvents, onRemoved } = parts;
  const { intervalMs = DEFAULT_RETENTION.intervalMs, pauseMs = DEFAULT_RETENTION.pauseMs } = parts;
  const store = createRetentionStore(parts.database);
  const traces = { ...DEFAULT_RETENTION.traces, ...given(parts.traces) };
  const jobs = { ...DEFAULT_RETENTION.jobs, ...given(parts.jobs) };
  const audit = { ...DEFAULT_RETENTION.audit, ...given(parts.audit) };
  const metrics = { ...DEFAULT_RETENTION.metrics, ...given(parts.metrics) };
  const {
    logLinesPerJob = DEFAULT_RETENTION.logLinesPerJob,
    events: keptEvents = DEFAULT_RETENTION.events,
  } = parts;
  const closing = new AbortController();
  /** Up to where the traces of ended jobs are removed, and their logs cut. */
  let tracesGoneTo: TimePlace | undefined;
  let logsCutTo: TimePlace | undefined;

  /** Is kept after a while, or when this is closed. */
  const wait = (delayMs: number) =>
    new Promise<void>((resolve) => {
      if (closing.signal.aborted) return resolve();
      const done = () => {
        cancel();
        closing.signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = clock.setTimer(delayMs, done);
      closing.signal.addEventListener('abort', done);
    });

  /** Runs steps until one found less than a full one. @throws when this is closed, which ends the round */
  const repeat = async (size: number, step: () => Promise<number>) => {
    let found = size;
    while (found >= size) {
      found = await step();
      if (found > 0) await wait(pauseMs);
      closing.signal.throwIfAborted();
    }
  };

  /** The newest of the places up to which things are beyond a limit. */
  const findLimit = async (
    { maxAgeMs, maxCount }: Limits,
    findPlace: (count: number) => Promise<TimePlace | undefined>,
  ) => {
    const byAge = Number.isFinite(maxAgeMs) ? before(clock.now() - maxAgeMs) : undefined;
    const byCount = Number.isFinite(maxCount) ? await findPlace(maxCount) : undefined;
    if (byAge === undefined || byCount === undefined) return byAge ?? byCount;
    return byCount.at >= byAge.at ? byCount : byAge;
  };

  /** As `findLimit`, of ended jobs. */
  const findEndLimit = async (limits: Limits) => {
    const limit = await findLimit(limits, store.findEnd);
    const settled = before(clock.now() - SETTLING_MS);
    return limit === undefined || limit.at < settled.at ? limit : settled;
  };

  const removeRows = async (
    jobIds: readonly string[],
    tables: readonly ('activations' | 'job_logs' | 'job_events')[] = ['activations', 'job_logs'],
  ) => {
    for (const table of tables) {
      await repeat(STEP_ROWS, () => store.removeRows(table, jobIds, STEP_ROWS));
    }
  };

  const removeJobs = async () => {
    const limit = await findEndLimit(jobs);
    if (limit === undefined) return;
    await repeat(STEP_JOBS, async () => {
      const jobIds = await store.listRemovable(limit, STEP_JOBS);
      if (jobIds.length === 0) return 0;
      await removeRows(jobIds, ['activations', 'job_logs', 'job_events']);
      const removed = await store.removeJobs(jobIds);
      onRemoved(removed);
      return removed.length;
    });
  };

  const removeTraces = async () => {
    const limit = await findEndLimit(traces);
    if (limit === undefined) return;
    await repeat(STEP_JOBS, async () => {
      const ended = await store.listEnded(tracesGoneTo, limit, STEP_JOBS);
      if (ended.length > 0) await removeRows(ended.map(({ id }) => id));
      tracesGoneTo = ended.at(-1) ?? tracesGoneTo;
      return ended.length;
    });
  };

  const cutLogsOf = async (jobIds: readonly string[]) => {
    for (const { jobId, upTo } of await store.listLongLogs(jobIds, logLinesPerJob)) {
      await repeat(STEP_ROWS, () => store.removeLines(jobId, upTo, STEP_ROWS));
    }
  };

  const cutLogs = async () => {
    if (!Number.isFinite(logLinesPerJob)) return;
    const limit = before(clock.now() - SETTLING_MS);
    await repeat(STEP_JOBS, async () => {
      const ended = await store.listEnded(logsCutTo, limit, STEP_JOBS);
      await cutLogsOf(ended.map(({ id }) => id));
      logsCutTo = ended.at(-1) ?? logsCutTo;
      return ended.length;
    });
    let lastId = '';
    await repeat(STEP_JOBS, async () => {
      const running = await store.listRunning(lastId, STEP_JOBS);
      await cutLogsOf(running);
      lastId = running.at(-1) ?? lastId;
      return running.length;
    });
  };

  /** Too many go first of those tenants that have most: nobody writes so much that what others did is forgotten. */
  const removeAudit = async () => {
    const { maxAgeMs, maxCount } = audit;
    if (Number.isFinite(maxAgeMs)) {
      const end = before(clock.now() - maxAgeMs);
      await repeat(STEP_ROWS, () => store.removeAudit(end, STEP_ROWS));
    }
    if (!Number.isFinite(maxCount) || (await store.findAudit(maxCount)) === undefined) return;
    const byTenant = await store.countAudit();
    const most = fairLimit(
      byTenant.map(({ count }) => count),
      maxCount,
    );
    for (const { tenant, count } of byTenant) {
      const limit = count > most ? await store.findAudit(most, tenant) : undefined;
      if (limit === undefined) continue;
      await repeat(STEP_ROWS, () => store.removeAudit(limit, STEP_ROWS, tenant));
    }
  };

  const removeEvents = () => repeat(STEP_ROWS, () => trimEvents(keptEvents, STEP_ROWS));

  const removeMetrics = async () => {
    const ages = [
      ['MINUTE', metrics.minutesMs],
      ['HOUR', metrics.hoursMs],
      ['DAY', metrics.daysMs],
    ] as const;
    for (const [resolution, maxAgeMs] of ages) {
      if (!Number.isFinite(maxAgeMs)) continue;
      const end = clock.now() - maxAgeMs;
      await repeat(STEP_ROWS, () => store.removeMetrics(resolution, end, STEP_ROWS));
    }
  };

  const run = async () => {
    await wait(intervalMs);
    while (!closing.signal.aborted) {
      for (const remove of [
        removeJobs,
        removeTraces,
        cutLogs,
        removeAudit,
        removeEvents,
        removeMetrics,
      ]) {
        try {
          await remove();
        } catch (error) {
          if (closing.signal.aborted) return;
          logger.warn({ err: error }, 'What is kept no longer could not be removed now.');
        }
      }
      await wait(intervalMs);
    }
  };
  const ended = run();

  return {
    close() {
      closing.abort();
      return ended;
    },
  };
}

/** The place before all that happened at a time: no id sorts before the empty one. */
function before(time: number): TimePlace {
  return { at: Math.floor(time), id: '' };
}

type Limits = { readonly maxAgeMs: number; readonly maxCount: number };

/** What is not `undefined` of some options. */
function given<T extends object>(options: T | undefined) {
  const entries = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }; // the rest was left out
}
