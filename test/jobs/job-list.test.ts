import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ask, ended, inState, openApp, refusal, startJob } from '../api/api.ts';
import { echo, running, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  type JobFilter,
  type JobOrder,
  ListFlowsDocument,
  ListJobsDocument,
  type ListJobsQuery,
  type ListJobsQueryVariables,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const ALL: ListJobsQueryVariables = {
  filter: null,
  orderBy: null,
  first: null,
  after: null,
  last: null,
  before: null,
};

async function list(app: App, variables: Partial<ListJobsQueryVariables> = {}) {
  const { jobs } = await ask(app, ListJobsDocument, { ...ALL, ...variables });
  return { ...jobs, ids: jobs.edges.map(({ node }) => node.id) };
}

const refuse = (app: App, variables: Partial<ListJobsQueryVariables>) =>
  refusal(app, ListJobsDocument, { ...ALL, ...variables });

/** Reads a list page by page; `between` runs after each. */
async function readAll(
  app: App,
  variables: Partial<ListJobsQueryVariables>,
  direction: 'forward' | 'backward',
  size: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Partial<ListJobsQueryVariables> =
      direction === 'forward' ? { first: size, after: cursor } : { last: size, before: cursor };
    const { jobs }: ListJobsQuery = await ask(app, ListJobsDocument, {
      ...ALL,
      ...variables,
      ...page,
    });
    const told = jobs.edges.map(({ node }) => node.id);
    expect(told.length).toBeLessThanOrEqual(size);
    if (direction === 'forward') ids.push(...told);
    else ids.unshift(...told);
    const { pageInfo } = jobs;
    if (!(direction === 'forward' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return ids;
    cursor = direction === 'forward' ? pageInfo.endCursor : pageInfo.startCursor;
    await between();
  }
}

/** Jobs in every state, a second between two of them; each took another time. */
async function openMixed() {
  const clock = new ManualClock();
  const gate = new Gate();
  const broken = running(() => Promise.reject(new Error('no')), 'broken');
  const app = await openApp({
    flows: [echo(), broken, waiting(gate), waiting(gate, 'slow')],
    clock,
    engine: { maxRunningJobs: 4, endGraceMs: 1 },
  });
  const start = async (flowId: string, more: object = {}) => {
    await clock.advance(1000);
    const id = await startJob(app, { flowId, ...more });
    await settle();
    return id;
  };
  const completed = await start('echo', { owner: 'ann', metadata: { note: 'Ünïque Needle' } });
  const slow = await start('slow', { owner: 'bob' });
  await clock.advance(5000);
  gate.open();
  await inState(app, slow, 'COMPLETED');
  const failed = await start('broken', { owner: 'ann' });
  const cancelled = await start('waiting');
  const cancelling = app.jobs.cancel(cancelled.slice(4));
  await clock.advance(3000);
  await cancelling;
  const paused = await start('waiting', { owner: 'ann' });
  await app.jobs.pause(paused.slice(4));
  const runs = await start('waiting');
  await start('waiting');
  await start('waiting');
  const pending = await start('waiting');
  return { app, clock, gate, completed, slow, failed, cancelled, paused, runs, pending };
}

describe('O1 filters', () => {
  test('O1 each filter alone, and together', async () => {
    const { app, completed, slow, failed, cancelled, paused, pending } = await openMixed();
    const found = async (filter: JobFilter) => {
      const { ids, totalCount } = await list(app, { filter });
      expect(totalCount).toBe(ids.length);
      return ids.toSorted();
    };
    const created = new Map<string, string>();
    for (const { id, createdAt } of await app.jobs.list({
      filter: {},
      order: { field: 'CREATED_AT', isDescending: false },
      limit: 100,
      fromEnd: false,
    })) {
      created.set(`Job:${id}`, new Date(createdAt).toISOString());
    }
    const at = (id: string) => created.get(id) ?? '';

    expect(await found({})).toHaveLength(9);
    expect(await found({ flowIds: ['echo', 'Flow:slow'] })).toEqual([completed, slow].toSorted());
    expect(await found({ flowIds: [] })).toEqual([]);
    expect(await found({ statuses: ['PENDING'] })).toEqual([pending]);
    expect(await found({ statuses: ['FAILED', 'PAUSED'] })).toEqual([failed, paused].toSorted());
    expect(await found({ owner: 'ann' })).toEqual([completed, failed, paused].toSorted());
    expect(await found({ owner: 'Ann' })).toEqual([]);
    expect(await found({ createdBefore: at(slow) })).toEqual([completed]);
    expect(await found({ createdAfter: at(pending) })).toEqual([]);
    expect(await found({ createdAfter: at(slow), createdBefore: at(cancelled) })).toEqual([failed]);
    expect(await found({ finishedAfter: at(failed) })).toEqual([cancelled]);
    expect(await found({ finishedBefore: at(slow) })).toEqual([completed]);
    expect(await found({ text: 'ünïque nEEdle' })).toEqual([completed]);
    expect(await found({ text: slow.slice(4) })).toEqual([slow]);
    expect(await found({ text: 'BOB' })).toEqual([slow]);
    expect(await found({ text: 'brok' })).toEqual([failed]);
    expect(await found({ text: 'nowhere' })).toEqual([]);
    expect(await found({ owner: 'ann', statuses: ['FAILED'], flowIds: ['broken'] })).toEqual([
      failed,
    ]);
    expect(await found({ owner: 'bob', statuses: ['FAILED'] })).toEqual([]);
  });

  test('O1 a filter that asks for too much is refused', async () => {
    const app = await openApp({ flows: [echo()] });
    const filters = [{ text: 'x'.repeat(1001) }, { flowIds: Array(1001).fill('echo') }];
    for (const filter of filters) {
      expect(await refuse(app, { filter })).toMatchObject({ code: 'VALIDATION_FAILED' });
    }
    await list(app, { filter: { text: '%'.repeat(1000), flowIds: Array(1000).fill('echo') } });
  });

  test('O1 a cursor that the API did not give out is refused', async () => {
    const app = await openApp({ flows: [echo()] });
    const forged = [
      ['CREATED_AT', { key: 0.5, id: 'x' }],
      ['CREATED_AT', { key: null, id: 'x' }],
      ['FINISHED_AT', { key: 1e300, id: 'x' }],
      ['STATUS', { key: 'FAILED', id: 'x' }],
      ['DURATION', { key: 1 }],
    ] as const;
    for (const [field, position] of forged) {
      const cursor = JSON.stringify([`jobs by ${field}`, position]);
      const after = Buffer.from(cursor).toString('base64url');
      expect(await refuse(app, { after, orderBy: { field, direction: 'ASC' } })).toMatchObject({
        code: 'VALIDATION_FAILED',
        issues: [{ path: ['after'] }],
      });
    }
  });

  test('O1 a filter with an id of another type is refused', async () => {
    const { app } = await openMixed();
    expect(await refuse(app, { filter: { flowIds: ['Job:x'] } })).toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [{ path: ['filter', 'flowIds'] }],
    });
  });
});

