import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import { type Database, StorageUnavailableError } from '../storage/database.ts';
import { toStoredText } from '../storage/stored-text.ts';
import type { Tables } from '../storage/tables.ts';
import type { WriteBehind } from '../storage/write-behind.ts';
import type { TransitionQuery } from './health.ts';
import type {
  Explanation,
  KeptTransition,
  Maintenance,
  ServiceDefinition,
  ServiceStatus,
} from './service.ts';
import {
  fromService,
  fromState,
  fromTransition,
  toService,
  toState,
  toTransition,
} from './service-row.ts';

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
  /** Stores a service that is new. What is left of one of that name, which was configured once, is removed. @throws StorageUnavailableError */
  add(service: KeptService): Promise<void>;
  /** Stores a service, in the place of one of the same name. Kept once it is on disk. @throws StorageUnavailableError */
  put(service: KeptService): Promise<void>;
  /**
   * Removes a service with all that is kept of it: state, transitions, history. What is noted of it meanwhile goes too; it
   * must not be watched any more. @throws StorageUnavailableError
   */
  remove(tenant: string, name: string): Promise<void>;
  /** Stores a state at once: for maintenance, which must be on disk before it is answered. @throws StorageUnavailableError */
  putState(state: KeptState): Promise<void>;
  /**
   * Takes a state and the transition that led to it; they are written a little later, in the order they were taken. The
   * maintenance that is stored stays as it is: only `putState` changes it. Never throws.
   */
  noteTransition(state: KeptState, transition: KeptTransition): void;
  /** The same for a state alone. */
  noteState(state: KeptState): void;
  /** Newest first. What was noted just before is among them unless the database can't be written now. */
  listTransitions(tenant: string, query: TransitionQuery): Promise<KeptTransition[]>;
  countTransitions(tenant: string, service: string | undefined): Promise<number>;
}

/** How long a change may take, in milliseconds: somebody waits for it. */
const WRITE_LIMIT_MS = 10_000;

/** How long a reader waits for what was noted to be written, in milliseconds. */
const READ_LIMIT_MS = 1_000;

/** So many transitions are removed in one write: it keeps nobody else waiting long. */
const STEP_ROWS = 1_000;

export function createServiceStore(
  database: Database,
  writeBehind: WriteBehind,
  clock: Clock,
): ServiceStore {
  const { reads, scans } = database;
  /** Services being removed: what is noted of them would come after that. */
  const leaving = new Set<string>();
  let hasNoted = false;

  const change = async (...statements: Parameters<Database['write']>[0]) => {
    const [first] = await database.write(statements, { deadlineMs: WRITE_LIMIT_MS });
    return first?.changes ?? 0;
  };

  /** For a reader: sees to it that what was noted is there, if that is possible soon. */
  const settle = async () => {
    if (!hasNoted) return;
    hasNoted = false;
    hasNoted = !(await isKeptWithin(writeBehind.flush(), READ_LIMIT_MS, clock)) || hasNoted;
  };

  const noteState = (state: KeptState) => {
    if (leaving.has(JSON.stringify([state.tenant, state.name]))) return;
    const { maintenance: _, ...row } = fromState(state);
    writeBehind.add('service_states', [row]);
  };

  const removeTransitions = async (tenant: string, service: string) => {
    const step = reads
      .deleteFrom('service_transitions')
      .where(
        'id',
        'in',
        reads
          .selectFrom('service_transitions')
          .select('id')
          .where('tenant', '=', tenant)
          .where('service', '=', service)
          .orderBy('id')
          .limit(STEP_ROWS),
      );
    while ((await change(step)) >= STEP_ROWS);
  };

  const removeHistory = (tenant: string, name: string) => [
    reads.deleteFrom('service_metrics').where('tenant', '=', tenant).where('service', '=', name),
    reads.deleteFrom('service_states').where('tenant', '=', tenant).where('name', '=', name),
  ];

  const upsert = (service: KeptService) => {
    const { tenant, name, ...rest } = fromService(service);
    return reads
      .insertInto('services')
      .values({ tenant, name, ...rest })
      .onConflict((conflict) => conflict.columns(['tenant', 'name']).doUpdateSet(rest));
  };

  return {
    async loadAll() {
      const services = await reads
        .selectFrom('services')
        .selectAll()
        .orderBy('tenant')
        .orderBy('name')
        .execute();
      const states = await reads
        .selectFrom('service_states')
        .selectAll()
        .orderBy('tenant')
        .orderBy('name')
        .execute();
      return { services: services.map(toService), states: states.map(toState) };
    },

    async add(service) {
      const [tenant, name] = [toStoredText(service.tenant), toStoredText(service.name)];
      await removeTransitions(tenant, name);
      await change(...removeHistory(tenant, name), upsert(service));
    },

    async put(service) {
      await change(upsert(service));
    },

    async remove(tenant, name) {
      const key = JSON.stringify([tenant, name]);
      const [ofTenant, ofName] = [toStoredText(tenant), toStoredText(name)];
      leaving.add(key);
      try {
        // What waits would be written after the service is gone.
        if (!(await isKeptWithin(writeBehind.flush(), WRITE_LIMIT_MS, clock))) {
          const { problem = `${WRITE_LIMIT_MS} ms are over.` } = database.status;
          throw new StorageUnavailableError(`Service "${name}" was not removed: ${problem}`);
        }
        await removeTransitions(ofTenant, ofName);
        await change(
          ...removeHistory(ofTenant, ofName),
          reads.deleteFrom('services').where('tenant', '=', ofTenant).where('name', '=', ofName),
        );
      } finally {
        leaving.delete(key);
      }
    },

    async putState(state) {
      const { tenant, name, ...rest } = fromState(state);
      await change(
        reads
          .insertInto('service_states')
          .values({ tenant, name, ...rest })
          // Its status may have changed meanwhile: that was noted, and stays.
          .onConflict((conflict) =>
            conflict.columns(['tenant', 'name']).doUpdateSet({ maintenance: rest.maintenance }),
          ),
      );
    },

    noteTransition(state, transition) {
      if (leaving.has(JSON.stringify([state.tenant, state.name]))) return;
      noteState(state);
      writeBehind.add('service_transitions', [fromTransition(transition)]);
      hasNoted = true;
    },
    noteState,

    async listTransitions(tenant, { service, after, before, limit, fromEnd }) {
      await settle();
      const rows = await scans
        .selectFrom('service_transitions')
        .selectAll()
        .where((eb) =>
          eb.and([
            ...ofService(eb, tenant, service),
            ...(after === undefined ? [] : [eb('id', '<', toStoredText(after))]),
            ...(before === undefined ? [] : [eb('id', '>', toStoredText(before))]),
          ]),
        )
        .orderBy('id', fromEnd ? 'asc' : 'desc')
        .limit(limit)
        .execute();
      const transitions = rows.map(toTransition);
      return fromEnd ? transitions.toReversed() : transitions;
    },

    async countTransitions(tenant, service) {
      await settle();
      const { count } = await scans
        .selectFrom('service_transitions')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where((eb) => eb.and(ofService(eb, tenant, service)))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

function ofService(
  eb: ExpressionBuilder<Tables, 'service_transitions'>,
  tenant: string,
  service: string | undefined,
) {
  return [
    eb('tenant', '=', toStoredText(tenant)),
    service === undefined ? sql<SqlBool>`1 = 1` : eb('service', '=', toStoredText(service)),
  ];
}
