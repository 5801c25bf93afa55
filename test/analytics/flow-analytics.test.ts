import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FlowMetricsPoint } from '../../src/analytics/flow-metrics.ts';
import { planRange, planSeries } from '../../src/analytics/metrics-range.ts';
import { RESOLUTION_MS, RESOLUTIONS } from '../../src/analytics/tally.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
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

describe('M10 the rows that make up a range', () => {
  const time = fc.integer({ min: DAY - 4 * DAY_MS, max: DAY });
  const kept = fc.record({
    minutesMs: fc.constantFrom(HOUR_MS, 30 * HOUR_MS, Number.POSITIVE_INFINITY),
    hoursMs: fc.constantFrom(30 * HOUR_MS, 60 * HOUR_MS, Number.POSITIVE_INFINITY),
  });

  test('cover it without gap and overlap, and are all still kept', () => {
    fc.assert(
      fc.property(time, time, kept, (a, b, keptRows) => {
        const [since, until] = [Math.min(a, b), Math.max(a, b)];
        const plan = planRange({ since, until }, keptRows, DAY);
        expect(plan.since).toBeLessThanOrEqual(since);
        expect(plan.until).toBeGreaterThanOrEqual(until);
        let at = plan.since;
        for (const { resolution, from, to } of plan.segments.toSorted((x, y) => x.from - y.from)) {
          expect(from).toBe(at);
          expect([from % RESOLUTION_MS[resolution], to % RESOLUTION_MS[resolution]]).toEqual([
            0, 0,
          ]);
          const limits = { MINUTE: keptRows.minutesMs, HOUR: keptRows.hoursMs, DAY: Infinity };
          const needed = RESOLUTIONS.find((each) => from >= DAY - limits[each]);
          expect(RESOLUTIONS.indexOf(resolution)).toBeGreaterThanOrEqual(
            RESOLUTIONS.indexOf(needed ?? 'DAY'),
          );
          at = to;
        }
        expect(at).toBe(plan.until);
        expect(plan.segments.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  test('edges move outwards to the hour and the day where no minutes and hours are kept any more', () => {
    const keptRows = { minutesMs: 2 * HOUR_MS, hoursMs: DAY_MS };
    const plan = (since: number, until: number) => {
      const { since: from = 0, until: to } = planRange({ since, until }, keptRows, NOON);
      return [from - DAY, to - DAY];
    };
    expect(plan(NOON - 90 * MINUTE_MS - 1, NOON - 1)).toEqual([
      10.5 * HOUR_MS - MINUTE_MS,
      12 * HOUR_MS,
    ]);
    expect(plan(DAY + 61 * MINUTE_MS, DAY + 119 * MINUTE_MS)).toEqual([HOUR_MS, 2 * HOUR_MS]);
    expect(plan(DAY - 13 * HOUR_MS, NOON)).toEqual([-DAY_MS, 12 * HOUR_MS]);
  });
});

describe('M10 the ends of what RFC 3339 can write', () => {
  const FIRST = Date.parse('0000-01-01T00:00:00Z');
  const LAST = Date.parse('9999-12-31T23:59:59.999Z');
  const ALL = { minutesMs: Number.POSITIVE_INFINITY, hoursMs: Number.POSITIVE_INFINITY };
  const isRfc3339 = (at: number) => /^\d{4}-/.test(new Date(at).toISOString());

  test('metrics go up to them, and are refused beyond', () => {
    const plan = (since: number | undefined, until: number) =>
      planRange({ since, until }, ALL, DAY);
    expect(plan(FIRST, LAST - MINUTE_MS)).toMatchObject({
      since: FIRST,
      until: LAST + 1 - MINUTE_MS,
    });
    expect(() => plan(DAY, LAST)).toThrow(ValidationError);
    expect(() => plan(undefined, LAST)).toThrow(/year 9999/);
    expect(() => plan(LAST + 1, LAST + 1)).toThrow(/year 9999/);
    expect(() => plan(FIRST - 1, DAY)).toThrow(/year 0/); // with an offset, it can be written
    expect(() => plan(undefined, FIRST - MINUTE_MS)).toThrow(/year 0/);
    const kept = { minutesMs: MINUTE_MS, hoursMs: HOUR_MS };
    expect(() => planRange({ until: LAST - HOUR_MS }, kept, LAST + DAY_MS)).toThrow(/year 9999/);
  });

  test.each(RESOLUTIONS)('series by the %s go up to them, and are refused beyond', (bucket) => {
    const size = RESOLUTION_MS[bucket];
    const plan = (since: number | undefined, until: number) =>
      planSeries({ bucket, since, until }, DAY);
    for (const range of [
      plan(FIRST, FIRST + size),
      plan(LAST - 2 * size, LAST - size),
      plan(undefined, LAST - size),
    ]) {
      expect([isRfc3339(range.from), isRfc3339(range.to)]).toEqual([true, true]);
    }
    expect(() => plan(LAST - size, LAST)).toThrow(ValidationError);
    expect(() => plan(undefined, LAST)).toThrow(/year 9999/);
    expect(() => plan(undefined, FIRST)).toThrow(/year 0/);
    expect(() => plan(FIRST - 1, FIRST + size)).toThrow(/year 0/);
  });
});
