import type { ServiceDefinition, ServiceReading, ServiceStatus, Transition } from './service.ts';

/** Which services to list; what is left out does not matter. */
export interface ServiceFilter {
  readonly statuses?: readonly ServiceStatus[] | undefined;
  readonly kinds?: readonly ServiceReading['kind'][] | undefined;
  /** Part of the name or the description, in whatever case. */
  readonly text?: string | undefined;
  readonly isInMaintenance?: boolean | undefined;
}

/** All services of a tenant together, now. */
export interface ClusterReading {
  /** The worst of all that are not in maintenance: UNHEALTHY > DEGRADED > UNKNOWN > HEALTHY; UNKNOWN when there is none. */
  readonly status: ServiceStatus;
  /** Since when; milliseconds since the Unix epoch. */
  readonly since: number;
  /** How it is and why, in a sentence or two for people. */
  readonly summary: string;
  /** Of those not in maintenance, by status. */
  readonly counts: Readonly<Record<ServiceStatus, number>>;
  readonly maintenanceCount: number;
  /** All services. */
  readonly totalCount: number;
  /** Those that are not HEALTHY, not in maintenance, and not to be put down to others; the worst first, then by name. */
  readonly causes: readonly ServiceReading[];
  /** Those that are not HEALTHY since others are down that they need (`causedBy`); in the same order. */
  readonly affected: readonly ServiceReading[];
}

/** What an agent tells of itself (H5). */
export interface AgentReport {
  /** Without `agent:`. */
  readonly name: string;
  /** What it does: `running`, or any word. */
  readonly status?: string | undefined;
  /** How it is. `healthy` → HEALTHY, `degraded` → DEGRADED, none while `running` → UNKNOWN, all else UNHEALTHY. */
  readonly health?: string | undefined;
  readonly message?: string | undefined;
  /** Plain data. */
  readonly details?: unknown;
  /** When it means to report again, in milliseconds; `undefined`: whenever it likes. */
  readonly expectedIntervalMs?: number | undefined;
  readonly description?: string | undefined;
}

/** What somebody asks to add or change a service is to be. Not checked yet. */
export type ServiceInput = Readonly<Record<string, unknown>>;

export interface MaintenanceRequest {
  /** Milliseconds since the Unix epoch; must be later than now, at most 30 days. */
  readonly until: number;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

/** A page of the transitions of a tenant, newest first; positions are ids. */
export interface TransitionQuery {
  /** All services' when left out. */
  readonly service?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
  readonly fromEnd: boolean;
}

/** A change of a service's status, as subscribers of the library get it. */
export interface ServiceChange extends Transition {
  readonly tenant: string;
  readonly service: string;
}

/**
 * Is told of changes of status, one after another: the next when the promise of the one before is kept. Of one service only
 * the latest waits. What it throws is logged; one that never answers hears no more, and holds nobody up.
 */
export type ServiceSubscriber = (change: ServiceChange) => void | Promise<void>;

export type { ServiceDefinition };
