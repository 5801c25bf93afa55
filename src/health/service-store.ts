import type { Database } from '../storage/database.ts';
import type { WriteBehind } from '../storage/write-behind.ts';
import type { TransitionQuery } from './health.ts';
import type {
  Explanation,
  KeptTransition,
  Maintenance,
  ServiceDefinition,
  ServiceStatus,
} from './service.ts';

/** A service that is kept: one that was added live, or an agent that reported. */
export interface KeptService {
  readonly tenant: string;
  /** With `agent:` for agents. */
  readonly name: string;
  readonly kind: 'HTTP' | 'AGENT';
  /** Of kind HTTP. */
  readonly definition: ServiceDefinition | undefined;
  /** Of kind AGENT. */
  readonly description: string | undefined;
  /** Of kind AGENT: when it is expected to report again. */
  readonly expectedIntervalMs: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Unique within its tenant. */
  readonly idempotencyKey: string | undefined;
}

/** How a service was when that was last noted: of any origin. */
export interface KeptState {
  readonly tenant: string;
  readonly name: string;
  readonly status: ServiceStatus;
  readonly since: number;
  readonly explanation: Explanation | undefined;
  readonly maintenance: Maintenance | undefined;
}

/** Keeps services, how they were, and what became of them. */
export interface ServiceStore {
  /** Everything that there is, of all tenants. For the start. */
  loadAll(): Promise<{
    readonly services: readonly KeptService[];
    readonly states: readonly KeptState[];
  }>;
  /** Stores a service, in the place of one of the same name. Kept once it is on disk. @throws StorageUnavailableError */
  put(service: KeptService): Promise<void>;
  /** Removes a service with all that is kept of it: state, transitions, history. @throws StorageUnavailableError */
  remove(tenant: string, name: string): Promise<void>;
  /** Stores a state at once: for maintenance, which must be on disk before it is answered. @throws StorageUnavailableError */
  putState(state: KeptState): Promise<void>;
  /** Takes a state and the transition that led to it; they are written a little later. Never throws. */
  noteTransition(state: KeptState, transition: KeptTransition): void;
  /** Newest first. */
  listTransitions(tenant: string, query: TransitionQuery): Promise<KeptTransition[]>;
  countTransitions(tenant: string, service: string | undefined): Promise<number>;
}

export declare function createServiceStore(
  database: Database,
  writeBehind: WriteBehind,
): ServiceStore;
