import { describe, expect, test } from 'vitest';
import { createContext } from '../../src/graphql/context.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { answer, ask, ended, refusal, startJob, subscribeRefusal, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  AddBreakpointDocument,
  type AddBreakpointInput,
  AddWatchDocument,
  ContinueJobDocument,
  DebugSessionChangedDocument,
  DropItemDocument,
  EvaluateDocument,
  GetDebugSessionDocument,
  GetItemDocument,
  GetQueuedItemsDocument,
  GetVariableDocument,
  InjectItemDocument,
  PauseForDocument,
  RemoveBreakpointDocument,
  RemoveWatchDocument,
  ReplaceItemDocument,
  ServerVersionDocument,
  SetVariableDocument,
  StartJobDocument,
  StepOverDocument,
  TakeOverSessionDocument,
  UpdateBreakpointDocument,
  ValidateExpressionDocument,
} from '../generated/operations.ts';
import { openDebugged, openStopped, orders, startOrder, stopOf } from './stopped-job.ts';

const GONE = 'Job:01a1fe85-0000-7000-8000-000000000000';

describe('O3 what can not be done is told', () => {
  test.each<[string, Partial<AddBreakpointInput>, string, RegExp]>([
    ['an unknown routine', { routineId: 'scal' }, 'input.routineId', /no routine "scal".*"scale"/],
    ['an unknown slot', { slot: 'lines' }, 'input.slot', /no slot "lines".*Did you mean "line"/],
    [
      'an unknown event',
      { kind: 'EVENT', slot: null, event: 'scale' },
      'input.event',
      /no event "scale".*"scaled"/,
    ],
    ['a field of another kind', { event: 'scaled' }, 'input.event', /SLOT has none/],
    ['a syntax error', { condition: 'item ==' }, 'input.condition', /line 1, column 8/],
    ['an unknown name', { condition: 'itm > 1' }, 'input.condition', /itm.*column 1/],
    ['a hit condition that is none', { hitCondition: 'often' }, 'input.hitCondition', /is written/],
    ['a bad template', { logMessage: 'got {item' }, 'input.logMessage', /./],
    ['another type of id', { after: 'Job:1' }, 'input.after', /takes the id of a Breakpoint/],
    ['a name without letters', { actor: '' }, 'input.actor', /1–100 characters/],
    ['job and flow', { flowId: 'orders' }, 'input', /either a job or a flow/],
  ])('%s in a breakpoint', async (_what, part, pathText, message) => {
    const app = await openDebugged();
    const jobId = await startOrder(app, [1], { stopAtEntry: true });
    const input: AddBreakpointInput = {
      ...{ jobId, kind: 'SLOT', routineId: 'scale', slot: 'line' },
      ...part,
    };
    const { addBreakpoint } = await ask(app, AddBreakpointDocument, { input });
    expect(addBreakpoint).toMatchObject({
      __typename: 'ValidationError',
      code: 'VALIDATION_FAILED',
      issues: [{ pathText, message: expect.stringMatching(message) }],
    });
  });

  test('at the start of a job, with where in the input', async () => {
    const app = await openDebugged();
    const breakpoints = [
      { kind: 'ROUTINE' as const, routineId: 'scale' },
      { kind: 'SLOT' as const, routineId: 'scale', slot: 'lin', afterIndex: 7 },
    ];
    const { startJob: result } = await ask(app, StartJobDocument, {
      input: { flowId: 'orders', input: { lines: [] }, debug: { breakpoints, pauseTtlMs: -1 } },
    });
    if (result.__typename !== 'ValidationError') throw new Error(result.__typename);
    expect(result.issues.map(({ pathText }) => pathText)).toEqual([
      'input.debug.pauseTtlMs',
      'input.debug.breakpoints[1].slot',
      'input.debug.breakpoints[1].afterIndex',
    ]);
    expect(await app.jobs.count({})).toBe(0);
  });

  test('a job that does not stand still, or has ended, or does not exist', async () => {
    const gate = new Gate();
    const app = await openDebugged({ flows: [waiting(gate), orders()] });
    const jobId = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const running = { __typename: 'InvalidStateError', code: 'INVALID_STATE' };
    const about = async (id: string) => [
      (await ask(app, StepOverDocument, { input: { jobId: id } })).stepOver,
      (await ask(app, ContinueJobDocument, { input: { jobId: id } })).continueJob,
      (await ask(app, DropItemDocument, { input: { jobId: id, itemId: '1' } })).dropItem,
      (await ask(app, EvaluateDocument, { input: { jobId: id, expression: '1' } })).evaluate,
    ];
    for (const refused of await about(jobId)) {
      expect(refused).toMatchObject({ ...running, message: expect.stringMatching(/stand still/) });
    }
    const place = { jobId, routineId: 'wait', slot: 'item', first: null, after: null };
    const { data, errors } = await answer(app, GetQueuedItemsDocument, place);
    expect(data?.debugSession).toMatchObject({ queuedItems: null, scopes: null });
    const codes = errors?.map(({ originalError }) => (originalError as { code?: string }).code);
    expect(codes).toEqual(['INVALID_STATE', 'INVALID_STATE']);
    gate.openAll();
    await ended(app, jobId);
    for (const refused of await about(jobId)) {
      expect(refused).toMatchObject({ ...running, message: expect.stringMatching(/COMPLETED/) });
    }
    for (const refused of await about(GONE)) {
      expect(refused).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
    }
    const unknown = { code: 'NOT_FOUND', message: expect.stringMatching(/no Job/) };
    expect(await refusal(app, GetDebugSessionDocument, { jobId: GONE })).toMatchObject(unknown);
    const variables = { jobId: GONE, maxRateHz: 1 };
    expect(await subscribeRefusal(app, DebugSessionChangedDocument, variables)).toEqual(unknown);
  });

  test('a job that ends while it stands still', async () => {
    const { app, jobId, item } = await openStopped();
    await app.jobs.cancel(jobId.slice(4));
    const input = { jobId, itemId: item?.itemId ?? '', value: 1 };
    expect((await ask(app, ReplaceItemDocument, { input })).replaceItem).toMatchObject({
      __typename: 'InvalidStateError',
      message: expect.stringMatching(/CANCELLED/),
    });
    const { debugSession } = await ask(app, GetDebugSessionDocument, { jobId });
    expect(debugSession).toMatchObject({ status: 'ENDED', stop: null });
  });

  test('items, variables and watches that are not there, and values left out', async () => {
    const { app, jobId, item, activationId } = await openStopped();
    const itemId = item?.itemId ?? '';
    const gone = { __typename: 'NotFoundError', code: 'NOT_FOUND' };
    const invalid = (pathText: string) => ({
      __typename: 'ValidationError',
      issues: [{ pathText }],
    });

    const edit = async (id: string, value?: unknown) =>
      (await ask(app, ReplaceItemDocument, { input: { jobId, itemId: id, value } })).replaceItem;
    expect(await edit('1-99', 1)).toMatchObject(gone);
    expect(await edit(itemId)).toMatchObject(invalid('input.value'));
    expect(await edit(itemId, null)).toMatchObject({ change: { after: { text: 'null' } } });
    await ask(app, DropItemDocument, { input: { jobId, itemId } });
    expect(await edit(itemId, 1)).toMatchObject({
      ...gone,
      message: expect.stringMatching(/anew/),
    });
    expect(await refusal(app, GetItemDocument, { jobId, itemId })).toMatchObject({
      code: 'NOT_FOUND',
    });

    const put = async (routineId: string, slot: string) =>
      (await ask(app, InjectItemDocument, { input: { jobId, routineId, slot, value: 1 } }))
        .injectItem;
    expect(await put('skale', 'line')).toMatchObject({
      ...gone,
      message: expect.stringMatching(/Did you mean "scale"/),
    });
    expect(await put('scale', 'lime')).toMatchObject({
      ...gone,
      message: expect.stringMatching(/Did you mean "line"/),
    });

    const set = async (path: unknown[], scope: 'STATE' | 'CONFIG' = 'STATE') => {
      const input = { jobId, routineId: 'scale', scope, path, value: 1 };
      return (await ask(app, SetVariableDocument, { input })).setVariable;
    };
    expect(await set(['nothing', 'more'])).toMatchObject(gone);
    expect(await set([{ key: 'done' }])).toMatchObject(invalid('input.path[0]'));
    expect(await set(['factor'], 'CONFIG')).toMatchObject(invalid('input.scope'));

    const page = { after: null, last: null, before: null, routineId: null };
    const read = { jobId, scope: 'STATE' as const, path: null, first: null, activationId, ...page };
    const told = await refusal(app, GetVariableDocument, read);
    expect(told).toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(/activation/) });
    const ofRoutine = { ...read, activationId: null, routineId: 'scale' };
    expect(await refusal(app, GetVariableDocument, { ...ofRoutine, first: -1 })).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect(await refusal(app, GetVariableDocument, { ...ofRoutine, path: [-1] })).toMatchObject({
      code: 'VALIDATION_FAILED',
    });

    const removed = await ask(app, RemoveWatchDocument, { input: { jobId, watchId: '1' } });
    expect(removed.removeWatch).toMatchObject(gone);
    const input = { breakpointId: 'Breakpoint:1' };
    expect((await ask(app, RemoveBreakpointDocument, { input })).removeBreakpoint).toMatchObject(
      gone,
    );
    expect((await ask(app, UpdateBreakpointDocument, { input })).updateBreakpoint).toMatchObject(
      gone,
    );
  });

  test('O2 expressions, with where they are wrong', async () => {
    const { app, jobId, activationId } = await openStopped();
    const work = async (expression: string) =>
      (await ask(app, EvaluateDocument, { input: { jobId, activationId, expression } })).evaluate;
    expect(await work('item +\n * 2')).toMatchObject({
      __typename: 'ExpressionError',
      code: 'EXPRESSION_FAILED',
      reason: 'SYNTAX',
      line: 2,
      column: 2,
    });
    expect(await work('item.constructor("x")')).toMatchObject({ __typename: 'ExpressionError' });
    expect(await work('config.token')).toMatchObject({ value: '***' });
    expect(await work('range(1e9)')).toMatchObject({ __typename: 'ExpressionError' });
    const watched = await ask(app, AddWatchDocument, { input: { jobId, expression: '(' } });
    expect(watched.addWatch).toMatchObject({ __typename: 'ExpressionError', reason: 'SYNTAX' });

    const check = async (expression: string, place: object = {}) => {
      const variables = { expression, flowId: null, routineId: null, kind: null, ...place };
      return (await ask(app, ValidateExpressionDocument, variables)).validateExpression;
    };
    expect(await check('item > limit')).toMatchObject({ isValid: true, reads: ['item', 'limit'] });
    expect(await check('item > limit', { flowId: 'orders', routineId: 'scale' })).toMatchObject({
      isValid: false,
      problem: { reason: 'UNKNOWN_NAME', position: 7, line: 1, column: 8 },
    });
    expect(await check('line > 1', { flowId: 'orders', routineId: 'scale' })).toMatchObject({
      isValid: true,
      problem: null,
      reads: ['line'],
    });
    const unknown = { expression: '1', flowId: 'orders', routineId: 'skale', kind: null };
    expect(await refusal(app, ValidateExpressionDocument, unknown)).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('O2 evaluation that is off, and a viewer who may only watch', async () => {
    const { app, jobId } = await openStopped(undefined, [1], { debugger: {} });
    const input = { jobId, expression: '1' };
    const off = { __typename: 'EvaluationOffError', code: 'EVALUATION_OFF' };
    expect((await ask(app, EvaluateDocument, { input })).evaluate).toMatchObject(off);
    expect((await ask(app, AddWatchDocument, { input })).addWatch).toMatchObject(off);
    const capabilities = async (context = app.createContext()) =>
      (await answer(app, ServerVersionDocument, {}, context)).data?.server.capabilities;
    expect(await capabilities()).toEqual([
      'WATCH',
      'CONTROL_JOBS',
      'DEBUG',
      'CONTROL_SERVICES',
      'REPORT_STATUS',
      'ADMIN',
    ]);
    const guest = createContext(app.services, {
      scopes: new Set(['read']),
      tenant: DEFAULT_TENANT,
    });
    expect(await capabilities(guest)).toEqual(['WATCH']);
    const { data } = await answer(app, ContinueJobDocument, { input: { jobId } }, guest);
    expect(data?.continueJob).toMatchObject({ __typename: 'ForbiddenError' });
    const seen = await answer(app, GetDebugSessionDocument, { jobId }, guest);
    expect(seen.data?.debugSession).toMatchObject({ status: 'STOPPED' });
    const on = await openDebugged();
    const { server } = await ask(on, ServerVersionDocument, {});
    expect(server.capabilities).toEqual([
      'WATCH',
      'CONTROL_JOBS',
      'DEBUG',
      'EVALUATE',
      'CONTROL_SERVICES',
      'REPORT_STATUS',
      'ADMIN',
    ]);
  });

  test('limits that are none, and another who is at it', async () => {
    const { app, jobId } = await openStopped();
    const take = async (input: object) =>
      (await ask(app, TakeOverSessionDocument, { input: { jobId, ...input } })).takeOverSession;
    expect(await take({ leaseMs: 1, pauseTtlMs: 0.5 })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ pathText: 'input.leaseMs' }, { pathText: 'input.pauseTtlMs' }],
    });
    expect(await take({ actor: 'ann', pauseTtlMs: 0 })).toMatchObject({
      session: { owner: 'ann', leaseUntil: expect.any(String), pauseTtlMs: null },
    });
    const go = async (input: object) =>
      (await ask(app, ContinueJobDocument, { input: { jobId, ...input } })).continueJob;
    const owned = { __typename: 'SessionOwnedError', code: 'SESSION_OWNED', owner: 'ann' };
    expect(await go({ actor: 'bob' })).toMatchObject(owned);
    expect(await go({})).toMatchObject({ ...owned, leaseUntil: expect.any(String) });
    const pause = { jobId, actor: 'bob', pauseTtlMs: 1 };
    expect((await ask(app, PauseForDocument, { input: pause })).pauseJob).toMatchObject({
      code: 'INVALID_STATE',
    });
    const bob = createContext(app.services, { ...app.createContext().viewer, subject: 'bob' });
    const asAnn = { input: { jobId, actor: 'ann' } };
    const { data } = await answer(app, ContinueJobDocument, asAnn, bob);
    expect(data?.continueJob).toMatchObject(owned); // who somebody is, is not for them to say when it is known
    expect(await take({ actor: 'bob' })).toMatchObject({ session: { owner: 'bob' } });
    expect(await go({ actor: 'bob' })).toMatchObject({ session: { owner: 'bob' } });
    await stopOf(app, jobId, 2);
  });
});
