import type { Compilable, Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { BreakpointsTable, Tables } from '../storage/tables.ts';
import type {
  BreakpointFilter,
  BreakpointHits,
  BreakpointPatch,
  BreakpointQuery,
  KeptBreakpoint,
} from './kept-breakpoint.ts';

/**
 * Keeps breakpoints, of whichever tenant. Each change is kept once it is on disk; those of a job go when the job is
 * deleted.
 *
 * All changes throw a `StorageUnavailableError` when the deadline is over; they may have been stored then.
 */
export interface BreakpointStore {
  /** Stores all or none, without those whose id is there already, or their tenant's idempotency key. */
  insert(breakpoints: readonly KeptBreakpoint[]): Promise<void>;
  /** Answers the breakpoint as it is then; `undefined` when there is none. */
  update(id: string, patch: BreakpointPatch): Promise<KeptBreakpoint | undefined>;
  /** Answers whether there was one. */
  remove(id: string): Promise<boolean>;
  /** Removes all of a job, or all a tenant has of a flow that are not of one of its jobs; answers how many. */
  removeAll(
    of: { readonly jobId: string } | { readonly tenant: string; readonly flowId: string },
  ): Promise<number>;
  /** One of a tenant; so are those that follow. */
  find(tenant: string, id: string): Promise<KeptBreakpoint | undefined>;
  findByKey(tenant: string, idempotencyKey: string): Promise<KeptBreakpoint | undefined>;
  /** In the order of the ids; `undefined` where there is no such breakpoint. */
  findMany(tenant: string, ids: readonly string[]): Promise<(KeptBreakpoint | undefined)[]>;
  list(tenant: string, query: BreakpointQuery): Promise<KeptBreakpoint[]>;
  count(tenant: string, filter: BreakpointFilter): Promise<number>;
  /** All that may count now: those of flows, and those of jobs that have not ended. In the order of their ids. */
  listForFlowsAndUnfinishedJobs(): Promise<KeptBreakpoint[]>;
  /** Puts what became of breakpoints in the place of what is stored. Those that are not there are passed over. */
  noteHits(hits: readonly BreakpointHits[]): Promise<void>;
  /** Removes those of jobs that there are not; answers how many. For the start: a job may be about to be stored. */
  removeOrphans(): Promise<number>;
}

export interface BreakpointStoreOptions {
  /** How long to try to store a change, in milliseconds. Default 10,000. */
  readonly deadlineMs?: number | undefined;
}

/** Keeps breakpoints in the database. */
export function createBreakpointStore(
  database: Database,
  options: BreakpointStoreOptions = {},
): BreakpointStore {
  const { deadlineMs = 10_000 } = options;
  const { reads, scans } = database;

  const change = (statements: readonly Compilable[]) => database.write(statements, { deadlineMs });

  const changeOne = async (statement: Compilable) => {
    const [result] = await change([statement]);
    return { changes: result?.changes ?? 0, rows: result?.rows ?? [] };
  };

  const ofTenant = (tenant: string) =>
    reads.selectFrom('breakpoints').selectAll().where('tenant', '=', toStoredText(tenant));

  const findMany = async (tenant: string, ids: readonly string[]) => {
    if (ids.length === 0) return [];
    const wanted = [...new Set(ids)].map(toStoredText);
    const rows = await ofTenant(tenant).where('id', 'in', wanted).execute();
    const byId = new Map(rows.map((row) => [row.id, toBreakpoint(row)]));
    return ids.map((id) => byId.get(id));
  };

  return {
    async insert(breakpoints) {
      // An earlier try may have stored them.
      const statements = breakpoints.map((breakpoint) =>
        reads
          .insertInto('breakpoints')
          .values(toColumns(breakpoint) as BreakpointsTable) // all of its columns are given
          .onConflict((conflict) => conflict.doNothing()),
      );
      if (statements.length > 0) await change(statements);
    },
    async update(id, patch) {
      const { rows } = await changeOne(
        reads
          .updateTable('breakpoints')
          .set(toColumns(patch))
          .where('id', '=', toStoredText(id))
          .returningAll(),
      );
      const [row] = rows as unknown as readonly BreakpointsTable[]; // what it returns
      return row && toBreakpoint(row);
    },
    async remove(id) {
      const one = reads.deleteFrom('breakpoints').where('id', '=', toStoredText(id));
      return (await changeOne(one)).changes > 0;
    },
    async removeAll(of) {
      const all = reads.deleteFrom('breakpoints');
      const wanted =
        'jobId' in of
          ? all.where('job_id', '=', toStoredText(of.jobId))
          : all
              .where('tenant', '=', toStoredText(of.tenant))
              .where('flow_id', '=', toStoredText(of.flowId))
              .where('job_id', 'is', null);
      return (await changeOne(wanted)).changes;
    },
    find: async (tenant, id) => (await findMany(tenant, [id]))[0],
    async findByKey(tenant, key) {
      const one = ofTenant(tenant).where('idempotency_key', '=', toStoredText(key));
      const row = await one.executeTakeFirst();
      return row && toBreakpoint(row);
    },
    findMany,
    async listForFlowsAndUnfinishedJobs() {
      const rows = await scans
        .selectFrom('breakpoints')
        .selectAll()
        .where(({ eb, or, selectFrom }) =>
          or([
            eb('job_id', 'is', null),
            eb('job_id', 'in', selectFrom('jobs').select('id').where('finished_at', 'is', null)),
          ]),
        )
        .orderBy('id')
        .execute();
      return rows.map(toBreakpoint);
    },
    async list(tenant, { filter, after, before, limit, fromEnd }) {
      let page = scans
        .selectFrom('breakpoints')
        .selectAll()
        .where((eb) => eb.and(conditionsOf(eb, tenant, filter)));
      if (after !== undefined) page = page.where('id', '>', toStoredText(after));
      if (before !== undefined) page = page.where('id', '<', toStoredText(before));
      const rows = await page
        .orderBy('id', fromEnd ? 'desc' : 'asc')
        .limit(limit)
        .execute();
      const breakpoints = rows.map(toBreakpoint);
      return fromEnd ? breakpoints.reverse() : breakpoints;
    },
    async count(tenant, filter) {
      const { count } = await scans
        .selectFrom('breakpoints')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where((eb) => eb.and(conditionsOf(eb, tenant, filter)))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async noteHits(hits) {
      // Totals: a statement that is run twice must not count twice.
      const statements = hits.map(({ id, ...noted }) =>
        reads.updateTable('breakpoints').set(toColumns(noted)).where('id', '=', toStoredText(id)),
      );
      if (statements.length > 0) await change(statements);
    },
    async removeOrphans() {
      const orphans = reads
        .deleteFrom('breakpoints')
        .where('job_id', 'is not', null)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(selectFrom('jobs').select('id').whereRef('jobs.id', '=', 'breakpoints.job_id')),
          ),
        );
      return (await changeOne(orphans)).changes;
    },
  };
}

