import type { Logger } from 'pino';
import type { DebugHost, DebugListener, DebugSnapshot } from '../debugger/debug-host.ts';
import { InvalidStateError } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { JobDebug } from '../jobs/job-debug.ts';
import type { JobEvents } from '../jobs/job-events.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { OfJob, Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';
import { createBreakpointBook } from './breakpoint-book.ts';
import { type BreakpointService, createBreakpoints } from './breakpoint-service.ts';
import { createBreakpointStore } from './breakpoint-store.ts';
import { createDebugServices, type DebugService } from './debug-service.ts';
import { createHitTotals } from './hit-totals.ts';
import { createOpenJobs, type OpenJob, type OpenJobsDeps } from './open-jobs.ts';
import { createSessionBook, NEW_SESSION } from './session-book.ts';
import { createSessionOwners } from './session-owners.ts';
import { createSessionReaders } from './session-reader.ts';
import { createSessionStore } from './session-store.ts';
import { createStartDebug } from './start-debug.ts';
import { createStopLimits } from './stop-limits.ts';

export interface DebuggerOptions {
  /** Whether expressions are evaluated, besides those of breakpoints. Default false. */
  readonly evaluation?: boolean | undefined;
  /** How long a stop lasts that nobody does anything about, in milliseconds; 0 for ever. Default 15 minutes. */
  readonly pauseTtlMs?: number | undefined;
  /** How long a session stays with its owner who does nothing more, in milliseconds. Default 5 minutes. */
  readonly leaseMs?: number | undefined;
}

export interface DebugSessionsDeps extends OpenJobsDeps {
  readonly options?: DebuggerOptions | undefined;
  readonly database: Database;
  readonly flows: FlowRegistry;
  readonly host: DebugHost;
  readonly events: Pick<JobEvents, 'record'>;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** As of `DebugService`. */
  readonly settled: (jobId: string) => Promise<void>;
}

/** The debugging of all jobs, put together. */
export interface DebugSessions {
  readonly debug: Tenanted<DebugService>;
  readonly breakpoints: Tenanted<BreakpointService>;
  /** For those who start jobs and take them up. */
  readonly jobs: JobDebug;
  /** To be told by the host. */
  readonly listener: DebugListener;
  /** Reads what is kept. To be called once, before a job is started or taken up. */
  open(): Promise<void>;
  /** A job has ended, and that is stored. */
  noteEnded(jobId: string): void;
  /** Lets no job go on by itself from now on. What jobs tell is kept until `close`. */
  stop(): void;
  /** Is kept when what was told is stored, as far as that is possible within a limit. */
  close(limitMs: number): Promise<void>;
}

