import {
  type Compilable,
  type Expression,
  type ExpressionBuilder,
  type SqlBool,
  sql,
} from 'kysely';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { AlertRulesTable, AlertsTable, Tables } from '../storage/tables.ts';
import { upsertRows } from '../storage/upsert-rows.ts';
import type { Alert, AlertFilter, AlertQuery, AlertResolution, AlertSubject } from './alert.ts';
import type { AlertRuleDefinition, KeptAlertRule } from './alert-rule.ts';

/** Keeps the rules that were made live, and the alerts of all rules. */
export interface AlertStore {
  /** All rules, of all tenants. For the start. */
  loadRules(): Promise<KeptAlertRule[]>;
  /** Stores a rule, in the place of one of the same name. Kept once it is on disk. @throws StorageUnavailableError */
  putRule(rule: KeptAlertRule): Promise<void>;
  /** @throws StorageUnavailableError */
  removeRule(tenant: string, name: string): Promise<void>;
  /** Stores alerts as they are now. Kept once they are on disk. @throws StorageUnavailableError */
  putAlerts(alerts: readonly Alert[]): Promise<void>;
  /** All that are open, of all tenants, oldest first. For the start. */
  loadOpen(): Promise<Alert[]>;
  /** All that were resolved at that time or later, for the start; at most 10,000, the newest. */
  loadResolvedSince(time: number): Promise<Alert[]>;
  /** In the order of the ids. */
  findAlerts(tenant: string, ids: readonly string[]): Promise<(Alert | undefined)[]>;
  /** Newest first. */
  listAlerts(tenant: string, query: AlertQuery): Promise<Alert[]>;
  countAlerts(tenant: string, filter: AlertFilter): Promise<number>;
  /** Removes at most `limit` that were resolved before a time; answers how many. */
  removeResolvedBefore(time: number, limit: number): Promise<number>;
  /** Removes at most `limit` of the oldest resolved ones of tenants that have more than so many; answers how many. */
  removeBeyond(count: number, limit: number): Promise<number>;
}

/** How long a change may take, in milliseconds. */
const WRITE_LIMIT_MS = 10_000;

const MOST_RESOLVED = 10_000;

