import type { Clock } from '../lib/clock.ts';
import {
  type KeptRows,
  type MetricsRange,
  planRange,
  planSeries,
  type SeriesRequest,
} from '../lib/metrics-range.ts';
import { floorTo, RESOLUTION_MS } from '../lib/resolution.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import { type FlowMetrics, type FlowMetricsPoint, figuresOf } from './flow-metrics.ts';
import { createFlowMetricsStore, type MetricsRow } from './flow-metrics-store.ts';
import { createRollUp, type RollUp } from './roll-up.ts';
import { Tally } from './tally.ts';

/** The figures of one flow, to be asked for together with those of others. */
export interface FlowMetricsRequest extends MetricsRange {
  readonly flowId: string;
}

/** Counts what became of the jobs of flows, each for the tenant that it is of. */
export interface FlowAnalytics extends RollUp, Tenanted<TenantAnalytics> {}

/**
 * What became of a tenant's jobs of flows. A job counts within about a second after it ended, and goes on to count when
 * it is deleted after that. Percentiles are read from merged histograms, never averaged.
 */
export interface TenantAnalytics {
  /**
   * The figures of some flows, in the order of their ids; two statements, however many they are. Without a range: of
   * all jobs that ended in the days that are kept. Edges of a range are moved outwards to the minute, or to what is
   * still kept there; the answer says where they are.
   * @throws ValidationError when the range ends before it begins
   */
  readMetrics(flowIds: readonly string[], range: MetricsRange): Promise<FlowMetrics[]>;
  /** The same for a loader: in the order of the requests; two statements for each range among them. */
  loadMetrics(requests: readonly FlowMetricsRequest[]): Promise<(FlowMetrics | Error)[]>;
  /**
   * The figures of a flow by minute, hour or day: all points of the range in order, empty ones included.
   * @throws ValidationError for a range that is none, or of more than 1,500 points
   */
  readSeries(flowId: string, request: SeriesRequest): Promise<FlowMetricsPoint[]>;
}

export interface FlowAnalyticsParts {
  readonly database: Parameters<typeof createFlowMetricsStore>[0];
  readonly clock: Clock;
  /** Where it is written when jobs could not be counted; that is tried again by itself. */
  readonly logger: { error(facts: object, message: string): void };
  /** How long rows by the minute and hour are kept. Default: as long as those by the day. */
  readonly kept?: KeptRows | undefined;
}

const ALL_KEPT: KeptRows = {
  minutesMs: Number.POSITIVE_INFINITY,
  hoursMs: Number.POSITIVE_INFINITY,
};

export function createFlowAnalytics(parts: FlowAnalyticsParts): FlowAnalytics {
  const { database, clock, logger, kept = ALL_KEPT } = parts;
  const store = createFlowMetricsStore(database);
  const rollUp = createRollUp({
    store,
    clock,
    onError: (err) => logger.error({ err }, 'Jobs that ended are not counted yet.'),
  });

  const readMetrics = async (
    tenant: string,
    flowIds: readonly string[],
    range: MetricsRange,
  ): Promise<FlowMetrics[]> => {
    const now = clock.now();
    const { since, until, segments } = planRange(range, kept, now);
    const ids = [...new Set(flowIds)];
    const [rows, open] = await Promise.all([
      store.listRows(tenant, ids, segments),
      store.countOpen(tenant, ids),
    ]);
    const byFlow = groupBy(rows, ({ flowId }) => flowId);
    return flowIds.map((flowId) => {
      const ofFlow = byFlow.get(flowId) ?? [];
      const tally = new Tally();
      for (const row of ofFlow) tally.merge(row.tally);
      const figures = figuresOf(tally);
      const begin = since ?? firstDay(ofFlow);
      const hours = begin === undefined ? 0 : (Math.min(until, now) - begin) / RESOLUTION_MS.HOUR;
      return {
        pendingCount: 0,
        runningCount: 0,
        pausedCount: 0,
        ...open.get(flowId),
        ...figures,
        since: begin,
        until,
        jobsPerHour: hours > 0 ? figures.finishedCount / hours : 0,
      };
    });
  };

  return {
    ...rollUp,
    forTenant: (tenant) => ({
      readMetrics: (flowIds, range) => readMetrics(tenant, flowIds, range),

      async loadMetrics(requests) {
        const byRange = groupBy(requests, ({ since, until }) => `${since} ${until}`);
        const found = new Map<FlowMetricsRequest, FlowMetrics | Error>();
        const load = async (ofRange: readonly FlowMetricsRequest[]) => {
          const [range = {}] = ofRange;
          const flowIds = ofRange.map(({ flowId }) => flowId);
          const metrics = await readMetrics(tenant, flowIds, range).catch((error: unknown) =>
            asError(error),
          );
          ofRange.forEach((request, at) => {
            const own = Array.isArray(metrics) ? metrics[at] : metrics;
            if (own !== undefined) found.set(request, own);
          });
        };
        await Promise.all([...byRange.values()].map(load));
        return requests.map((request) => found.get(request) ?? new Error('Not loaded.'));
      },

      async readSeries(flowId, request) {
        const { points, ...segment } = planSeries(request, clock.now());
        const rows = points === 0 ? [] : await store.listRows(tenant, [flowId], [segment]);
        const byStart = new Map(rows.map(({ startAt, tally }) => [startAt, tally]));
        const empty = new Tally();
        return Array.from({ length: points }, (_none, at) => {
          const startAt = segment.from + at * RESOLUTION_MS[segment.resolution];
          const endAt = startAt + RESOLUTION_MS[segment.resolution];
          return { startAt, endAt, ...figuresOf(byStart.get(startAt) ?? empty) };
        });
      },
    }),
  };
}

function groupBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(keyOf(each));
    if (group === undefined) groups.set(keyOf(each), [each]);
    else group.push(each);
  }
  return groups;
}

/** When the first day of some rows begins. */
function firstDay(rows: readonly MetricsRow[]): number | undefined {
  const [first] = rows; // they are in the order of time
  return first && floorTo('DAY', first.startAt);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
