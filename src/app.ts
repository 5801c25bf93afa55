import { createRequire } from 'node:module';
import type { GraphQLSchema } from 'graphql';
import { type Logger, pino } from 'pino';
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
import { createJobEvents, type JobEvents } from './jobs/job-events.ts';
import { createJobService, type JobService } from './jobs/job-service.ts';
import { createMemoryJobStore } from './jobs/job-store.ts';
import { createLiveJobs } from './jobs/live-jobs.ts';
import { createLocalJobHost } from './jobs/local-job-host.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { newId } from './lib/ids.ts';
import type { JobMonitorOptions } from './monitoring/job-monitor.ts';
import { createMemoryPubSub, type PubSub } from './pubsub/memory-pubsub.ts';
import type { Topics } from './pubsub/topics.ts';
import { createServer } from './server/create-server.ts';
import type { ExampleOperation } from './server/graphiql.ts';
import type { ServerLimits } from './server/limits.ts';
import type { Listening, ListenOptions, Server } from './server/server.ts';

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
  /** How many jobs that have ended are remembered. Default 5,000. */
  readonly endedJobs?: number;
  /** How many jobs that have ended keep their trace and log. Default 50. */
  readonly endedTraces?: number;
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
  /** Makes the context of one operation. What is in it is unstable, as `services`. */
  createContext(): Context;
  /**
   * Serves the API over HTTP and WebSocket. To be called once.
   * @throws ServerError when it can't listen there
   */
  listen(options?: ServeOptions): Promise<Listening>;
  /** Stops serving and ends all jobs. Calling it again answers the same promise. */
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

/**
 * Puts a running system together: configuration in, working parts out. This is the only place that knows every
 * concrete part; everything else is handed what it needs.
 * @throws DuplicateFlowError when two of the flows have the same id
 */
export function createApp(options: AppOptions): App {
  const { clock = systemClock, endedJobs = 5_000 } = options;
  const logger = options.logger ?? pino({ level: 'warn' }, pino.destination(2));
  const pubsub = createMemoryPubSub<Topics>((error) =>
    logger.error({ err: error }, 'A listener of the internal pubsub failed.'),
  );
  const flows = createFlowRegistry(options.flows);

  // The host tells of its jobs, the service and the events listen; the service and the events also need the host.
  const told: { jobs?: JobService; events?: JobEvents } = {};
  const jobHost = createLocalJobHost({
    engine: createEngine({ clock, ...options.engine }),
    clock,
    monitor: options.monitor,
    endedTraces: options.endedTraces,
    listener: {
      stateChanged(change) {
        told.jobs?.noteStateChange(change).catch((error: unknown) => {
          logger.error(
            { err: error, jobId: change.jobId },
            "A job's change of state was not noted.",
          );
        });
      },
      logged: (line) => told.events?.recordLog(line),
    },
  });
  const jobStore = createMemoryJobStore(endedJobs, ({ id }) => void jobHost.forget(id));
  const jobEvents = createJobEvents({
    pubsub,
    host: jobHost,
    clock,
    epoch: newId(),
    heldEvents: options.heldEvents,
  });
  const jobs = createJobService({
    flows,
    store: jobStore,
    host: jobHost,
    events: jobEvents,
    pubsub,
    clock,
  });
  told.jobs = jobs;
  told.events = jobEvents;

  const services: Services = {
    version: readVersion(),
    startedAt: clock.now(),
    now: () => clock.now(),
    flows,
    jobs,
    jobHost,
    jobEvents,
    liveJobs: createLiveJobs({ store: jobStore, host: jobHost, pubsub, clock }),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const rights = new Set<Right>(options.isReadOnly === true ? ['watch'] : ['watch', 'control']);
  const createOperationContext = () => createContext(services, { rights });
  const logUnexpected = (error: unknown): string => {
    const errorId = newId();
    logger.error({ err: error, errorId }, 'An operation failed unexpectedly.');
    return errorId;
  };
  let server: Server | undefined;
  let closing: Promise<void> | undefined;
  return {
    services,
    jobs,
    pubsub,
    schema,
    logger,
    createContext: createOperationContext,
    listen({ examples = [], limits = {}, knownHosts = [], ...where } = {}) {
      server = createServer({
        schema,
        logger,
        limits,
        knownHosts,
        createContext: createOperationContext,
        maskError: (error) => presentError(error, logUnexpected),
        graphiql: { operations: examples },
      });
      return server.listen(where);
    },
    close() {
      // Jobs end first, so that those who watch them see it.
      closing ??= jobHost.close().then(() => server?.close());
      return closing;
    },
  };
}

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('millrace/package.json');
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
