import { type Selectable, type SqlBool, sql } from 'kysely';
import { Histogram } from '../lib/histogram.ts';
import type { Resolution, Segment } from '../lib/resolution.ts';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { FlowMetricsTable } from '../storage/tables.ts';
import { type EndedJob, Tally } from './tally.ts';

/** Names a row of the metrics of a flow. */
export interface MetricsKey {
  /** Whose jobs it counts. */
  readonly tenant: string;
  readonly flowId: string;
  readonly resolution: Resolution;
  /** When its minute, hour or day begins; milliseconds since the Unix epoch. */
  readonly startAt: number;
}

/** A row of the metrics of a flow. */
export interface MetricsRow extends MetricsKey {
  readonly tally: Tally;
}

/** How many jobs of a flow there are that have not ended. */
export interface OpenJobs {
  readonly pendingCount: number;
  readonly runningCount: number;
  readonly pausedCount: number;
}

/** Keeps what became of the jobs of each tenant and flow, by minute, hour and day. */
export interface FlowMetricsStore {
  /** Jobs that have ended and are not counted yet, those first that ended first. */
  listUncounted(limit: number): Promise<EndedJob[]>;
  /** The rows with these keys that there are. */
  getRows(keys: readonly MetricsKey[]): Promise<MetricsRow[]>;
  /**
   * Puts the rows in the place of those with the same keys, and marks the jobs as counted: both or neither.
   * @param deadlineMs as of `Database.write`
   * @throws when one of the jobs was counted already: then nothing is changed
   * @throws StorageUnavailableError when the deadline is over; it may have been done then
   */
  putRows(
    rows: readonly MetricsRow[],
    countedJobIds: readonly string[],
    deadlineMs: number,
  ): Promise<void>;
  /** A tenant's rows of some flows that lie in any of the segments, in the order of time. One statement. */
  listRows(
    tenant: string,
    flowIds: readonly string[],
    segments: readonly Segment[],
  ): Promise<MetricsRow[]>;
  /** Jobs of a tenant, by flow id; a flow with none may be missing. One statement. */
  countOpen(tenant: string, flowIds: readonly string[]): Promise<ReadonlyMap<string, OpenJobs>>;
}

const COLUMNS = [
  'tenant',
  'flow_id',
  'resolution',
  'start_at',
  'completed_count',
  'failed_count',
  'cancelled_count',
  'execution_count',
  'error_count',
  'durations',
] as const;

