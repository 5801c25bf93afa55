import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** Where all belongs that was there before there were tenants. */
const FIRST_TENANT = 'default';

/** Whose metrics, audit entries and breakpoints are. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  await addToAudit(db, capabilities);
  await remakeMetrics(db, capabilities);
  await remakeBreakpoints(db, capabilities);
}

async function addToAudit(db: Kysely<Tables>, { types }: Capabilities): Promise<void> {
  await db.schema
    .alterTable('audit_entries')
    .addColumn('tenant', sql.raw(types.text), (column) =>
      column.notNull().defaultTo(sql.lit(FIRST_TENANT)),
    )
    .execute();
  // `audit_entries_by_at` stays: the oldest of all tenants are removed by it.
  await db.schema.dropIndex('audit_entries_by_operation_at').execute();
  await db.schema.dropIndex('audit_entries_by_target_at').execute();
  for (const columns of [[], ['operation'], ['target']]) {
    await db.schema
      .createIndex(`audit_entries_by_${['tenant', ...columns, 'at'].join('_')}`)
      .on('audit_entries')
      .columns(['tenant', ...columns, 'at', 'id'] as never)
      .execute();
  }
}

/** SQLite can't change the key of a table that is there, so on both a new one takes its place. */
async function remakeMetrics(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  await db.schema
    .createTable('flow_metrics_of_tenants')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('resolution', text, (column) => column.notNull())
    .addColumn('start_at', time, (column) => column.notNull())
    .addColumn('completed_count', count, (column) => column.notNull())
    .addColumn('failed_count', count, (column) => column.notNull())
    .addColumn('cancelled_count', count, (column) => column.notNull())
    .addColumn('execution_count', count, (column) => column.notNull())
    .addColumn('error_count', count, (column) => column.notNull())
    .addColumn('durations', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('flow_metrics_of_tenants_key', [
      'tenant',
      'flow_id',
      'resolution',
      'start_at',
    ])
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();
  await replace(db, 'flow_metrics', 'flow_metrics_of_tenants', [
    ...['flow_id', 'resolution', 'start_at', 'completed_count', 'failed_count', 'cancelled_count'],
    ...['execution_count', 'error_count', 'durations'],
  ]);
}

/** A key names one breakpoint among those of its tenant. */
async function remakeBreakpoints(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  const flag = sql.raw(types.whole);
  await db.schema
    .createTable('breakpoints_of_tenants')
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('job_id', text)
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('routine_id', text)
    .addColumn('slot', text)
    .addColumn('event', text)
    .addColumn('pressure_level', text)
    .addColumn('condition', text)
    .addColumn('hit_condition', text)
    .addColumn('log_message', text)
    .addColumn('is_enabled', flag, (column) => column.notNull())
    .addColumn('is_once', flag, (column) => column.notNull())
    .addColumn('after_id', text)
    .addColumn('created_at', time, (column) => column.notNull())
    .addColumn('updated_at', time, (column) => column.notNull())
    .addColumn('hit_count', count, (column) => column.notNull())
    .addColumn('last_hit_at', time)
    .addColumn('last_hit_job_id', text)
    .addColumn('last_hit_activation_id', count)
    .addColumn('last_error', text)
    .addColumn('idempotency_key', text)
    .addPrimaryKeyConstraint('breakpoints_of_tenants_key', ['id'])
    .addUniqueConstraint('breakpoints_idempotency_of_tenants', ['tenant', 'idempotency_key'])
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();
  await replace(db, 'breakpoints', 'breakpoints_of_tenants', [
    ...['id', 'flow_id', 'job_id', 'kind', 'routine_id', 'slot', 'event', 'pressure_level'],
    ...['condition', 'hit_condition', 'log_message', 'is_enabled', 'is_once', 'after_id'],
    ...['created_at', 'updated_at', 'hit_count', 'last_hit_at', 'last_hit_job_id'],
    ...['last_hit_activation_id', 'last_error', 'idempotency_key'],
  ]);

  // Those of a job, those of a flow with those of its jobs, those of flows alone, and all of a tenant. All are in the
  // order of the key.
  await db.schema
    .createIndex('breakpoints_by_job_id')
    .on('breakpoints')
    .columns(['job_id', 'id'] as never)
    .where(sql<boolean>`job_id is not null`)
    .execute();
  await db.schema
    .createIndex('breakpoints_by_tenant_flow_id')
    .on('breakpoints')
    .columns(['tenant', 'flow_id', 'id'] as never)
    .execute();
  await db.schema
    .createIndex('breakpoints_of_flows')
    .on('breakpoints')
    .columns(['tenant', 'flow_id', 'id'] as never)
    .where(sql<boolean>`job_id is null`)
    .execute();
  await db.schema
    .createIndex('breakpoints_by_tenant')
    .on('breakpoints')
    .columns(['tenant', 'id'] as never)
    .execute();
}

/** Puts a new table in the place of one, with what is in that. */
async function replace(
  db: Kysely<Tables>,
  table: string,
  made: string,
  columns: readonly string[],
): Promise<void> {
  const names = sql.join(columns.map((column) => sql.ref(column)));
  await sql`insert into ${sql.table(made)} (tenant, ${names})
    select ${sql.lit(FIRST_TENANT)}, ${names} from ${sql.table(table)}`.execute(db);
  await db.schema.dropTable(table).execute();
  await db.schema.alterTable(made).renameTo(table).execute();
}
