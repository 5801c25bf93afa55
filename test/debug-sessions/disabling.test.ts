import { describe, expect, test } from 'vitest';
import { ask, ended, openApp } from '../api/api.ts';
import { range } from '../engine/parts.ts';
import {
  AddBreakpointDocument,
  ClearBreakpointsDocument,
  RemoveBreakpointDocument,
  UpdateBreakpointDocument,
  type UpdateBreakpointInput,
} from '../generated/operations.ts';
import { numbers, outputOf, start } from './debugged.ts';
import { makePlace } from './place.ts';

/** A breakpoint of a flow that has lost the routine, or is gone as a whole. */
async function openWithout(flows: ReturnType<typeof numbers>[]) {
  const { url: database } = await makePlace();
  const first = await openApp({ flows: [numbers()], database });
  const input = {
    flowId: 'Flow:numbers',
    kind: 'ROUTINE' as const,
    routineId: 'middle',
    condition: 'item >= 0',
  };
  const { addBreakpoint } = await ask(first, AddBreakpointDocument, { input });
  if (!('breakpoint' in addBreakpoint)) throw new Error('It was not made.');
  const breakpointId = addBreakpoint.breakpoint.id;
  await first.close();
  const app = await openApp({ flows, database });
  const update = async (changes: Omit<UpdateBreakpointInput, 'breakpointId'>) =>
    (await ask(app, UpdateBreakpointDocument, { input: { breakpointId, ...changes } }))
      .updateBreakpoint;
  return { app, breakpointId, update };
}

describe('O3 a breakpoint whose routine is not in the flow any more', () => {
  const lost = () => numbers(3, 'numbers', undefined, 'centre');

  test('is disabled; what else is changed has to be right', async () => {
    const { app, update } = await openWithout([lost()]);
    expect(await update({ hitCondition: '3' })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ pathText: 'input.routineId' }],
    });
    expect(await update({ isEnabled: false })).toMatchObject({
      breakpoint: { isEnabled: false, isVerified: false },
    });
    expect(await update({ condition: '1 +' })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ pathText: 'input.condition' }],
    });
    expect(await update({ isEnabled: true })).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ pathText: 'input.routineId' }],
    });
    expect(await update({ isEnabled: true, routineId: 'centre' })).toMatchObject({
      breakpoint: { isEnabled: true, isVerified: true },
    });
    expect(await update({ isEnabled: false })).toMatchObject({ breakpoint: { isEnabled: false } });
    const jobId = await start(app, 'numbers');
    await ended(app, jobId);
    expect(await outputOf(app, jobId)).toEqual(range(3));
  });

  test('is removed', async () => {
    const { app, breakpointId } = await openWithout([lost()]);
    const { removeBreakpoint } = await ask(app, RemoveBreakpointDocument, {
      input: { breakpointId },
    });
    expect(removeBreakpoint).toMatchObject({ removedBreakpointId: breakpointId });
  });
});

test('O3 the breakpoints of a flow that is not on the server are disabled and cleared', async () => {
  const { app, update } = await openWithout([numbers(1, 'other')]);
  expect(await update({ isEnabled: false })).toMatchObject({ breakpoint: { isEnabled: false } });
  const clear = async () =>
    (await ask(app, ClearBreakpointsDocument, { input: { flowId: 'Flow:numbers' } }))
      .clearBreakpoints;
  expect(await clear()).toMatchObject({ removedCount: 1 });
  expect(await clear()).toMatchObject({ __typename: 'NotFoundError' });
});
