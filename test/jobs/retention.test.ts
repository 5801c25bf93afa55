import { expect, onTestFinished, test } from 'vitest';
import type { RetentionOptions } from '../../src/jobs/retention.ts';
import { answer, ask, ended, openApp, startJob, until } from '../api/api.ts';
import { echo, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  GetJobDocument,
  GetLogsDocument,
  GetNodesDocument,
  GetRoutinesDocument,
  GetTraceDocument,
  ListJobsDocument,
} from '../generated/operations.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NO_PAGE = { filter: null, first: null, after: null, last: null, before: null };

/** An app whose rounds of retention come when the clock is moved. */
async function openRetained(retention: RetentionOptions) {
  const clock = new ManualClock();
  const gate = new Gate();
  const app = await openApp({ flows: [echo(), waiting(gate)], clock, retention });
  return {
    app,
    gate,
    clock,
    /** Starts a job and lets it end, so long before the next one. */
    async runJob(idempotencyKey: string) {
      const id = await startJob(app, { flowId: 'echo', idempotencyKey });
      await ended(app, id);
      await clock.advance(10_000);
      return id;
    },
    /** Moves the clock until something is so. */
    async wait(isSo: () => Promise<boolean>) {
      while (!(await isSo())) await clock.advance(5000);
    },
  };
}

test('jobs that ended first are removed first, with all that is known of them; others never', async () => {
  const { app, gate, runJob, wait } = await openRetained({ jobs: { maxCount: 3 } });
  const running = await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  const deleted: string[] = [];
  onTestFinished(
    app.pubsub.subscribe('jobChanged', ({ jobId, isDeleted }) => {
      if (isDeleted) deleted.push(jobId);
    }),
  );
  const ids: string[] = [];
  for (let at = 0; at < 5; at++) ids.push(await runJob(String(at)));
  await wait(async () => (await app.jobs.count({})) === 4);
  const { jobs } = await ask(app, ListJobsDocument, { ...NO_PAGE, orderBy: null });
  expect(jobs.edges.map(({ node }) => node.id).toSorted()).toEqual(
    [running, ...ids.slice(2)].toSorted(),
  );
  expect(deleted.map((id) => `Job:${id}`).toSorted()).toEqual(ids.slice(0, 2).toSorted());
  const removed = ids[0] ?? '';
  const { data, errors = [] } = await answer(app, GetJobDocument, { id: removed });
  expect(data).toEqual({ job: null });
  expect(errors[0]?.originalError).toMatchObject({ code: 'NOT_FOUND' });
  const { records } = app.services;
  expect(await records.readReadings(ids.map((id) => id.slice(4)))).toEqual([
    undefined,
    undefined,
    expect.anything(),
    expect.anything(),
    expect.anything(),
  ]);
  expect(await records.countTrace(removed.slice(4), {})).toEqual({ matching: 0, dropped: 0 });
  // Its idempotency key is free again.
  expect(await startJob(app, { flowId: 'echo', idempotencyKey: '0' })).not.toBe(removed);
});

test('a job that was deleted leaves nothing behind', async () => {
  const app = await openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  await app.jobs.delete(id.slice(4));
  const { records } = app.services;
  expect(await records.readReadings([id.slice(4)])).toEqual([undefined]);
  expect(await records.countTrace(id.slice(4), {})).toEqual({ matching: 0, dropped: 0 });
  const ids = [id, `JobRoutine:${id.slice(4)}/pass`, `SlotQueue:${id.slice(4)}/pass.item`];
  const { data, errors = [] } = await answer(app, GetNodesDocument, { ids });
  expect(data).toEqual({ nodes: [null, null, null] });
  expect(errors).toHaveLength(3);
});

test('jobs that ended a while ago keep their figures, not their trace and log', async () => {
  const { app, runJob, wait } = await openRetained({ traces: { maxCount: 2 } });
  const ids: string[] = [];
  for (let at = 0; at < 4; at++) ids.push(await runJob(String(at)));
  const tracesOf = async () => {
    const traces = [];
    for (const id of ids) {
      const { job } = await ask(app, GetTraceDocument, { id, ...NO_PAGE });
      traces.push([job?.trace.totalCount, job?.traceDroppedCount]);
    }
    return traces;
  };
  await wait(async () => (await tracesOf())[1]?.[0] === 0);
  expect(await tracesOf()).toEqual([
    [0, 1],
    [0, 1],
    [1, 0],
    [1, 0],
  ]);
  const [oldest = ''] = ids;
  const { job } = await ask(app, GetRoutinesDocument, { id: oldest });
  expect(job?.routines).toMatchObject([{ status: 'COMPLETED', executionCount: 1 }]);
  const logs = await ask(app, GetLogsDocument, { id: oldest, filter: null, first: 1, after: null });
  expect(logs.job?.logs.totalCount).toBe(0);
});
