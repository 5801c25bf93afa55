import { describe, expect, test } from 'vitest';
import {
  answer,
  ask,
  ended,
  openApp,
  refusal,
  startJob,
  subscribeRefusal,
  until,
  watch,
} from '../api/api.ts';
import { echo, waiting } from '../api/flows.ts';
import { ofTenant } from '../api/of-tenant.ts';
import { Gate } from '../engine/parts.ts';
import {
  CancelJobDocument,
  DeleteJobDocument,
  GetJobDocument,
  GetNodeDocument,
  GetNodesDocument,
  JobEventsDocument,
  JobMonitoringDocument,
  JobStatusChangedDocument,
  ListJobsDocument,
  PauseJobDocument,
  QueueStatusChangedDocument,
  RerunFromDocument,
  ResumeJobDocument,
  RetryJobDocument,
  RoutineStatusChangedDocument,
} from '../generated/operations.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

async function openBoth() {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate), echo()] });
  const [a, b] = [ofTenant(app, 'a'), ofTenant(app, 'b')];
  const id = await startJob(a, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  return { app, gate, a, b, id, unknown: `Job:${UNKNOWN}` };
}

describe('O5 the id of a job of another tenant', () => {
  test('is answered as an id that nothing has, by every node that belongs to it', async () => {
    const { app, a, b, id } = await openBoth();
    const uuid = id.slice(4);
    const over = await startJob(a, { flowId: 'echo' });
    await ended(a, over);
    const ids = [
      id,
      `JobRoutine:${uuid}/wait`,
      `SlotQueue:${uuid}/wait.item`,
      over,
      `JobRoutine:${over.slice(4)}/pass`,
      `SlotQueue:${over.slice(4)}/pass.item`,
    ];
    const { nodes } = await ask(a, GetNodesDocument, { ids });
    expect(nodes.map((node) => node?.id)).toEqual(ids);
    for (const each of [b, app]) {
      for (const own of ids) {
        const uuidOf = /[0-9a-f-]{36}/.exec(own)?.[0] ?? '';
        const unknown = own.replace(uuidOf, UNKNOWN);
        const wanted = await refusal(each, GetNodeDocument, { id: unknown });
        expect(wanted.code).toBe('NOT_FOUND');
        expect(await refusal(each, GetNodeDocument, { id: own })).toEqual({
          ...wanted,
          message: wanted.message?.replaceAll(UNKNOWN, uuidOf),
        });
      }
      const { data, errors = [] } = await answer(each, GetNodesDocument, { ids });
      expect(data?.nodes).toEqual(ids.map(() => null));
      expect(errors).toHaveLength(ids.length);
    }
  });

  test('is answered as an unknown one, by every mutation and subscription', async () => {
    const { b, id, unknown } = await openBoth();
    const byId = [
      (jobId: string) => ask(b, PauseJobDocument, { id: jobId }),
      (jobId: string) => ask(b, ResumeJobDocument, { id: jobId }),
      (jobId: string) => ask(b, CancelJobDocument, { id: jobId }),
      (jobId: string) => ask(b, DeleteJobDocument, { id: jobId }),
      (jobId: string) => ask(b, RetryJobDocument, { id: jobId, idempotencyKey: 'k' }),
      (jobId: string) => ask(b, RerunFromDocument, { input: { jobId, activationId: 1 } }),
    ];
    const same = (told: unknown) =>
      JSON.parse(JSON.stringify(told).replaceAll(UNKNOWN, id.slice(4)));
    for (const attempt of byId) {
      const wanted = await attempt(unknown);
      expect(JSON.stringify(wanted)).toContain('NotFoundError');
      expect(await attempt(id)).toEqual(same(wanted));
    }
    const get = (each: string) => refusal(b, GetJobDocument, { id: each });
    expect(await get(id)).toEqual(same(await get(unknown)));

    const rest = { maxRateHz: 1, flowId: null, routineId: null, slot: null };
    const streams = [
      (jobId: string) => subscribeRefusal(b, JobStatusChangedDocument, { ...rest, jobId }),
      (jobId: string) => subscribeRefusal(b, JobMonitoringDocument, { ...rest, jobId }),
      (jobId: string) => subscribeRefusal(b, RoutineStatusChangedDocument, { ...rest, jobId }),
      (jobId: string) => subscribeRefusal(b, QueueStatusChangedDocument, { ...rest, jobId }),
      (jobId: string) =>
        subscribeRefusal(b, JobEventsDocument, { ...rest, jobId, types: null, after: null }),
    ];
    for (const refuse of streams) {
      const wanted = await refuse(unknown);
      expect(wanted.code).toBe('NOT_FOUND');
      expect(await refuse(id)).toEqual(same(wanted));
    }
  });
});

test('O5 a list that goes on from the cursor of another tenant has only what is its own', async () => {
  const { a, b } = await openBoth();
  const first = await startJob(b, { flowId: 'echo' });
  await startJob(a, { flowId: 'echo' });
  const last = await startJob(b, { flowId: 'echo' });
  const all = { filter: null, orderBy: null, first: null, after: null, last: null, before: null };
  const { jobs: others } = await ask(a, ListJobsDocument, all);
  expect(others.totalCount).toBe(2);
  const cursor = others.edges[0]?.cursor ?? ''; // of the job between
  const page = async (of: object) => {
    const { jobs } = await ask(b, ListJobsDocument, { ...all, ...of });
    return { ids: jobs.edges.map(({ node }) => node.id), totalCount: jobs.totalCount };
  };
  expect(await page({ after: cursor })).toEqual({ ids: [first], totalCount: 2 });
  expect(await page({ before: cursor })).toEqual({ ids: [last], totalCount: 2 });
  expect(await page({ filter: { text: '' } })).toEqual({ ids: [last, first], totalCount: 2 });
  await Promise.all([ended(b, first), ended(b, last)]);
});

test('O5 who watches all jobs, or those of a flow, hears of no job of another tenant', async () => {
  const { a, b, gate, id } = await openBoth();
  const watchJobs = (each: typeof a, flowId: string | null) =>
    watch(each, JobStatusChangedDocument, { jobId: null, flowId, maxRateHz: 20 });
  const streams = await Promise.all([watchJobs(b, null), watchJobs(b, 'waiting')]);
  const ofA = await watchJobs(a, null);
  expect((await ofA.next())?.jobStatusChanged.id).toBe(id);
  await a.jobs.pause(id.slice(4));
  await ofA.nextUntil(({ jobStatusChanged }) => jobStatusChanged.status === 'PAUSED');
  const own = await startJob(b, { flowId: 'waiting' });
  for (const stream of streams) {
    expect((await stream.next())?.jobStatusChanged.id).toBe(own);
  }
  await a.jobs.resume(id.slice(4));
  await until(() => gate.waiting === 2);
  gate.openAll();
  await Promise.all([ended(a, id), ended(b, own)]);
  await a.jobs.delete(id.slice(4));
  for (const stream of streams) {
    const told = await stream.nextUntil(
      ({ jobStatusChanged }) => jobStatusChanged.status === 'COMPLETED',
    );
    expect(new Set(told.map(({ jobStatusChanged }) => jobStatusChanged.id))).toEqual(
      new Set([own]),
    );
  }
});
