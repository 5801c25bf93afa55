import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type JobRun,
  retry,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, emitsAtOnce, Gate, keeps, passes, range, slotOf } from './parts.ts';

/** After its end a job owes nothing: nothing runs, waits or is in flight, and each item is accounted for. */
function expectSettled(job: JobRun) {
  for (const routine of job.routines) {
    expect(routine).toMatchObject({ running: 0, timer: undefined });
    for (const slot of routine.slots) {
      expect([slot.length, slot.held.length, slot.inFlight]).toEqual([0, 0, 0]);
      const { accepted, consumed, failed, skipped, droppedOldest, discarded } = slot;
      expect(consumed + failed + skipped + droppedOldest + discarded).toBe(accepted);
    }
  }
  expect(job.suspended.size).toBe(0);
}

const gated = (gate: Gate) =>
  defineFlow({ id: 'gated' }, (f) => {
    const source = f.add('source', emits(range(10)));
    const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 2 } } });
    f.connect(source.events.item, end.slots.item);
  });

describe('cancel', () => {
  test('of a pending job ends it at once; none of its code runs', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const gate = new Gate();
    const first = engine.start(gated(gate), undefined);
    const second = engine.start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    const reason = new Error('not needed');
    second.cancel(reason);
    expect(await second.settled).toMatchObject({ state: 'CANCELLED', error: reason });
    expect(second.routine('source').begun).toBe(0);
    expectSettled(second);
    first.cancel();
    gate.openAll();
    await first.settled;
  });

  test('while running aborts the signal, waits for the code and discards what is queued', async () => {
    const gate = new Gate();
    let signal: AbortSignal | undefined;
    const flow = defineFlow({ id: 'running' }, (f) => {
      const source = f.add('source', emits(range(10)));
      const slow = defineRoutine({
        ...passes<number>(),
        type: 'slow',
        run: async (_, ctx) => {
          signal = ctx.signal;
          await gate.pass();
        },
      });
      f.connect(source.events.item, f.add('end', slow).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const reason = new Error('enough');
    job.cancel(reason);
    expect(signal?.reason).toBe(reason);
    expect(job).toMatchObject({ state: 'RUNNING', isEnding: true });
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED', error: reason });
    expect(job.unresponsive).toEqual([]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 10, consumed: 1, discarded: 9 });
    expectSettled(job);
  });

  test('lets a producer that waits for room go on, and discards what it emits', async () => {
    const gate = new Gate();
    const job = createEngine().start(gated(gate), undefined);
    await until(() => slotOf(job, 'end').held.length === 1);
    job.cancel();
    gate.openAll();
    await job.settled;
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 10, consumed: 1, discarded: 9 });
    expectSettled(job);
  });

  test('while paused', async () => {
    const gate = new Gate();
    const job = createEngine().start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    job.pause();
    job.cancel();
    expect(() => job.resume()).toThrow(/PAUSED and ending/);
    gate.openAll();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expectSettled(job);
  });

  test('while outputs of ended code wait outside', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'outside' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(10)));
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 2 } } });
      f.connect(source.events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    expect(slotOf(job, 'end').held.length).toBe(7);
    job.cancel();
    gate.openAll();
    await job.settled;
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 10, consumed: 1, discarded: 9 });
    expectSettled(job);
  });

  test.each([false, true])(
    'while a retry waits (parked by a pause: %s) records the items with their error',
    async (isParked) => {
      const clock = new ManualClock();
      const told: unknown[] = [];
      const flow = defineFlow({ id: 'retrying' }, (f) => {
        const source = f.add('source', emits([1]));
        const fails = passes<number>(() => {
          throw new Error('broken');
        });
        const end = f.add('end', fails, { onError: retry({ maxAttempts: 9, delayMs: 100 }) });
        f.connect(source.events.item, end.slots.item);
      });
      const job = createEngine({ clock }).start(flow, undefined, {
        observers: [
          {
            activationEnded: (_, { routineId, attempt, outcome }) => {
              if (routineId === 'end') told.push([attempt, outcome]);
            },
          },
        ],
      });
      await clock.advance(50);
      if (isParked) job.pause();
      await clock.advance(isParked ? 200 : 0);
      job.cancel();
      expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
      expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 1, failed: 1 });
      expect(job.routine('end')).toMatchObject({ failed: 1, lastError: { message: 'broken' } });
      expect(told).toEqual([[1, 'RETRIED']]); // each run is told once
      expectSettled(job);
      expect(clock.timers).toBe(0);
    },
  );

  test('from inside synchronous code: its signal is aborted in the same call', async () => {
    let job: JobRun | undefined;
    const seen: unknown[] = [];
    const flow = defineFlow({ id: 'inside' }, (f) => {
      const source = f.add('source', emits(range(10)));
      const code = defineRoutine({
        ...keeps<number>([]),
        type: 'code',
        run: (_, ctx) => {
          const { signal } = ctx;
          job?.cancel();
          seen.push(signal.aborted, ctx.signal.aborted);
        },
      });
      f.connect(source.events.item, f.add('end', code).slots.item);
    });
    job = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(seen).toEqual([true, true]);
    expectSettled(job);
  });

  test('from inside the synchronous part of asynchronous code reaches the signal it holds', async () => {
    const clock = new ManualClock();
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'inside' }, (f) => {
      const code = defineRoutine({
        type: 'code',
        run: async (_, { signal }) => {
          const isAborted = new Promise((keep) => signal.addEventListener('abort', keep));
          job?.cancel();
          await isAborted;
        },
      });
      f.add('code', code);
    });
    job = createEngine({ clock }).start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(job.unresponsive).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('a signal that is first asked for after the cancel is aborted already', async () => {
    const gate = new Gate();
    const reasons: unknown[] = [];
    const flow = defineFlow({ id: 'late' }, (f) => {
      const code = defineRoutine({
        type: 'code',
        run: async (_, ctx) => {
          await gate.pass();
          reasons.push(ctx.signal.reason);
        },
      });
      f.add('code', code);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    job.cancel('stop it');
    gate.open();
    expect(await job.settled).toMatchObject({ error: 'stop it' });
    expect(reasons).toEqual(['stop it']);
  });

  test('leaves the signals alone of activations that ended before', async () => {
    const gate = new Gate();
    const signals: AbortSignal[] = [];
    const asks = (run: (item: number) => unknown) =>
      defineRoutine({
        type: 'asks',
        slots: { item: slot<number>() },
        run: ({ item }, { signal }) => {
          signals.push(signal);
          return run(item);
        },
      });
    const fails = () => {
      throw new Error('broken');
    };
    const flow = defineFlow({ id: 'asking', onError: 'continue' }, (f) => {
      const { events } = f.add('source', emits(range(2)));
      f.connect(events.item, f.add('sync', asks(range)).slots.item);
      f.connect(events.item, f.add('async', asks(settle)).slots.item);
      f.connect(events.item, f.add('fails', asks(fails)).slots.item);
      f.connect(events.item, f.add('skips', asks(fails), { onError: 'skip' }).slots.item);
      f.add('runs', defineRoutine({ type: 'runs', run: gate.pass }));
    });
    const job = createEngine().start(flow, undefined);
    const ended = () => job.routines.filter(({ begun, running }) => begun === 2 && running === 0);
    await until(() => ended().length === 4);
    job.cancel();
    gate.open();
    await job.settled;
    expect(signals.map(({ aborted }) => aborted)).toEqual(Array(8).fill(false));
  });

  test('code that fails because it was cancelled does not make the job FAILED', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'aborting' }, (f) => {
      const code = defineRoutine({
        type: 'code',
        run: async (_, ctx) => {
          await gate.pass();
          ctx.signal.throwIfAborted();
        },
      });
      f.add('code', code);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    job.cancel();
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(job.routine('code').failed).toBe(1);
  });

  test('by a parked retry that is run at resume ends the other parked ones', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'parked' }, (f) => {
      const source = f.add('source', emits(range(3)));
      const fails = passes<number>((item) => {
        seen.push(item);
        if (seen.length > 3) job?.cancel();
        throw new Error('always');
      });
      const end = f.add('end', fails, {
        concurrency: 3,
        onError: retry({ maxAttempts: 5, delayMs: 10 }),
      });
      f.connect(source.events.item, end.slots.item);
    });
    job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(5);
    job.pause();
    await clock.advance(50);
    job.resume();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(seen).toEqual([0, 1, 2, 0]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 3, failed: 3 });
    expectSettled(job);
  });

  test('by an observer, whatever it watches, leaves everything settled', async () => {
    const outcomes = ['COMPLETED', 'FAILED', 'SKIPPED', 'RETRIED'] as const;
    for (const wanted of outcomes) {
      const clock = new ManualClock();
      const flow = defineFlow({ id: 'observed' }, (f) => {
        const source = f.add('source', emitsAtOnce(range(9)));
        const fails = passes<number>((item) => {
          if (item === 1 && wanted !== 'COMPLETED') throw new Error('broken');
        });
        const onError =
          wanted === 'FAILED'
            ? 'continue'
            : wanted === 'RETRIED'
              ? retry({ maxAttempts: 3, delayMs: 10 })
              : 'skip';
        const middle = f.add('middle', fails, { onError, slots: { item: { maxLength: 2 } } });
        f.connect(source.events.item, middle.slots.item);
        f.connect(middle.events.item, f.add('end', keeps<number>([])).slots.item);
      });
      const job = createEngine({ clock }).start(flow, undefined, {
        observers: [
          {
            activationEnded: (observed, { routineId, outcome }) => {
              if (routineId === 'middle' && outcome === wanted) observed.cancel(wanted);
            },
          },
        ],
      });
      await clock.advance(100);
      expect(job).toMatchObject({ state: 'CANCELLED', error: wanted });
      expectSettled(job);
      expect(clock.timers).toBe(0);
    }
  });

  test('by an observer of the start keeps the input out', async () => {
    const kept: unknown[] = [];
    const flow = defineFlow({ id: 'entry' }, (f) => {
      f.connect(f.input, f.add('end', keeps<unknown>(kept)).slots.item);
    });
    const job = createEngine().start(flow, 'input', {
      observers: [
        { stateChanged: (changed) => void (changed.state === 'RUNNING' && changed.cancel()) },
      ],
    });
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
    expect(kept).toEqual([]);
    expectSettled(job);
  });
});

