import {
  type Activation,
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type JobInspector,
  retry,
  SlotFullError,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import {
  countsOf,
  emits,
  emitsAtOnce,
  Gate,
  inspecting,
  keeps,
  passes,
  range,
  slotOf,
} from './parts.ts';

/** An inspector that holds activations of one routine and lists them. */
function holding(routine: string, at: 'before' | 'after', held: Activation[]): JobInspector {
  const hold = (activation: Activation) => {
    if (activation.routineId !== routine) return false;
    held.push(activation);
    return true;
  };
  return inspecting({
    holdsBefore: (activation) => at === 'before' && hold(activation),
    interestIn: ({ id }) => ({ starts: true, outputs: at === 'after' && id === routine }),
    holdsOutput: (activation) => hold(activation),
  });
}

function passing(seen: number[], kept: number[], count = 3) {
  return defineFlow({ id: 'inspected' }, (f) => {
    const source = f.add('source', emits(range(count)));
    const middle = f.add(
      'middle',
      passes<number>((item) => void seen.push(item)),
    );
    f.connect(source.events.item, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
  });
}

describe('hold before', () => {
  test('stops each activation with its items taken and its code not run, until release', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const kept: number[] = [];
    const job = createEngine().start(passing(seen, kept), undefined, {
      inspector: holding('middle', 'before', held),
    });
    for (const item of range(3)) {
      await until(() => held.length === item + 1);
      await settle();
      const activation = held[item] as Activation; // waited for above
      expect(activation).toMatchObject({ phase: 'HELD_BEFORE', routineId: 'middle' });
      expect(activation.items.map(({ value }) => value)).toEqual([item]);
      expect(seen).toEqual(range(item));
      expect(slotOf(job, 'middle').inFlight).toBe(1);
      expect(job.routine('middle').running).toBe(1);
      job.release(activation);
      expect(seen).toEqual(range(item + 1));
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(3));
    expect(held).toHaveLength(3);
  });

  test('an item that is replaced while held is what the code gets', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const job = createEngine().start(passing(seen, []), undefined, {
      inspector: holding('middle', 'before', held),
    });
    await until(() => held.length === 1);
    const [item] = (held[0] as Activation).items;
    if (item !== undefined) item.value = 42;
    for (let at = 0; at < 3; at++) {
      await until(() => held.length === at + 1);
      job.release(held[at] as Activation);
    }
    await job.settled;
    expect(seen).toEqual([42, 1, 2]);
  });

  test('holds nothing up that does not depend on it, and is no dead lock', async () => {
    const clock = new ManualClock();
    const held: Activation[] = [];
    const kept: number[] = [];
    const flow = defineFlow({ id: 'split' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(5)));
      const slots = { item: { maxLength: 2 } };
      const middle = f.add('middle', passes<number>(), { slots });
      f.connect(source.events.item, middle.slots.item);
      f.connect(source.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined, {
      inspector: holding('middle', 'before', held),
    });
    await clock.advance(1_000_000);
    expect(kept).toEqual(range(5));
    expect(job.state).toBe('RUNNING');
    for (let at = 0; at < 5; at++) {
      await until(() => held.length === at + 1);
      job.release(held[at] as Activation);
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('a second release, or of what is not held, does nothing', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const job = createEngine().start(passing(seen, [], 1), undefined, {
      inspector: holding('middle', 'before', held),
    });
    await until(() => held.length === 1);
    const activation = held[0] as Activation;
    job.release(activation);
    job.release(activation);
    await job.settled;
    job.release(activation);
    expect(seen).toEqual([0]);
    expect(job.routine('middle')).toMatchObject({ begun: 1, completed: 1, running: 0 });
  });

  test('a retry of what was released is not held again', async () => {
    const held: Activation[] = [];
    let runs = 0;
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const source = f.add('source', emits([1]));
      const fails = passes<number>(() => {
        if (++runs === 1) throw new Error('once');
      });
      const options = { onError: retry({ maxAttempts: 2, delayMs: 0 }) };
      f.connect(source.events.item, f.add('middle', fails, options).slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: holding('middle', 'before', held),
    });
    await until(() => held.length === 1);
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect([runs, held.length]).toEqual([2, 1]);
  });
});

describe('hold after', () => {
  test('keeps back what the code emitted until release', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const kept: number[] = [];
    const job = createEngine().start(passing(seen, kept), undefined, {
      inspector: holding('middle', 'after', held),
    });
    for (const item of range(3)) {
      await until(() => held.length === item + 1);
      await settle();
      const activation = held[item] as Activation;
      expect(activation.phase).toBe('HELD_AFTER');
      expect(activation.staged).toEqual([{ event: 'item', value: item }]);
      expect(seen).toEqual(range(item + 1));
      expect(kept).toEqual(range(item));
      job.release(activation);
      await settle();
      expect(kept).toEqual(range(item + 1));
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('holds also what failed, with its error, before its error strategy acts', async () => {
    const held: Activation[] = [];
    const kept: number[] = [];
    const type = defineRoutine({
      type: 'emits-then-fails',
      slots: { item: slot<number>() },
      events: { item: event<number>() },
      run: ({ item }, ctx) => {
        ctx.emit('item', item);
        throw new Error('broken');
      },
    });
    const flow = defineFlow({ id: 'failing' }, (f) => {
      const source = f.add('source', emits([7]));
      const middle = f.add('middle', type, { onError: 'continue' });
      f.connect(source.events.item, middle.slots.item);
      f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: holding('middle', 'after', held),
    });
    await until(() => held.length === 1);
    expect(held[0]).toMatchObject({ phase: 'HELD_AFTER', hasFailed: true });
    expect(job.routine('middle').failed).toBe(0);
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(job.routine('middle').failed).toBe(1);
    expect(kept).toEqual([7]); // emitted before it failed, as without an inspector
  });

  test('staged outputs heed back-pressure when they are delivered', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'staged' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(20)));
      const end = f.add('end', keeps(kept), { slots: { item: { maxLength: 3 } } });
      f.connect(source.events.item, end.slots.item);
    });
    const held: Activation[] = [];
    const inspector = holding('source', 'after', held);
    const job = createEngine().start(flow, undefined, { inspector });
    await settle();
    expect(held[0]).toMatchObject({ phase: 'HELD_AFTER', staged: { length: 20 } });
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(20));
    expect(slotOf(job, 'end').peak).toBe(3);
  });

  test('staged outputs that a slot refuses fail the activation and are counted', async () => {
    const flow = defineFlow({ id: 'refused', onError: 'continue' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(5)));
      const slots = { item: { maxLength: 2, overflow: 'error' } } as const;
      f.connect(source.events.item, f.add('end', keeps<number>([]), { slots }).slots.item);
    });
    const held: Activation[] = [];
    const inspector = holding('source', 'after', held);
    const job = createEngine().start(flow, undefined, { inspector });
    await settle();
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(job.routine('source')).toMatchObject({ failed: 1, lastError: { code: 'SLOT_FULL' } });
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 2, consumed: 2, rejected: 3 });
  });
});

