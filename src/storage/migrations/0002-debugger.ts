import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** What the debugger keeps; jobs that begin in the middle of others; what an edit changed in the audit log. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  const flag = sql.raw(types.whole);
  const tableEnd = sql.raw(capabilities.tableEnd);

  await db.schema.alterTable('jobs').addColumn('rerun_of', text).execute();
  await db.schema.alterTable('jobs').addColumn('rerun_items', text).execute();
  await db.schema.alterTable('audit_entries').addColumn('changes', text).execute();

  await db.schema
    .createTable('breakpoints')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
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
    .addColumn('idempotency_key', text, (column) => column.unique())
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('debug_sessions')
    .addColumn('job_id', text, (column) => column.primaryKey().notNull())
    .addColumn('updated_at', time, (column) => column.notNull())
    .addColumn('resume_at', time)
    .addColumn('session', text, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();

  // Those of a job, those of a flow with those of its jobs, and those of flows alone. All are in the order of the key.
  await db.schema
    .createIndex('breakpoints_by_job_id')
    .on('breakpoints')
    .columns(['job_id', 'id'] as never)
    .where(sql<boolean>`job_id is not null`)
    .execute();
  await db.schema
    .createIndex('breakpoints_by_flow_id')
    .on('breakpoints')
    .columns(['flow_id', 'id'] as never)
    .execute();
  await db.schema
    .createIndex('breakpoints_of_flows')
    .on('breakpoints')
    .columns(['flow_id', 'id'] as never)
    .where(sql<boolean>`job_id is null`)
    .execute();
}
