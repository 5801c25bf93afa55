import { createRequire } from 'node:module';
import type { GraphQLSchema } from 'graphql';
import { type Logger, pino } from 'pino';
import type { AlertService, TenantAlerts } from './alerts/alert-service.ts';
import { createFlowAnalytics } from './analytics/flow-analytics.ts';
import type { AppOptions, ServeOptions } from './app/app-options.ts';
import { assembleAlerts, checkAlerts } from './app/assemble-alerts.ts';
import { assembleHealth, checkHealth } from './app/assemble-health.ts';
import { assembleJobs, SETTLE_LIMIT_MS } from './app/assemble-jobs.ts';
import { assembleServer } from './app/assemble-server.ts';
import { makeFigures } from './app/figures.ts';
import { createAuditLog } from './audit/audit-log.ts';
import { createKeyring, type Keyring } from './auth/keyring.ts';
import { createFlowRegistry } from './flows/flow-registry.ts';
import {
  type Context,
  createContext,
  type OperationLimits,
  type Services,
} from './graphql/context.ts';
import { presentError } from './graphql/errors.ts';
import { schema } from './graphql/schema.ts';
import type { HealthService, TenantHealth } from './health/health-service.ts';
import type { JobService } from './jobs/job-service.ts';
import { DEFAULT_RETENTION } from './jobs/retention.ts';
import { systemClock } from './lib/clock.ts';
import { ANYBODY, DEFAULT_TENANT, type Identity, type Scope } from './lib/identity.ts';
import { newId } from './lib/ids.ts';
import { isKeptWithin } from './lib/within.ts';
import { createMemoryPubSub, type PubSub } from './pubsub/memory-pubsub.ts';
import type { Topics } from './pubsub/topics.ts';
import { NO_CONNECTIONS } from './server/figures/connection-counters.ts';
import type { Listening, Readiness, Server } from './server/server.ts';
import { openDatabase } from './storage/open-database.ts';
import { createWriteBehind } from './storage/write-behind.ts';

export type { AppOptions, ServeOptions };

/** Where the API is served. */
export interface Serving extends Listening {
  /** Whether nobody has to prove who they are. */
  readonly isOpen: boolean;
}

/** The running system. It serves nobody until `listen`, and runs jobs without that too. */
export interface App {
  /** What people do to jobs. */
  readonly jobs: JobService;
  /** The services of those who belong to no tenant; with `forTenant` of any; and `subscribe`, which tells of all. */
  readonly health: TenantHealth & HealthService;
  /** Alerts and their rules: of those who belong to no tenant, and with `forTenant` of any. */
  readonly alerts: TenantAlerts & AlertService;
  /** The API keys of the database. */
  readonly keys: Keyring;
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
   * Serves the API over HTTP and WebSocket. To be called once. People have to prove who they are as soon as there is a way
   * to: an API key was ever made, or `auth` says how.
   * @throws ServerError when it can't listen there
   * @throws OpenServerError when others than this machine could do everything, and nobody said so
   * @throws ValidationError when the options of JSON Web Tokens are not as they must be
   */
  listen(options?: ServeOptions): Promise<Serving>;
  /**
   * Stops serving. Jobs are stopped where they are, and go on when an app is created on the same database again; of an
   * app in memory they are cancelled. Calling it again answers the same promise.
   */
  close(): Promise<void>;
}

/** Enough for all there is to tell of a hundred jobs of ten routines each. */
const DEFAULT_LIMITS: OperationLimits = { complexity: 250_000, depth: 15, breadth: 500 };

/** What changes nothing. */
const READ_ONLY: readonly Scope[] = ['read', 'admin'];

/** What a load balancer is told while the app is being closed. */
const CLOSING = { causes: [{ part: 'server', problem: 'The server is shutting down.' }] };

