import { batchSize, defineFlow, defineRoutine, event, retry, slot } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from '../../src/app.ts';
import { ask, ended, openApp, startJob, until } from '../api/api.ts';
import { chain } from '../api/flows.ts';
import { Gate, keeps, passes } from '../engine/parts.ts';
import {
  GetLineageDocument,
  type GetLineageQueryVariables,
  type LineageDirection,
} from '../generated/operations.ts';

const bare = (id: string) => id.slice(id.indexOf(':') + 1);

async function lineageOf(app: App, variables: GetLineageQueryVariables) {
  const { job } = await ask(app, GetLineageDocument, variables);
  if (job === null || job === undefined) throw new Error('There is no such job.');
  return job.lineage;
}

/** Each hop as `depth: routine number`. */
async function trailOf(app: App, id: string, activationId: number, direction: LineageDirection) {
  const { edges } = await lineageOf(app, { id, activationId, direction });
  return edges.map(({ node }) => `${node.depth}: ${node.routineId} ${node.activationId}`);
}

/** One item → split, which emits to both → left and right, each on → join of batches of 2 → end. */
function diamond(gate?: Gate) {
  const join = defineRoutine({
    type: 'joins',
    slots: { item: slot<number>() },
    events: { item: event<readonly number[]>() },
    policy: batchSize(2),
    run: ({ item }, ctx) => ctx.emit('item', item),
  });
  return defineFlow({ id: 'diamond', input: z.number() }, (f) => {
    const split = f.add('split', passes<number>());
    const left = f.add('left', passes<number>());
    const right = f.add('right', passes<number>());
    const joins = f.add('join', join);
    f.connect(f.input, split.slots.item);
    f.connect(split.events.item, left.slots.item);
    f.connect(split.events.item, right.slots.item);
    f.connect(left.events.item, joins.slots.item);
    f.connect(right.events.item, joins.slots.item);
    const end = f.add('end', passes<readonly number[]>(gate?.pass));
    f.connect(joins.events.item, end.slots.item);
  });
}

