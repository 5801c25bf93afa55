import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { answer, ask, ended, openApp, refusal, startJob } from '../api/api.ts';
import { Broken, echo, running, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  AllFlowMetricsDocument,
  FlowMetricsDocument,
  FlowMetricsSeriesDocument,
  type FlowMetricsSeriesQueryVariables,
} from '../generated/operations.ts';

const metricsOf = async (app: App, id: string, since: string | null = null) => {
  const { flow } = await ask(app, FlowMetricsDocument, { id, since, until: null });
  return flow?.metrics;
};

const BROKEN = running(() => {
  throw new Broken('It broke.');
}, 'broken');

describe('M10 metrics of a flow in the API', () => {
  test('tell what became of its jobs, also after these are deleted', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [echo(), BROKEN, waiting(gate)] });
    const ids = [
      await startJob(app, { flowId: 'echo', input: 1 }),
      await startJob(app, { flowId: 'echo', input: 2 }),
      await startJob(app, { flowId: 'broken' }),
    ];
    await startJob(app, { flowId: 'waiting' });
    for (const id of ids) await ended(app, id);
    await app.services.analytics.flush();
    await app.jobs.delete(ids[0]?.replace('Job:', '') ?? '');
    const now = app.services.now();
    const metrics = await metricsOf(app, 'echo');
    expect(metrics).toMatchObject({
      completedCount: 2,
      failedCount: 0,
      finishedCount: 2,
      successRate: 1,
      executionCount: 2,
      errorCount: 0,
      errorRate: 0,
      runningCount: 0,
      durations: { count: 2, minMs: expect.any(Number), p99Ms: expect.any(Number) },
    });
    expect(metrics?.jobsPerHour).toBeGreaterThan(0);
    expect(Date.parse(metrics?.since ?? '')).toBeLessThanOrEqual(now);
    expect(await metricsOf(app, 'broken')).toMatchObject({
      successRate: 0,
      errorCount: 1,
      errorRate: 1,
    });
    expect(await metricsOf(app, 'waiting')).toMatchObject({
      finishedCount: 0,
      runningCount: 1,
      successRate: null,
      since: null,
      durations: { count: 0, minMs: null, p50Ms: null },
    });
    gate.openAll();
  });

  test('of all flows of a page cost two statements', async () => {
    const statements: string[] = [];
    const onStatement = (sql: string) => statements.push(sql);
    const flows = Array.from({ length: 20 }, (_none, at) => echo(`echo-${at}`));
    const app = await openApp({ flows, database: { url: 'sqlite::memory:', onStatement } });
    await app.services.analytics.flush();
    statements.length = 0;
    const { flows: page } = await ask(app, AllFlowMetricsDocument, {});
    expect(page.nodes).toHaveLength(20);
    expect(statements.filter((sql) => /flow_metrics|jobs/.test(sql))).toHaveLength(2);
  });

  test('a series has every point of its range; what is no range is refused', async () => {
    const app = await openApp({ flows: [echo()] });
    await ended(app, await startJob(app, { flowId: 'echo' }));
    await app.services.analytics.flush();
    const series = (change: Partial<FlowMetricsSeriesQueryVariables>) =>
      ({ id: 'echo', bucket: 'HOUR', since: null, until: null, ...change }) as const;
    const { flow } = await ask(app, FlowMetricsSeriesDocument, series({}));
    const points = flow?.metricsSeries ?? [];
    expect(points).toHaveLength(48);
    expect(points.reduce((sum, { completedCount }) => sum + completedCount, 0)).toBe(1);
    const wide = series({ since: '2026-01-01T00:00:00Z', until: '2026-06-01T00:00:00Z' });
    expect(await refusal(app, FlowMetricsSeriesDocument, wide)).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('1500'),
    });
    const reversed = { id: 'echo', since: '2026-06-01T00:00:00Z', until: '2026-01-01T00:00:00Z' };
    expect(await refusal(app, FlowMetricsDocument, reversed)).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  test('a series costs as much as its points', async () => {
    const app = await openApp({ flows: [echo()], limits: { complexity: 2_000 } });
    const variables = { id: 'echo', bucket: 'MINUTE', until: '2026-01-02T00:00:00Z' } as const;
    const ofHour = { ...variables, since: '2026-01-01T23:00:00Z' };
    const ofDay = { ...variables, since: '2026-01-01T00:00:00Z' };
    expect(await refusal(app, FlowMetricsSeriesDocument, ofDay)).toMatchObject({
      code: 'TOO_COSTLY',
    });
    expect((await answer(app, FlowMetricsSeriesDocument, ofHour)).errors).toBeUndefined();
  });
});
