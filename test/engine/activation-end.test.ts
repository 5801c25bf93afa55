import {
  type ActivationContext,
  ActivationEndedError,
  ActivationTimeoutError,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type LogEntry,
  retry,
  slot,
  UnknownEventError,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, Gate, keeps, passes, range, slotOf } from './parts.ts';

/** One routine of the test's code, whose output is kept. */
function alone(
  run: (ctx: ActivationContext<undefined, { item: object }>) => unknown,
  options: { timeoutMs?: number; maxLength?: number } = {},
) {
  const kept: unknown[] = [];
  const { timeoutMs, maxLength = 1000 } = options;
  const flow = defineFlow({ id: 'alone' }, (f) => {
    const type = defineRoutine({
      type: 'code',
      events: { item: event<unknown>() },
      run: (_, ctx) => run(ctx as never), // the same but for the item's type
    });
    const code = f.add('code', type, timeoutMs === undefined ? {} : { timeoutMs });
    const end = f.add('end', keeps<unknown>(kept), { slots: { item: { maxLength } } });
    f.connect(code.events.item, end.slots.item);
  });
  return { flow, kept };
}

describe('emit after the end', () => {
  test('throws, is logged, and delivers nothing', async () => {
    let late: (() => unknown) | undefined;
    const logged: LogEntry[] = [];
    const { flow, kept } = alone((ctx) => {
      void ctx.emit('item', 'in time' as never);
      late = () => ctx.emit('item', 'late' as never);
    });
    const job = createEngine().start(flow, undefined, {
      observers: [{ logged: (_, entry) => void logged.push(entry) }],
    });
    await job.settled;
    expect(late).toThrow(ActivationEndedError);
    expect(late).toThrow(/"code" emitted "item" after/);
    expect(kept).toEqual(['in time']);
    expect(logged[0]).toMatchObject({ level: 'WARNING', routineId: 'code', activationId: 1 });
  });

  test('also while the outputs of the activation still wait for room', async () => {
    let late: (() => unknown) | undefined;
    const gate = new Gate();
    const flow = defineFlow({ id: 'waiting' }, (f) => {
      const type = defineRoutine({
        type: 'code',
        events: { item: event<number>() },
        run: (_, ctx) => {
          for (const item of range(4)) ctx.emit('item', item);
          late = () => ctx.emit('item', 4);
        },
      });
      const code = f.add('code', type);
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
      f.connect(code.events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    expect(job.routine('code').running).toBe(1);
    expect(late).toThrow(ActivationEndedError);
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 4, consumed: 4 });
  });

  test('progress after the end is ignored', async () => {
    let late: (() => void) | undefined;
    const { flow } = alone((ctx) => {
      ctx.progress(1, 2);
      late = () => ctx.progress(2, 2);
    });
    const job = createEngine().start(flow, undefined);
    await job.settled;
    late?.();
    expect(job.routine('code').progress).toMatchObject({ done: 1 });
  });
});

test('an unknown event is an error that names it', async () => {
  const { flow } = alone((ctx) => ctx.emit('items' as 'item', {}));
  const result = await createEngine().run(flow, undefined);
  expect(result).toMatchObject({ state: 'FAILED', error: { code: 'UNKNOWN_EVENT' } });
  expect(result.error).toBeInstanceOf(UnknownEventError);
  expect(String(result.error)).toContain('"items"');
});

test('an event that is connected to nothing may be emitted', async () => {
  const flow = defineFlow({ id: 'loose' }, (f) => {
    f.add('source', emits(range(100)));
  });
  expect(await createEngine().run(flow, undefined)).toMatchObject({ state: 'COMPLETED' });
});

describe('code that never returns', () => {
  const forever = () => new Promise<never>(() => undefined);

  test('fails after timeoutMs; its signal is aborted with the reason', async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    const { flow } = alone(
      (ctx) => {
        signal = ctx.signal;
        return forever();
      },
      { timeoutMs: 1_000 },
    );
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(999);
    expect(job.state).toBe('RUNNING');
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await job.settled).toMatchObject({
      state: 'FAILED',
      error: { code: 'ACTIVATION_TIMEOUT' },
    });
    expect(job.error).toBeInstanceOf(ActivationTimeoutError);
    expect(signal?.reason).toBe(job.error);
    expect(clock.timers).toBe(0);
  });

  test('code in time leaves no timer behind', async () => {
    const clock = new ManualClock();
    const { flow } = alone(() => settle(1), { timeoutMs: 1_000 });
    const job = createEngine({ clock }).start(flow, undefined);
    await job.settled;
    expect(job.state).toBe('COMPLETED');
    expect(clock.timers).toBe(0);
  });

  test('a timed-out activation is tried again; what its code does later has no effect', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const kept: string[] = [];
    const failures: unknown[] = [];
    const type = defineRoutine({
      type: 'slow',
      events: { item: event<string>() },
      run: async (_, ctx) => {
        if (ctx.activationId === 1 && failures.length === 0) {
          failures.push(undefined);
          await gate.pass();
          try {
            ctx.emit('item', 'late');
          } catch (error) {
            failures[0] = error;
          }
          throw new Error('late too');
        }
        ctx.emit('item', 'second attempt');
      },
    });
    const flow = defineFlow({ id: 'slow' }, (f) => {
      const slow = f.add('slow', type, {
        timeoutMs: 100,
        onError: retry({ maxAttempts: 2, delayMs: 0 }),
      });
      f.connect(slow.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(100);
    await job.settled;
    expect(job.state).toBe('COMPLETED');
    gate.open();
    await settle();
    expect(kept).toEqual(['second attempt']);
    expect(failures[0]).toBeInstanceOf(ActivationEndedError);
    expect(job.routine('slow')).toMatchObject({ completed: 1, failed: 0, retried: 1, running: 0 });
  });

  test('outputs that wait for room when the time is up are delivered before it fails', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const type = defineRoutine({
      type: 'stuck',
      events: { item: event<number>() },
      run: (_, ctx) => {
        for (const item of range(4)) ctx.emit('item', item);
        return new Promise(() => undefined);
      },
    });
    const flow = defineFlow({ id: 'stuck' }, (f) => {
      const stuck = f.add('stuck', type, { timeoutMs: 100, onError: 'continue' });
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
      f.connect(stuck.events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(100);
    expect(job.routine('stuck')).toMatchObject({ running: 1, failed: 0 });
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    expect(job.state).toBe('COMPLETED');
    expect(job.routine('stuck')).toMatchObject({ running: 0, failed: 1 });
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 4, consumed: 4 });
  });

  test('without a timeout keeps the job running, and is named after a cancel', async () => {
    const clock = new ManualClock();
    const { flow } = alone(forever);
    const job = createEngine({ clock, endGraceMs: 2_000 }).start(flow, undefined);
    await clock.advance(1_000_000);
    expect(job.state).toBe('RUNNING');
    job.cancel();
    await clock.advance(1_999);
    expect(job).toMatchObject({ state: 'RUNNING', isEnding: true, unresponsive: [] });
    await clock.advance(1);
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(job.unresponsive).toEqual(['code']);
    expect(job.routine('code').running).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test('an endless loop that does not heed its signal can be cancelled', async () => {
    let loops = 0;
    const { flow } = alone(
      async (ctx) => {
        for (;;) {
          loops++;
          await ctx.emit('item', {});
        }
      },
      { maxLength: 10 },
    );
    const job = createEngine({ endGraceMs: 5 }).start(flow, undefined);
    await until(() => loops > 100);
    job.cancel();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(job.unresponsive).toEqual(['code']);
    const { accepted, consumed, discarded } = slotOf(job, 'end');
    expect(consumed + discarded).toBe(accepted);
    const loopsAtEnd = loops;
    await settle();
    expect(loops).toBeLessThanOrEqual(loopsAtEnd + 1); // then emit threw: the activation had ended
  });
});

test('a routine that answers what emit answered has ended; it only waits for room', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'answering' }, (f) => {
    const type = defineRoutine({
      type: 'answers',
      slots: { item: slot<number>() },
      events: { item: event<number>() },
      run: ({ item }, ctx) => ctx.emit('item', item),
    });
    const source = f.add('source', emits(range(5)));
    const answers = f.add('answers', type, { timeoutMs: 1 });
    const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
    f.connect(source.events.item, answers.slots.item);
    f.connect(answers.events.item, end.slots.item);
  });
  const job = createEngine({ clock: new ManualClock() }).start(flow, undefined);
  await until(() => slotOf(job, 'end').held.length === 1);
  expect([...job.suspended].map(({ routineId, phase }) => `${routineId} ${phase}`)).toContain(
    'answers DELIVERING',
  );
  while (job.state === 'RUNNING') {
    gate.open();
    await settle(1);
  }
  expect(job.routine('answers')).toMatchObject({ completed: 5, failed: 0 });
});
