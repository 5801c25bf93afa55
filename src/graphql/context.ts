import DataLoader from 'dataloader';
import type { AlertService, TenantAlerts } from '../alerts/alert-service.ts';
import type { LiveAlerts, TenantLiveAlerts } from '../alerts/live-alerts.ts';
import type {
  FlowAnalytics,
  FlowMetricsRequest,
  TenantAnalytics,
} from '../analytics/flow-analytics.ts';
import type { FlowMetrics } from '../analytics/flow-metrics.ts';
import type { AuditLog, TenantAuditLog } from '../audit/audit-log.ts';
import type { BreakpointService } from '../debug-sessions/breakpoint-service.ts';
import type { DebugService } from '../debug-sessions/debug-service.ts';
import type { KeptBreakpoint } from '../debug-sessions/kept-breakpoint.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { HealthService, TenantHealth } from '../health/health-service.ts';
import type { LiveHealth, TenantLiveHealth } from '../health/live-health.ts';
import type { Checkpoint } from '../jobs/checkpoint.ts';
import type { Job, KeptOutput } from '../jobs/job.ts';
import type { JobEvents, TenantJobEvents } from '../jobs/job-events.ts';
import type { JobHost } from '../jobs/job-host.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobService } from '../jobs/job-service.ts';
import type { LiveJobs, TenantLiveJobs } from '../jobs/live-jobs.ts';
import type { Identity } from '../lib/identity.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import type { DurationReading, JobReading } from '../monitoring/readings.ts';
import type { StorageStatus } from '../storage/database.ts';
import type { WriteBehindCounters } from '../storage/write-behind.ts';

/** Who asks. */
export interface Viewer extends Identity {
  /** Network address of the client; `undefined` for operations of this process itself. */
  readonly address?: string | undefined;
}

/** Limits of one operation; above them it is refused before it runs. */
export interface OperationLimits {
  /** The most fields an answer may have, as estimated from the page sizes asked for. */
  readonly complexity: number;
  /** The deepest nesting of fields. */
  readonly depth: number;
  /** The most fields written in the operation. */
  readonly breadth: number;
}

/** What one operation costs, in points: the fields its answer may have. */
export interface OperationCost {
  readonly operation: number;
  /** The most that one may cost. */
  readonly limit: number;
}

/** What a client has left of something. */
export interface RateBudget {
  readonly limit: number;
  readonly remaining: number;
  /** When all of it is back, in milliseconds since the Unix epoch. */
  readonly resetAt: number;
}

/** What a client may still ask for; `undefined` for what is not limited. */
export interface RateNews {
  readonly requests: RateBudget | undefined;
  readonly cost: RateBudget | undefined;
}

/** What people see of a checkpoint. */
export type CheckpointInfo = Pick<Checkpoint, 'takenAt' | 'problem'>;

/** How it stands with the database, now. */
export interface StorageReport {
  readonly dialect: 'sqlite' | 'postgres';
  readonly status: StorageStatus;
  readonly writeBehind: WriteBehindCounters;
}

/** What goes on over the server's connections, now; and totals since it was started. */
export interface ConnectionCounts {
  readonly webSockets: number;
  readonly eventStreams: number;
  /** Over WebSocket. */
  readonly operations: number;
  /** Over any transport. */
  readonly subscriptions: number;
  /** Groups of subscriptions that are served by one execution. */
  readonly groups: number;
  /** WebSockets that were opened; closed; closed for a reason; refused. */
  readonly openedTotal: number;
  readonly closedTotal: number;
  readonly idleTotal: number;
  readonly deadTotal: number;
  readonly tooSlowTotal: number;
  readonly tooManyTotal: number;
  /** Results handed to subscriptions. */
  readonly messagesTotal: number;
  /** Subscriptions to events that ended since the client was too slow. */
  readonly fellBehindTotal: number;
}