describe('hold while the code runs', () => {
  test('code that awaits what it emitted waits; what it emitted before was delivered', async () => {
    const held: Activation[] = [];
    const kept: number[] = [];
    const flow = defineFlow({ id: 'streaming' }, (f) => {
      const source = f.add('source', emits(range(1000)));
      f.connect(source.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: inspecting({
        interestIn: () => ({ starts: true, outputs: true }),
        holdsOutput: (activation, _, value) => value === 500 && held.push(activation) > 0,
      }),
    });
    await until(() => held.length === 1);
    await settle();
    expect(held[0]).toMatchObject({ phase: 'RUNNING', staged: [{ event: 'item', value: 500 }] });
    expect(kept).toEqual(range(500));
    expect(job.state).toBe('RUNNING');
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(1000));
  });

  test('its time-out does not run meanwhile, and begins anew', async () => {
    const clock = new ManualClock();
    const held: Activation[] = [];
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const source = f.add('source', emits([1]), { timeoutMs: 100 });
      f.connect(source.events.item, f.add('end', keeps<number>([])).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined, {
      inspector: inspecting({
        interestIn: () => ({ starts: true, outputs: true }),
        holdsOutput: (activation) => held.push(activation) > 0,
      }),
    });
    await until(() => held.length === 1);
    await clock.advance(60_000);
    job.release(held[0] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(held[0]).toMatchObject({ outcome: 'COMPLETED' });
  });

  test('an inspector that is set later is asked of what runs already', async () => {
    const held: Activation[] = [];
    const gate = new Gate();
    const kept: number[] = [];
    const waits = defineRoutine({
      type: 'waits',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        await gate.pass();
        await ctx.emit('item', 1);
      },
    });
    const flow = defineFlow({ id: 'later' }, (f) => {
      f.connect(f.add('source', waits).events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    job.inspector = holding('source', 'after', held);
    gate.open();
    await until(() => held.length === 1);
    await settle();
    expect(kept).toEqual([]);
    job.inspector = undefined;
    job.release(held[0] as Activation);
    await job.settled;
    expect(kept).toEqual([1]);
  });

  test('cancelled meanwhile, the code ends and what was kept back counts as discarded', async () => {
    const held: Activation[] = [];
    const flow = defineFlow({ id: 'cancelled' }, (f) => {
      const source = f.add('source', emits(range(3)));
      f.connect(source.events.item, f.add('end', keeps<number>([])).slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: holding('source', 'after', held),
    });
    await until(() => held.length === 1);
    await settle();
    job.cancel();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(job.unresponsive).toEqual([]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 3, discarded: 3 });
  });
});

describe('hold a failure', () => {
  test('holds it with its error, before its error strategy acts, with nothing kept back', async () => {
    const held: Activation[] = [];
    let runs = 0;
    const flow = defineFlow({ id: 'failing' }, (f) => {
      const fails = passes<number>(() => {
        if (++runs < 3) throw new Error(`broken ${runs}`);
      });
      const options = { onError: retry({ maxAttempts: 3, delayMs: 0 }) };
      const middle = f.add('middle', fails, options);
      f.connect(f.add('source', emits([1])).events.item, middle.slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: inspecting({ holdsFailure: (activation) => held.push(activation) > 0 }),
    });
    for (const attempt of [1, 2]) {
      await until(() => held.length === attempt);
      await settle();
      const activation = held[attempt - 1] as Activation;
      expect(activation).toMatchObject({ phase: 'HELD_AFTER', hasFailed: true, attempt });
      expect(job.routine('middle').retried).toBe(attempt - 1);
      job.release(activation);
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(runs).toBe(3);
  });
});

describe('restored', () => {
  test('what was held stays held if the inspector wants it, before and after the code', async () => {
    const seen: number[] = [];
    const flow = defineFlow({ id: 'held' }, (f) => {
      const middle = f.add(
        'middle',
        passes<number>((item) => void seen.push(item)),
        { concurrency: 2 },
      );
      f.connect(f.add('source', emitsAtOnce([1, 2])).events.item, middle.slots.item);
      return { items: middle.events.item };
    });
    let asked = 0;
    const job = createEngine().start(flow, undefined, {
      inspector: inspecting({
        interestIn: ({ id }) => ({ starts: true, outputs: id === 'middle' }),
        holdsBefore: ({ routineId }) => routineId === 'middle' && asked++ === 0,
        holdsOutput: () => true,
      }),
    });
    await until(() => job.suspended.size === 2);
    const snapshot = structuredClone(job.capture());
    const restored = createEngine().restore(flow, snapshot, {
      inspector: inspecting({ holdsRestored: () => true }),
    });
    await settle();
    expect([...restored.suspended].map(({ phase }) => phase)).toEqual([
      'HELD_BEFORE',
      'HELD_AFTER',
    ]);
    expect(seen).toEqual([2]);
    for (const activation of restored.suspended) restored.release(activation);
    expect(await restored.settled).toMatchObject({ outputs: { items: [1, 2] } });
    expect(seen).toEqual([2, 1]);
    job.cancel();
  });
});

describe('edits while held', () => {
  test('an item that is dropped from a batch is discarded; the others are taken', async () => {
    const held: Activation[] = [];
    const batches: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'batch' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        policy: batchSize(3),
        run: ({ item }) => void batches.push(item),
      });
      const end = f.add('end', gathers);
      f.connect(f.add('source', emitsAtOnce(range(3))).events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: holding('end', 'before', held),
    });
    await until(() => held.length === 1);
    const activation = held[0] as Activation;
    const [, second] = activation.items;
    if (second === undefined) throw new Error('no batch');
    expect(job.edits.dropTaken(activation, second)).toBe(true);
    expect(job.edits.dropTaken(activation, second)).toBe(false);
    job.release(activation);
    await job.settled;
    expect(batches).toEqual([[0, 2]]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 3, consumed: 2, discarded: 1 });
  });

  test('without its only item an activation is skipped', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const job = createEngine().start(passing(seen, [], 2), undefined, {
      inspector: holding('middle', 'before', held),
    });
    await until(() => held.length === 1);
    const activation = held[0] as Activation;
    const [item] = activation.items;
    if (item !== undefined) expect(job.edits.dropTaken(activation, item)).toBe(true);
    expect(activation).toMatchObject({ phase: 'ENDED', outcome: 'SKIPPED' });
    await until(() => held.length === 2);
    job.release(held[1] as Activation);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(seen).toEqual([1]);
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 2, consumed: 1, skipped: 1 });
  });

  test('items are dropped from a queue, which lets in what waits outside, and put in', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const flow = defineFlow({ id: 'queue' }, (f) => {
      const end = f.add(
        'end',
        passes<number>((item) => void seen.push(item)),
        { slots: { item: { maxLength: 2 } } },
      );
      f.connect(f.add('source', emitsAtOnce(range(5))).events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      inspector: holding('end', 'before', held),
    });
    await until(() => held.length === 1);
    await settle();
    const queue = slotOf(job, 'end');
    expect([queue.length, queue.held.length]).toEqual([2, 2]);
    expect(() => job.edits.inject(queue, 9, false)).toThrow(SlotFullError);
    const first = queue.items.at(0);
    if (first === undefined) throw new Error('empty');
    expect(job.edits.dropWaiting(first)).toBe(true);
    expect(job.edits.dropWaiting(first)).toBe(false);
    expect([queue.length, queue.held.length]).toEqual([2, 1]);
    const second = queue.items.at(0);
    if (second !== undefined) job.edits.dropWaiting(second);
    const third = queue.items.at(1);
    if (third !== undefined) job.edits.dropWaiting(third);
    expect(job.edits.inject(queue, 10, true)).toMatchObject({ emittedBy: -1 });
    job.inspector = undefined;
    job.release(held[0] as Activation);
    await job.settled;
    expect(seen).toEqual([0, 10, 3]);
    expect(countsOf(queue)).toEqual({ accepted: 6, consumed: 3, discarded: 3 });
  });
});

