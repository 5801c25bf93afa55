import { describe, expect, test } from 'vitest';
import { ask, ended, inState, jobOf, startJob, until, watch } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  AddBreakpointDocument,
  AddWatchDocument,
  ClearBreakpointsDocument,
  CompleteExpressionDocument,
  ContinueJobDocument,
  DebugEventsDocument,
  DebugSessionChangedDocument,
  DropItemDocument,
  GetDebugSessionsDocument,
  GetFlowBreakpointsDocument,
  InjectItemDocument,
  ListAuditEntriesDocument,
  ListBreakpointsDocument,
  PauseForDocument,
  ReleaseSessionDocument,
  RemoveBreakpointDocument,
  RemoveWatchDocument,
  ReplaceItemDocument,
  SetVariableDocument,
  UpdateBreakpointDocument,
} from '../generated/operations.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  frameOf,
  openDebugged,
  openStopped,
  orders,
  sessionOf,
  startOrder,
  stopOf,
} from './stopped-job.ts';

describe('breakpoints in the API', () => {
  test('O3 one of a flow counts in each of its jobs, and is changed and removed for all', async () => {
    const app = await openDebugged();
    const added = await ask(app, AddBreakpointDocument, {
      input: { flowId: 'Flow:orders', kind: 'ROUTINE', routineId: 'scale', hitCondition: '2' },
    });
    if (!('breakpoint' in added.addBreakpoint)) throw new Error(JSON.stringify(added));
    const { breakpoint } = added.addBreakpoint;
    expect(breakpoint).toMatchObject({
      id: expect.stringMatching(/^Breakpoint:/),
      flowId: 'orders',
      job: null,
      isEnabled: true,
      isOnce: false,
      hitCount: 0,
      after: null,
    });
    const jobs = [await startOrder(app, [1, 2, 3], {}), await startOrder(app, [4, 5], {})];
    for (const id of jobs) {
      await stopOf(app, id, 1);
      expect(await sessionOf(app, id)).toMatchObject({
        stop: { breakpoints: [{ id: breakpoint.id }] },
        breakpoints: [{ breakpoint: { id: breakpoint.id }, hitCount: 2, isVerified: true }],
      });
    }
    const sessions = jobs.map((id) => id.replace('Job', 'DebugSession'));
    const { nodes } = await ask(app, GetDebugSessionsDocument, {
      ids: [...jobs, ...sessions, breakpoint.id],
    });
    expect(nodes).toMatchObject([
      ...sessions.map((id) => ({ debugSession: { id, status: 'STOPPED' } })),
      ...sessions.map((id) => ({ id, status: 'STOPPED' })),
      { id: breakpoint.id, kind: 'ROUTINE' },
    ]);

    const updated = await ask(app, UpdateBreakpointDocument, {
      input: { breakpointId: breakpoint.id, isEnabled: false, hitCondition: null },
    });
    expect(updated.updateBreakpoint).toMatchObject({
      breakpoint: { isEnabled: false, hitCondition: null, routineId: 'scale' },
    });
    for (const jobId of jobs) {
      await ask(app, ContinueJobDocument, { input: { jobId } });
      await ended(app, jobId);
      expect((await jobOf(app, jobId)).status).toBe('COMPLETED');
    }
    const removed = await ask(app, RemoveBreakpointDocument, {
      input: { breakpointId: breakpoint.id },
    });
    expect(removed.removeBreakpoint).toMatchObject({ removedBreakpointId: breakpoint.id });
  });

  test('O3 are listed, those of jobs and those of flows, and cleared', async () => {
    const app = await openDebugged({ flows: [orders(), orders('others')] });
    const debug = {
      stopAtEntry: true,
      breakpoints: [
        { kind: 'ROUTINE' as const, routineId: 'sum' },
        { kind: 'EXCEPTION' as const, afterIndex: 0, isEnabled: false },
      ],
    };
    const jobId = await startOrder(app, [1], debug);
    for (const flowId of ['orders', 'others']) {
      const input = { flowId, kind: 'PRESSURE' as const, pressureLevel: 'HIGH' as const };
      await ask(app, AddBreakpointDocument, { input });
    }
    const list = async (filter: object | null, page: object = {}) => {
      const variables = { first: null, after: null, ...page, filter };
      return (await ask(app, ListBreakpointsDocument, variables)).breakpoints;
    };
    const kinds = async (filter: object) => (await list(filter)).nodes.map(({ kind }) => kind);
    expect((await list(null)).totalCount).toBe(4);
    expect(await kinds({ jobId })).toEqual(['ROUTINE', 'EXCEPTION']);
    expect(await kinds({ jobId, isEnabled: false })).toEqual(['EXCEPTION']);
    expect(await kinds({ flowId: 'orders' })).toEqual(['ROUTINE', 'EXCEPTION', 'PRESSURE']);
    expect(await kinds({ flowId: 'orders', isOfFlow: true })).toEqual(['PRESSURE']);
    expect(await kinds({ kinds: ['PRESSURE', 'ROUTINE'] })).toEqual([
      'ROUTINE',
      'PRESSURE',
      'PRESSURE',
    ]);
    const [first, second] = (await list({ jobId })).nodes;
    expect(second).toMatchObject({ job: { id: jobId }, after: { id: first?.id } });
    const page = await list(null, { first: 3 });
    expect(page.pageInfo.hasNextPage).toBe(true);
    expect((await list(null, { after: page.pageInfo.endCursor })).nodes).toHaveLength(1);
    const { flow } = await ask(app, GetFlowBreakpointsDocument, { id: 'orders' });
    expect(flow?.breakpoints.totalCount).toBe(1);

    const clear = async (input: object) =>
      (await ask(app, ClearBreakpointsDocument, { input })).clearBreakpoints;
    expect(await clear({ flowId: 'others' })).toMatchObject({ removedCount: 1 });
    expect(await clear({ jobId })).toMatchObject({ removedCount: 2 });
    expect(await kinds({})).toEqual(['PRESSURE']);
  });

  test('O3 M8 a log point is told and stops nothing, a stop that is forgotten ends by itself', async () => {
    const clock = new ManualClock();
    const app = await openDebugged({ clock });
    const jobId = await startOrder(app, [1, 2], {
      stopAtEntry: true,
      pauseTtlMs: 5_000,
      breakpoints: [{ kind: 'ROUTINE', routineId: 'scale', logMessage: 'got {item * 2}' }],
    });
    await stopOf(app, jobId, 1);
    const types = ['LOG_POINT', 'STOP_EXPIRED'] as const;
    const events = await watch(app, DebugEventsDocument, { jobId, types: [...types] });
    await clock.advance(5_000);
    await ended(app, jobId);
    const [{ breakpoint } = { breakpoint: undefined }] = (await sessionOf(app, jobId)).breakpoints;
    const line = { breakpointId: breakpoint?.id, routineId: 'scale' };
    // That the stop has expired is told when it is stored: the job goes on meanwhile.
    const told = (await events.rest()).map(({ jobEvents }) => jobEvents);
    expect(told.filter(({ type }) => type === 'STOP_EXPIRED')).toMatchObject([{ afterMs: 5_000 }]);
    expect(told.filter(({ type }) => type === 'LOG_POINT')).toMatchObject([
      { ...line, message: 'got 2' },
      { ...line, message: 'got 4' },
    ]);
    expect(told).toHaveLength(3);
  });
});