/** What a client is told of its connection. */
export interface ConnectionNews {
  readonly id: string;
  readonly status: 'CONNECTED' | 'DISCONNECTED';
  /** Milliseconds since the Unix epoch. */
  readonly serverTime: number;
  /** How often it is told, in milliseconds. */
  readonly heartbeatMs: number;
  /** In the last message: how long to stay away, in milliseconds. */
  readonly comeBackAfterMs: number | undefined;
}

/** The connection that an operation came over. */
export interface ClientConnection {
  /** How it is with it: at once, at every heartbeat, and when the server goes away. */
  watchStatus(): AsyncIterableIterator<ConnectionNews>;
  /** What its client may still ask for. */
  readRateLimit(): RateNews;
  /**
   * Goes on with a new token of the same client.
   * @returns who the client is by that
   * @throws NotRenewableError when the token can't take the old one's place, as over HTTP
   * @throws UnauthenticatedError when the token is not valid; another DomainError when that can't be found out now
   */
  renew(token: string): Promise<Identity>;
}

/** The parts of the running system that the API speaks for. */
export interface Services {
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly flows: FlowRegistry;
  /** Of those who belong to no tenant, and with `forTenant` of any. */
  readonly jobs: JobService;
  readonly jobHost: JobHost;
  /** By job id, of any tenant: to be asked only about jobs that were found. */
  readonly records: JobRecords;
  /** Of jobs that have not ended, in the order of the ids. */
  readonly describeCheckpoints: (
    jobIds: readonly string[],
  ) => Promise<(CheckpointInfo | undefined)[]>;
  readonly jobEvents: JobEvents;
  readonly liveJobs: LiveJobs;
  readonly debug: Tenanted<DebugService>;
  readonly breakpoints: Tenanted<BreakpointService>;
  readonly analytics: FlowAnalytics;
  readonly audit: AuditLog;
  readonly health: HealthService;
  readonly liveHealth: LiveHealth;
  readonly alerts: AlertService;
  readonly liveAlerts: LiveAlerts;
  readonly storage: StorageReport;
  readonly countConnections: () => ConnectionCounts;
  readonly limits: OperationLimits;
  readonly now: () => number;
}

/** The services of which every tenant has a view of its own. */
type TenantedServices =
  | 'jobEvents'
  | 'liveJobs'
  | 'debug'
  | 'breakpoints'
  | 'analytics'
  | 'audit'
  | 'health'
  | 'liveHealth'
  | 'alerts'
  | 'liveAlerts';

/** The services that ask nobody whose a job is. */
type UnguardedServices = 'jobHost' | 'describeCheckpoints';

/** What every resolver gets: nothing of another tenant than the viewer's is there. One for each operation. */
export interface Context extends Omit<Services, TenantedServices | UnguardedServices> {
  readonly viewer: Viewer;
  readonly jobEvents: TenantJobEvents;
  readonly liveJobs: TenantLiveJobs;
  readonly debug: DebugService;
  readonly breakpoints: BreakpointService;
  readonly analytics: TenantAnalytics;
  readonly audit: TenantAuditLog;
  readonly health: TenantHealth;
  readonly liveHealth: TenantLiveHealth;
  readonly alerts: TenantAlerts;
  readonly liveAlerts: TenantLiveAlerts;
  /** `undefined` for operations of this process itself. */
  readonly connection: ClientConnection | undefined;
  /** What the operation costs. There once it was measured and is within the limits. */
  cost?: OperationCost;
  /** `undefined` for a job that is gone. */
  readonly jobsById: DataLoader<string, Job | undefined>;
  readonly readings: DataLoader<string, JobReading | undefined>;
  readonly durations: DataLoader<string, ReadonlyMap<string, DurationReading> | undefined>;
  readonly outputs: DataLoader<string, Readonly<Record<string, KeptOutput>> | undefined>;
  readonly checkpoints: DataLoader<string, CheckpointInfo | undefined>;
  /** `undefined` for a breakpoint that is gone. */
  readonly breakpointsById: DataLoader<string, KeptBreakpoint | undefined>;
  readonly flowMetrics: DataLoader<FlowMetricsRequest, FlowMetrics>;
}

