import { createRequire } from 'node:module';
import type { GraphQLSchema } from 'graphql';
import { type Logger, pino } from 'pino';
import { createFlowAnalytics } from './analytics/flow-analytics.ts';
import { createAuditLog } from './audit/audit-log.ts';
import {
  createDebugSessions,
  type DebuggerOptions,
  type DebugSessions,
} from './debug-sessions/create-debug-sessions.ts';
import { createEngine, type EngineOptions, type Flow } from './engine/index.ts';
import { createFlowRegistry } from './flows/flow-registry.ts';
import {
  type Context,
  createContext,
  type OperationLimits,
  type Right,
  type Services,
} from './graphql/context.ts';
import { presentError } from './graphql/errors.ts';
import { schema } from './graphql/schema.ts';
import { createCheckpointStore } from './jobs/checkpoint-store.ts';
import { createHistoryStore } from './jobs/history-store.ts';
import { createJobEvents, type JobEvents } from './jobs/job-events.ts';
import { createJobIntake, type JobIntake } from './jobs/job-intake.ts';
import { createJobLedger, type JobLedger } from './jobs/job-ledger.ts';
import { createJobRecords } from './jobs/job-records.ts';
import { type RecoveryOptions, recoverJobs } from './jobs/job-recovery.ts';
import { createJobReruns } from './jobs/job-reruns.ts';
import { createJobService, type JobService } from './jobs/job-service.ts';
import { createJobStore } from './jobs/job-store.ts';
import { createLiveJobs } from './jobs/live-jobs.ts';
import { createLocalJobHost } from './jobs/local-job-host.ts';
import { createRetention, DEFAULT_RETENTION, type RetentionOptions } from './jobs/retention.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { newId } from './lib/ids.ts';
import { isKeptWithin } from './lib/within.ts';
import type { JobMonitorOptions } from './monitoring/job-monitor.ts';
import { createMemoryPubSub, type PubSub } from './pubsub/memory-pubsub.ts';
import type { Topics } from './pubsub/topics.ts';
import { createServer } from './server/create-server.ts';
import type { ExampleOperation } from './server/graphiql.ts';
import type { ServerLimits } from './server/limits.ts';
import type { Listening, ListenOptions, Server } from './server/server.ts';
import { type OpenDatabaseOptions, openDatabase } from './storage/open-database.ts';
import { createWriteBehind } from './storage/write-behind.ts';

/** What a running system is made of. Only `flows` has to be given. */
export interface AppOptions {
  /** The flows that jobs can be started of. */
  readonly flows: readonly Flow[];
  /** Where faults of the system itself are written. Default: JSON lines on standard error, from level `warn`. */
  readonly logger?: Logger;
  /** With true nobody may start or change jobs through the API. Default false. */
  readonly isReadOnly?: boolean;
  /** Where time comes from, for the engine too. Default: the machine's clock. */
  readonly clock?: Clock;
  /** How many jobs run at once, and for how long code may keep the event loop or outlive its job. */
  readonly engine?: Omit<EngineOptions, 'clock'>;
  /** How much of each job's trace and log is remembered. */
  readonly monitor?: JobMonitorOptions;
  /**
   * Where jobs are kept: `sqlite:<path>`, `postgres://…`, or `sqlite::memory:`, which forgets them when the app is
   * closed. With an object more can be said. Default: in memory.
   */
  readonly database?: string | (OpenDatabaseOptions & { readonly url: string });
  /** How often a running job that changes is checkpointed, in milliseconds. Default 5,000. */
  readonly checkpointIntervalMs?: number;
  /** When jobs that were running at crashes are given up. */
  readonly recovery?: RecoveryOptions;
  /** Whether people may evaluate expressions in jobs, and how long what they debug waits for them. */
  readonly debugger?: DebuggerOptions;
  /** What is removed when. */
  readonly retention?: RetentionOptions;
  /** How long running code may go on when the app is closed, in milliseconds. Default 10,000. */
  readonly closeGraceMs?: number;
  /** How many job events are held for subscribers that come back. Default 10,000. */
  readonly heldEvents?: number;
  /** What one operation may cost. Default: 250,000 fields in the answer, 15 levels, 500 fields as written. */
  readonly limits?: Partial<OperationLimits>;
}

/** The running system. It serves nobody until `listen`, and runs jobs without that too. */
export interface App {
  /** What people do to jobs. */
  readonly jobs: JobService;
  /** The API, to be executed with a context of `createContext`. */
  readonly schema: GraphQLSchema;
  /** Where faults of the system itself are written. */
  readonly logger: Logger;
  /** The parts inside. Unstable: for tests, may change with any version. */
  readonly services: Services;
  /** Everything that is announced inside. Unstable, as `services`. */
  readonly pubsub: PubSub<Topics>;
  /**
   * Kept, with the reason, when another process has taken over the database: it may run the same jobs, so here they were
   * stopped and nothing is stored any more. All that is left is to close the app.
   */
  readonly lost: Promise<string>;
  /** Makes the context of one operation. What is in it is unstable, as `services`. */
  createContext(): Context;
  /**
   * Serves the API over HTTP and WebSocket. To be called once.
   * @throws ServerError when it can't listen there
   */
  listen(options?: ServeOptions): Promise<Listening>;
  /**
   * Stops serving. Jobs are stopped where they are, and go on when an app is created on the same database again; of an
   * app in memory they are cancelled. Calling it again answers the same promise.
   */
  close(): Promise<void>;
}