function conditionsOf(
  eb: ExpressionBuilder<Tables, 'breakpoints'>,
  tenant: string,
  { jobId, flowId, isOfFlow, kinds, isEnabled }: BreakpointFilter,
): Expression<SqlBool>[] {
  return [
    eb('tenant', '=', toStoredText(tenant)),
    ...(jobId === undefined ? [] : [eb('job_id', '=', toStoredText(jobId))]),
    ...(flowId === undefined ? [] : [eb('flow_id', '=', toStoredText(flowId))]),
    ...(isOfFlow === undefined ? [] : [eb('job_id', isOfFlow ? 'is' : 'is not', null)]),
    ...(kinds === undefined ? [] : [kinds.length === 0 ? eb.lit(false) : eb('kind', 'in', kinds)]),
    ...(isEnabled === undefined ? [] : [eb('is_enabled', '=', isEnabled ? 1 : 0)]),
  ];
}

const COLUMNS = {
  id: 'id',
  tenant: 'tenant',
  flowId: 'flow_id',
  jobId: 'job_id',
  kind: 'kind',
  routineId: 'routine_id',
  slot: 'slot',
  event: 'event',
  pressureLevel: 'pressure_level',
  condition: 'condition',
  hitCondition: 'hit_condition',
  logMessage: 'log_message',
  isEnabled: 'is_enabled',
  isOnce: 'is_once',
  after: 'after_id',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  hitCount: 'hit_count',
  lastHitAt: 'last_hit_at',
  lastHitJobId: 'last_hit_job_id',
  lastHitActivationId: 'last_hit_activation_id',
  lastError: 'last_error',
  idempotencyKey: 'idempotency_key',
} as const satisfies Record<keyof KeptBreakpoint, keyof BreakpointsTable>;

/** The columns of what is given, `undefined` included. */
function toColumns(given: Partial<KeptBreakpoint>): Partial<BreakpointsTable> {
  const columns: Record<string, string | number | null> = {};
  for (const [name, value] of Object.entries(given)) {
    const column = COLUMNS[name as keyof KeptBreakpoint]; // nothing else is given
    columns[column] = toStored(value);
  }
  return columns;
}

function toStored(value: string | number | boolean | undefined): string | number | null {
  if (typeof value === 'string') return toStoredText(value);
  if (typeof value === 'number') return Math.floor(value);
  return value === undefined ? null : Number(value);
}

function toBreakpoint(row: BreakpointsTable): KeptBreakpoint {
  return {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    flowId: fromStoredText(row.flow_id),
    jobId: fromText(row.job_id),
    kind: row.kind as KeptBreakpoint['kind'], // written from one
    routineId: fromText(row.routine_id),
    slot: fromText(row.slot),
    event: fromText(row.event),
    pressureLevel: (row.pressure_level ?? undefined) as KeptBreakpoint['pressureLevel'], // the same
    condition: fromText(row.condition),
    hitCondition: fromText(row.hit_condition),
    logMessage: fromText(row.log_message),
    isEnabled: row.is_enabled === 1,
    isOnce: row.is_once === 1,
    after: fromText(row.after_id),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    hitCount: row.hit_count,
    lastHitAt: row.last_hit_at ?? undefined,
    lastHitJobId: fromText(row.last_hit_job_id),
    lastHitActivationId: row.last_hit_activation_id ?? undefined,
    lastError: fromText(row.last_error),
    idempotencyKey: fromText(row.idempotency_key),
  };
}

function fromText(stored: string | null): string | undefined {
  return stored === null ? undefined : fromStoredText(stored);
}
