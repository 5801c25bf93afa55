import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** The services that are watched, how they were, and what became of them. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  await makeServices(db, capabilities);
  await makeTransitions(db, capabilities);
  await makeMetrics(db, capabilities);
}

async function makeServices(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const text = sql.raw(capabilities.types.text);
  const time = sql.raw(capabilities.types.whole);
  const tableEnd = sql.raw(capabilities.tableEnd);
  await db.schema
    .createTable('services')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('definition', text)
    .addColumn('description', text)
    .addColumn('expected_interval_ms', sql.raw(capabilities.types.real))
    .addColumn('created_at', time, (column) => column.notNull())
    .addColumn('updated_at', time, (column) => column.notNull())
    .addColumn('idempotency_key', text)
    .addPrimaryKeyConstraint('services_key', ['tenant', 'name'])
    .addUniqueConstraint('services_idempotency', ['tenant', 'idempotency_key'])
    .modifyEnd(tableEnd)
    .execute();
  await db.schema
    .createTable('service_states')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('since', time, (column) => column.notNull())
    .addColumn('explanation', text)
    .addColumn('maintenance', text)
    .addPrimaryKeyConstraint('service_states_key', ['tenant', 'name'])
    .modifyEnd(tableEnd)
    .execute();
}

async function makeTransitions(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const text = sql.raw(capabilities.types.text);
  const time = sql.raw(capabilities.types.whole);
  await db.schema
    .createTable('service_transitions')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('service', text, (column) => column.notNull())
    .addColumn('at', time, (column) => column.notNull())
    .addColumn('from_status', text, (column) => column.notNull())
    .addColumn('to_status', text, (column) => column.notNull())
    .addColumn('explanation', text, (column) => column.notNull())
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();
  // The oldest of all tenants are found by the key.
  for (const columns of [[], ['service']]) {
    await db.schema
      .createIndex(`service_transitions_by_${['tenant', ...columns].join('_')}`)
      .on('service_transitions')
      .columns(['tenant', ...columns, 'id'] as never)
      .execute();
  }
}

async function makeMetrics(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const text = sql.raw(capabilities.types.text);
  const time = sql.raw(capabilities.types.whole);
  const count = sql.raw(capabilities.types.whole);
  const duration = sql.raw(capabilities.types.real);
  await db.schema
    .createTable('service_metrics')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('service', text, (column) => column.notNull())
    .addColumn('resolution', text, (column) => column.notNull())
    .addColumn('start_at', time, (column) => column.notNull())
    .addColumn('check_count', count, (column) => column.notNull())
    .addColumn('failed_count', count, (column) => column.notNull())
    .addColumn('healthy_ms', duration, (column) => column.notNull())
    .addColumn('degraded_ms', duration, (column) => column.notNull())
    .addColumn('unhealthy_ms', duration, (column) => column.notNull())
    .addColumn('unknown_ms', duration, (column) => column.notNull())
    .addColumn('maintenance_ms', duration, (column) => column.notNull())
    .addColumn('response_times', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('service_metrics_key', ['tenant', 'service', 'resolution', 'start_at'])
    .modifyEnd(sql.raw(capabilities.clusteredTableEnd))
    .execute();
  // By which rows are found that are kept no longer.
  await db.schema
    .createIndex('service_metrics_by_resolution_start_at')
    .on('service_metrics')
    .columns(['resolution', 'start_at'] as never)
    .execute();
}