describe('sessions in the API', () => {
  test('O2 O3 M8 a subscription tells how a session is, then how it changes, to its end', async () => {
    const { app, jobId } = await openStopped(undefined, [7]);
    const stream = await watch(app, DebugSessionChangedDocument, { jobId, maxRateHz: 20 });
    const next = async () => (await stream.next())?.debugSessionChanged;
    expect(await next()).toMatchObject({
      status: 'STOPPED',
      owner: null,
      leaseUntil: null,
      watches: [],
      stop: { frames: [{ routineId: 'scale', items: { nodes: [{ preview: { text: '7' } }] } }] },
    });
    const added = await ask(app, AddWatchDocument, {
      input: { jobId, actor: 'ann', expression: 'item + state.done' },
    });
    expect(added.addWatch).toMatchObject({ watch: { value: { preview: { text: '7' } } } });
    const isWatched = (data: { debugSessionChanged: { watches: unknown[] } }) =>
      data.debugSessionChanged.watches.length === 1;
    expect((await stream.nextUntil(isWatched)).at(-1)?.debugSessionChanged).toMatchObject({
      owner: 'ann',
      watches: [{ expression: 'item + state.done', value: { type: 'number', problem: null } }],
    });
    const watchId = (await sessionOf(app, jobId)).watches[0]?.watchId ?? '';
    const removed = await ask(app, RemoveWatchDocument, {
      input: { jobId, actor: 'ann', watchId },
    });
    expect(removed.removeWatch).toMatchObject({ session: { watches: [] } });
    const released = await ask(app, ReleaseSessionDocument, { input: { jobId, actor: 'ann' } });
    expect(released.releaseSession).toMatchObject({ session: { owner: null } });
    await ask(app, ContinueJobDocument, { input: { jobId } });
    expect((await stream.rest()).at(-1)?.debugSessionChanged).toMatchObject({
      status: 'ENDED',
      stop: null,
    });
  });

  test('O3 a pause has a session too, and ends by itself when that was asked for', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openDebugged({ flows: [waiting(gate)], clock });
    const jobId = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const input = { jobId, actor: 'ann', pauseTtlMs: 1_000 };
    expect((await ask(app, PauseForDocument, { input })).pauseJob).toMatchObject({
      job: {
        status: 'PAUSED',
        debugSession: {
          status: 'STOPPED',
          owner: 'ann',
          pauseTtlMs: 1_000,
          stop: { reason: 'PAUSE', resumesAt: expect.any(String) },
        },
      },
    });
    await clock.advance(1_000);
    await inState(app, jobId, 'RUNNING');
    expect(await sessionOf(app, jobId)).toMatchObject({ status: 'RUNNING', stop: null });
    gate.openAll();
    await ended(app, jobId);
  });

  test('O3 code that failed is held with its error', async () => {
    const { app, jobId } = await openStopped({ kind: 'EXCEPTION' }, [1, -1]);
    const { frame } = await frameOf(app, jobId);
    expect(frame).toMatchObject({ position: 'FAILED', error: { message: '-1 is negative.' } });
    expect(frame.scopes?.map(({ scope }) => scope)).toContain('ERROR');
  });

  test('O2 names can be completed where a job stands still', async () => {
    const { app, jobId, activationId } = await openStopped();
    const variables = { jobId, activationId, routineId: null };
    const { expressionCompletions } = await ask(app, CompleteExpressionDocument, {
      ...variables,
      expression: 'config.fac',
      position: 10,
    });
    expect(expressionCompletions?.[0]).toMatchObject({
      text: 'factor',
      kind: 'PROPERTY',
      from: 7,
      to: 10,
    });
  });

  test('O3 each edit is in the audit log with what was there before and after, secrets masked', async () => {
    const { app, jobId, item } = await openStopped();
    const itemId = item?.itemId ?? '';
    const common = { jobId, actor: 'ann' };
    await ask(app, SetVariableDocument, {
      input: { ...common, routineId: 'scale', scope: 'STATE', path: ['done'], value: 41 },
    });
    await ask(app, ReplaceItemDocument, {
      input: { ...common, itemId, value: { password: 'hunter2' } },
    });
    await ask(app, DropItemDocument, { input: { ...common, itemId } });
    const place = { routineId: 'Routine:orders/scale', slot: 'line', isFirst: true };
    await ask(app, InjectItemDocument, { input: { ...common, ...place, value: 5 } });
    const { auditEntries } = await ask(app, ListAuditEntriesDocument, {
      ...{ filter: { targetId: jobId }, first: 4, after: null, last: null, before: null },
    });
    const masked = '{"password":"***"}';
    expect(
      auditEntries.nodes.map(({ operation, before, after }) => [operation, before, after]),
    ).toEqual([
      ['injectItem', null, '5'],
      ['dropItem', masked, null],
      ['replaceItem', '1', masked],
      ['setVariable', '0', '41'],
    ]);
    await ask(app, ContinueJobDocument, { input: common });
    await stopOf(app, jobId, 2);
    expect((await frameOf(app, jobId)).item).toMatchObject({
      preview: { text: '5' },
      emittedBy: null,
    });
  });
});