describe('O1 order', () => {
  test('O1 newest first when nothing is said', async () => {
    const { app, completed, pending } = await openMixed();
    const { ids } = await list(app);
    expect(ids.at(0)).toBe(pending);
    expect(ids.at(-1)).toBe(completed);
  });

  test.each([
    { field: 'CREATED_AT', value: 'createdAt' },
    { field: 'FINISHED_AT', value: 'finishedAt' },
    { field: 'STATUS', value: 'state' },
    { field: 'DURATION', value: 'duration' },
  ] as const)('O1 by $field, both ways, jobs without a value last', async ({ field, value }) => {
    const { app } = await openMixed();
    for (const direction of ['ASC', 'DESC'] as const) {
      const { ids } = await list(app, { orderBy: { field, direction } });
      expect(ids).toHaveLength(9);
      const values = [];
      for (const id of ids) {
        const job = await app.jobs.require(id.slice(4));
        const { startedAt = 0, finishedAt } = job;
        const duration = finishedAt === undefined ? undefined : finishedAt - startedAt;
        values.push(value === 'duration' ? duration : job[value]);
      }
      const known = values.filter((each) => each !== undefined);
      const sorted = known.toSorted((a, b) => (a === b ? 0 : a < b ? -1 : 1));
      if (direction === 'DESC') sorted.reverse();
      expect(values).toEqual([...sorted, ...Array(9 - known.length).fill(undefined)]);
    }
  });

  test('O1 pages of each order join without overlap or hole, both ways', async () => {
    const { app } = await openMixed();
    for (const field of ['CREATED_AT', 'FINISHED_AT', 'STATUS', 'DURATION'] as const) {
      for (const direction of ['ASC', 'DESC'] as const) {
        const orderBy = { field, direction };
        const { ids } = await list(app, { orderBy });
        for (const size of [1, 2, 4, 9, 10]) {
          expect(await readAll(app, { orderBy }, 'forward', size)).toEqual(ids);
          expect(await readAll(app, { orderBy }, 'backward', size)).toEqual(ids);
        }
      }
    }
  });
});

