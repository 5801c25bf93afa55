import { type Kysely, sql } from 'kysely';
import type { Capabilities } from '../capabilities.ts';
import type { Tables } from '../tables.ts';

/** Rules of alerts, and alerts. */
export async function up(db: Kysely<Tables>, capabilities: Capabilities): Promise<void> {
  const { types } = capabilities;
  const text = sql.raw(types.text);
  const time = sql.raw(types.whole);

  await db.schema
    .createTable('alert_rules')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('definition', text, (column) => column.notNull())
    .addColumn('created_at', time, (column) => column.notNull())
    .addColumn('updated_at', time, (column) => column.notNull())
    .addColumn('idempotency_key', text)
    .addPrimaryKeyConstraint('alert_rules_pkey', ['tenant', 'name'] as never)
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();

  await db.schema
    .createTable('alerts')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('rule_name', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('severity', text, (column) => column.notNull())
    .addColumn('rule', text, (column) => column.notNull())
    .addColumn('flow_id', text)
    .addColumn('job_id', text)
    .addColumn('routine_id', text)
    .addColumn('slot', text)
    .addColumn('service', text)
    .addColumn('message', text, (column) => column.notNull())
    .addColumn('seen', text, (column) => column.notNull())
    .addColumn('raised_at', time, (column) => column.notNull())
    .addColumn('last_seen_at', time, (column) => column.notNull())
    .addColumn('resolved_at', time)
    .addColumn('resolution', text)
    .addColumn('acknowledged_at', time)
    .addColumn('acknowledged_by', text)
    .addColumn('acknowledge_comment', text)
    .modifyEnd(sql.raw(capabilities.tableEnd))
    .execute();

  // All are in the order in which alerts were raised.
  const index = (name: string, column: string) =>
    db.schema
      .createIndex(`alerts_by_${name}`)
      .on('alerts')
      .columns(['tenant', column, 'id'] as never);
  await db.schema
    .createIndex('alerts_by_id')
    .on('alerts')
    .columns(['tenant', 'id'] as never)
    .execute();
  await index('rule', 'rule_name').execute();
  await index('severity', 'severity').execute();
  await index('flow', 'flow_id').where(sql<boolean>`flow_id is not null`).execute();
  await index('job', 'job_id').where(sql<boolean>`job_id is not null`).execute();
  await index('service', 'service').where(sql<boolean>`service is not null`).execute();
  await db.schema
    .createIndex('alerts_open')
    .on('alerts')
    .columns(['tenant', 'id'] as never)
    .where(sql<boolean>`resolved_at is null`)
    .execute();
  await db.schema
    .createIndex('alerts_resolved')
    .on('alerts')
    .columns(['resolved_at', 'id'] as never)
    .where(sql<boolean>`resolved_at is not null`)
    .execute();
}