export function createAlertStore(database: Database): AlertStore {
  const { reads, scans, capabilities } = database;
  const write = async (statements: readonly Compilable[]) => {
    const results = await database.write(statements, { deadlineMs: WRITE_LIMIT_MS });
    return results.reduce((sum, { changes }) => sum + changes, 0);
  };

  return {
    async loadRules() {
      const rows = await scans
        .selectFrom('alert_rules')
        .selectAll()
        .orderBy('tenant')
        .orderBy('name')
        .execute();
      return rows.map(toRule);
    },

    async putRule(rule) {
      await write(upsertRows([{ table: 'alert_rules', row: { ...fromRule(rule) } }], capabilities));
    },

    async removeRule(tenant, name) {
      await write([
        reads
          .deleteFrom('alert_rules')
          .where('tenant', '=', toStoredText(tenant))
          .where('name', '=', toStoredText(name)),
      ]);
    },

    async putAlerts(alerts) {
      const rows = alerts.map((alert) => ({
        table: 'alerts' as const,
        row: { ...fromAlert(alert) },
      }));
      await write(upsertRows(rows, capabilities));
    },

    async loadOpen() {
      const rows = await scans
        .selectFrom('alerts')
        .selectAll()
        .where('resolved_at', 'is', null)
        .orderBy('id')
        .execute();
      return rows.map(toAlert);
    },

    async loadResolvedSince(time) {
      const rows = await scans
        .selectFrom('alerts')
        .selectAll()
        .where('resolved_at', '>=', Math.floor(time))
        .orderBy('resolved_at', 'desc')
        .limit(MOST_RESOLVED)
        .execute();
      return rows.map(toAlert);
    },

    async findAlerts(tenant, ids) {
      if (ids.length === 0) return [];
      const rows = await reads
        .selectFrom('alerts')
        .selectAll()
        .where('tenant', '=', toStoredText(tenant))
        .where('id', 'in', ids.map(toStoredText))
        .execute();
      const byId = new Map(rows.map((row) => [row.id, toAlert(row)]));
      return ids.map((id) => byId.get(id));
    },

    async listAlerts(tenant, { filter, after, before, limit, fromEnd }) {
      const rows = await scans
        .selectFrom('alerts')
        .selectAll()
        .where((eb) =>
          eb.and([
            ...conditionsOf(eb, tenant, filter),
            ...(after === undefined ? [] : [eb('id', '<', toStoredText(after))]),
            ...(before === undefined ? [] : [eb('id', '>', toStoredText(before))]),
          ]),
        )
        .orderBy('id', fromEnd ? 'asc' : 'desc')
        .limit(limit)
        .execute();
      const alerts = rows.map(toAlert);
      return fromEnd ? alerts.toReversed() : alerts;
    },

    async countAlerts(tenant, filter) {
      const { count } = await scans
        .selectFrom('alerts')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where((eb) => eb.and(conditionsOf(eb, tenant, filter)))
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async removeResolvedBefore(time, limit) {
      const old = scans
        .selectFrom('alerts')
        .select('id')
        .where('resolved_at', '<', Math.floor(time))
        .orderBy('resolved_at')
        .limit(limit);
      return write([reads.deleteFrom('alerts').where('id', 'in', old)]);
    },

    async removeBeyond(count, limit) {
      const tenants = await scans
        .selectFrom('alerts')
        .select(['tenant', ({ fn }) => fn.countAll<number | string>().as('count')])
        .where('resolved_at', 'is not', null)
        .groupBy('tenant')
        .execute();
      let removed = 0;
      for (const { tenant, count: has } of tenants) {
        const tooMany = Math.min(Number(has) - count, limit - removed);
        if (tooMany <= 0) continue;
        const oldest = scans
          .selectFrom('alerts')
          .select('id')
          .where('tenant', '=', tenant)
          .where('resolved_at', 'is not', null)
          .orderBy('id')
          .limit(tooMany);
        removed += await write([reads.deleteFrom('alerts').where('id', 'in', oldest)]);
      }
      return removed;
    },
  };
}

function conditionsOf(
  eb: ExpressionBuilder<Tables, 'alerts'>,
  tenant: string,
  filter: AlertFilter,
): Expression<SqlBool>[] {
  const { isOpen, isAcknowledged, severities, kinds, ruleId, flowId, jobId, serviceId } = filter;
  const { raisedSince, raisedUntil } = filter;
  const isNull = (column: 'resolved_at' | 'acknowledged_at', isIt: boolean | undefined) =>
    isIt === undefined ? [] : [eb(column, isIt ? 'is' : 'is not', null)];
  const isOneOf = (column: 'severity' | 'kind', values: readonly string[] | undefined) =>
    values === undefined
      ? []
      : [values.length === 0 ? sql<SqlBool>`1 = 0` : eb(column, 'in', [...values])];
  const is = (
    column: 'rule_name' | 'flow_id' | 'job_id' | 'service',
    value: string | undefined,
  ): Expression<SqlBool>[] => (value === undefined ? [] : [eb(column, '=', toStoredText(value))]);
  return [
    eb('tenant', '=', toStoredText(tenant)),
    ...isNull('resolved_at', isOpen),
    ...isNull('acknowledged_at', isAcknowledged === undefined ? undefined : !isAcknowledged),
    ...isOneOf('severity', severities),
    ...isOneOf('kind', kinds),
    ...is('rule_name', ruleId),
    ...is('flow_id', flowId),
    ...is('job_id', jobId),
    ...is('service', serviceId),
    ...(raisedSince === undefined ? [] : [eb('raised_at', '>=', Math.floor(raisedSince))]),
    ...(raisedUntil === undefined ? [] : [eb('raised_at', '<', Math.floor(raisedUntil))]),
  ];
}

function fromRule(rule: KeptAlertRule): AlertRulesTable {
  const { name, description, severity, isEnabled, condition, forMs, coolDownMs, settings } = rule;
  const definition: AlertRuleDefinition = {
    name,
    description,
    severity,
    isEnabled,
    condition,
    forMs,
    coolDownMs,
    settings,
  };
  return {
    tenant: toStoredText(rule.tenant),
    name: toStoredText(name),
    definition: JSON.stringify(definition),
    created_at: Math.floor(rule.createdAt),
    updated_at: Math.floor(rule.updatedAt),
    idempotency_key: toText(rule.idempotencyKey),
  };
}

function toRule(row: AlertRulesTable): KeptAlertRule {
  const definition: AlertRuleDefinition = JSON.parse(row.definition);
  return {
    ...definition,
    tenant: fromStoredText(row.tenant),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    idempotencyKey: fromText(row.idempotency_key),
  };
}

function fromAlert(alert: Alert): AlertsTable {
  const { rule, subject, acknowledgement } = alert;
  const of = { flowId: null, jobId: null, routineId: null, slot: null, service: null, ...subject };
  return {
    id: alert.id,
    tenant: toStoredText(alert.tenant),
    rule_name: toStoredText(rule.name),
    kind: rule.settings.kind,
    severity: rule.severity,
    rule: JSON.stringify(rule),
    flow_id: toText(of.flowId),
    job_id: toText(of.jobId),
    routine_id: toText(of.routineId),
    slot: toText(of.slot),
    service: toText(of.service),
    message: toStoredText(alert.message),
    seen: JSON.stringify(alert.values),
    raised_at: Math.floor(alert.raisedAt),
    last_seen_at: Math.floor(alert.lastSeenAt),
    resolved_at: alert.resolvedAt === undefined ? null : Math.floor(alert.resolvedAt),
    resolution: alert.resolution ?? null,
    acknowledged_at: acknowledgement === undefined ? null : Math.floor(acknowledgement.at),
    acknowledged_by: toText(acknowledgement?.by),
    acknowledge_comment: toText(acknowledgement?.comment),
  };
}

function toAlert(row: AlertsTable): Alert {
  return {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    rule: JSON.parse(row.rule),
    subject: toSubject(row),
    message: fromStoredText(row.message),
    values: JSON.parse(row.seen),
    raisedAt: row.raised_at,
    lastSeenAt: row.last_seen_at,
    resolvedAt: row.resolved_at ?? undefined,
    resolution: (row.resolution ?? undefined) as AlertResolution | undefined, // one of ours was stored
    acknowledgement:
      row.acknowledged_at === null
        ? undefined
        : {
            at: row.acknowledged_at,
            by: fromText(row.acknowledged_by),
            comment: fromText(row.acknowledge_comment),
          },
  };
}

/** What is not null says what it is. */
function toSubject(row: AlertsTable): AlertSubject {
  const flowId = fromText(row.flow_id) ?? '';
  const jobId = fromText(row.job_id);
  const routineId = fromText(row.routine_id) ?? '';
  const slot = fromText(row.slot);
  const service = fromText(row.service);
  if (service !== undefined) return { kind: 'SERVICE', service };
  if (jobId === undefined) return { kind: 'FLOW', flowId };
  if (slot === undefined) return { kind: 'ROUTINE', flowId, jobId, routineId };
  return { kind: 'QUEUE', flowId, jobId, routineId, slot };
}

function toText(text: string | null | undefined): string | null {
  return text === undefined || text === null ? null : toStoredText(text);
}

function fromText(stored: string | null): string | undefined {
  return stored === null ? undefined : fromStoredText(stored);
}
