import { type Selectable, type SqlBool, sql } from 'kysely';
import { Histogram } from '../lib/histogram.ts';
import type { Resolution, Segment } from '../lib/resolution.ts';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { ServiceMetricsTable } from '../storage/tables.ts';
import { upsertRows } from '../storage/upsert-rows.ts';
import { HealthTally } from './health-tally.ts';

/** Names a row of the history of a service. */
export interface HealthRowKey {
  readonly tenant: string;
  readonly service: string;
  readonly resolution: Resolution;
  /** When its minute, hour or day begins; milliseconds since the Unix epoch. */
  readonly startAt: number;
}

/** A row of the history of a service. */
export interface HealthRow extends HealthRowKey {
  readonly tally: HealthTally;
}

/** Keeps what became of services by minute, hour and day. */
export interface HealthMetricsStore {
  /** The rows with these keys that there are. */
  getRows(keys: readonly HealthRowKey[]): Promise<HealthRow[]>;
  /**
   * Puts the rows in the place of those with the same keys; what they hold is read before this answers.
   * @param deadlineMs as of `Database.write`
   * @throws StorageUnavailableError when the deadline is over; it may have been done then
   */
  putRows(rows: readonly HealthRow[], deadlineMs: number): Promise<void>;
  /** The rows of a service that lie in any of the segments, in any order. One statement. */
  listRows(tenant: string, service: string, segments: readonly Segment[]): Promise<HealthRow[]>;
}

export function createHealthMetricsStore(database: Database): HealthMetricsStore {
  const { reads, scans, capabilities } = database;
  return {
    async getRows(keys) {
      if (keys.length === 0) return [];
      const values = keys.map(
        ({ tenant, service, resolution, startAt }) =>
          sql`(cast(${toStoredText(tenant)} as text), cast(${toStoredText(service)} as text), cast(${resolution} as text), cast(${startAt} as bigint))`,
      );
      const rows = await reads
        .selectFrom('service_metrics')
        .selectAll()
        .where(
          sql<SqlBool>`(tenant, service, resolution, start_at) in (values ${sql.join(values)})`,
        )
        .execute();
      return rows.map(toRow);
    },

    async putRows(rows, deadlineMs) {
      const written = rows.map((row) => ({ table: 'service_metrics', row: fromRow(row) }) as const);
      await database.write(upsertRows(written, capabilities), { deadlineMs });
    },

    async listRows(tenant, service, segments) {
      // One after another by the key; together they would have to look at all rows of the service.
      const found = segments.map(({ resolution, from, to }) =>
        scans
          .selectFrom('service_metrics')
          .selectAll()
          .where('tenant', '=', toStoredText(tenant))
          .where('service', '=', toStoredText(service))
          .where('resolution', '=', resolution)
          .where('start_at', '>=', from)
          .where('start_at', '<', to),
      );
      const [first, ...rest] = found;
      if (first === undefined) return [];
      const rows = await rest.reduce((all, next) => all.unionAll(next), first).execute();
      return rows.map(toRow);
    },
  };
}

function fromRow({ tenant, service, resolution, startAt, tally }: HealthRow) {
  const { statusMs } = tally;
  return {
    tenant: toStoredText(tenant),
    service: toStoredText(service),
    resolution,
    start_at: startAt,
    check_count: tally.checkCount,
    failed_count: tally.failedCount,
    healthy_ms: statusMs.HEALTHY,
    degraded_ms: statusMs.DEGRADED,
    unhealthy_ms: statusMs.UNHEALTHY,
    unknown_ms: statusMs.UNKNOWN,
    maintenance_ms: tally.maintenanceMs,
    response_times: JSON.stringify(tally.responseTimes.toSnapshot()),
  } satisfies ServiceMetricsTable;
}

function toRow(row: Selectable<ServiceMetricsTable>): HealthRow {
  const tally = new HealthTally(Histogram.fromSnapshot(JSON.parse(row.response_times)));
  tally.statusMs.HEALTHY = row.healthy_ms;
  tally.statusMs.DEGRADED = row.degraded_ms;
  tally.statusMs.UNHEALTHY = row.unhealthy_ms;
  tally.statusMs.UNKNOWN = row.unknown_ms;
  tally.maintenanceMs = row.maintenance_ms;
  tally.checkCount = row.check_count;
  tally.failedCount = row.failed_count;
  return {
    tenant: fromStoredText(row.tenant),
    service: fromStoredText(row.service),
    resolution: row.resolution,
    startAt: row.start_at,
    tally,
  };
}
