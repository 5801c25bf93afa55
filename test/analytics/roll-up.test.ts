import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFlowMetricsStore } from '../../src/analytics/flow-metrics-store.ts';
import { STEP_JOBS } from '../../src/analytics/roll-up.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { readDurations } from '../../src/monitoring/durations.ts';
import type { Database } from '../../src/storage/database.ts';
import { Gate } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { until } from '../support/manual-clock.ts';
import { DAY, DAY_MS, HOUR_MS, insertJobs, jobRow, MINUTE_MS, openAnalytics } from './parts.ts';

async function rowsOf(database: Database) {
  const rows = await database.reads.selectFrom('flow_metrics').selectAll().execute();
  return rows
    .map((row) => [row.flow_id, row.resolution, row.start_at - DAY, row.completed_count] as const)
    .toSorted();
}

const uncounted = async (database: Database) =>
  (await createFlowMetricsStore(database).listUncounted(1_000_000)).length;

/** A database of which writes can be made to fail before or after they are done. */
function failing(database: Database) {
  const told = { writes: 0, isDown: false, fail: undefined as 'before' | 'after' | undefined };
  const write: Database['write'] = async (statements, options) => {
    told.writes++;
    const fault = told.fail;
    told.fail = undefined;
    if (told.isDown || fault === 'before') throw new Error('The cable was pulled.');
    const results = await database.write(statements, options);
    if (fault === 'after') throw new Error('The answer was lost.');
    return results;
  };
  return { told, database: { ...database, write } };
}

