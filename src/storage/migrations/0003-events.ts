import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** What happened in jobs, in the order it was told, and the runs of the server that told it. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);
  const count = sql.raw(types.whole);
  const tableEnd = sql.raw(capabilities.tableEnd);

  await db.schema
    .createTable('job_events')
    .addColumn('sequence', count, (column) => column.primaryKey().notNull())
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('flow_id', text, (column) => column.notNull())
    .addColumn('at', time, (column) => column.notNull())
    .addColumn('type', text, (column) => column.notNull())
    .addColumn('details', text, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('job_event_runs')
    .addColumn('number', count, (column) => column.primaryKey().notNull())
    .addColumn('epoch', text, (column) => column.notNull())
    .addColumn('first_sequence', count, (column) => column.notNull())
    .addColumn('last_sequence', count)
    .addColumn('removed_to', count, (column) => column.notNull())
    .addColumn('holes', text, (column) => column.notNull())
    .modifyEnd(tableEnd)
    .execute();

  // Those of all jobs are read by the key.
  for (const column of ['job_id', 'flow_id']) {
    await db.schema
      .createIndex(`job_events_by_${column}`)
      .on('job_events')
      .columns([column, 'sequence'] as never)
      .execute();
  }
}
