import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type OverflowPolicy,
  SlotFullError,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, emitsAtOnce, Gate, keeps, passes, range, slotOf } from './parts.ts';

/** A source that counts what it emitted, before a consumer that takes one item each time the gate is opened. */
function narrow(maxLength: number, overflow: OverflowPolicy, count: number) {
  const gate = new Gate();
  const seen: number[] = [];
  const emitted = { count: 0 };
  const source = defineRoutine({
    type: 'counting',
    events: { item: event<number>() },
    run: async (_, ctx) => {
      for (const item of range(count)) {
        emitted.count++;
        await ctx.emit('item', item);
      }
    },
  });
  const flow = defineFlow({ id: 'narrow' }, (f) => {
    const { events } = f.add('source', source);
    const consumer = passes<number>((item) => {
      seen.push(item);
      return gate.pass();
    });
    const end = f.add('end', consumer, { slots: { item: { maxLength, overflow } } });
    f.connect(events.item, end.slots.item);
  });
  return { flow, gate, seen, emitted };
}

describe('block', () => {
  test('a producer that awaits goes at the pace of its consumer; order is kept', async () => {
    const { flow, gate, seen, emitted } = narrow(3, 'block', 20);
    const job = createEngine().start(flow, undefined);
    for (let taken = 1; taken <= 20; taken++) {
      await until(() => gate.waiting === 1);
      await settle();
      // One in flight, three queued, one outside.
      expect(emitted.count).toBe(Math.min(20, taken + 4));
      expect(slotOf(job, 'end').peak).toBeLessThanOrEqual(3);
      gate.open();
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(seen).toEqual(range(20));
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 20, consumed: 20 });
  });

  test('an activation tells which slots its items wait for, and how many at each', async () => {
    const gates = { left: new Gate(), right: new Gate() };
    const flow = defineFlow({ id: 'both' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(6)));
      for (const [id, maxLength] of [
        ['left', 1],
        ['right', 3],
      ] as const) {
        const type = passes<number>(gates[id].pass);
        f.connect(
          source.events.item,
          f.add(id, type, { slots: { item: { maxLength } } }).slots.item,
        );
      }
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gates.left.waiting + gates.right.waiting === 2);
    const [activation] = [...job.suspended].filter(({ routineId }) => routineId === 'source');
    const blocked = () => activation?.blockedBy.map(({ slot, count }) => [slot.owner.id, count]);
    expect(blocked()).toEqual([
      ['left', 4],
      ['right', 2],
    ]);
    gates.right.open();
    await settle();
    gates.right.open();
    await settle();
    expect(blocked()).toEqual([['left', 4]]);
    while (job.state === 'RUNNING') {
      gates.left.open();
      gates.right.open();
      await settle(1);
    }
    expect(blocked()).toEqual([]);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('what a synchronous producer emits waits outside, and the routine with it', async () => {
    const kept: number[] = [];
    const gate = new Gate();
    const flow = defineFlow({ id: 'burst' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(6)));
      const next = f.add(
        'next',
        passes<number>(() => gate.pass()),
        { slots: { item: { maxLength: 2 } } },
      );
      f.connect(source.events.item, next.slots.item);
      f.connect(next.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    expect(countsOf(slotOf(job, 'next'))).toEqual({
      accepted: 3,
      length: 2,
      held: 3,
      inFlight: 1,
    });
    expect(job.routine('source').running).toBe(1);
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    expect(kept).toEqual(range(6));
    expect(job.state).toBe('COMPLETED');
  });

  test('memory is bounded by the slots along a whole chain', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'chain' }, (f) => {
      let port = f.add('source', emits(range(500))).events.item;
      for (const stage of range(4)) {
        const placed = f.add(`stage-${stage}`, passes<number>(), {
          slots: { item: { maxLength: 5 } },
        });
        f.connect(port, placed.slots.item);
        port = placed.events.item;
      }
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 5 } } });
      f.connect(port, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    await settle(50);
    const queued = job.routines.flatMap(({ slots }) => slots.map(({ length }) => length));
    expect(queued).toEqual([5, 5, 5, 5, 5]);
    expect(slotOf(job, 'stage-0').accepted).toBeLessThan(60);
    job.cancel();
    gate.openAll();
    await job.settled;
  });

  test('an item that has room elsewhere does not wait for the slot that is full', async () => {
    const kept: number[] = [];
    const gate = new Gate();
    const flow = defineFlow({ id: 'fan-out' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(5)));
      const slow = f.add('slow', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
      f.connect(source.events.item, slow.slots.item);
      f.connect(source.events.item, f.add('fast', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1 && kept.length === 5);
    expect(kept).toEqual(range(5));
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    expect(countsOf(slotOf(job, 'slow'))).toEqual({ accepted: 5, consumed: 5 });
  });
});