describe('a failure', () => {
  test('aborts what else is running, waits for it, and keeps the first error', async () => {
    const gate = new Gate();
    const reasons: unknown[] = [];
    const error = new Error('first');
    const flow = defineFlow({ id: 'failing' }, (f) => {
      const slow = defineRoutine({
        type: 'slow',
        run: async (_, ctx) => {
          ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason));
          await gate.pass();
          throw new Error('second');
        },
      });
      const fails = defineRoutine({
        type: 'fails',
        run: async () => {
          await until(() => gate.waiting === 1);
          throw error;
        },
      });
      f.add('slow', slow);
      f.add('fails', fails);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => job.isEnding);
    await settle();
    expect(job.state).toBe('RUNNING');
    expect(reasons).toEqual([error]);
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'FAILED', error });
    expectSettled(job);
  });

  test('of a producer whose outputs waited outside ends the job, and nothing runs after its end', async () => {
    const kept: number[] = [];
    const states: string[] = [];
    const flow = defineFlow({ id: 'late-failure' }, (f) => {
      const type = defineRoutine({
        type: 'emits-then-fails',
        events: { item: event<number>() },
        run: (_, ctx) => {
          for (const item of range(2)) ctx.emit('item', item);
          throw new Error('broken');
        },
      });
      // Whether to try again is asked when all is delivered.
      const source = f.add('source', type, { onError: retry({ maxAttempts: 1, delayMs: 0 }) });
      const end = passes<number>((item) => {
        states.push(job.state);
        kept.push(item);
      });
      const placed = f.add('end', end, { slots: { item: { maxLength: 1 } } });
      f.connect(source.events.item, placed.slots.item);
    });
    const job: JobRun = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'FAILED', error: { message: 'broken' } });
    expect(states).toEqual(['RUNNING']);
    expect(kept).toEqual([0]);
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 2, consumed: 1, discarded: 1 });
    expectSettled(job);
  });
});