describe('cancel while held', () => {
  test('before: the code never runs, the items are discarded', async () => {
    const held: Activation[] = [];
    const seen: number[] = [];
    const job = createEngine().start(passing(seen, []), undefined, {
      inspector: holding('middle', 'before', held),
    });
    await until(() => held.length === 1);
    await settle();
    job.cancel();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(seen).toEqual([]);
    expect(held[0]).toMatchObject({ phase: 'ENDED', outcome: 'ABANDONED' });
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 3, discarded: 3 });
    job.release(held[0] as Activation);
    await settle();
    expect(seen).toEqual([]);
  });

  test('after: the code has run, so its items count as consumed, its outputs as discarded', async () => {
    const held: Activation[] = [];
    const job = createEngine().start(passing([], []), undefined, {
      inspector: holding('middle', 'after', held),
    });
    await until(() => held.length === 1);
    await settle();
    job.cancel();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 3, consumed: 1, discarded: 2 });
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 1, discarded: 1 });
  });
});

test('an inspector that throws holds nothing and is logged', async () => {
  const explode = () => {
    throw new Error('inspector');
  };
  const logged: string[] = [];
  const kept: number[] = [];
  const job = createEngine().start(passing([], kept), undefined, {
    inspector: inspecting({
      interestIn: ({ id }) => ({ starts: true, outputs: id === 'middle' }),
      holdsBefore: explode,
      holdsOutput: explode,
      holdsFailure: explode,
    }),
    observers: [{ logged: (_, { message }) => void logged.push(message) }],
  });
  expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  expect(kept).toEqual(range(3));
  expect(new Set(logged)).toEqual(new Set(['The inspector failed: inspector']));
});

test('an inspector that cancels the job while it is asked leaves everything settled', async () => {
  const seen: number[] = [];
  const job = createEngine().start(passing(seen, []), undefined, {
    inspector: inspecting({
      holdsBefore: ({ routineId }) => {
        if (routineId === 'middle') job.cancel();
        return true;
      },
    }),
  });
  await settle();
  for (const activation of job.suspended) job.release(activation);
  expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
  expect(seen).toEqual([]);
  expect(job.routines.map(({ running }) => running)).toEqual([0, 0, 0]);
});
