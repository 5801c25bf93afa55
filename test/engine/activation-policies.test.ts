import {
  type ActivationPolicy,
  allSlotsReady,
  batchSize,
  createEngine,
  custom,
  defineFlow,
  defineRoutine,
  event,
  immediate,
  none,
  slot,
  timeInterval,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, until } from '../support/manual-clock.ts';
import { countsOf, emits, emitsAtOnce, Gate, range, slotOf } from './parts.ts';

/** A routine that keeps the lists its policy gathers. */
function gathers(policy: ActivationPolicy<'many'>, kept: (readonly number[])[]) {
  return defineRoutine({
    type: 'gathers',
    slots: { item: slot<number>() },
    policy,
    run: ({ item }) => {
      kept.push(item);
    },
  });
}

/** A flow in which a source emits and a routine of the given policy gathers. */
function gathering(
  policy: ActivationPolicy<'many'>,
  values: readonly number[],
  kept: (readonly number[])[],
) {
  return defineFlow({ id: 'gathering' }, (f) => {
    const source = f.add('source', emits(values));
    f.connect(source.events.item, f.add('end', gathers(policy, kept)).slots.item);
  });
}

describe('M5: each policy describes itself', () => {
  test.each([
    [immediate(), 'IMMEDIATE', 'immediate', {}],
    [batchSize(10), 'BATCH_SIZE', 'batchSize', { size: 10, flush: true }],
    [timeInterval(500), 'TIME_INTERVAL', 'timeInterval', { intervalMs: 500, flush: true }],
    [allSlotsReady(), 'ALL_SLOTS_READY', 'allSlotsReady', {}],
    [none(), 'NONE', 'none', {}],
    [
      custom(() => ({}), { name: 'mine', description: 'My own.', config: { limit: 3 } }),
      'CUSTOM',
      'mine',
      { limit: 3 },
    ],
  ])('%o', (policy, kind, name, config) => {
    expect(policy).toMatchObject({ kind, name, config });
    expect(policy.description).toMatch(/\.$/);
  });

  test.each([0, -1, 1.5, Number.NaN])('batchSize(%s) is refused', (size) => {
    expect(() => batchSize(size)).toThrow(RangeError);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('timeInterval(%s) is refused', (ms) => {
    expect(() => timeInterval(ms)).toThrow(RangeError);
  });
});

describe('M5: immediate', () => {
  test('runs for each item by itself, in order', async () => {
    const kept: unknown[] = [];
    const flow = defineFlow({ id: 'single' }, (f) => {
      const source = f.add('source', emits(range(5)));
      const each = defineRoutine({
        type: 'each',
        slots: { item: slot<number>() },
        run: (inputs) => {
          kept.push(inputs);
        },
      });
      f.connect(source.events.item, f.add('end', each).slots.item);
    });
    expect(await createEngine().run(flow, undefined)).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(5).map((item) => ({ item })));
  });

  test('of several slots takes what waited longest', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const kept: unknown[] = [];
    const source = defineRoutine({
      type: 'source',
      events: { left: event<string>(), right: event<string>() },
      run: async (_, ctx) => {
        for (const [side, item] of [
          ['left', 'first'],
          ['right', 'second'],
          ['right', 'third'],
          ['left', 'fourth'],
        ] as const) {
          ctx.emit(side, item);
          await gate.pass();
        }
      },
    });
    const merge = defineRoutine({
      type: 'merge',
      slots: { right: slot<string>(), left: slot<string>() },
      run: async ({ left, right }) => {
        if (kept.length === 0) await until(() => isAllQueued);
        kept.push(left ?? right);
      },
    });
    let isAllQueued = false;
    const flow = defineFlow({ id: 'merging' }, (f) => {
      const { events } = f.add('source', source);
      const { slots } = f.add('merge', merge);
      f.connect(events.left, slots.left);
      f.connect(events.right, slots.right);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    for (let step = 0; step < 4; step++) {
      await until(() => gate.waiting === 1);
      await clock.advance(10);
      gate.open();
    }
    isAllQueued = true;
    await job.settled;
    expect(kept).toEqual(['first', 'second', 'third', 'fourth']);
  });
});

describe('M5: batch size', () => {
  test('takes exactly so many, and flushes the remainder once at the end', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(batchSize(4), range(10), kept), undefined);
    expect(kept).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
  });

  test('flush: false discards the remainder and counts it', async () => {
    const kept: (readonly number[])[] = [];
    const flow = gathering(batchSize(4, { flush: false }), range(10), kept);
    const job = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept.flat()).toEqual(range(8));
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 10, consumed: 8, discarded: 2 });
  });

  test('nothing is flushed when nothing is left', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(batchSize(5), range(10), kept), undefined);
    expect(kept.map((batch) => batch.length)).toEqual([5, 5]);
  });

  test('a flushed activation that fails is tried again like any other', async () => {
    const batches: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'flushing' }, (f) => {
      const source = f.add('source', emits(range(3)));
      const fails = defineRoutine({
        type: 'fails',
        slots: { item: slot<number>() },
        policy: batchSize(10),
        run: ({ item }) => {
          batches.push(item);
          if (batches.length === 1) throw new Error('once');
        },
      });
      const end = f.add('end', fails, {
        onError: { kind: 'retry', maxAttempts: 2, delayMs: 0, then: 'stop' },
      });
      f.connect(source.events.item, end.slots.item);
    });
    expect(await createEngine().run(flow, undefined)).toMatchObject({ state: 'COMPLETED' });
    expect(batches).toEqual([range(3), range(3)]);
  });
});