/** Where and how the API is served. */
export interface ServeOptions extends ListenOptions {
  /** What one client may ask of the server. Each has a default of its own. */
  readonly limits?: Partial<ServerLimits>;
  /** Names besides addresses and `localhost` that browsers may reach the server by. */
  readonly knownHosts?: readonly string[];
  /** Operations that GraphiQL offers in tabs. */
  readonly examples?: readonly ExampleOperation[];
}

/** Enough for all there is to tell of a hundred jobs of ten routines each. */
const DEFAULT_LIMITS: OperationLimits = { complexity: 250_000, depth: 15, breadth: 500 };

/** How long what was told of jobs may take to be stored when the app is closed, in milliseconds. */
const SETTLE_LIMIT_MS = 3_000;

/**
 * Puts a running system together: configuration in, working parts out. This is the only place that knows every
 * concrete part; everything else is handed what it needs. Jobs that had not ended when the process before ended are
 * taken up before it answers.
 * @throws DuplicateFlowError when two of the flows have the same id
 * @throws StorageOpenError when the database can't be opened
 */
export async function createApp(options: AppOptions): Promise<App> {
  const {
    clock = systemClock,
    database: where = 'sqlite::memory:',
    closeGraceMs = 10_000,
  } = options;
  const logger = options.logger ?? pino({ level: 'warn' }, pino.destination(2));
  const pubsub = createMemoryPubSub<Topics>((error) =>
    logger.error({ err: error }, 'A listener of the internal pubsub failed.'),
  );
  const flows = createFlowRegistry(options.flows);
  const { url, ...databaseOptions } = typeof where === 'string' ? { url: where } : where;
  const database = await openDatabase(url, databaseOptions);
  const stopListening = database.onStatusChange(({ isReady, problem }) => {
    if (isReady) logger.info('The database can be used again.');
    else logger.error({ problem }, 'The database can not be used.');
  });

  const writeBehind = createWriteBehind(database, { clock });
  const history = createHistoryStore(database, writeBehind, (err) =>
    logger.error({ err }, 'Traces could not be trimmed.'),
  );
  const store = createJobStore(database);
  const checkpoints = createCheckpointStore(database);
  const {
    minutesMs = DEFAULT_RETENTION.metrics.minutesMs,
    hoursMs = DEFAULT_RETENTION.metrics.hoursMs,
  } = options.retention?.metrics ?? {};
  const kept = { minutesMs, hoursMs };
  const analytics = createFlowAnalytics({ database, clock, logger, kept });
  const audit = createAuditLog({ database, clock, logger });

  // The host tells of its jobs, the ledger, the events and the debugger listen; all also need the host.
  const told: {
    ledger?: JobLedger;
    events?: JobEvents;
    debugSessions?: DebugSessions;
    intake?: JobIntake;
  } = {};
  const jobHost = createLocalJobHost({
    engine: createEngine({ clock, ...options.engine }),
    clock,
    monitor: options.monitor,
    checkpointIntervalMs: options.checkpointIntervalMs,
    onFailure: (error, jobId) =>
      logger.error({ err: error, jobId }, 'A checkpoint could not be taken.'),
    listener: {
      starting: async (jobId, isPaused) => told.ledger?.starting(jobId, isPaused),
      stateChanged: (change) => told.ledger?.stateChanged(change),
      recorded: (records) => told.ledger?.recorded(records),
      checkpointed: async (jobId, checkpoint) => told.ledger?.checkpointed(jobId, checkpoint),
      logged: (line) => told.events?.recordLog(line),
      debugChanged: (jobId, snapshot) => told.debugSessions?.listener.debugChanged(jobId, snapshot),
      breakpointHit: (hit) => told.debugSessions?.listener.breakpointHit(hit),
    },
  });
  const events = createJobEvents({
    pubsub,
    host: jobHost,
    clock,
    epoch: newId(),
    heldEvents: options.heldEvents,
  });
  const ledger = createJobLedger({
    store,
    checkpoints,
    history,
    events,
    pubsub,
    clock,
    host: jobHost,
    onEnded: (jobId) => {
      analytics.noteFinished();
      told.debugSessions?.noteEnded(jobId);
    },
    onFailure: (error, jobId) =>
      logger.error({ err: error, jobId }, 'What happened in a job was not stored.'),
    onCheckpointProblem: (problem, jobId) =>
      logger.warn({ jobId, problem }, 'A job can not be checkpointed.'),
  });
  told.ledger = ledger;
  told.events = events;
  const debugSessions = createDebugSessions({
    database,
    flows,
    findJobs: store.getMany,
    handedOver: async (jobId) => told.intake?.handedOver(jobId),
    settled: (jobId) => ledger.settled(jobId, SETTLE_LIMIT_MS),
    host: jobHost.debug,
    events,
    pubsub,
    clock,
    logger,
    options: options.debugger,
  });
  told.debugSessions = debugSessions;
  const { jobs: debug } = debugSessions;
  const intake = createJobIntake({ flows, store, host: jobHost, ledger, events, debug, clock });
  told.intake = intake;
  const jobs = createJobService({
    intake,
    store,
    host: jobHost,
    ledger,
    reruns: createJobReruns({ flows, store, host: jobHost, history }),
    debug,
    clock,
    beforeDelete: () => analytics.flush(),
  });
  const retention = createRetention({
    database,
    clock,
    logger,
    ...options.retention,
    onRemoved: (removed) => {
      store.noteRemoved(removed.map(({ id }) => id));
      for (const job of removed) ledger.announce(job, true);
    },
  });

  const records = createJobRecords(jobHost, history);
  const services: Services = {
    version: readVersion(),
    startedAt: clock.now(),
    now: () => clock.now(),
    flows,
    jobs,
    jobHost,
    records,
    describeCheckpoints: checkpoints.describe,
    jobEvents: events,
    liveJobs: createLiveJobs({ store, host: jobHost, records, pubsub, clock }),
    debug: debugSessions.debug,
    breakpoints: debugSessions.breakpoints,
    analytics,
    audit,
    storage: {
      dialect: database.capabilities.dialect,
      get status() {
        return database.status;
      },
      get writeBehind() {
        return writeBehind.counters;
      },
    },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const rights = new Set<Right>(options.isReadOnly === true ? ['watch'] : ['watch', 'control']);
  const createOperationContext = (address?: string) => createContext(services, { rights, address });
  const logUnexpected = (error: unknown): string => {
    const errorId = newId();
    logger.error({ err: error, errorId }, 'An operation failed unexpectedly.');
    return errorId;
  };
  let server: Server | undefined;
  let closing: Promise<void> | undefined;

  let cancelStable: () => void = () => undefined;

  const lost = new Promise<string>((tell) => {
    database.onLost((problem) => {
      logger.fatal({ problem }, 'Another process has the database. All jobs were stopped here.');
      jobs.close();
      debugSessions.stop();
      jobHost.suspend(0).catch(() => undefined); // nothing can be stored
      tell(problem);
    });
  });

  /** One step that fails keeps no other from being taken. */
  const attempt = async (step: Promise<unknown>, what: string) => {
    await step.catch((err: unknown) => logger.error({ err }, `${what} failed while closing.`));
  };

  const close = async () => {
    cancelStable();
    jobs.close();
    debugSessions.stop();
    if (database.isPersistent) {
      const suspended = jobHost.suspend(closeGraceMs);
      const limitMs = closeGraceMs + SETTLE_LIMIT_MS;
      await attempt(isKeptWithin(suspended, limitMs, clock), 'Suspending jobs');
    }
    await attempt(jobHost.close(), 'Ending jobs');
    await attempt(ledger.drained(SETTLE_LIMIT_MS), 'Storing what became of jobs');
    await attempt(debugSessions.close(SETTLE_LIMIT_MS), 'Storing what became of debugging');
    // Only now: those who watch jobs have seen the last of them.
    await Promise.all([
      attempt(server?.close() ?? Promise.resolve(), 'Closing the server'),
      attempt(retention.close(), 'Ending the retention'),
      attempt(analytics.close(), 'Ending the roll-up of metrics'),
      attempt(writeBehind.close(), 'Writing traces and logs'),
    ]);
    stopListening();
    await attempt(database.close(), 'Closing the database');
  };

  try {
    await debugSessions.open();
    await recoverJobs({
      flows,
      store,
      checkpoints,
      history,
      host: jobHost,
      ledger,
      events,
      debug,
      clock,
      logger,
      ...options.recovery,
    });
    const { stableAfterMs = 60_000 } = options.recovery ?? {};
    cancelStable = clock.setTimer(stableAfterMs, () => {
      store.forgetCrashes().catch((err: unknown) => logger.error({ err }, 'Crashes still count.'));
    });
  } catch (error) {
    await close();
    throw error;
  }

  return {
    services,
    jobs,
    pubsub,
    schema,
    logger,
    lost,
    createContext: () => createOperationContext(),
    listen({ examples = [], limits = {}, knownHosts = [], ...where } = {}) {
      server = createServer({
        schema,
        logger,
        limits,
        knownHosts,
        createContext: ({ request }) => createOperationContext(request.socket.remoteAddress),
        maskError: (error) => presentError(error, logUnexpected),
        graphiql: { operations: examples },
        readiness: () => (closing === undefined ? database.status : CLOSING),
      });
      return server.listen(where);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What a load balancer is told while the app is being closed. */
const CLOSING = { isReady: false, problem: 'The server is shutting down.' };

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('millrace/package.json');
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
