import { describe, expect, test } from 'vitest';
import { ask, refusal } from '../api/api.ts';
import {
  AddBreakpointDocument,
  CompleteExpressionDocument,
  EvaluateDocument,
  GetQueuedItemsDocument,
  GetVariableDocument,
  InjectItemDocument,
  ListBreakpointsDocument,
  SetVariableDocument,
  StartJobDocument,
  ValidateExpressionDocument,
} from '../generated/operations.ts';
import { openDebugged, openStopped, orders } from './stopped-job.ts';

const OTHERS = 'Routine:others/scale';
const MESSAGE =
  '"Routine:others/scale" is a routine of flow "others"; this is about flow "orders".';

describe('O3 a routine of another flow is refused', () => {
  test('in breakpoints, and with the start of a job', async () => {
    const { app, jobId } = await openStopped(undefined, [1], {
      flows: [orders(), orders('others')],
    });
    const invalid = (pathText: string) => ({
      __typename: 'ValidationError',
      issues: [{ pathText, message: MESSAGE }],
    });
    for (const of of [{ jobId }, { flowId: 'orders' }]) {
      const input = { ...of, kind: 'ROUTINE' as const, routineId: OTHERS };
      const { addBreakpoint } = await ask(app, AddBreakpointDocument, { input });
      expect(addBreakpoint).toMatchObject(invalid('input.routineId'));
    }
    const debug = { breakpoints: [{ kind: 'ROUTINE' as const, routineId: OTHERS }] };
    const input = { flowId: 'orders', input: { lines: [] }, debug };
    expect((await ask(app, StartJobDocument, { input })).startJob).toMatchObject(
      invalid('input.debug.breakpoints[0].routineId'),
    );
    const place = { jobId, routineId: OTHERS, slot: 'line', value: 1 };
    expect((await ask(app, InjectItemDocument, { input: place })).injectItem).toMatchObject(
      invalid('input.routineId'),
    );
    const work = { jobId, routineId: OTHERS, expression: '1' };
    expect((await ask(app, EvaluateDocument, { input: work })).evaluate).toMatchObject(
      invalid('input.routineId'),
    );
    const variable = {
      jobId,
      routineId: OTHERS,
      scope: 'STATE' as const,
      path: ['done'],
      value: 1,
    };
    expect((await ask(app, SetVariableDocument, { input: variable })).setVariable).toMatchObject(
      invalid('input.routineId'),
    );
  });

  test('where values and items are read, and for completions', async () => {
    const { app, jobId } = await openStopped();
    const told = { code: 'VALIDATION_FAILED', message: expect.stringContaining(MESSAGE) };
    const page = { first: null, after: null, last: null, before: null };
    const variable = { jobId, scope: 'STATE' as const, path: null, activationId: null, ...page };
    const refusals = [
      await refusal(app, GetVariableDocument, { ...variable, routineId: OTHERS }),
      await refusal(app, GetQueuedItemsDocument, {
        ...{ jobId, routineId: OTHERS, slot: 'line', first: null, after: null },
      }),
      await refusal(app, CompleteExpressionDocument, {
        ...{ jobId, routineId: OTHERS, expression: '', position: 0, activationId: null },
      }),
    ];
    for (const each of refusals) expect(each).toMatchObject(told);
    const own = { ...variable, routineId: 'Routine:orders/scale' };
    expect((await ask(app, GetVariableDocument, own)).debugSession?.variable).toMatchObject({
      scope: 'STATE',
    });
  });
});

describe('O2 expressions are checked', () => {
  const none = { flowId: null, routineId: null, kind: null, as: null };

  test('for a routine whose id says its flow', async () => {
    const app = await openDebugged();
    const check = { ...none, expression: 'line > limit' };
    const { validateExpression } = await ask(app, ValidateExpressionDocument, {
      ...{ ...check, routineId: 'Routine:orders/scale' },
    });
    expect(validateExpression).toMatchObject({
      problem: { position: 7 },
      reads: ['line', 'limit'],
    });
    expect(
      await refusal(app, ValidateExpressionDocument, { ...check, routineId: 'scale' }),
    ).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('Give `flowId` too'),
    });
    expect(
      await refusal(app, ValidateExpressionDocument, {
        ...{ ...check, flowId: 'orders', routineId: OTHERS },
      }),
    ).toMatchObject({ message: expect.stringContaining(MESSAGE) });
  });

  test('as log messages and hit conditions, too', async () => {
    const app = await openDebugged();
    const check = async (
      expression: string,
      as: 'LOG_MESSAGE' | 'HIT_CONDITION',
      routineId: string | null = 'Routine:orders/scale',
    ) => {
      const variables = { ...none, expression, as, routineId };
      return (await ask(app, ValidateExpressionDocument, variables)).validateExpression;
    };
    const sound = { isValid: true, problem: null };
    expect(await check('got {line * 2} at {hits}', 'LOG_MESSAGE')).toMatchObject({
      ...sound,
      reads: ['line', 'hits'],
    });
    expect(await check('got {limit}', 'LOG_MESSAGE')).toMatchObject({
      isValid: false,
      problem: { reason: 'UNKNOWN_NAME', position: 5 },
      reads: ['limit'],
    });
    expect(await check('got {line', 'LOG_MESSAGE', null)).toMatchObject({ isValid: false });
    expect(await check('% 10', 'HIT_CONDITION')).toMatchObject({ ...sound, reads: [] });
    expect(await check('often', 'HIT_CONDITION')).toMatchObject({
      problem: { reason: 'SYNTAX' },
    });
  });

  test('and a value that JSON has no word for is told by its preview', async () => {
    const { app, jobId } = await openStopped();
    const work = async (expression: string) =>
      (await ask(app, EvaluateDocument, { input: { jobId, expression } })).evaluate;
    expect(await work('state.nothing')).toMatchObject({ hasValue: false, value: null });
    expect(await work('null')).toMatchObject({ hasValue: true, value: null });
    expect(await work('set([1, 1])')).toMatchObject({ hasValue: true, value: [1] });
  });
});

test('O3 a breakpoint tells whether it can be hit in its flow', async () => {
  const app = await openDebugged();
  const input = { flowId: 'orders', kind: 'ROUTINE' as const, routineId: 'scale' };
  await ask(app, AddBreakpointDocument, { input });
  const list = { filter: null, first: null, after: null };
  const { breakpoints } = await ask(app, ListBreakpointsDocument, list);
  expect(breakpoints.nodes).toMatchObject([{ isVerified: true, problem: null }]);
});
