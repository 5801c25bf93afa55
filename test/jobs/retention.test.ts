import { expect, test } from 'vitest';
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

const NO_PAGE = { filter: null, first: null, after: null, last: null, before: null };

test('jobs that ended first are forgotten first, with their readings; others never', async () => {
  const gate = new Gate();
  const app = openApp({ flows: [echo(), waiting(gate)], endedJobs: 3 });
  const running = await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  const ids: string[] = [];
  for (let at = 0; at < 5; at++) {
    const id = await startJob(app, { flowId: 'echo', idempotencyKey: String(at) });
    await ended(app, id);
    ids.push(id);
  }
  const { jobs } = await ask(app, ListJobsDocument, { ...NO_PAGE, orderBy: null });
  expect(jobs.edges.map(({ node }) => node.id).toSorted()).toEqual(
    [running, ...ids.slice(2)].toSorted(),
  );
  const forgotten = ids[0] ?? '';
  const { data, errors = [] } = await answer(app, GetJobDocument, { id: forgotten });
  expect(data).toEqual({ job: null });
  expect(errors[0]?.originalError).toMatchObject({ code: 'NOT_FOUND' });
  expect(await app.services.jobHost.read(ids.map((id) => id.slice(4)))).toEqual([
    undefined,
    undefined,
    expect.anything(),
    expect.anything(),
    expect.anything(),
  ]);
  expect(await app.services.jobHost.countTrace(forgotten.slice(4), {})).toEqual({
    matching: 0,
    dropped: 0,
  });
  // Its idempotency key is free again.
  expect(await startJob(app, { flowId: 'echo', idempotencyKey: '0' })).not.toBe(forgotten);
});

test('a job that was deleted leaves nothing behind', async () => {
  const app = openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  await app.jobs.delete(id.slice(4));
  expect(await app.services.jobHost.read([id.slice(4)])).toEqual([undefined]);
  const ids = [id, `JobRoutine:${id.slice(4)}/pass`, `SlotQueue:${id.slice(4)}/pass.item`];
  const { data, errors = [] } = await answer(app, GetNodesDocument, { ids });
  expect(data).toEqual({ nodes: [null, null, null] });
  expect(errors).toHaveLength(3);
});

test('jobs that ended a while ago keep their figures, not their trace and log', async () => {
  const app = openApp({ flows: [echo()], endedTraces: 2 });
  const ids: string[] = [];
  for (let at = 0; at < 4; at++) {
    const id = await startJob(app, { flowId: 'echo' });
    await ended(app, id);
    ids.push(id);
  }
  const traces = [];
  for (const id of ids) {
    const { job } = await ask(app, GetTraceDocument, { id, ...NO_PAGE });
    traces.push([job?.trace.totalCount, job?.traceDroppedCount]);
  }
  expect(traces).toEqual([
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
