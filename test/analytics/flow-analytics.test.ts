import { describe, expect, test } from 'vitest';
import type { FlowMetricsPoint } from '../../src/analytics/flow-metrics.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { RESOLUTION_MS } from '../../src/lib/resolution.ts';
import { forEachDatabase } from '../support/databases.ts';
import { DAY, DAY_MS, HOUR_MS, insertJobs, jobRow, MINUTE_MS, openAnalytics } from './parts.ts';

const NOON = DAY + 12 * HOUR_MS;

const EMPTY = {
  completedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
  finishedCount: 0,
  successRate: undefined,
  executionCount: 0,
  errorCount: 0,
  errorRate: undefined,
};

const countsOf = (points: readonly FlowMetricsPoint[]) =>
  points.map(({ startAt, finishedCount }) => [startAt - DAY, finishedCount]);

describe('M10 metrics of a flow', () => {
  forEachDatabase(({ open }) => {
    test('tell outcomes, rates, durations, throughput, and the jobs that have not ended', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      const open_ = { finished_at: null, duration_ms: null } as const;
      await insertJobs(database, [
        jobRow({
          finished_at: NOON - HOUR_MS,
          duration_ms: 100,
          execution_count: 30,
          error_count: 1,
        }),
        jobRow({ finished_at: NOON - 1, duration_ms: 200, execution_count: 10 }),
        jobRow({ finished_at: NOON - 1, duration_ms: 300, state: 'FAILED', error_count: 1 }),
        jobRow({ finished_at: NOON - 1, duration_ms: 9_999, state: 'CANCELLED' }),
        jobRow({
          finished_at: NOON - 1,
          duration_ms: null,
          state: 'CANCELLED',
          execution_count: null,
        }),
        jobRow({ state: 'PENDING', ...open_ }),
        jobRow({ state: 'PENDING', ...open_ }),
        jobRow({ state: 'RUNNING', ...open_ }),
        jobRow({ state: 'PAUSED', ...open_ }),
        jobRow({ state: 'PAUSED', flow_id: 'other', ...open_ }),
      ]);
      await analytics.flush();
      const [articles, none, other] = await analytics
        .forTenant(DEFAULT_TENANT)
        .readMetrics(['articles', 'nothing', 'other'], {});
      expect(articles).toMatchObject({
        completedCount: 2,
        failedCount: 1,
        cancelledCount: 2,
        finishedCount: 5,
        successRate: 2 / 3,
        executionCount: 40,
        errorCount: 2,
        errorRate: 0.05,
        durations: { count: 3, minMs: 100, avgMs: 200, maxMs: 300 },
        pendingCount: 2,
        runningCount: 1,
        pausedCount: 1,
        since: DAY,
        until: NOON + MINUTE_MS,
        jobsPerHour: 5 / 12,
      });
      expect(articles?.durations.p50Ms).toBeGreaterThan(190);
      expect(articles?.durations.p50Ms).toBeLessThan(210);
      expect(none).toMatchObject({ ...EMPTY, since: undefined, jobsPerHour: 0, pausedCount: 0 });
      expect(other).toMatchObject({ ...EMPTY, pausedCount: 1 });
    });

    test('of several flows cost two statements, however many they are', async () => {
      const statements: string[] = [];
      const database = await open({ onStatement: (sql) => statements.push(sql) });
      const { analytics } = openAnalytics(database);
      const ids = Array.from({ length: 50 }, (_none, at) => `flow-${at}`);
      await insertJobs(
        database,
        ids.map((flow_id) => jobRow({ flow_id })),
      );
      await analytics.flush();
      statements.length = 0;
      const metrics = await analytics
        .forTenant(DEFAULT_TENANT)
        .readMetrics(ids, { since: DAY - 1, until: NOON });
      expect(metrics.map(({ finishedCount }) => finishedCount)).toEqual(ids.map(() => 1));
      expect(statements.filter((sql) => sql.startsWith('select'))).toHaveLength(2);
    });

    test('a loader gets those of each range by themselves, and errors where they belong', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      await insertJobs(database, [jobRow(), jobRow({ flow_id: 'other' })]);
      await analytics.flush();
      const loaded = await analytics
        .forTenant(DEFAULT_TENANT)
        .loadMetrics([
          { flowId: 'articles' },
          { flowId: 'articles', since: NOON, until: DAY },
          { flowId: 'other' },
          { flowId: 'articles', since: DAY + MINUTE_MS },
        ]);
      expect(loaded).toMatchObject([
        { finishedCount: 1 },
        { issues: [{ path: ['since'] }] },
        { finishedCount: 1 },
        { finishedCount: 0 },
      ]);
      expect(loaded[1]).toBeInstanceOf(ValidationError);
    });

    test('of a range count what ended in its minutes, at boundaries of hours and days too', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database, {});
      const moments = [
        ...[-DAY_MS - 1, -DAY_MS, -1, 0, 1, MINUTE_MS - 1, MINUTE_MS, HOUR_MS - 1, HOUR_MS],
        ...[DAY_MS - 1, DAY_MS, DAY_MS + HOUR_MS, 2 * DAY_MS, 3 * DAY_MS + HOUR_MS + MINUTE_MS],
      ].map((offset) => DAY + offset);
      await insertJobs(
        database,
        moments.map((finished_at) => jobRow({ finished_at })),
      );
      await analytics.flush();
      const edges = [...moments, DAY - 5 * DAY_MS, DAY + 5 * DAY_MS + 1];
      for (const since of edges) {
        for (const until of edges) {
          if (since > until) continue;
          const [metrics] = await analytics
            .forTenant(DEFAULT_TENANT)
            .readMetrics(['articles'], { since, until });
          const from = Math.floor(since / MINUTE_MS) * MINUTE_MS;
          const to = Math.ceil(until / MINUTE_MS) * MINUTE_MS;
          const expected = moments.filter((at) => at >= from && at < to).length;
          expect([since, until, metrics?.finishedCount]).toEqual([since, until, expected]);
          expect(metrics).toMatchObject({ since: from, until: to });
        }
      }
    });

    test('a series has all points in order, empty ones included', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      await insertJobs(database, [
        jobRow({ finished_at: DAY, duration_ms: 5, execution_count: 4, error_count: 1 }),
        jobRow({ finished_at: DAY + 2 * HOUR_MS - 1, state: 'FAILED' }),
        jobRow({ finished_at: DAY + 2 * HOUR_MS, flow_id: 'other' }),
      ]);
      await analytics.flush();
      const range = { since: DAY + 1, until: DAY + 3 * HOUR_MS - 1 };
      const hours = await analytics
        .forTenant(DEFAULT_TENANT)
        .readSeries('articles', { bucket: 'HOUR', ...range });
      expect(hours).toMatchObject([
        {
          startAt: DAY,
          endAt: DAY + HOUR_MS,
          completedCount: 1,
          successRate: 1,
          errorRate: 0.25,
          durations: { count: 1, p99Ms: 5 },
        },
        { startAt: DAY + HOUR_MS, completedCount: 0, failedCount: 1, successRate: 0 },
        { startAt: DAY + 2 * HOUR_MS, endAt: DAY + 3 * HOUR_MS, ...EMPTY },
      ]);
      const days = { since: DAY - DAY_MS, until: DAY + DAY_MS + 1 };
      expect(
        countsOf(
          await analytics
            .forTenant(DEFAULT_TENANT)
            .readSeries('articles', { bucket: 'DAY', ...days }),
        ),
      ).toEqual([
        [-DAY_MS, 0],
        [0, 2],
        [DAY_MS, 0],
      ]);
    });

    test.each([
      ['MINUTE', 60],
      ['HOUR', 48],
      ['DAY', 31],
    ] as const)(
      'a series by the %s has %i points by default, up to now',
      async (bucket, length) => {
        const database = await open();
        const { analytics, clock } = openAnalytics(database);
        await insertJobs(database, [jobRow({ finished_at: clock.now() })]);
        await analytics.flush();
        const points = await analytics.forTenant(DEFAULT_TENANT).readSeries('articles', { bucket });
        expect(points).toHaveLength(length);
        expect(points.at(-1)).toMatchObject({ finishedCount: 1 });
        const size = RESOLUTION_MS[bucket];
        for (const [at, { startAt, endAt }] of points.entries()) {
          expect([startAt % size, endAt - startAt]).toEqual([0, size]);
          if (at > 0) expect(startAt).toBe(points[at - 1]?.endAt);
        }
        const before = await analytics
          .forTenant(DEFAULT_TENANT)
          .readSeries('articles', { bucket, until: DAY });
        expect([before.length, before.at(-1)?.endAt]).toEqual([length, DAY]);
      },
    );

    test('a series of more than 1,500 points is refused, and one that ends before it begins', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      const ask = (since: number, until: number) =>
        analytics
          .forTenant(DEFAULT_TENANT)
          .readSeries('articles', { bucket: 'MINUTE', since, until });
      expect(await ask(DAY, DAY + 1_500 * MINUTE_MS)).toHaveLength(1_500);
      await expect(ask(DAY, DAY + 1_500 * MINUTE_MS + 1)).rejects.toThrow(/1501 points.* 1500 /);
      await expect(ask(DAY + MINUTE_MS, DAY)).rejects.toThrow(ValidationError);
      expect(await ask(DAY, DAY)).toEqual([]);
    });
  });
});
