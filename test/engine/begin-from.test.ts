import {
  allSlotsReady,
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type JobBeginning,
  type JobRun,
  none,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, Gate, inspecting, keeps, passes, range, slotOf } from './parts.ts';
import { killAndRestore } from './snapshots.ts';

/** Source 1…4 and the job's input → double → sums of 3 → all, gathered at the end. */
function summing(gate?: Gate) {
  const double = defineRoutine({
    type: 'doubles',
    slots: { number: slot<number>() },
    events: { doubled: event<number>() },
    state: () => ({ runs: 0 }),
    run: async ({ number }, ctx) => {
      ctx.state.runs++;
      await gate?.pass();
      void ctx.emit('doubled', number * 2);
    },
  });
  const sum = defineRoutine({
    type: 'sums',
    slots: { number: slot<number>() },
    events: { total: event<number>() },
    policy: batchSize(3),
    run: ({ number }, ctx) => {
      void ctx.emit(
        'total',
        number.reduce((all, each) => all + each, 0),
      );
    },
  });
  const gather = defineRoutine({
    type: 'gathers',
    slots: { total: slot<number>() },
    events: { all: event<{ totals: readonly number[]; input: unknown }>() },
    policy: none(),
    run: ({ total }, ctx) => ctx.emit('all', { totals: total, input: ctx.job.input }),
  });
  return defineFlow({ id: 'summing', input: z.number() }, (f) => {
    const source = f.add('source', emits(range(4, 1)));
    const doubles = f.add('double', double, { concurrency: 2 });
    const sums = f.add('sum', sum);
    const gathers = f.add('gather', gather);
    f.connect(source.events.item, doubles.slots.number);
    f.connect(f.input, doubles.slots.number);
    f.connect(doubles.events.doubled, sums.slots.number);
    f.connect(sums.events.total, gathers.slots.total);
    return { all: gathers.events.all };
  });
}

const start = (from: JobBeginning, gate?: Gate) =>
  createEngine().start(summing(gate), 100, { from });

const fromDouble = (value: number): JobBeginning => ({
  routineId: 'double',
  items: [{ slot: 'number', value }],
});

const begunIn = (job: JobRun) =>
  Object.fromEntries(job.routines.map(({ id, begun }) => [id, begun]));