/**
 * Puts a running system together: configuration in, working parts out. Only this, with `app/`, knows every concrete
 * part; everything else is handed what it needs. Jobs that had not ended when the process before ended are taken up
 * before it answers.
 * @throws DuplicateFlowError when two of the flows have the same id
 * @throws ValidationError when something is wrong with the services, agents or alert rules that are configured
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
  const checkedHealth = checkHealth(options.health ?? {}, clock.now());
  const checkedAlerts = checkAlerts(options.alerts ?? {}, clock.now());
  const { url, ...databaseOptions } = typeof where === 'string' ? { url: where } : where;
  const database = await openDatabase(url, databaseOptions);
  const stopListening = database.onStatusChange(({ isReady, problem }) => {
    if (isReady) logger.info('The database can be used again.');
    else logger.error({ problem }, 'The database can not be used.');
  });
  const writeBehind = createWriteBehind(database, { clock });
  const {
    minutesMs = DEFAULT_RETENTION.metrics.minutesMs,
    hoursMs = DEFAULT_RETENTION.metrics.hoursMs,
  } = options.retention?.metrics ?? {};
  const kept = { minutesMs, hoursMs };
  const analytics = createFlowAnalytics({ database, clock, logger, kept });
  const keyring = createKeyring({ database, clock });
  const audit = createAuditLog({ database, clock, logger });
  const jobParts = assembleJobs(
    { flows, database, writeBehind, analytics, pubsub, clock, logger },
    options,
  );
  const { host, ledger, debugSessions, retention } = jobParts;
  const healthParts = assembleHealth(
    { database, writeBehind, pubsub, clock, logger },
    checkedHealth,
  );
  const alertParts = assembleAlerts(
    {
      flows,
      database,
      pubsub,
      clock,
      logger,
      host,
      health: healthParts.services.health,
      jobs: jobParts.services.jobs,
    },
    checkedAlerts,
  );

  let server: Server | undefined;
  const services: Services = {
    version: readVersion(),
    startedAt: clock.now(),
    now: () => clock.now(),
    flows,
    ...jobParts.services,
    ...healthParts.services,
    ...alertParts.services,
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
    countConnections: () => server?.countConnections() ?? NO_CONNECTIONS,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  /** Who asks, with no more scopes than this app gives. */
  const limitScopes = (identity: Identity): Identity =>
    options.isReadOnly === true
      ? { ...identity, scopes: new Set(READ_ONLY.filter((scope) => identity.scopes.has(scope))) }
      : identity;
  const logUnexpected = (error: unknown): string => {
    const errorId = newId();
    logger.error({ err: error, errorId }, 'An operation failed unexpectedly.');
    return errorId;
  };
  const maskError = (error: unknown) => presentError(error, logUnexpected);
  const readiness = (): Readiness => {
    if (closing !== undefined) return CLOSING;
    const { problem } = database.status;
    return { causes: problem === undefined ? [] : [{ part: 'database', problem }] };
  };
  let closing: Promise<void> | undefined;

  const lost = new Promise<string>((tell) => {
    database.onLost((problem) => {
      logger.fatal({ problem }, 'Another process has the database. All jobs were stopped here.');
      jobParts.stop();
      void alertParts.stop();
      host.suspend(0).catch(() => undefined); // nothing can be stored
      tell(problem);
    });
  });

  /** One step that fails keeps no other from being taken. */
  const attempt = async (step: Promise<unknown>, what: string) => {
    await step.catch((err: unknown) => logger.error({ err }, `${what} failed while closing.`));
  };

  /** Ends everything, in this order. */
  const close = async () => {
    jobParts.stop();
    await attempt(alertParts.stop(), 'Ending the evaluation of alert rules');
    const healthEnded = attempt(healthParts.close(), 'Ending the checks of services');
    if (database.isPersistent) {
      const suspended = host.suspend(closeGraceMs);
      const limitMs = closeGraceMs + SETTLE_LIMIT_MS;
      await attempt(isKeptWithin(suspended, limitMs, clock), 'Suspending jobs');
    }
    await attempt(host.close(), 'Ending jobs');
    await attempt(ledger.drained(SETTLE_LIMIT_MS), 'Storing what became of jobs');
    await attempt(debugSessions.close(SETTLE_LIMIT_MS), 'Storing what became of debugging');
    await healthEnded; // its history is written behind
    // Only now: those who watch jobs have seen the last of them.
    await Promise.all([
      attempt(server?.close() ?? Promise.resolve(), 'Closing the server'),
      attempt(retention.close(), 'Ending the retention'),
      attempt(analytics.close(), 'Ending the roll-up of metrics'),
      attempt(writeBehind.close(), 'Writing traces and logs'),
      attempt(alertParts.close(SETTLE_LIMIT_MS), 'Storing alerts'),
    ]);
    await attempt(services.jobEvents.close(), 'Storing events');
    stopListening();
    await attempt(database.close(), 'Closing the database');
  };

  try {
    await jobParts.open();
    await healthParts.open();
    await alertParts.open();
  } catch (error) {
    await close();
    throw error;
  }

  return {
    services,
    jobs: services.jobs,
    health: { ...services.health.forTenant(DEFAULT_TENANT), ...services.health },
    alerts: { ...services.alerts.forTenant(DEFAULT_TENANT), ...services.alerts },
    keys: keyring,
    pubsub,
    schema,
    logger,
    lost,
    createContext: () => createContext(services, limitScopes(ANYBODY)),
    async listen(serveOptions = {}) {
      const assembled = await assembleServer(
        {
          schema,
          services,
          keyring,
          clock,
          logger,
          limitScopes,
          maskError,
          readiness,
          figures: () => makeFigures(jobParts.counts, healthParts.count(), services),
        },
        options.auth ?? {},
        serveOptions,
      );
      server = assembled.server;
      const { host, port } = serveOptions;
      const listening = await server.listen({
        ...(host === undefined ? {} : { host }),
        ...(port === undefined ? {} : { port }),
      });
      return { ...listening, isOpen: assembled.isOpen };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('millrace/package.json');
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
