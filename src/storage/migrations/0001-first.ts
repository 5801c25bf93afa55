import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** Columns of `jobs` that lists are ordered by or filtered by and that may be null. */
const OPTIONAL_COLUMNS = new Set(['owner', 'finished_at', 'duration_ms']);

/** The first set of tables. Text is compared byte by byte on both databases, as JavaScript compares ids. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  const flag = sql.raw(types.whole);
  const duration = sql.raw(types.real);
  const tableEnd = sql.raw(capabilities.tableEnd);
  const clusteredTableEnd = sql.raw(capabilities.clusteredTableEnd);

  await db.schema
    .createTable('jobs')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('owner', text)
    .addColumn('priority', count, (column) => column.notNull())
    .addColumn('idempotency_key', text, (column) => column.unique())
    .addColumn('retry_of', text)
    .addColumn('created_at', time, (column) => column.notNull())
    .addColumn('started_at', time)
    .addColumn('finished_at', time)
    .addColumn('duration_ms', duration)
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
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('job_results')
    .addColumn('job_id', text, (column) => column.primaryKey().notNull())
    .addColumn('trace_total', count, (column) => column.notNull())
    .addColumn('reading', text, (column) => column.notNull())
    .addColumn('durations', text, (column) => column.notNull())
    .addColumn('outputs', text, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('job_checkpoints')
    .addColumn('job_id', text, (column) => column.primaryKey().notNull())
    .addColumn('taken_at', time, (column) => column.notNull())
    .addColumn('is_final', flag, (column) => column.notNull())
    .addColumn('problem', text)
    .addColumn('hash', text)
    .addColumn('data', text)
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('activations')
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('sequence', count, (column) => column.notNull())
    .addColumn('routine_id', text, (column) => column.notNull())
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('record', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('activations_key', ['job_id', 'sequence'])
    .modifyEnd(clusteredTableEnd)
    .execute();
  await db.schema
    .createTable('job_logs')
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('sequence', count, (column) => column.notNull())
    .addColumn('at', time, (column) => column.notNull())
    .addColumn('level', text, (column) => column.notNull())
    .addColumn('routine_id', text, (column) => column.notNull())
    .addColumn('activation_id', count, (column) => column.notNull())
    .addColumn('message', text, (column) => column.notNull())
    .addColumn('facts', text)
    .addPrimaryKeyConstraint('job_logs_key', ['job_id', 'sequence'])
    .modifyEnd(clusteredTableEnd)
    .execute();
  await db.schema
    .createTable('flow_metrics')
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('resolution', text, (column) => column.notNull())
    .addColumn('start_at', time, (column) => column.notNull())
    .addColumn('completed_count', count, (column) => column.notNull())
    .addColumn('failed_count', count, (column) => column.notNull())
    .addColumn('cancelled_count', count, (column) => column.notNull())
    .addColumn('execution_count', count, (column) => column.notNull())
    .addColumn('error_count', count, (column) => column.notNull())
    .addColumn('durations', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('flow_metrics_key', ['flow_id', 'resolution', 'start_at'])
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('audit_entries')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('at', time, (column) => column.notNull())
    .addColumn('operation', text, (column) => column.notNull())
    .addColumn('actor', text)
    .addColumn('address', text)
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('error_code', text)
    .addColumn('error_message', text)
    .addColumn('target', text)
    .addColumn('duration_ms', duration, (column) => column.notNull())
    .addColumn('arguments', text, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();

  await db.schema
    .createTable('database_owner')
    .addColumn('id', count, (column) => column.primaryKey().notNull())
    .addColumn('token', text, (column) => column.notNull())
    .addColumn('host', text, (column) => column.notNull())
    .addColumn('process_id', count, (column) => column.notNull())
    .addColumn('opened_at', time, (column) => column.notNull())
    .addColumn('probed_at', time, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();

  // Each order of the list of jobs, alone and below each filter that takes equal values. A list that has no state in
  // its filter is read state by state. Jobs without a key are in none of these indexes but `jobs_without_duration`.
  for (const key of ['created_at', 'finished_at', 'duration_ms']) {
    for (const columns of [[], ['state'], ['flow_id', 'state'], ['owner', 'state']]) {
      const index = db.schema
        .createIndex(`jobs_by_${[...columns, key].join('_')}`)
        .on('jobs')
        .columns([...columns, key, 'id'] as never);
      const optional = [...columns, key].filter((column) => OPTIONAL_COLUMNS.has(column));
      const isGiven = optional.map((column) => sql`${sql.ref(column)} is not null`);
      await (isGiven.length === 0
        ? index
        : index.where(sql<boolean>`${sql.join(isGiven, sql` and `)}`)
      ).execute();
    }
  }
  await db.schema
    .createIndex('jobs_without_duration')
    .on('jobs')
    .columns(['state', 'id'] as never)
    .where(sql<boolean>`duration_ms is null`)
    .execute();
  await db.schema
    .createIndex('jobs_to_roll_up')
    .on('jobs')
    .columns(['finished_at', 'id'] as never)
    .where(sql<boolean>`is_rolled_up = 0 and finished_at is not null`)
    .execute();
  await db.schema
    .createIndex('jobs_open')
    .on('jobs')
    .columns(['flow_id', 'state'] as never)
    .where(sql<boolean>`finished_at is null`)
    .execute();
  for (const columns of [
    ['at', 'id'],
    ['operation', 'at', 'id'],
    ['target', 'at', 'id'],
  ] as const) {
    const name = `audit_entries_by_${columns.slice(0, -1).join('_')}`;
    await db.schema
      .createIndex(name)
      .on('audit_entries')
      .columns(columns as never)
      .execute();
  }
}