describe('lineage', () => {
  test('follows fan-out and fan-in both ways, nearest first, each activation once', async () => {
    const app = await openApp({ flows: [diamond()] });
    const id = await startJob(app, { flowId: 'diamond', input: 7 });
    await ended(app, id);
    expect(await trailOf(app, id, 5, 'ANCESTORS')).toEqual([
      '0: end 5',
      '1: join 4',
      '2: left 2',
      '2: right 3',
      '3: split 1',
    ]);
    expect(await trailOf(app, id, 1, 'DESCENDANTS')).toEqual([
      '0: split 1',
      '1: left 2',
      '1: right 3',
      '2: join 4',
      '3: end 5',
    ]);
    expect(await trailOf(app, id, 5, 'DESCENDANTS')).toEqual(['0: end 5']);
    expect(await trailOf(app, id, 3, 'ANCESTORS')).toEqual(['0: right 3', '1: split 1']);
  });

  test('tells of each hop what it took from where, how long it waited and ran', async () => {
    const app = await openApp({ flows: [diamond()] });
    const id = await startJob(app, { flowId: 'diamond', input: 7 });
    await ended(app, id);
    const { edges, ...page } = await lineageOf(app, {
      id,
      activationId: 4,
      direction: 'ANCESTORS',
    });
    expect(page).toMatchObject({ isComplete: true, missingActivationIds: [], totalCount: 4 });
    const [join, , , split] = edges.map(({ node }) => node);
    expect(join).toMatchObject({
      outcome: 'COMPLETED',
      attempt: 1,
      parentIds: [2, 3],
      origins: ['ACTIVATION'],
      waitMs: expect.any(Number),
      runMs: expect.any(Number),
      blockedMs: 0,
      activation: {
        inputs: [
          { slot: 'item', emittedBy: 2, origin: 'ACTIVATION', item: { text: '7' } },
          { slot: 'item', emittedBy: 3, origin: 'ACTIVATION', item: { text: '7' } },
        ],
      },
    });
    expect(split).toMatchObject({
      parentIds: [],
      origins: ['JOB_INPUT'],
      activation: { inputs: [{ emittedBy: null, origin: 'JOB_INPUT' }] },
    });
  });

  test('of a batch are all that filled it; a source has no ancestors', async () => {
    const app = await openApp({ flows: [chain(8)] });
    const id = await startJob(app, { flowId: 'chain' });
    await ended(app, id);
    const { records } = app.services;
    const page = { filter: { routineIds: ['sums'] }, limit: 10, fromEnd: false };
    const sums = await records.readTrace(bare(id), page);
    expect(sums).toHaveLength(2);
    for (const { activationId, parentIds } of sums) {
      expect(parentIds).toHaveLength(4);
      const hops = await trailOf(app, id, activationId, 'ANCESTORS');
      expect(hops).toEqual([
        `0: sums ${activationId}`,
        ...parentIds.map((each) => `1: pass ${each}`),
        '2: source 1',
      ]);
    }
    expect(await trailOf(app, id, 1, 'ANCESTORS')).toEqual(['0: source 1']);
    const all = await lineageOf(app, { id, activationId: 1, direction: 'DESCENDANTS' });
    expect(all).toMatchObject({ totalCount: 1 + 8 + 2 + 2, isComplete: true });
  });

  test('has the last run of an activation that was tried again', async () => {
    let runs = 0;
    const fails = defineRoutine({
      type: 'fails',
      slots: { item: slot<unknown>() },
      events: { item: event<unknown>() },
      run: ({ item }, ctx) => {
        void ctx.emit('item', item);
        if (++runs < 3) throw new Error('Not yet.');
      },
    });
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const from = f.add('from', fails, { onError: retry({ maxAttempts: 3, delayMs: 0 }) });
      f.connect(f.input, from.slots.item);
      f.connect(from.events.item, f.add('end', keeps<unknown>([])).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'retrying' });
    await ended(app, id);
    const { edges } = await lineageOf(app, { id, activationId: 1, direction: 'DESCENDANTS' });
    const [first, ...others] = edges.map(({ node }) => node);
    expect(first).toMatchObject({ attempt: 3, outcome: 'COMPLETED', activation: { attempt: 3 } });
    expect(others).toMatchObject([{ depth: 1 }, { depth: 1 }, { depth: 1 }]);
  });

  test('is read page by page, in one order from both ends', async () => {
    const app = await openApp({ flows: [chain(8)] });
    const id = await startJob(app, { flowId: 'chain' });
    await ended(app, id);
    const wanted = { id, activationId: 1, direction: 'DESCENDANTS' } as const;
    const idsOf = ({ edges }: Awaited<ReturnType<typeof lineageOf>>) =>
      edges.map(({ node }) => node.activationId);
    const all = idsOf(await lineageOf(app, wanted));
    const paged: number[] = [];
    let after: string | null | undefined;
    do {
      const page = await lineageOf(app, { ...wanted, first: 3, after: after ?? null });
      paged.push(...idsOf(page));
      expect(page.totalCount).toBe(13);
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
    } while (after !== undefined);
    expect(paged).toEqual(all);
    const last = await lineageOf(app, { ...wanted, last: 4 });
    expect(idsOf(last)).toEqual(all.slice(-4));
    const before = await lineageOf(app, {
      ...wanted,
      last: 4,
      before: last.edges[0]?.cursor ?? null,
    });
    expect(idsOf(before)).toEqual(all.slice(-8, -4));
  });

  test('says which ancestors have left the trace, and whether descendants may have', async () => {
    const app = await openApp({ flows: [chain(8)], monitor: { traceLength: 4 } });
    const id = await startJob(app, { flowId: 'chain' });
    await ended(app, id);
    const trace = await app.services.records.readTrace(bare(id), {
      filter: {},
      limit: 10,
      fromEnd: false,
    });
    const known = new Set(trace.map(({ activationId }) => activationId));
    const [batch] = trace.filter(({ routineId }) => routineId === 'sums');
    if (batch === undefined) throw new Error('The batch has left the trace.');
    const { activationId, parentIds } = batch;
    const lineage = await lineageOf(app, { id, activationId, direction: 'ANCESTORS' });
    const missing = parentIds.filter((each) => !known.has(each));
    expect(missing.length).toBeGreaterThan(0);
    expect(lineage.isComplete).toBe(false);
    expect(lineage.missingActivationIds).toEqual(expect.arrayContaining(missing));
    expect(lineage.edges.map(({ node }) => node.activationId)).toEqual(
      [activationId, ...parentIds, 1].filter((each) => known.has(each)),
    );

    const after = await lineageOf(app, { id, activationId: 2, direction: 'DESCENDANTS' });
    expect(after.isComplete).toBe(false);
    const newest = Math.max(...known);
    expect(await lineageOf(app, { id, activationId: newest, direction: 'DESCENDANTS' })).toEqual(
      expect.objectContaining({ isComplete: true, totalCount: 1 }),
    );
  });

  test('of an activation that there is not is empty, and says so', async () => {
    const app = await openApp({ flows: [diamond()] });
    const id = await startJob(app, { flowId: 'diamond', input: 7 });
    await ended(app, id);
    for (const direction of ['ANCESTORS', 'DESCENDANTS'] as const) {
      expect(await lineageOf(app, { id, activationId: 99, direction })).toMatchObject({
        edges: [],
        totalCount: 0,
        isComplete: false,
        missingActivationIds: [99],
      });
    }
  });

  test('has what has not ended: from what runs, the path that led there', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [diamond(gate)] });
    const id = await startJob(app, { flowId: 'diamond', input: 7 });
    await until(() => gate.waiting === 1);
    expect(await trailOf(app, id, 5, 'ANCESTORS')).toEqual([
      '0: end 5',
      '1: join 4',
      '2: left 2',
      '2: right 3',
      '3: split 1',
    ]);
    const { edges, isComplete } = await lineageOf(app, {
      id,
      activationId: 1,
      direction: 'DESCENDANTS',
    });
    expect(isComplete).toBe(true);
    expect(edges.at(-1)?.node).toMatchObject({
      activationId: 5,
      outcome: null,
      activation: null,
      depth: 3,
      parentIds: [4],
    });
    gate.openAll();
    await ended(app, id);
  });

  test('sets out from several activations; what is none is passed over', async () => {
    const app = await openApp({ flows: [diamond()] });
    const id = await startJob(app, { flowId: 'diamond', input: 7 });
    await ended(app, id);
    const { records } = app.services;
    const lineage = await records.readLineage(bare(id), {
      from: [3, 2, 0, -1, 3],
      direction: 'ANCESTORS',
    });
    expect(lineage).toMatchObject({ totalCount: 3, isComplete: true });
    const hops = await lineage.readPage({ limit: 10 });
    expect(hops.map(({ depth, link }) => [depth, link.activationId])).toEqual([
      [0, 2],
      [0, 3],
      [1, 1],
    ]);
  });
});