describe('error', () => {
  test('emit throws an error that names the slot; the refused item is counted', async () => {
    const refused: unknown[] = [];
    const kept: number[] = [];
    const source = defineRoutine({
      type: 'careful',
      events: { item: event<number>() },
      run: (_, ctx) => {
        for (const item of range(5)) {
          try {
            ctx.emit('item', item);
          } catch (error) {
            refused.push(error);
          }
        }
      },
    });
    const flow = defineFlow({ id: 'refusing' }, (f) => {
      const { events } = f.add('source', source);
      const strict = { slots: { item: { maxLength: 2, overflow: 'error' } } } as const;
      f.connect(events.item, f.add('end', keeps(kept), strict).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(refused).toHaveLength(3);
    expect(refused[0]).toBeInstanceOf(SlotFullError);
    expect(refused[0]).toMatchObject({ code: 'SLOT_FULL' });
    expect(String(refused[0])).toContain('"end.item"');
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 2, consumed: 2, rejected: 3 });
  });

  test('uncaught it fails the activation; other slots of the event got the item', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'refusing', onError: 'continue' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(5)));
      const strict = { slots: { item: { maxLength: 2, overflow: 'error' } } } as const;
      const end = f.add('strict', keeps<number>([]), strict);
      f.connect(source.events.item, end.slots.item);
      f.connect(source.events.item, f.add('open', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(job.routine('source').failed).toBe(1);
    expect(kept).toEqual([0, 1, 2]);
  });
});

describe('drop', () => {
  test('dropOldest makes room for the newest, and counts', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'dropping' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(10)));
      const lossy = { slots: { item: { maxLength: 3, overflow: 'dropOldest' } } } as const;
      f.connect(source.events.item, f.add('end', keeps(kept), lossy).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await job.settled;
    expect(kept).toEqual([7, 8, 9]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 10, consumed: 3, droppedOldest: 7 });
  });

  test('dropNewest keeps what was first, and counts', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'dropping' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(10)));
      const lossy = { slots: { item: { maxLength: 3, overflow: 'dropNewest' } } } as const;
      f.connect(source.events.item, f.add('end', keeps(kept), lossy).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await job.settled;
    expect(kept).toEqual([0, 1, 2]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 3, consumed: 3, droppedNewest: 7 });
  });

  test('a producer never waits for a slot that drops', async () => {
    const { flow, gate, emitted } = narrow(2, 'dropNewest', 50);
    const job = createEngine().start(flow, undefined);
    await until(() => emitted.count === 50 && gate.waiting === 1);
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    const { consumed, droppedNewest } = slotOf(job, 'end');
    expect(consumed + droppedNewest).toBe(50);
  });
});

test('M2: total is what waits and what is in flight', async () => {
  const { flow, gate } = narrow(3, 'block', 10);
  const job = createEngine().start(flow, undefined);
  await until(() => gate.waiting === 1);
  await settle();
  const { length, inFlight, maxLength, isFull } = slotOf(job, 'end');
  expect({ length, inFlight, maxLength, isFull }).toEqual({
    length: 3,
    inFlight: 1,
    maxLength: 3,
    isFull: true,
  });
  job.cancel();
  gate.openAll();
  await job.settled;
});

describe('the event loop', () => {
  test('gets its turns while a long synchronous job runs', async () => {
    const flow = defineFlow({ id: 'long' }, (f) => {
      const source = f.add('source', emits(range(3_000)));
      const busy = passes<number>(() => {
        const endMs = performance.now() + 0.02;
        while (performance.now() < endMs);
      });
      f.connect(source.events.item, f.add('busy', busy).slots.item);
    });
    const job = createEngine({ turnMs: 1 }).start(flow, undefined);
    let rounds = 0;
    while (job.state !== 'COMPLETED') {
      await new Promise((keep) => setTimeout(keep));
      rounds++;
    }
    expect(rounds).toBeGreaterThan(3);
  });

  test('gets its turns while a source emits to nobody', async () => {
    let hasEnded = false;
    const endless = defineRoutine({
      type: 'endless',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (let item = 0; !hasEnded; item++) await ctx.emit('item', item);
      },
    });
    const job = createEngine().start(
      defineFlow({ id: 'endless' }, (f) => {
        f.add('source', endless);
      }),
      undefined,
    );
    await new Promise((keep) => setTimeout(keep, 5));
    hasEnded = true;
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });
});