describe('M5: time interval', () => {
  /** Emits one number each time the gate is opened. */
  function gated(gate: Gate, count: number) {
    return defineRoutine({
      type: 'gated',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (let item = 0; item < count; item++) {
          await gate.pass();
          ctx.emit('item', item);
        }
        await gate.pass();
      },
    });
  }

  test('counts from when an item was emitted, also when nothing had happened for long before', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const kept: (readonly number[])[] = [];
    const source = defineRoutine({
      type: 'seldom',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (const item of range(2)) {
          await gate.pass();
          ctx.emit('item', item);
        }
      },
    });
    const flow = defineFlow({ id: 'seldom' }, (f) => {
      const { events } = f.add('source', source);
      f.connect(events.item, f.add('end', gathers(timeInterval(100), kept)).slots.item);
      f.add('runs', defineRoutine({ type: 'runs', run: gate.pass }));
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(1000);
    gate.open();
    await clock.advance(50);
    expect(slotOf(job, 'end').oldestQueuedMs).toBe(1000);
    gate.openAll();
    await clock.advance(49);
    expect(kept).toEqual([]);
    await clock.advance(1);
    expect(kept).toEqual([[0, 1]]);
    gate.openAll();
    expect((await job.settled).state).toBe('COMPLETED');
  });

  test('fires on a timer when no new data comes', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const kept: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const source = f.add('source', gated(gate, 3));
      f.connect(source.events.item, f.add('end', gathers(timeInterval(100), kept)).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await until(() => gate.waiting === 1);
    gate.open();
    await clock.advance(60);
    gate.open();
    await clock.advance(39);
    expect(kept).toEqual([]);
    await clock.advance(1);
    expect(kept).toEqual([[0, 1]]);
    expect(job.state).toBe('RUNNING');

    gate.open();
    await clock.advance(99);
    expect(kept).toHaveLength(1);
    await clock.advance(1);
    expect(kept).toEqual([[0, 1], [2]]);
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(clock.timers).toBe(0);
  });

  test('the job is not done while a timer is due', async () => {
    const clock = new ManualClock();
    const kept: (readonly number[])[] = [];
    const job = createEngine({ clock }).start(
      gathering(timeInterval(100), range(3), kept),
      undefined,
    );
    await clock.advance(99);
    expect(job.state).toBe('RUNNING');
    await clock.advance(1);
    expect(job.state).toBe('COMPLETED');
    expect(kept).toEqual([range(3)]);
  });
});

describe('M5: all slots ready', () => {
  const pairing = (lefts: number[], rights: string[], pairs: unknown[]) =>
    defineFlow({ id: 'pairing' }, (f) => {
      const left = f.add('lefts', emits(lefts));
      const right = f.add('rights', emits(rights));
      const pair = defineRoutine({
        type: 'pair',
        slots: { left: slot<number>(), right: slot<string>() },
        policy: allSlotsReady(),
        run: ({ left, right }) => {
          pairs.push([left, right]);
        },
      });
      const { slots } = f.add('pair', pair);
      f.connect(left.events.item, slots.left);
      f.connect(right.events.item, slots.right);
    });

  test('pairs the items of the slots in order', async () => {
    const pairs: unknown[] = [];
    await createEngine().run(pairing([1, 2, 3], ['a', 'b', 'c'], pairs), undefined);
    expect(pairs).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
  });

  test('what finds no partner is discarded and counted', async () => {
    const pairs: unknown[] = [];
    const job = createEngine().start(pairing([1, 2, 3], ['a'], pairs), undefined);
    await job.settled;
    expect(pairs).toEqual([[1, 'a']]);
    expect(countsOf(slotOf(job, 'pair', 'left'))).toEqual({
      accepted: 3,
      consumed: 1,
      discarded: 2,
    });
  });
});

