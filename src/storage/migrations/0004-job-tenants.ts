import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** Whose all jobs are that were there before there were tenants. */
const FIRST_TENANT = 'default';

/** Columns that lists are ordered by or filtered by and that may be null. */
const OPTIONAL_COLUMNS = new Set(['owner', 'finished_at', 'duration_ms']);

/** What becomes of each column of `jobs`, in order: short ones first, so that they are read without the long ones. */
const KEPT_COLUMNS = [
  ...['id', 'flow_id', 'state', 'owner', 'priority', 'idempotency_key', 'retry_of', 'rerun_of'],
  ...['created_at', 'started_at', 'finished_at', 'duration_ms', 'cancel_requested_at'],
  ...['recovery_count', 'crash_count', 'recovered_at', 'recovered_from', 'execution_count'],
  ...['error_count', 'is_rolled_up', 'unresponsive_routine_ids', 'error', 'metadata'],
  ...['search_text', 'input', 'rerun_items'],
] as const;

/** Whose jobs and their events are. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  await remakeJobs(db, capabilities);
  await indexLists(db);
  await indexAll(db);
  await addToEvents(db, capabilities);
}

/** SQLite can't let go of the constraint on idempotency keys, so on both a new table takes the place of the old one. */
async function remakeJobs(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  const flag = sql.raw(types.whole);
  await db.schema
    .createTable('jobs_of_tenants')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('tenant', text, (column) => column.notNull().defaultTo(sql.lit(FIRST_TENANT)))
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('owner', text)
    .addColumn('priority', count, (column) => column.notNull())
    .addColumn('idempotency_key', text)
    .addColumn('retry_of', text)
    .addColumn('rerun_of', text)
    .addColumn('created_at', time, (column) => column.notNull())
    .addColumn('started_at', time)
    .addColumn('finished_at', time)
    .addColumn('duration_ms', sql.raw(types.real))
    .addColumn('cancel_requested_at', time)
    .addColumn('recovery_count', count, (column) => column.notNull())
    .addColumn('crash_count', count, (column) => column.notNull())
    .addColumn('recovered_at', time)
    .addColumn('recovered_from', time)
    .addColumn('execution_count', count)
    .addColumn('error_count', count)
    .addColumn('is_rolled_up', flag, (column) => column.notNull())
    .addColumn('unresponsive_routine_ids', text)
    .addColumn('error', text)
    .addColumn('metadata', text, (column) => column.notNull())
    .addColumn('search_text', text, (column) => column.notNull())
    .addColumn('input', text, (column) => column.notNull())
    .addColumn('rerun_items', text)
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();
  const columns = sql.join(KEPT_COLUMNS.map((column) => sql.ref(column)));
  await sql`insert into jobs_of_tenants (${columns}) select ${columns} from jobs`.execute(db);
  await db.schema.dropTable('jobs').execute(); // and its indexes
  await db.schema.alterTable('jobs_of_tenants').renameTo('jobs').execute();
}

/** Each order of a tenant's list of jobs, alone and below each filter that takes equal values, as in the first tables. */
async function indexLists(db: Kysely<Tables>): Promise<void> {
  for (const key of ['created_at', 'finished_at', 'duration_ms']) {
    for (const filter of [[], ['state'], ['flow_id', 'state'], ['owner', 'state']]) {
      const columns = ['tenant', ...filter, key];
      const index = db.schema
        .createIndex(`jobs_by_${columns.join('_')}`)
        .on('jobs')
        .columns([...columns, 'id'] as never);
      const isGiven = columns
        .filter((column) => OPTIONAL_COLUMNS.has(column))
        .map((column) => sql`${sql.ref(column)} is not null`);
      await (isGiven.length === 0
        ? index
        : index.where(sql<boolean>`${sql.join(isGiven, sql` and `)}`)
      ).execute();
    }
  }
  await db.schema
    .createIndex('jobs_without_duration')
    .on('jobs')
    .columns(['tenant', 'state', 'id'] as never)
    .where(sql<boolean>`duration_ms is null`)
    .execute();
  await db.schema
    .createIndex('jobs_open')
    .on('jobs')
    .columns(['tenant', 'flow_id', 'state'] as never)
    .where(sql<boolean>`finished_at is null`)
    .execute();
  await db.schema
    .createIndex('jobs_by_tenant_idempotency_key')
    .unique()
    .on('jobs')
    .columns(['tenant', 'idempotency_key'] as never)
    .where(sql<boolean>`idempotency_key is not null`)
    .execute();
}

/**
 * For recovery, the roll-up and retention, which are about the jobs of all tenants. Each has a condition that no list asks
 * for, so that the list of one tenant is never read from an index of all.
 */
async function indexAll(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createIndex('jobs_unfinished')
    .on('jobs')
    .column('id')
    .where(sql<boolean>`finished_at is null and is_rolled_up = 0`)
    .execute();
  await db.schema
    .createIndex('jobs_to_roll_up')
    .on('jobs')
    .columns(['finished_at', 'id'] as never)
    .where(sql<boolean>`is_rolled_up = 0 and finished_at is not null`)
    .execute();
  await db.schema
    .createIndex('jobs_ended')
    .on('jobs')
    .columns(['finished_at', 'id'] as never)
    .where(sql<boolean>`coalesce(finished_at, -1) >= 0`)
    .execute();
}

async function addToEvents(db: Kysely<Tables>, { types }: Capabilities): Promise<void> {
  await db.schema
    .alterTable('job_events')
    .addColumn('tenant', sql.raw(types.text), (column) =>
      column.notNull().defaultTo(sql.lit(FIRST_TENANT)),
    )
    .execute();
  await db.schema
    .alterTable('job_event_runs')
    .addColumn('is_shared', sql.raw(types.whole), (column) =>
      column.notNull().defaultTo(sql.lit(0)),
    )
    .execute();
  await db.schema
    .alterTable('job_event_runs')
    .addColumn('cursor_key', sql.raw(types.text))
    .execute();
  await db.schema.dropIndex('job_events_by_flow_id').execute();
  await db.schema
    .createIndex('job_events_by_tenant_flow_id')
    .on('job_events')
    .columns(['tenant', 'flow_id', 'sequence'] as never)
    .execute();
  // With a condition that only who wants all asks for: SQLite would take it for those of a flow or a job, too.
  await db.schema
    .createIndex('job_events_by_tenant')
    .on('job_events')
    .columns(['tenant', 'sequence'] as never)
    .where(sql<boolean>`at >= 0`)
    .execute();
}
