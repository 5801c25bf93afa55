import { describe, expect, test } from 'vitest';
import { ask, ended, jobOf, watch } from '../api/api.ts';
import {
  ContinueJobDocument,
  DebugEventsDocument,
  EvaluateDocument,
  GetQueuedItemsDocument,
  GetVariableDocument,
  ReplaceItemDocument,
  StepIntoDocument,
  StepOutDocument,
  StepOverDocument,
} from '../generated/operations.ts';
import { frameOf, openDebugged, sessionOf, startOrder, stopOf } from './stopped-job.ts';

describe('debugging a job through the API', () => {
  test('O2 O3 M8 from a breakpoint over looking, evaluating, editing and stepping to the end', async () => {
    const app = await openDebugged();
    const breakpoint = {
      kind: 'SLOT',
      routineId: 'Routine:orders/scale',
      slot: 'line',
      condition: 'item == 2',
    } as const;
    const debug = { stopAtEntry: true, breakpoints: [breakpoint], pauseTtlMs: 60_000 };
    const jobId = await startOrder(app, [1, 2, 3], debug);
    const input = { jobId };
    await stopOf(app, jobId, 1);
    expect(await sessionOf(app, jobId)).toMatchObject({
      id: jobId.replace('Job', 'DebugSession'),
      status: 'STOPPED',
      pauseTtlMs: 60_000,
      stop: { reason: 'ENTRY', frames: [{ routineId: 'split', position: 'BEFORE' }] },
      breakpoints: [{ hitCount: 0, isVerified: true, problem: null, isArmed: true }],
    });

    const events = await watch(app, DebugEventsDocument, { jobId, types: ['BREAKPOINT_HIT'] });
    const hit = events.next();
    await ask(app, ContinueJobDocument, { input });
    await stopOf(app, jobId, 2);
    const session = await sessionOf(app, jobId);
    const { frame, item, activationId } = await frameOf(app, jobId);
    expect((await hit)?.jobEvents).toEqual({
      type: 'BREAKPOINT_HIT',
      breakpointId: session.stop?.breakpoints[0]?.id,
      breakpoint: { id: session.stop?.breakpoints[0]?.id, hitCount: 1 },
      hitCount: 1,
      reason: 'BREAKPOINT',
      routineId: 'scale',
      activationId,
    });
    expect(session).toMatchObject({
      owner: 'somebody',
      stop: { number: 2, reason: 'BREAKPOINT', resumesAt: expect.any(String) },
      breakpoints: [{ hitCount: 1, lastHitActivationId: activationId }],
    });
    expect(frame).toMatchObject({
      routineId: 'scale',
      attempt: 1,
      position: 'BEFORE',
      error: null,
      items: { nodes: [{ place: 'TAKEN', port: 'line', preview: { text: '2' } }], totalCount: 1 },
      outputs: { totalCount: 0 },
      path: { nodes: [{ routineId: 'scale' }, { routineId: 'split', activationId: 1 }] },
    });
    expect(frame.scopes?.map(({ scope }) => scope)).toEqual([
      'INPUTS',
      'CONFIG',
      'STATE',
      'DATA',
      'INPUT',
    ]);

    const place = { jobId, routineId: 'scale', slot: 'line', first: 1, after: null };
    const { debugSession: queue } = await ask(app, GetQueuedItemsDocument, place);
    expect(queue?.queuedItems).toMatchObject({
      nodes: [{ place: 'QUEUE', preview: { text: '3' }, emittedBy: 1 }],
      totalCount: 1,
    });
    expect(queue?.queuedItems?.nodes[0]?.lineage.nodes).toMatchObject([{ routineId: 'split' }]);

    const expression = 'item * config.factor';
    const evaluated = await ask(app, EvaluateDocument, {
      input: { jobId, activationId, expression },
    });
    expect(evaluated.evaluate).toMatchObject({
      type: 'number',
      preview: { text: '20' },
      value: 20,
      hasValue: true,
    });

    const replaced = await ask(app, ReplaceItemDocument, {
      input: { jobId, itemId: item?.itemId ?? '', value: 20 },
    });
    expect(replaced.replaceItem).toMatchObject({
      session: { status: 'STOPPED' },
      change: { before: { text: '2' }, after: { text: '20' } },
    });

    await ask(app, StepIntoDocument, { input });
    await stopOf(app, jobId, 3);
    expect((await frameOf(app, jobId)).frame).toMatchObject({
      routineId: 'sum',
      items: { nodes: [{ preview: { text: '200' }, emittedBy: activationId }] },
    });
    await ask(app, StepOutDocument, { input });
    await stopOf(app, jobId, 4);
    // Whatever comes next in the job: the last item at `scale`, or, if that went on meanwhile, what came of it at `sum`.
    const next = await frameOf(app, jobId);
    expect([
      ['scale', '3'],
      ['sum', '30'],
    ]).toContainEqual([next.frame.routineId, next.item?.preview.text]);
    if (next.frame.routineId === 'scale') {
      await ask(app, StepOverDocument, { input });
      await stopOf(app, jobId, 5);
    }
    expect(await sessionOf(app, jobId)).toMatchObject({ stop: { reason: 'STEP' } });
    await ask(app, ContinueJobDocument, { input });
    await ended(app, jobId);
    expect(await jobOf(app, jobId)).toMatchObject({
      status: 'COMPLETED',
      outputs: [{ name: 'scaled', values: [10, 200, 30] }],
    });
    expect(await sessionOf(app, jobId)).toMatchObject({ status: 'ENDED', stop: null, owner: null });
    expect(await events.rest()).toEqual([]);
  });
});