export function createDebugSessions(deps: DebugSessionsDeps): DebugSessions {
  const { database, flows, host, events, pubsub, clock, logger, options = {} } = deps;
  const { evaluation = false, pauseTtlMs = 15 * 60_000, leaseMs = 5 * 60_000 } = options;
  const onFailure = (err: unknown, jobId?: string) =>
    logger.error({ err, jobId }, 'What the debugger keeps was not stored.');

  const store = createBreakpointStore(database);
  const sessionStore = createSessionStore(database, {
    clock,
    onDamaged: (jobId, problem) => logger.error({ jobId, problem }, 'A session begins anew.'),
  });
  const jobs = createOpenJobs(deps);
  const book = createBreakpointBook();
  const sessions = createSessionBook({ store: sessionStore, clock, onFailure });
  const limits = createStopLimits({
    sessions,
    clock,
    pauseTtlMs,
    onExpired: (jobId) => {
      expire(jobId).catch((err: unknown) =>
        logger.error({ err, jobId }, 'A job that was forgotten at a stop does not go on.'),
      );
    },
  });
  const owners = createSessionOwners({ jobs, sessions, limits, clock, leaseMs });
  const totals = createHitTotals({ book, store, onFailure });
  const announce = (job: OpenJob | undefined) => {
    if (job !== undefined) pubsub.publish('debugChanged', toOfJob(job));
  };
  const breakpoints = createBreakpoints({
    book,
    store,
    flows,
    jobs,
    sessions,
    owners,
    host,
    clock,
    onChanged: announce,
    onFailure: (err, jobId) =>
      logger.error({ err, jobId }, 'A job could not be given its breakpoints.'),
  });
  const readers = createSessionReaders({ jobs, sessions, limits, host, pubsub, clock });

  const expire = async (jobId: string) => {
    const stop = sessions.get(jobId)?.debug.stop;
    const job = jobs.get(jobId);
    if (stop === undefined || job === undefined) return;
    try {
      await host.continue(jobId);
    } catch (error) {
      if (error instanceof NotFoundError) return;
      if (!(error instanceof InvalidStateError)) throw error;
      // Somebody let it go on, or it is ending; else it has no place among the running jobs yet, and is tried again.
      if (sessions.get(jobId)?.debug.stop?.number === stop.number) limits.renew(jobId);
      return;
    }
    const now = clock.now();
    events.record(toOfJob(job), now, { type: 'STOP_EXPIRED', afterMs: now - stop.at });
    announce(job);
  };

  const noteChange = (jobId: string, snapshot: DebugSnapshot) => {
    // What is told of a job that has ended can't be kept any more.
    if (!jobs.has(jobId)) return;
    const before = sessions.get(jobId);
    if (before === undefined && isBlank(snapshot)) return;
    const { progress, stop } = (before ?? NEW_SESSION).debug;
    sessions.change(jobId, { debug: snapshot });
    if (snapshot.stop?.number !== stop?.number) limits.renew(jobId);
    totals.note(jobId, progress, snapshot.progress);
    for (const [id, { isSpent }] of Object.entries(snapshot.progress)) {
      if (!isSpent || progress[id]?.isSpent === true) continue;
      breakpoints.disable(id).catch((error: unknown) => onFailure(error, jobId));
    }
    announce(jobs.get(jobId));
  };

  const debug = createDebugServices({
    flows,
    jobs,
    sessions,
    owners,
    readers,
    host,
    isEvaluationOn: evaluation,
    settled: deps.settled,
    onChanged: (jobId) => announce(jobs.get(jobId)),
  });

  return {
    breakpoints,
    debug,
    jobs: createStartDebug({
      book,
      breakpoints: store,
      sessions,
      sessionStore,
      owners,
      limits,
      jobs,
      onFailure,
    }),
    listener: {
      debugChanged: noteChange,
      breakpointHit({ jobId, tenant, flowId, at, activationId, ...hit }) {
        const activation = activationId === undefined ? {} : { activationId };
        events.record({ jobId, tenant, flowId }, at, {
          type: 'BREAKPOINT_HIT',
          ...hit,
          ...activation,
        });
      },
    },
    async open() {
      await store.removeOrphans();
      await sessionStore.removeOrphans();
      for (const breakpoint of await store.listForFlowsAndUnfinishedJobs()) book.put(breakpoint);
      sessions.fill(await sessionStore.listUnfinished());
    },
    noteEnded(jobId) {
      jobs.remove(jobId);
      limits.forget(jobId);
      sessions.forget(jobId);
      book.forgetJob(jobId);
      debug.forget(jobId);
    },
    stop: limits.close,
    async close(limitMs) {
      limits.close();
      await Promise.all([sessions.drained(limitMs), isKeptWithin(totals.flush(), limitMs, clock)]);
    },
  };
}

function toOfJob({ id, tenant, flowId }: OpenJob): OfJob {
  return { jobId: id, tenant, flowId };
}

/** Whether there is nothing to keep of it. */
function isBlank({ stop, step, stopCount, progress }: DebugSnapshot): boolean {
  if (stop !== undefined || step !== undefined || stopCount > 0) return false;
  return Object.values(progress).every(
    ({ hitCount, lastError, isSpent }) => hitCount === 0 && lastError === undefined && !isSpent,
  );
}