describe('M10 the roll-up', () => {
  forEachDatabase(({ open }) => {
    test('counts each job that ended in its minute, hour and day (UTC), and those alone', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      const at = DAY + 23 * HOUR_MS + 59 * MINUTE_MS + 59_999;
      await insertJobs(database, [
        jobRow({ finished_at: at }),
        jobRow({ finished_at: at }),
        jobRow({ finished_at: at + 1 }),
        jobRow({ flow_id: 'other', finished_at: DAY }),
        jobRow({ state: 'RUNNING', finished_at: null, duration_ms: null }),
      ]);
      await analytics.flush();
      expect(await rowsOf(database)).toEqual(
        [
          ['articles', 'DAY', 0, 2],
          ['articles', 'HOUR', 23 * HOUR_MS, 2],
          ['articles', 'MINUTE', DAY_MS - MINUTE_MS, 2],
          ['articles', 'DAY', DAY_MS, 1],
          ['articles', 'HOUR', DAY_MS, 1],
          ['articles', 'MINUTE', DAY_MS, 1],
          ['other', 'DAY', 0, 1],
          ['other', 'HOUR', 0, 1],
          ['other', 'MINUTE', 0, 1],
        ].toSorted(),
      );
      expect(await uncounted(database)).toBe(0);
    });

    test('a job that is deleted after it was counted goes on to count', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      await insertJobs(database, [jobRow(), jobRow({ state: 'FAILED' })]);
      await analytics.flush();
      await database.write([database.reads.deleteFrom('jobs')]);
      await insertJobs(database, [jobRow()]);
      await analytics.flush();
      const [metrics] = await analytics.forTenant(DEFAULT_TENANT).readMetrics(['articles'], {});
      expect(metrics).toMatchObject({ completedCount: 2, failedCount: 1, finishedCount: 3 });
      expect(metrics?.durations.count).toBe(3);
    });

    test.each(['before', 'after'] as const)(
      'a write that fails %s it is done counts nothing twice and loses nothing',
      async (moment) => {
        const { told, database } = failing(await open());
        await insertJobs(database, [jobRow(), jobRow(), jobRow()]);
        const { analytics, clock, errors } = openAnalytics(database);
        told.writes = 0;
        told.fail = moment;
        await clock.advance(0);
        await until(() => told.writes === 1 && clock.timers === 1);
        await clock.advance(1_000); // it is tried again by itself
        await analytics.flush();
        const [metrics] = await analytics.forTenant(DEFAULT_TENANT).readMetrics(['articles'], {});
        expect(metrics).toMatchObject({ completedCount: 3 });
        expect(await uncounted(database)).toBe(0);
        expect(errors).toEqual([]);
      },
    );

    test('a write that fails again and again is tried again with back-off, and told', async () => {
      const { told, database } = failing(await open());
      await insertJobs(database, [jobRow()]);
      const { analytics, clock, errors } = openAnalytics(database);
      told.writes = 0;
      told.isDown = true;
      await clock.advance(0);
      for (let tries = 1; tries < 5; tries++) {
        await until(() => told.writes === tries && clock.timers === 1);
        await clock.advance(Math.min(2 ** (tries - 1) * 1_000, 60_000));
      }
      await until(() => told.writes === 5 && clock.timers === 1);
      expect(errors).toHaveLength(4);
      told.isDown = false;
      await clock.advance(60_000);
      await analytics.flush();
      expect(await uncounted(database)).toBe(0);
    });

    test('each job counts once, whatever fails and whenever it is started anew', async () => {
      const step = fc.record({
        jobs: fc.integer({ min: 0, max: 4 }),
        fail: fc.constantFrom('before', 'after', undefined),
        isRestart: fc.boolean(),
        isDeleting: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const { told, database } = failing(await open());
          let { analytics } = openAnalytics(database);
          let total = 0;
          for (const [at, { jobs, fail, isRestart, isDeleting }] of steps.entries()) {
            const ended = { finished_at: DAY + at * 20 * MINUTE_MS };
            const rows = Array.from({ length: jobs }, () => jobRow(ended));
            if (jobs > 0) await insertJobs(database, rows);
            total += jobs;
            told.fail = fail;
            await analytics.flush().catch(() => undefined);
            told.fail = undefined;
            if (isDeleting) {
              const counted = database.reads.deleteFrom('jobs').where('is_rolled_up', '=', 1);
              await database.write([counted]);
            }
            if (isRestart) {
              await analytics.close();
              ({ analytics } = openAnalytics(database));
            }
          }
          await analytics.flush();
          const range = { since: DAY, until: DAY + DAY_MS };
          for (const bucket of ['MINUTE', 'HOUR', 'DAY'] as const) {
            const points = await analytics
              .forTenant(DEFAULT_TENANT)
              .readSeries('articles', { bucket, ...range });
            const counted = points.reduce((sum, { completedCount }) => sum + completedCount, 0);
            expect([bucket, counted]).toEqual([bucket, total]);
          }
          await database.close();
        }),
        { numRuns: 5 },
      );
    });

    test('a write that is repeated, also late, is refused as a whole', async () => {
      const database = await open();
      const kept: (() => Promise<unknown>)[] = [];
      const keeping: Database = {
        ...database,
        write(statements, options) {
          kept.push(() => database.write(statements, options));
          return database.write(statements, options);
        },
      };
      const { analytics } = openAnalytics(keeping);
      await insertJobs(database, [jobRow(), jobRow()]);
      await analytics.flush();
      await insertJobs(database, [jobRow()]);
      await analytics.flush();
      expect(kept).toHaveLength(2);
      for (const again of kept) await expect(again()).rejects.toThrow(/null/i);
      const [metrics] = await analytics.forTenant(DEFAULT_TENANT).readMetrics(['articles'], {});
      expect(metrics).toMatchObject({ completedCount: 3 });
    });

    test('two that count at the same time count each job once', async () => {
      const database = await open();
      await insertJobs(
        database,
        Array.from({ length: 700 }, () => jobRow()),
      );
      const [{ analytics: one }, { analytics: two }] = [
        openAnalytics(database),
        openAnalytics(database),
      ];
      for (let round = 0; round < 3; round++) await Promise.allSettled([one.flush(), two.flush()]);
      const [metrics] = await one.forTenant(DEFAULT_TENANT).readMetrics(['articles'], {});
      expect(metrics).toMatchObject({ completedCount: 700 });
    });

    test('10,000 jobs are counted in steps of a bounded number of jobs and statements', async () => {
      const statements: string[] = [];
      const { told, database } = failing(
        await open({ onStatement: (sql) => statements.push(sql) }),
      );
      const rows = Array.from({ length: 10_000 }, (_none, at) =>
        jobRow({ flow_id: `flow-${at % 7}`, finished_at: DAY + at * 1_000, duration_ms: at }),
      );
      await insertJobs(database, rows);
      const { analytics } = openAnalytics(database);
      told.writes = 0;
      statements.length = 0;
      await analytics.flush();
      expect(told.writes).toBe(10_000 / STEP_JOBS);
      const own = statements.filter((sql) => /jobs|flow_metrics/.test(sql));
      expect(own.length).toBeLessThanOrEqual(4 * told.writes + 1);
      const ids = Array.from({ length: 7 }, (_none, at) => `flow-${at}`);
      const metrics = await analytics.forTenant(DEFAULT_TENANT).readMetrics(ids, {});
      expect(metrics.reduce((sum, { completedCount }) => sum + completedCount, 0)).toBe(10_000);
    });

    test('merging what was counted in parts is the same as a histogram of all durations', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      const job = fc.record({
        at: fc.integer({ min: 0, max: 3 * DAY_MS }),
        ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
      });
      const all = fc.sample(job, { numRuns: 300, seed: 7 });
      const expected = new Histogram();
      for (let at = 0; at < all.length; at += 50) {
        const part = all.slice(at, at + 50);
        for (const { ms } of part) expected.record(ms);
        await insertJobs(
          database,
          part.map(({ at, ms }) => jobRow({ finished_at: DAY - 2 * DAY_MS + at, duration_ms: ms })),
        );
        await analytics.flush();
      }
      const [metrics] = await analytics
        .forTenant(DEFAULT_TENANT)
        .readMetrics(['articles'], { until: DAY + 2 * DAY_MS });
      const { histogram, avgMs, ...percentiles } = readDurations(expected);
      expect(metrics?.durations).toMatchObject(percentiles);
      expect(metrics?.durations.histogram.buckets).toEqual(histogram.buckets);
      expect(metrics?.durations.avgMs).toBeCloseTo(avgMs ?? 0, 5); // floats are added in another order
    });

    test('it counts what it finds at start, and what ends later about a second after it is told', async () => {
      const database = await open();
      await insertJobs(database, [jobRow()]);
      const { analytics, clock } = openAnalytics(database);
      await clock.advance(0);
      while ((await uncounted(database)) > 0);
      await insertJobs(database, [jobRow()]);
      await clock.advance(10_000);
      expect(clock.timers).toBe(0); // nobody told it, and it asks for nothing meanwhile
      expect(await uncounted(database)).toBe(1);
      analytics.noteFinished();
      analytics.noteFinished();
      expect(clock.timers).toBe(1);
      await clock.advance(1_000);
      while ((await uncounted(database)) > 0);
    });

    test('closing ends the step under way and begins none; it may be called twice', async () => {
      const database = await open();
      await insertJobs(
        database,
        Array.from({ length: STEP_JOBS + 1 }, () => jobRow()),
      );
      const gate = new Gate();
      const held: Database = {
        ...database,
        async write(statements, options) {
          await gate.pass();
          return database.write(statements, options);
        },
      };
      const { analytics, clock } = openAnalytics(held);
      const advanced = clock.advance(0);
      await until(() => gate.waiting === 1);
      const closing = Promise.all([analytics.close(), analytics.close()]);
      analytics.noteFinished();
      gate.open();
      await closing;
      await advanced;
      await analytics.flush();
      expect(clock.timers).toBe(0);
      expect(await uncounted(database)).toBe(1);
    });
  });
});