describe('variables', () => {
  const ALL = { path: null, activationId: null, routineId: null };
  const PAGE = { first: null, after: null, last: null, before: null };

  test('O3 are read part by part and page by page, secrets masked', async () => {
    const app = await openDebugged();
    const lines = Array.from({ length: 1200 }, (_, at) => at);
    const jobId = await startOrder(app, lines, { stopAtEntry: true });
    await stopOf(app, jobId, 1);
    const { activationId } = await frameOf(app, jobId);
    const read = async (given: object) => {
      const variables = { ...ALL, ...PAGE, jobId, scope: 'INPUT' as const, ...given };
      const { debugSession } = await ask(app, GetVariableDocument, variables);
      if (!debugSession?.variable) throw new Error('There is none.');
      return debugSession.variable;
    };
    expect(await read({})).toMatchObject({
      name: 'input',
      path: [],
      type: 'object',
      childCount: 1,
      canSet: false,
      children: { edges: [{ node: { name: 'lines', path: ['lines'], childCount: 1200 } }] },
    });

    const seen: unknown[] = [];
    let after: string | null | undefined = null;
    do {
      const { children } = await read({ path: ['lines'], first: 500, after });
      expect(children.totalCount).toBe(1200);
      seen.push(...children.edges.map(({ node }) => Number(node.preview.text)));
      after = children.pageInfo.hasNextPage ? children.pageInfo.endCursor : undefined;
    } while (after !== undefined);
    expect(seen).toEqual(lines);
    const end = await read({ scope: 'INPUTS', activationId, path: ['order', 'lines'], last: 2 });
    expect(end.children).toMatchObject({
      edges: [{ node: { path: ['order', 'lines', 1198] } }, { node: { name: '1199' } }],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });

    const config = await read({ scope: 'CONFIG', routineId: 'scale' });
    expect(config.children.edges.map(({ node }) => node)).toMatchObject([
      { name: 'factor', preview: { text: '10' }, isSecret: false },
      { name: 'token', preview: { text: '"***"' }, isSecret: true },
    ]);
    const state = await read({ scope: 'STATE', routineId: 'scale', path: ['known', 'deep'] });
    expect(state.children.edges[0]?.node).toMatchObject({
      name: 'list',
      path: ['known', 'deep', 'list'],
      canSet: true,
      children: { nodes: [{ preview: { text: '1' } }, { path: ['known', 'deep', 'list', 1] }] },
    });
  });
});
