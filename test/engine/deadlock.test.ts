import {
  type ActivationContext,
  allSlotsReady,
  createEngine,
  DeadlockError,
  defineFlow,
  defineRoutine,
  type EventSpec,
  event,
  type Flow,
  none,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { emits, emitsAtOnce, Gate, passes, range } from './parts.ts';

/** Emits two items for each it gets, the one way or the other. */
const doubling = (isAsync: boolean) =>
  defineRoutine({
    type: 'doubling',
    slots: { item: slot<number>({ maxLength: 4 }) },
    events: { item: event<number>() },
    run: isAsync
      ? async ({ item }, ctx) => {
          await ctx.emit('item', item);
          await ctx.emit('item', item);
        }
      : ({ item }, ctx) => {
          ctx.emit('item', item);
          ctx.emit('item', item);
        },
  });

type LeftRight = ActivationContext<
  undefined,
  { readonly left: EventSpec<number>; readonly right: EventSpec<number> },
  undefined
>;

/** A source of which `run` is the code, and what pairs its items: two on the left fill the slot. */
function pairing(run: (ctx: LeftRight) => unknown, pairs: unknown[] = []) {
  const source = defineRoutine({
    type: 'source',
    events: { left: event<number>(), right: event<number>() },
    run: (_, ctx) => run(ctx),
  });
  const pair = defineRoutine({
    type: 'pair',
    slots: { left: slot<number>({ maxLength: 2 }), right: slot<number>() },
    policy: allSlotsReady(),
    run: (inputs) => {
      pairs.push(inputs);
    },
  });
  return defineFlow({ id: 'pairing' }, (f) => {
    const { events } = f.add('source', source);
    const { slots } = f.add('pair', pair);
    f.connect(events.left, slots.left);
    f.connect(events.right, slots.right);
  });
}

async function findDeadlock(flow: Flow<number>): Promise<DeadlockError> {
  const clock = new ManualClock();
  const job = createEngine({ clock }).start(flow, 1);
  await clock.advance(10_000);
  expect(job.state).toBe('FAILED');
  expect(job.error).toBeInstanceOf(DeadlockError);
  expect(clock.timers).toBe(0);
  for (const routine of job.routines) expect(routine.running).toBe(0);
  return job.error as DeadlockError; // checked above
}

describe('a dead lock fails the job and names the slots', () => {
  test.each([false, true])('a routine that feeds itself (async: %s)', async (isAsync) => {
    const flow = defineFlow({ id: 'self' }, (f) => {
      const self = f.add('self', doubling(isAsync));
      f.connect(f.input as never, self.slots.item);
      f.connect(self.events.item, self.slots.item);
    });
    const error = await findDeadlock(flow as Flow<number>);
    expect(error.slots).toEqual(['self.item']);
    expect(error.message).toContain('self.item');
    expect(error.code).toBe('DEADLOCK');
  });

  test.each([false, true])('two routines that feed each other (async: %s)', async (isAsync) => {
    const flow = defineFlow({ id: 'cycle' }, (f) => {
      const ping = f.add('ping', doubling(isAsync));
      const pong = f.add('pong', doubling(isAsync));
      f.connect(f.input as never, ping.slots.item);
      f.connect(ping.events.item, pong.slots.item);
      f.connect(pong.events.item, ping.slots.item);
    });
    expect([...(await findDeadlock(flow as Flow<number>)).slots].sort()).toEqual([
      'ping.item',
      'pong.item',
    ]);
  });

  test.each([false, true])('a partner that never comes (async: %s)', async (isAsync) => {
    const pair = defineRoutine({
      type: 'pair',
      slots: { left: slot<number>({ maxLength: 3 }), right: slot<number>() },
      policy: allSlotsReady(),
      run: () => undefined,
    });
    const flow = defineFlow({ id: 'starving' }, (f) => {
      const many = f.add('many', isAsync ? emits(range(9)) : emitsAtOnce(range(9)));
      const few = f.add('few', emits(range(2)));
      const { slots } = f.add('pair', pair);
      f.connect(many.events.item, slots.left);
      f.connect(few.events.item, slots.right);
    });
    expect((await findDeadlock(flow as never)).slots).toEqual(['pair.left']);
  });

  test.each<[string, (ctx: LeftRight) => unknown]>([
    [
      'one after another',
      async (ctx) => {
        for (const item of range(5)) await ctx.emit('left', item);
      },
    ],
    ['all together', (ctx) => Promise.all(range(5).map((item) => ctx.emit('left', item)))],
    [
      'the last, by answering it',
      async (ctx) => {
        for (const item of range(4)) void ctx.emit('left', item);
        return ctx.emit('left', 4);
      },
    ],
    [
      'the first, later',
      async (ctx) => {
        const first = range(5).map((item) => ctx.emit('left', item))[2];
        await Promise.resolve();
        await first;
      },
    ],
    [
      'by a callback',
      (ctx) =>
        new Promise<void>((keep) => {
          void range(5)
            .map((item) => ctx.emit('left', item))[2]
            ?.then(keep);
        }),
    ],
  ])('code that awaits what it emitted: %s', async (_, run) => {
    expect((await findDeadlock(pairing(run) as never)).slots).toEqual(['pair.left']);
  });

  test('a gatherer that must hold all that comes says so', async () => {
    const gathers = defineRoutine({
      type: 'gathers',
      slots: { item: slot<number>({ maxLength: 3 }) },
      policy: none(),
      run: () => undefined,
    });
    const flow = defineFlow({ id: 'gathering' }, (f) => {
      const source = f.add('source', emits(range(9)));
      f.connect(source.events.item, f.add('sum', gathers).slots.item);
    });
    const error = await findDeadlock(flow as never);
    expect(error.gathering).toEqual(['sum.item']);
    expect(error.message).toBe(
      'The job is dead-locked: items wait for room in sum.item, which nothing will empty. ' +
        'sum.item gathers until the job drains (policy none), so its maxLength must hold everything that is ' +
        'ever emitted to it: raise it, or use a policy that takes items as they come.',
    );
  });

  test('is certain without waiting when no code is running', async () => {
    const clock = new ManualClock();
    const flow = defineFlow({ id: 'self' }, (f) => {
      const self = f.add('self', doubling(false));
      f.connect(f.input as never, self.slots.item);
      f.connect(self.events.item, self.slots.item);
    });
    const job = createEngine({ clock }).start(flow as never, 1 as never);
    await until(() => job.state === 'FAILED');
    expect(clock.monotonicMs()).toBe(0);
  });
});

describe('no dead lock is seen', () => {
  test('in a cycle that drops', async () => {
    let rounds = 0;
    const flow = defineFlow({ id: 'dropping' }, (f) => {
      const type = defineRoutine({
        type: 'bounded',
        slots: { item: slot<number>({ maxLength: 2, overflow: 'dropNewest' }) },
        events: { item: event<number>() },
        run: ({ item }, ctx) => {
          if (++rounds > 100) return;
          ctx.emit('item', item);
          ctx.emit('item', item);
          ctx.emit('item', item);
        },
      });
      const self = f.add('self', type);
      f.connect(f.input as never, self.slots.item);
      f.connect(self.events.item, self.slots.item);
    });
    const result = await createEngine().run(flow as never, 1 as never);
    expect(result).toMatchObject({ state: 'COMPLETED' });
  });

  test('in a cycle with room enough', async () => {
    let left = 1_000;
    const flow = defineFlow({ id: 'round' }, (f) => {
      const type = defineRoutine({
        type: 'round',
        slots: { item: slot<number>({ maxLength: 1 }) },
        events: { item: event<number>() },
        run: ({ item }, ctx) => (left-- > 0 ? ctx.emit('item', item) : undefined),
      });
      const ping = f.add('ping', type);
      const pong = f.add('pong', type);
      f.connect(f.input as never, ping.slots.item);
      f.connect(ping.events.item, pong.slots.item);
      f.connect(pong.events.item, ping.slots.item);
    });
    const result = await createEngine().run(flow as never, 1 as never);
    expect(result).toMatchObject({ state: 'COMPLETED' });
    expect(left).toBe(-1);
  });

  test('however long an asynchronous consumer takes', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const flow = defineFlow({ id: 'slow' }, (f) => {
      const source = f.add('source', emits(range(6)));
      const middle = f.add('middle', passes<number>(), { slots: { item: { maxLength: 1 } } });
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
      f.connect(source.events.item, middle.slots.item);
      f.connect(middle.events.item, end.slots.item);
    });
    const job = createEngine({ clock, deadlockGraceMs: 10 }).start(flow, undefined);
    for (let item = 0; item < 6; item++) {
      await until(() => gate.waiting === 1);
      await clock.advance(1_000_000);
      expect(job.state).toBe('RUNNING');
      gate.open();
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('while the job is paused', async () => {
    const clock = new ManualClock();
    const flow = defineFlow({ id: 'slow' }, (f) => {
      const source = f.add('source', emits(range(6)));
      const slots = { item: { maxLength: 1 } };
      const end = f.add(
        'end',
        passes<number>(() => job.state === 'RUNNING' && isFirst() && job.pause()),
        { slots },
      );
      f.connect(source.events.item, end.slots.item);
    });
    let hasPaused = false;
    const isFirst = () => {
      const isIt = !hasPaused;
      hasPaused = true;
      return isIt;
    };
    const job = createEngine({ clock, deadlockGraceMs: 10 }).start(flow, undefined);
    await clock.advance(1_000_000);
    expect(job.state).toBe('PAUSED');
    job.resume();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('while code whose items wait outside works on, however long', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const pairs: unknown[] = [];
    const flow = pairing(async (ctx) => {
      for (const item of range(5)) void ctx.emit('left', item);
      await gate.pass();
      for (const item of range(5)) void ctx.emit('right', item);
    }, pairs);
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(2_500);
    expect(job.state).toBe('RUNNING');
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(pairs).toHaveLength(5);
    expect(clock.timers).toBe(0);
  });

  test('when such code never ends: it may still emit', async () => {
    const clock = new ManualClock();
    const flow = pairing((ctx) => {
      for (const item of range(5)) void ctx.emit('left', item);
      return new Promise(() => undefined);
    });
    const job = createEngine({ clock, endGraceMs: 1 }).start(flow, undefined);
    await clock.advance(1_000_000);
    expect(job.state).toBe('RUNNING');
    expect(clock.timers).toBe(0);
    job.cancel();
    await clock.advance(1);
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
  });

  test('when code that awaits one emit emits more within the grace', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const pairs: unknown[] = [];
    const flow = pairing(async (ctx) => {
      const left = Promise.all(range(5).map((item) => ctx.emit('left', item)));
      const right = gate.pass().then(() => range(5).map((item) => ctx.emit('right', item)));
      await Promise.all([left, right]);
    }, pairs);
    const job = createEngine({ clock, deadlockGraceMs: 100 }).start(flow, undefined);
    await clock.advance(99);
    gate.open();
    await settle();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(pairs).toHaveLength(5);
    expect(clock.timers).toBe(0);
  });
});
