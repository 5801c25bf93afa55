import { describe, expect, test } from 'vitest';
import { createContext } from '../../src/graphql/context.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { toStoredText } from '../../src/storage/stored-text.ts';
import { answer, openApp } from '../api/api.ts';
import { echo } from '../api/flows.ts';
import { FlowMetricsDocument, FlowMetricsSeriesDocument } from '../generated/operations.ts';
import { forEachDatabase } from '../support/databases.ts';
import { DAY, HOUR_MS, insertJobs, jobRow, openAnalytics } from './parts.ts';

const TENANTS = ['acme', 'beta', 'odd\0 "täg" \ud800'];
const RANGE = { since: DAY, until: DAY + HOUR_MS };

describe('O7 the metrics of a flow', () => {
  forEachDatabase(({ open, makeUrl }) => {
    test('are of the jobs of one tenant', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      // 1, 2 and 3 jobs that completed, as many that failed, as many that run; of nobody else's flow any.
      const rows = TENANTS.map(toStoredText).flatMap((tenant, at) =>
        Array.from({ length: at + 1 }, () => [
          jobRow({ tenant, duration_ms: 10 ** at }),
          jobRow({ tenant, state: 'FAILED', error_count: 1, execution_count: 2 }),
          jobRow({ tenant, state: 'RUNNING', finished_at: null, duration_ms: null }),
          jobRow({ tenant, flow_id: `only ${at}` }),
        ]).flat(),
      );
      await insertJobs(database, rows);
      await analytics.flush();
      await analytics.flush(); // counts none of them again
      for (const [at, tenant] of TENANTS.entries()) {
        const own = analytics.forTenant(tenant);
        const flowIds = ['articles', 'only 0', 'only 1', 'only 2'];
        for (const range of [{}, RANGE]) {
          const metrics = await own.readMetrics(flowIds, range);
          expect(metrics).toMatchObject([
            {
              completedCount: at + 1,
              failedCount: at + 1,
              errorCount: at + 1,
              runningCount: at + 1,
            },
            ...[0, 1, 2].map((other) => ({ finishedCount: other === at ? at + 1 : 0 })),
          ]);
          expect(await own.loadMetrics([{ flowId: 'articles', ...range }])).toEqual([
            expect.objectContaining({
              finishedCount: 2 * at + 2,
              durations: metrics[0]?.durations,
            }),
          ]);
        }
        for (const bucket of ['MINUTE', 'HOUR', 'DAY'] as const) {
          const points = await own.readSeries('articles', { bucket, ...RANGE });
          expect(points.reduce((sum, { finishedCount }) => sum + finishedCount, 0)).toBe(
            2 * at + 2,
          );
        }
      }
      const nobody = analytics.forTenant('nobody');
      expect(await nobody.readMetrics(['articles'], {})).toMatchObject([
        { finishedCount: 0, runningCount: 0, since: undefined, durations: { count: 0 } },
      ]);
    });

    test('go on to be counted for each tenant, though they end in the same minute', async () => {
      const database = await open();
      const { analytics } = openAnalytics(database);
      for (let round = 1; round <= 3; round++) {
        await insertJobs(database, [
          jobRow({ tenant: 'acme' }),
          jobRow({ tenant: 'beta' }),
          jobRow({ tenant: 'beta' }),
        ]);
        await analytics.flush();
        for (const [tenant, count] of [
          ['acme', round],
          ['beta', 2 * round],
        ] as const) {
          const [metrics] = await analytics.forTenant(tenant).readMetrics(['articles'], {});
          expect(metrics).toMatchObject({ completedCount: count });
        }
      }
    });

    test('are answered by the API for the tenant of who asks', async () => {
      const app = await openApp({ flows: [echo()], database: await makeUrl() });
      const as = (tenant: string) => createContext(app.services, { ...ANYBODY, tenant });
      const ids = await Promise.all(
        ['acme', 'beta', 'beta'].map(async (tenant) => {
          const jobs = app.jobs.forTenant(tenant);
          const { id } = await jobs.start({ flowId: 'echo', input: 1 });
          return { jobs, id };
        }),
      );
      for (const { jobs, id } of ids) {
        while ((await jobs.require(id)).finishedAt === undefined) {
          await new Promise((keep) => setImmediate(keep));
        }
      }
      await app.services.analytics.flush();
      const countsFor = async (tenant: string) => {
        const all = { id: 'Flow:echo', since: null, until: null };
        const metrics = await answer(app, FlowMetricsDocument, all, as(tenant));
        const hours = { ...all, bucket: 'HOUR' as const };
        const series = await answer(app, FlowMetricsSeriesDocument, hours, as(tenant));
        const points = series.data?.flow?.metricsSeries ?? [];
        return [
          metrics.data?.flow?.metrics.completedCount,
          points.reduce((sum, { completedCount }) => sum + completedCount, 0),
        ];
      };
      expect(await countsFor('acme')).toEqual([1, 1]);
      expect(await countsFor('beta')).toEqual([2, 2]);
      expect(await countsFor('gamma')).toEqual([0, 0]);
      expect(await countsFor('default')).toEqual([0, 0]);
    });
  });
});
