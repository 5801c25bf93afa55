import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  InvalidStateError,
  type JobRun,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import { emitsAtOnce, Gate, passes } from '../engine/parts.ts';
import { ManualClock, until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

interface Wide {
  readonly onError?: 'stop' | 'continue';
  readonly timeoutMs?: number;
}

/** source → (left, right): `left` is to be held, while `right` is at the gate and then fails. */
function wide(at: Partial<Breakpoint>, { onError = 'stop', timeoutMs }: Wide = {}) {
  const gate = new Gate();
  const clock = new ManualClock();
  const ended: string[] = [];
  const left = defineRoutine({
    type: 'left',
    slots: { item: slot<number>() },
    events: { item: event<number>() },
    run: async ({ item }, ctx) => {
      await Promise.resolve(); // its time runs by then
      await ctx.emit('item', item);
      ended.push('left');
    },
  });
  const right = passes<number>(async () => {
    await gate.pass();
    throw new RangeError('right is broken');
  });
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  const flow = defineFlow({ id: 'wide' }, (f) => {
    const source = f.add('source', emitsAtOnce([1]));
    // The first to get its item: at the stop of the other it runs already.
    f.connect(source.events.item, f.add('right', right, { onError, ...limit }).slots.item);
    const placed = f.add('left', left, limit);
    f.connect(source.events.item, placed.slots.item);
    return { out: placed.events.item };
  });
  const job = createEngine({ clock }).start(flow, undefined);
  const placed = breakpoint({ kind: 'ROUTINE', routineId: 'left', ...at });
  return { job, gate, clock, ended, debugged: debug(job, [placed]) };
}

/** Until `left` is held and `right` runs. */
async function standing({ job }: ReturnType<typeof wide>) {
  await until(() => job.state === 'PAUSED' && job.routine('right').running === 1);
}

function expectNothingLeft(job: JobRun, debugged: ReturnType<typeof debug>) {
  expect([debugged.stop, debugged.held, job.inspector]).toEqual([undefined, [], undefined]);
  expect(debugged.status).toBe('RUNNING');
  expect(job.suspended.size).toBe(0);
  expect(() => debugged.continue()).toThrow(InvalidStateError);
}

const AT_EVENT = { kind: 'EVENT', event: 'item' } as const;

describe('O2 a job that fails while it stands still', () => {
  test.each([
    ['before its code', {}, 'HELD_BEFORE', []],
    ['while its code waits', AT_EVENT, 'RUNNING', ['left']],
  ] as const)(
    'ends, though an activation is held %s: nothing hangs',
    async (_, at, phase, ended) => {
      const parts = wide(at);
      const { job, gate, clock, debugged } = parts;
      await standing(parts);
      await until(() => debugged.held.length === 1);
      expect(heldIn(debugged)).toEqual([`left#3 ${phase}`]);
      gate.open();
      const { state, error, outputs } = await job.settled;
      expect([state, error]).toEqual(['FAILED', new RangeError('right is broken')]);
      expect(parts.ended).toEqual(ended);
      // What the code emitted before the end is told, though it was kept back.
      expect(outputs).toEqual({ out: phase === 'RUNNING' ? [1] : [] });
      expectNothingLeft(job, debugged);
      expect(clock.timers).toBe(0);
    },
  );

  test('an exception breakpoint holds the failure too: the job fails when it goes on', async () => {
    const parts = wide({});
    const { job, gate, debugged } = parts;
    await standing(parts);
    const other = breakpoint({ kind: 'EXCEPTION' });
    debugged.setBreakpoints([other]);
    gate.open();
    await until(() => debugged.held.length === 2);
    expect(heldIn(debugged)).toEqual(['left#3 HELD_BEFORE', 'right#2 HELD_AFTER']);
    expect(debugged.stop).toMatchObject({
      number: 1,
      reason: 'BREAKPOINT',
      activationIds: [3, 2],
      breakpointIds: ['ROUTINE-left', 'EXCEPTION-any'],
    });
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'FAILED' });
    expectNothingLeft(job, debugged);
  });
});

describe('O2 code whose time is up while another activation is held', () => {
  test('fails the job, if failures do', async () => {
    const parts = wide({}, { timeoutMs: 50 });
    const { job, clock, debugged } = parts;
    await standing(parts);
    await clock.advance(49);
    expect([job.state, job.isEnding]).toEqual(['PAUSED', false]);
    await clock.advance(1);
    // Code that does not heed its signal is given the time that an ending job gives.
    await clock.advance(10_000);
    const { state, error } = await job.settled;
    expect([state, (error as Error).name]).toEqual(['FAILED', 'ActivationTimeoutError']);
    expectNothingLeft(job, debugged);
    expect(clock.timers).toBe(0);
  });

  test.each([
    ['before its code', {}],
    ['while its code waits', AT_EVENT],
  ] as const)('else the stop goes on, and what is held %s has all its time', async (_, at) => {
    const parts = wide(at, { onError: 'continue', timeoutMs: 50 });
    const { job, clock, debugged } = parts;
    await standing(parts);
    await until(() => debugged.held.length === 1);
    const held = heldIn(debugged);
    await clock.advance(500);
    expect([job.state, heldIn(debugged)]).toEqual(['PAUSED', held]);
    expect(debugged.stop).toMatchObject({ number: 1, activationIds: [3] });
    expect(job.routine('right')).toMatchObject({ failed: 1, running: 0 });
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED', outputs: { out: [1] } });
    expect(job.routine('left')).toMatchObject({ completed: 1, failed: 0 });
    expectNothingLeft(job, debugged);
    expect(clock.timers).toBe(0);
  });
});