export function createFlowMetricsStore(database: Database): FlowMetricsStore {
  const { reads, scans } = database;
  return {
    async listUncounted(limit) {
      const rows = await reads
        .selectFrom('jobs')
        .select(['id', 'tenant', 'flow_id', 'state', 'finished_at', 'duration_ms'])
        .select(['execution_count', 'error_count'])
        // Literals: a parameter would keep the partial index from being used.
        .where(sql<SqlBool>`is_rolled_up = 0 and finished_at is not null`)
        .orderBy('finished_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        tenant: fromStoredText(row.tenant),
        flowId: row.flow_id,
        state: row.state as EndedJob['state'], // the job store wrote it
        finishedAt: row.finished_at ?? 0, // those without are left out above
        durationMs: row.duration_ms ?? undefined,
        executionCount: row.execution_count ?? 0,
        errorCount: row.error_count ?? 0,
      }));
    },

    async getRows(keys) {
      if (keys.length === 0) return [];
      const values = keys.map(
        ({ tenant, flowId, resolution, startAt }) =>
          sql`(cast(${toStoredText(tenant)} as text), cast(${flowId} as text), cast(${resolution} as text), cast(${startAt} as bigint))`,
      );
      const rows = await reads
        .selectFrom('flow_metrics')
        .select(COLUMNS)
        .where(
          sql<SqlBool>`(tenant, flow_id, resolution, start_at) in (values ${sql.join(values)})`,
        )
        .execute();
      return rows.map(toRow);
    },

    async putRows(rows, countedJobIds, deadlineMs) {
      // One that is counted already makes the flag null, which the table refuses, and with it the whole write: so a
      // write that is repeated, late or by another process, can't take the place of what was counted since.
      const mark = reads
        .updateTable('jobs')
        .set({ is_rolled_up: sql<number>`case is_rolled_up when 0 then 1 end` })
        .where('id', 'in', countedJobIds);
      const put = reads
        .insertInto('flow_metrics')
        .values(rows.toSorted(compareKeys).map(fromRow))
        .onConflict((conflict) =>
          conflict.columns(['tenant', 'flow_id', 'resolution', 'start_at']).doUpdateSet((eb) => ({
            completed_count: eb.ref('excluded.completed_count'),
            failed_count: eb.ref('excluded.failed_count'),
            cancelled_count: eb.ref('excluded.cancelled_count'),
            execution_count: eb.ref('excluded.execution_count'),
            error_count: eb.ref('excluded.error_count'),
            durations: eb.ref('excluded.durations'),
          })),
        );
      await database.write([mark, put], { deadlineMs });
    },

    async listRows(tenant, flowIds, segments) {
      if (flowIds.length === 0 || segments.length === 0) return [];
      const rows = await scans
        .selectFrom('flow_metrics')
        .select(COLUMNS)
        .where('tenant', '=', toStoredText(tenant))
        .where('flow_id', 'in', flowIds)
        .where((eb) =>
          eb.or(
            segments.map(({ resolution, from, to }) =>
              eb.and([
                eb('resolution', '=', resolution),
                eb('start_at', '>=', from),
                eb('start_at', '<', to),
              ]),
            ),
          ),
        )
        .orderBy('start_at')
        .execute();
      return rows.map(toRow);
    },

    async countOpen(tenant, flowIds) {
      if (flowIds.length === 0) return new Map();
      const rows = await scans
        .selectFrom('jobs')
        .select(['flow_id', 'state'])
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('tenant', '=', toStoredText(tenant))
        .where('flow_id', 'in', flowIds)
        .where(sql<SqlBool>`finished_at is null`)
        .groupBy(['flow_id', 'state'])
        .execute();
      const counts = new Map<string, Record<string, number>>();
      for (const { flow_id, state, count } of rows) {
        counts.set(flow_id, { ...counts.get(flow_id), [state]: Number(count) });
      }
      return new Map(
        [...counts].map(([flowId, { PENDING = 0, RUNNING = 0, PAUSED = 0 }]) => [
          flowId,
          { pendingCount: PENDING, runningCount: RUNNING, pausedCount: PAUSED },
        ]),
      );
    },
  };
}

/** The same order always: two writers that lock rows in different orders would wait for each other. */
function compareKeys(a: MetricsKey, b: MetricsKey): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.flowId !== b.flowId) return a.flowId < b.flowId ? -1 : 1;
  if (a.resolution !== b.resolution) return a.resolution < b.resolution ? -1 : 1;
  return a.startAt - b.startAt;
}

function fromRow({ tenant, flowId, resolution, startAt, tally }: MetricsRow) {
  return {
    tenant: toStoredText(tenant),
    flow_id: flowId,
    resolution,
    start_at: startAt,
    completed_count: tally.completedCount,
    failed_count: tally.failedCount,
    cancelled_count: tally.cancelledCount,
    execution_count: tally.executionCount,
    error_count: tally.errorCount,
    durations: JSON.stringify(tally.durations.toSnapshot()),
  };
}

function toRow(row: Selectable<FlowMetricsTable>): MetricsRow {
  const tally = new Tally(Histogram.fromSnapshot(JSON.parse(row.durations)));
  tally.completedCount = row.completed_count;
  tally.failedCount = row.failed_count;
  tally.cancelledCount = row.cancelled_count;
  tally.executionCount = row.execution_count;
  tally.errorCount = row.error_count;
  const { flow_id: flowId, resolution, start_at: startAt } = row;
  return { tenant: fromStoredText(row.tenant), flowId, resolution, startAt, tally };
}
