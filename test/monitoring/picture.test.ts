import { expect, test } from 'vitest';
import { ask, ended, openApp, refusal, startJob, until, watch } from '../api/api.ts';
import { chain, echo, queueing } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  GetJobDocument,
  GetPictureDocument,
  GetPicturesDocument,
  GetRoutineDocument,
  ListPicturesDocument,
  QueueStatusChangedDocument,
} from '../generated/operations.ts';
import { settle } from '../support/manual-clock.ts';

test('M6 one query gives status, queues, metrics and info of every routine of a job', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [queueing(gate, 4, { maxLength: 5 })] });
  const id = await startJob(app, { flowId: 'queueing' });
  await until(() => gate.waiting === 1);
  const { job } = await ask(app, GetPictureDocument, { id });
  expect(job).toMatchObject({
    id,
    status: 'RUNNING',
    activeRoutines: [{ routineId: 'consumer', activeCount: 1 }],
    routines: [
      {
        id: `JobRoutine:${id.slice(4)}/source`,
        status: 'COMPLETED',
        queues: [],
        durations: { count: 1 },
        routine: { type: 'emits-at-once', policy: { type: 'NONE' } },
      },
      {
        routineId: 'consumer',
        status: 'RUNNING',
        queues: [{ slot: 'item', unconsumedCount: 3, usage: 0.6, pressureLevel: 'MEDIUM' }],
        durations: { count: 0 },
        routine: { slots: [{ name: 'item', maxLength: 5 }] },
      },
    ],
    metrics: { executionCount: 1, errorCount: 0 },
  });
});

test('M6 one query gives the same of one routine', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [queueing(gate, 4)] });
  const id = await startJob(app, { flowId: 'queueing' });
  await until(() => gate.waiting === 1);
  const { job } = await ask(app, GetRoutineDocument, { id, routineId: 'consumer' });
  expect(job?.routine).toMatchObject({
    id: `JobRoutine:${id.slice(4)}/consumer`,
    status: 'RUNNING',
    queues: [{ unconsumedCount: 3 }],
    routine: { policy: { type: 'IMMEDIATE' } },
  });
});

test('M6 several jobs in one request, running and ended, in the order asked for', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [queueing(gate, 2), echo(), chain(10)] });
  const ids = [
    await startJob(app, { flowId: 'chain' }),
    await startJob(app, { flowId: 'queueing' }),
    await startJob(app, { flowId: 'echo' }),
  ] as const;
  await ended(app, ids[0]);
  await ended(app, ids[2]);
  const { nodes } = await ask(app, GetPicturesDocument, { ids: [...ids] });
  expect(nodes).toMatchObject([
    { id: ids[0], status: 'COMPLETED', routines: { length: 4 } },
    { id: ids[1], status: 'RUNNING', routines: { length: 2 } },
    { id: ids[2], status: 'COMPLETED', routines: { length: 1 } },
  ]);
});

test('M6 the whole picture of a hundred jobs is within the limits', async () => {
  const app = await openApp({ flows: [chain(3)] });
  const ids: string[] = [];
  for (let at = 0; at < 100; at++) ids.push(await startJob(app, { flowId: 'chain' }));
  const { nodes } = await ask(app, GetPicturesDocument, { ids });
  expect(nodes).toHaveLength(100);
  const { jobs } = await ask(app, ListPicturesDocument, { first: 100 });
  expect(jobs.nodes).toHaveLength(100);
});

test('M9 reading and watching disturb no job: it does the same, and holds nothing back', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [chain(500), queueing(gate, 3)] });
  const watched = await startJob(app, { flowId: 'chain' });
  const queues = await watch(app, QueueStatusChangedDocument, {
    jobId: watched,
    routineId: null,
    slot: null,
    maxRateHz: 20,
  });
  for (let at = 0; at < 5; at++) {
    await ask(app, GetPictureDocument, { id: watched });
    await settle(1);
  }
  await ended(app, watched); // though nobody reads the subscription
  const alone = await startJob(app, { flowId: 'chain' });
  await ended(app, alone);
  const results = await Promise.all(
    [watched, alone].map(async (id) => (await ask(app, GetJobDocument, { id })).job?.outputs),
  );
  expect(results[0]).toEqual(results[1]);
  await queues.rest();
});

test('M11 names the job that is not there', async () => {
  const app = await openApp({ flows: [] });
  for (const id of ['Job:nobody', 'nobody']) {
    expect(await refusal(app, GetPictureDocument, { id })).toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Job "nobody".',
    });
  }
});