describe('a job that begins with one activation', () => {
  test('runs it and what comes of it; sources and the input stay out', async () => {
    const job = start(fromDouble(5));
    expect(await job.settled).toMatchObject({
      state: 'COMPLETED',
      outputs: { all: [{ totals: [10], input: 100 }] },
    });
    expect(begunIn(job)).toEqual({ source: 0, double: 1, sum: 1, gather: 1 });
    expect(countsOf(slotOf(job, 'double', 'number'))).toEqual({ accepted: 1, consumed: 1 });
    expect(slotOf(job, 'double', 'number').peak).toBe(0);
  });

  test('takes exactly the items that are given, whatever the policy would take', async () => {
    for (const count of [1, 3, 7]) {
      const items = range(count, 1).map((value) => ({ slot: 'number', value }));
      const job = start({ routineId: 'sum', items });
      const { outputs } = await job.settled;
      expect(outputs).toEqual({ all: [{ totals: [(count * (count + 1)) / 2], input: 100 }] });
      expect(begunIn(job)).toEqual({ source: 0, double: 0, sum: 1, gather: 1 });
      expect(countsOf(slotOf(job, 'sum', 'number'))).toEqual({ accepted: count, consumed: count });
    }
  });

  test('may begin with a source, once', async () => {
    const job = start({ routineId: 'source', items: [] });
    const { outputs } = await job.settled;
    expect(outputs).toEqual({ all: [{ totals: [12, 8], input: 100 }] });
    expect(begunIn(job)).toEqual({ source: 1, double: 4, sum: 2, gather: 1 });
  });

  test('may begin with what is only activated at the end', async () => {
    const items = [7, 8].map((value) => ({ slot: 'total', value }));
    const { outputs } = await start({ routineId: 'gather', items }).settled;
    expect(outputs).toEqual({ all: [{ totals: [7, 8], input: 100 }] });
  });

  test('hands one item of each slot to code that takes them so', async () => {
    const seen: unknown[] = [];
    const join = defineRoutine({
      type: 'joins',
      slots: { left: slot<number>(), right: slot<string>() },
      policy: allSlotsReady(),
      run: (inputs) => void seen.push(inputs),
    });
    const flow = defineFlow({ id: 'joining' }, (f) => {
      const joins = f.add('join', join);
      f.connect(f.add('numbers', emits([1, 2])).events.item, joins.slots.left);
      f.connect(f.add('texts', emits(['a', 'b'])).events.item, joins.slots.right);
    });
    const items = [
      { slot: 'right', value: 'z' },
      { slot: 'left', value: 9 },
    ];
    await createEngine().start(flow, undefined, { from: { routineId: 'join', items } }).settled;
    expect(seen).toEqual([{ left: 9, right: 'z' }]);
  });

  test('numbers its activations from 1, and its items are of none', async () => {
    const lineage: unknown[] = [];
    const job = createEngine().start(summing(), 0, {
      from: fromDouble(1),
      observers: [
        {
          activationEnded: (_, { activationId, routineId, items }) =>
            lineage.push([activationId, routineId, items.map(({ emittedBy }) => emittedBy)]),
        },
      ],
    });
    await job.settled;
    expect(lineage).toEqual([
      [1, 'double', [0]],
      [2, 'sum', [1]],
      [3, 'gather', [2]],
    ]);
  });

  test('waits for a place, and for what must be done before, like any other', async () => {
    const gate = new Gate();
    const engine = createEngine({ maxRunningJobs: 1 });
    const first = engine.start(summing(gate), 0, { from: fromDouble(1) });
    const second = engine.start(summing(gate), 0, { from: fromDouble(2), beforeStart: gate.pass });
    await until(() => gate.waiting === 1);
    expect([first.state, second.state]).toEqual(['RUNNING', 'PENDING']);
    gate.open();
    await first.settled;
    await until(() => gate.waiting === 1);
    expect(second.state).toBe('PENDING');
    expect(begunIn(second)).toMatchObject({ double: 0 });
    gate.open();
    await until(() => gate.waiting === 1);
    expect(begunIn(second)).toMatchObject({ double: 1 });
    gate.open();
    expect(await second.settled).toMatchObject({ outputs: { all: [{ totals: [4] }] } });
  });

  test('that is paused and goes on runs no source', async () => {
    const gate = new Gate();
    const job = start(fromDouble(3), gate);
    await until(() => gate.waiting === 1);
    job.pause();
    job.resume();
    gate.open();
    expect(await job.settled).toMatchObject({ outputs: { all: [{ totals: [6] }] } });
    expect(begunIn(job)).toMatchObject({ source: 0, double: 1 });
  });

  test('that is paused by whoever is told of its start begins when it goes on', async () => {
    const job = createEngine().start(summing(), 0, {
      from: fromDouble(3),
      observers: [
        { stateChanged: (each, from) => (from === 'PENDING' ? each.pause() : undefined) },
      ],
    });
    await settle();
    expect(job.state).toBe('PAUSED');
    expect(countsOf(slotOf(job, 'double', 'number'))).toEqual({ accepted: 1, inFlight: 1 });

    const elsewhere = killAndRestore(job);
    expect(elsewhere.state).toBe('PAUSED');
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(countsOf(slotOf(job, 'double', 'number'))).toEqual({ accepted: 1, discarded: 1 });

    await settle();
    elsewhere.resume();
    expect(await elsewhere.settled).toMatchObject({ outputs: { all: [{ totals: [6] }] } });
    expect(begunIn(elsewhere)).toEqual({ source: 0, double: 1, sum: 1, gather: 1 });
  });

  test('goes on where it was captured, as itself (O1)', async () => {
    const gate = new Gate();
    const job = start(fromDouble(4), gate);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    gate.openAll();
    await until(() => gate.waiting === 1);
    gate.openAll();
    expect(await restored.settled).toMatchObject({ outputs: { all: [{ totals: [8] }] } });
    expect(begunIn(restored)).toEqual({ source: 0, double: 1, sum: 1, gather: 1 });
    expect(countsOf(slotOf(restored, 'double', 'number'))).toEqual({ accepted: 1, consumed: 1 });
  });

  test('can be held before its first code, like any other', async () => {
    const inspector = inspecting({ holdsBefore: () => true });
    const job = createEngine().start(summing(), 0, { from: fromDouble(2), inspector });
    await until(() => job.suspended.size === 1);
    const [held] = job.suspended;
    expect(held).toMatchObject({ phase: 'HELD_BEFORE', routineId: 'double', activationId: 1 });
    job.inspector = undefined;
    if (held !== undefined) job.release(held);
    expect(await job.settled).toMatchObject({ outputs: { all: [{ totals: [4] }] } });
  });

  test('starts in no engine that is frozen', async () => {
    const gate = new Gate();
    const engine = createEngine();
    const job = engine.start(summing(), 0, { from: fromDouble(2), beforeStart: gate.pass });
    await until(() => gate.waiting === 1);
    await engine.freeze(0);
    gate.open();
    await settle();
    expect(job.state).toBe('PENDING');
    expect(countsOf(slotOf(job, 'double', 'number'))).toEqual({});
    await engine.close();
  });

  test('fails like any other, and its items are told of', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'failing', input: z.number() }, (f) => {
      const fails = f.add(
        'fail',
        passes<number>(() => {
          throw new Error('It is broken.');
        }),
      );
      f.connect(f.input, fails.slots.item);
      f.connect(fails.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const from = { routineId: 'fail', items: [{ slot: 'item', value: 1 }] };
    const job = createEngine().start(flow, 1, { from });
    expect(await job.settled).toMatchObject({ state: 'FAILED' });
    expect(countsOf(slotOf(job, 'fail'))).toEqual({ accepted: 1, failed: 1 });
  });

  test('is refused with a routine or a slot that there is not', () => {
    const engine = createEngine();
    expect(() => engine.start(summing(), 0, { from: { routineId: 'no', items: [] } })).toThrow(
      'Flow "summing" has no routine "no".',
    );
    const items = [{ slot: 'no', value: 1 }];
    expect(() => engine.start(summing(), 0, { from: { routineId: 'double', items } })).toThrow(
      'Routine "double" of flow "summing" has no slot "no".',
    );
  });
});