describe('O1 pages', () => {
  test('O1 a hundred unless asked, at most a thousand', async () => {
    const app = await openApp({ flows: [echo()] });
    for (let at = 0; at < 1001; at++) await app.jobs.start({ flowId: 'echo', input: at });
    expect(await list(app)).toMatchObject({
      ids: { length: 100 },
      totalCount: 1001,
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    });
    expect((await list(app, { first: 1000 })).ids).toHaveLength(1000);
    expect((await list(app, { last: 1000 })).ids).toHaveLength(1000);
    for (const [page, name] of [
      [{ first: 1001 }, 'first'],
      [{ first: 0 }, 'first'],
      [{ first: -1 }, 'first'],
      [{ last: 1001 }, 'last'],
      [{ last: 0 }, 'last'],
      [{ last: -5 }, 'last'],
      [{ first: 1, last: 1 }, 'last'],
    ] as const) {
      expect(await refuse(app, page)).toMatchObject({
        code: 'VALIDATION_FAILED',
        issues: [{ path: [name] }],
      });
    }
  });

  test('O1 an empty list', async () => {
    const app = await openApp({ flows: [echo()] });
    expect(await list(app)).toMatchObject({
      ids: [],
      totalCount: 0,
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  test('O1 cursors that this list did not give are refused', async () => {
    const app = await openApp({ flows: [echo(), echo('second')] });
    for (let at = 0; at < 3; at++) await startJob(app, { flowId: 'echo' });
    const byAge = (await list(app, { first: 1 })).pageInfo.endCursor;
    const orderBy: JobOrder = { field: 'STATUS', direction: 'ASC' };
    const byStatus = (await list(app, { first: 1, orderBy })).pageInfo.endCursor;
    const { flows } = await ask(app, ListFlowsDocument, { first: 1, after: null });
    const base64 = (text: string) => Buffer.from(text).toString('base64url');
    for (const cursor of [
      '',
      'garbage',
      '%%%',
      base64('not json'),
      base64('null'),
      base64('{}'),
      base64('["jobs by CREATED_AT"]'),
      base64('["jobs by CREATED_AT",{"key":"text","id":"x"}]'),
      base64('["jobs by CREATED_AT",{"key":1,"id":2}]'),
      flows.pageInfo.endCursor,
      byStatus,
    ]) {
      for (const page of [{ after: cursor }, { before: cursor }]) {
        const name = 'after' in page ? 'after' : 'before';
        expect(await refuse(app, page)).toMatchObject({
          code: 'VALIDATION_FAILED',
          issues: [{ path: [name] }],
        });
      }
    }
    expect(await refuse(app, { orderBy, after: byAge })).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect((await list(app, { after: byAge })).ids).toHaveLength(2);
  });

  test('O1 between two cursors', async () => {
    const app = await openApp({ flows: [echo()] });
    for (let at = 0; at < 10; at++) await startJob(app, { flowId: 'echo' });
    const { edges, ids } = await list(app);
    const range = { after: edges[2]?.cursor ?? null, before: edges[7]?.cursor ?? null };
    expect((await list(app, range)).ids).toEqual(ids.slice(3, 7));
    expect(await list(app, { ...range, last: 2 })).toMatchObject({
      ids: ids.slice(5, 7),
      pageInfo: { hasNextPage: true, hasPreviousPage: true },
    });
  });

  test('O1 the cursor of a job that was deleted still marks its place', async () => {
    const app = await openApp({ flows: [echo()] });
    for (let at = 0; at < 6; at++) await ended(app, await startJob(app, { flowId: 'echo' }));
    const { edges, ids } = await list(app);
    const [, , third] = edges;
    await app.jobs.delete((third?.node.id ?? '').slice(4));
    expect((await list(app, { after: third?.cursor ?? null })).ids).toEqual(ids.slice(3));
    expect((await list(app, { before: third?.cursor ?? null, last: 10 })).ids).toEqual(
      ids.slice(0, 2),
    );
  });

  test('O1 no overlap and no hole while jobs come, change and go: any sizes, any changes', async () => {
    const step = fc.constantFrom('start', 'cancel', 'pause', 'delete');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom<'forward' | 'backward'>('forward', 'backward'),
        fc.constantFrom<'ASC' | 'DESC'>('ASC', 'DESC'),
        fc.array(step, { maxLength: 12 }),
        async (count, size, way, direction, steps) => {
          const gate = new Gate();
          const app = await openApp({ flows: [waiting(gate)], engine: { endGraceMs: 0 } });
          const before: string[] = [];
          for (let at = 0; at < count; at++)
            before.push(await startJob(app, { flowId: 'waiting' }));
          await settle(1);
          const deleted = new Set<string>();
          const change = async () => {
            const next = steps.shift();
            const victim = before.find((id) => !deleted.has(id));
            if (next === 'start') await startJob(app, { flowId: 'waiting' });
            if (victim === undefined || next === undefined || next === 'start') return;
            const id = victim.slice(4);
            const { state } = await app.jobs.require(id);
            if (next === 'pause' && state === 'RUNNING') await app.jobs.pause(id);
            if (next !== 'cancel' && next !== 'delete') return;
            if (state !== 'CANCELLED') await app.jobs.cancel(id);
            if (next === 'delete') {
              await app.jobs.delete(id);
              deleted.add(victim);
            }
          };
          const orderBy = { field: 'CREATED_AT', direction } as const;
          const told = await readAll(app, { orderBy }, way, size, change);
          expect(new Set(told).size).toBe(told.length);
          expect(told).toEqual(told.toSorted((a, b) => ((direction === 'ASC') === a < b ? -1 : 1)));
          const missing = before.filter((id) => !deleted.has(id) && !told.includes(id));
          expect(missing).toEqual([]);
          await app.close();
        },
      ),
      { numRuns: 40 },
    );
  });
});