describe('M5: custom', () => {
  const evenOnly = (flush: boolean) =>
    custom(
      ({ slots: [first] }) => {
        const length = first?.length ?? 0;
        return length >= 2 ? { take: { item: 2 } } : { missing: [] };
      },
      { name: 'pairs', description: 'Two at a time.', config: { size: 2 }, flush },
    );

  test('takes what it decides, and its remainder is flushed', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(evenOnly(true), range(5), kept), undefined);
    expect(kept).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('with flush: false the remainder is discarded', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(evenOnly(false), range(5), kept), undefined);
    expect(kept).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test.each([
    ['more than there is', 1000, [[0, 1, 2]]],
    ['a fraction', 2.9, [[0, 1], [2]]],
  ])('asking for %s takes whole items that are there', async (_, wanted, expected) => {
    const kept: (readonly number[])[] = [];
    const policy = custom(() => ({ take: { item: wanted } }), { name: 'p', description: 'd' });
    const flow = defineFlow({ id: 'greedy' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(3)));
      f.connect(source.events.item, f.add('end', gathers(policy, kept)).slots.item);
    });
    await createEngine().run(flow, undefined);
    expect(kept).toEqual(expected);
  });

  test.each([
    ['nothing', { item: 0 }],
    ['less than nothing', { item: -5 }],
    ['from a slot that does not exist', { other: 1 }],
    ['not a number', { item: Number.NaN }],
  ])('taking %s is waiting', async (_, take) => {
    const kept: (readonly number[])[] = [];
    const policy = custom(() => ({ take }), { name: 'p', description: 'd' });
    await createEngine().run(gathering(policy, range(3), kept), undefined);
    expect(kept).toEqual([range(3)]); // by the flush at the end
  });

  test('can wait for a time', async () => {
    const clock = new ManualClock();
    const kept: (readonly number[])[] = [];
    const policy = custom(
      ({ nowMs }) => (nowMs < 250 ? { waitUntilMs: 250 } : { take: { item: 1 } }),
      { name: 'late', description: 'From 250 ms on.' },
    );
    const job = createEngine({ clock }).start(gathering(policy, range(3), kept), undefined);
    await clock.advance(249);
    expect(kept).toEqual([]);
    await clock.advance(1);
    expect(kept).toEqual([[0], [1], [2]]);
    expect(job.state).toBe('COMPLETED');
  });

  test('a time that no longer matters does not hold up the end of the job', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const kept: (readonly number[])[] = [];
    const threeOrLate = custom(
      ({ slots: [first], nowMs }) => {
        const dueMs = (first?.oldestQueuedMs ?? nowMs) + 5_000;
        if (first === undefined || first.length === 0) return {};
        return first.length >= 3 || nowMs >= dueMs ? { take: { item: 3 } } : { waitUntilMs: dueMs };
      },
      { name: 'threeOrLate', description: 'Three, or what is there after 5 s.' },
    );
    const flow = defineFlow({ id: 'early' }, (f) => {
      const slow = defineRoutine({
        type: 'slow',
        events: { item: event<number>() },
        run: async (_, ctx) => {
          for (const item of range(3)) {
            ctx.emit('item', item);
            await gate.pass();
          }
        },
      });
      const source = f.add('source', slow);
      f.connect(source.events.item, f.add('end', gathers(threeOrLate, kept)).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    for (let step = 0; step < 3; step++) {
      await until(() => gate.waiting === 1);
      await clock.advance(1);
      gate.open();
    }
    await job.settled;
    expect(kept).toEqual([range(3)]);
    expect(clock.monotonicMs()).toBe(3);
    expect(clock.timers).toBe(0);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'to wait until %s is to wait for data',
    async (waitUntilMs) => {
      const kept: (readonly number[])[] = [];
      const policy = custom(() => ({ waitUntilMs }), { name: 'p', description: 'd' });
      const result = await createEngine().run(gathering(policy, range(2), kept), undefined);
      expect(result.state).toBe('COMPLETED');
      expect(kept).toEqual([range(2)]);
    },
  );

  test('one that throws fails the job with its error', async () => {
    const error = new Error('undecided');
    const policy = custom(
      () => {
        throw error;
      },
      { name: 'p', description: 'd' },
    );
    const job = createEngine().start(gathering(policy, range(3), []), undefined);
    expect(await job.settled).toMatchObject({ state: 'FAILED', error });
    expect(slotOf(job, 'end').length).toBe(0);
  });
});

describe('M5: none', () => {
  test('a source runs once, when the job starts', async () => {
    let runs = 0;
    const flow = defineFlow({ id: 'source' }, (f) => {
      f.add('source', defineRoutine({ type: 'source', run: () => void runs++ }), {
        concurrency: 3,
      });
    });
    await createEngine().run(flow, undefined);
    expect(runs).toBe(1);
  });

  test('a gatherer runs once on all, when the job drains', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(none(), range(100), kept), undefined);
    expect(kept).toEqual([range(100)]);
  });

  test('a gatherer that got nothing does not run', async () => {
    const kept: (readonly number[])[] = [];
    await createEngine().run(gathering(none(), [], kept), undefined);
    expect(kept).toEqual([]);
  });
});
