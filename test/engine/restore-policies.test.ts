import {
  allSlotsReady,
  batchSize,
  createEngine,
  custom,
  defineFlow,
  defineRoutine,
  event,
  none,
  retry,
  slot,
  timeInterval,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, emitsAtOnce, Gate, passes, range, slotOf } from './parts.ts';
import { killAndRestore } from './snapshots.ts';

describe('policies and retries of a restored job (O1)', () => {
  test('a retry runs when it is due by the wall clock, an overdue one at once', async () => {
    const triedAt: (readonly [number, number])[] = [];
    const clocks = [new ManualClock(1_000), new ManualClock(1_060), new ManualClock(9_000)];
    const [clock, later, muchLater] = clocks as [ManualClock, ManualClock, ManualClock];
    let present = clock;
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const fails = defineRoutine({
        type: 'fails',
        slots: { item: slot<number>() },
        run: (_, { attempt }) => {
          triedAt.push([present.now(), attempt]);
          if (attempt < 3) throw new Error('not yet');
        },
      });
      const end = f.add('end', fails, { onError: retry({ maxAttempts: 5, delayMs: 100 }) });
      f.connect(f.add('source', emits([1])).events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(50);
    present = later;
    const second = killAndRestore(job, { engineOptions: { clock: later } });
    await later.advance(39);
    expect(triedAt).toEqual([[1_000, 1]]);
    await later.advance(1);
    expect(triedAt).toEqual([
      [1_000, 1],
      [1_100, 2],
    ]);
    present = muchLater;
    const third = killAndRestore(second, { engineOptions: { clock: muchLater } });
    expect(await third.settled).toMatchObject({ state: 'COMPLETED' });
    expect(triedAt.at(-1)).toEqual([9_000, 3]);
    expect(third.routine('end')).toMatchObject({ begun: 1, retried: 2, completed: 1 });
  });

  test('an overdue retry of a paused job waits for resume', async () => {
    const clock = new ManualClock(1_000);
    let tried = 0;
    const flow = defineFlow({ id: 'parked' }, (f) => {
      const fails = passes<number>(() => {
        if (++tried === 1) throw new Error('once');
      });
      const end = f.add('end', fails, { onError: retry({ maxAttempts: 2, delayMs: 100 }) });
      f.connect(f.add('source', emits([1])).events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(50);
    job.pause();
    const later = new ManualClock(5_000);
    const restored = killAndRestore(job, { engineOptions: { clock: later } });
    await later.advance(1_000);
    expect(tried).toBe(1);
    restored.resume();
    expect(await restored.settled).toMatchObject({ state: 'COMPLETED' });
    expect(tried).toBe(2);
  });

  test('a wall clock that went back counts as if no time had gone by', async () => {
    const clock = new ManualClock(10_000);
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        events: { all: event<readonly number[]>() },
        policy: timeInterval(100),
        run: ({ item }, ctx) => ctx.emit('all', item),
      });
      const end = f.add('end', gathers);
      f.connect(f.add('source', emits(range(3))).events.item, end.slots.item);
      return { all: end.events.all };
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(40);
    const earlier = new ManualClock(2_000);
    const restored = killAndRestore(job, { engineOptions: { clock: earlier } });
    await earlier.advance(59);
    expect(restored.state).toBe('RUNNING');
    await earlier.advance(1);
    expect(await restored.settled).toMatchObject({ outputs: { all: [range(3)] } });
  });

  test('policies with time go on: an interval counts from when its first item was queued', async () => {
    const clock = new ManualClock(1_000);
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const paced = custom(
        ({ slots: [queue], lastActivationMs, nowMs }) => {
          if (queue === undefined || queue.length === 0) return {};
          const dueMs = (lastActivationMs ?? 0) + 1_000;
          return nowMs >= dueMs ? { take: { item: 1 } } : { waitUntilMs: dueMs };
        },
        { name: 'paced', description: 'One a second.', flush: false },
      );
      const routine = defineRoutine({
        type: 'paces',
        slots: { item: slot<number>() },
        events: { item: event<number>() },
        policy: paced,
        run: ({ item: [first = -1] }, ctx) => ctx.emit('item', first),
      });
      const end = f.add('end', routine);
      f.connect(f.add('source', emitsAtOnce(range(3))).events.item, end.slots.item);
      return { items: end.events.item };
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(1_200);
    expect(job.routine('end').begun).toBe(1);
    const later = new ManualClock(2_500);
    const restored = killAndRestore(job, { engineOptions: { clock: later } });
    await later.advance(499);
    expect(restored.routine('end').begun).toBe(1);
    await later.advance(1);
    expect(restored.routine('end').begun).toBe(2);
    await later.advance(1_000);
    expect(await restored.settled).toMatchObject({ outputs: { items: range(3) } });
    expect(later.timers).toBe(0);
  });

  test('gatherers hand over at the end what gathered before and after, once', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'gathering' }, (f) => {
      const gathers = (type: string, policy: ReturnType<typeof batchSize>) =>
        defineRoutine({
          type,
          slots: { item: slot<number>() },
          events: { all: event<readonly number[]>() },
          policy,
          run: ({ item }, ctx) => ctx.emit('all', item),
        });
      const middle = f.add(
        'middle',
        passes<number>((item) => (item === 3 ? gate.pass() : undefined)),
      );
      f.connect(f.add('source', emitsAtOnce(range(7))).events.item, middle.slots.item);
      const pairs = f.add('pairs', gathers('pairs', batchSize(2)));
      const all = f.add('all', gathers('all', none()));
      f.connect(middle.events.item, pairs.slots.item);
      f.connect(middle.events.item, all.slots.item);
      return { pairs: pairs.events.all, all: all.events.all };
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    await until(() => gate.waiting === 2);
    gate.openAll();
    expect(await restored.settled).toMatchObject({
      outputs: { pairs: [[0, 1], [2, 3], [4, 5], [6]], all: [range(7)] },
    });
  });

  test('a gatherer that has handed over once does not do so again', async () => {
    const gate = new Gate();
    const taken: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'once' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        events: { again: event<number>() },
        policy: none(),
        run: async ({ item }, ctx) => {
          await gate.pass();
          taken.push(item);
          ctx.emit('again', 9);
        },
      });
      const end = f.add('end', gathers);
      f.connect(f.add('source', emitsAtOnce(range(3))).events.item, end.slots.item);
      f.connect(end.events.again, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    await until(() => gate.waiting === 2);
    taken.length = 0;
    gate.openAll();
    await restored.settled;
    expect(taken.at(-1)).toEqual(range(3));
    expect(restored.routine('end')).toMatchObject({ begun: 1, completed: 1 });
    expect(countsOf(slotOf(restored, 'end'))).toEqual({ accepted: 4, consumed: 3, discarded: 1 });
  });

  test('what found no partner is still discarded and counted', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'pairing' }, (f) => {
      const pairs = defineRoutine({
        type: 'pairs',
        slots: { left: slot<number>(), right: slot<number>() },
        policy: allSlotsReady(),
        run: () => gate.pass(),
      });
      const end = f.add('end', pairs);
      f.connect(f.add('lefts', emitsAtOnce(range(3))).events.item, end.slots.left);
      f.connect(f.add('rights', emitsAtOnce(range(2))).events.item, end.slots.right);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    expect(countsOf(slotOf(restored, 'end', 'left'))).toEqual({
      accepted: 3,
      consumed: 2,
      discarded: 1,
    });
  });
});