/** Makes the context of one operation. */
export type MakeContext = (viewer: Viewer, connection?: ClientConnection) => Context;

/** Of so many tenants the views are kept; of others they are made anew. */
const MOST_TENANTS = 1_000;

/** What is the same in all contexts of one tenant. */
function viewsOf(services: Services, tenant: string) {
  return {
    jobs: services.jobs.forTenant(tenant),
    jobEvents: services.jobEvents.forTenant(tenant),
    liveJobs: services.liveJobs.forTenant(tenant),
    debug: services.debug.forTenant(tenant),
    breakpoints: services.breakpoints.forTenant(tenant),
    analytics: services.analytics.forTenant(tenant),
    audit: services.audit.forTenant(tenant),
    health: services.health.forTenant(tenant),
    liveHealth: services.liveHealth.forTenant(tenant),
    alerts: services.alerts.forTenant(tenant),
    liveAlerts: services.liveAlerts.forTenant(tenant),
  };
}

/**
 * Makes contexts, each with views of its viewer's tenant alone. The loaders gather the look-ups of one tick, so that what is
 * shown of a job side by side is of one moment, and cache nothing: a subscription's context lives as long as the subscription.
 */
export function createContexts(services: Services): MakeContext {
  const kept = new Map<string, ReturnType<typeof viewsOf>>();
  const { version, startedAt, flows, records, storage, countConnections, limits, now } = services;
  const { describeCheckpoints } = services;
  return (viewer, connection) => {
    const { tenant } = viewer;
    let views = kept.get(tenant);
    if (views === undefined) {
      views = viewsOf(services, tenant);
      if (kept.size >= MOST_TENANTS) kept.clear();
      kept.set(tenant, views);
    }
    const { jobs, jobEvents, liveJobs, debug, breakpoints, analytics, audit } = views;
    const { health, liveHealth, alerts, liveAlerts } = views;
    // Each by its name: to spread them takes ten times as long, and would show what is not of one tenant.
    return {
      version,
      startedAt,
      flows,
      records,
      storage,
      countConnections,
      limits,
      now,
      jobs,
      jobEvents,
      liveJobs,
      debug,
      breakpoints,
      analytics,
      audit,
      health,
      liveHealth,
      alerts,
      liveAlerts,
      viewer,
      connection,
      jobsById: loadOnce(jobs.getMany),
      readings: loadOnce(records.readReadings),
      durations: loadOnce(records.readDurations),
      outputs: loadOnce(records.readOutputs),
      checkpoints: loadOnce(describeCheckpoints),
      breakpointsById: loadOnce((ids) => breakpoints.find(ids)),
      flowMetrics: new DataLoader((requests) => analytics.loadMetrics(requests), { cache: false }),
    };
  };
}

/** The context of one operation. Who makes many uses {@link createContexts}. */
export function createContext(
  services: Services,
  viewer: Viewer,
  connection?: ClientConnection,
): Context {
  return createContexts(services)(viewer, connection);
}

/**
 * Names all of a context that decides what its viewer is shown: two with the same name may be shown the same. From where
 * somebody asks decides nothing.
 */
export function sharingKey(context: unknown): string {
  const { scopes, tenant, subject = null } = (context as Context).viewer; // those that `createContext` made
  return JSON.stringify([[...scopes].sort(), tenant, subject]);
}

/** A loader that caches nothing; what is asked for several times in one tick is loaded once. */
function loadOnce<T>(load: (ids: readonly string[]) => Promise<readonly T[]>) {
  return new DataLoader<string, T>(
    async (ids) => {
      const unique = [...new Set(ids)];
      const loaded = await load(unique);
      const byId = new Map(unique.map((id, at) => [id, loaded[at] as T])); // one for each id
      return ids.map((id) => byId.get(id) as T);
    },
    { cache: false },
  );
}
