import {
  type Activation,
  createEngine,
  defineFlow,
  defineRoutine,
  type ErrorStrategy,
  event,
  type Flow,
  retry,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { countsOf, emits, keeps, passes, range, slotOf } from './parts.ts';

/** Numbers 0–4 pass a routine whose code is the test's; what gets through is kept. */
function passing(see: (item: number) => unknown, onError?: ErrorStrategy) {
  const kept: number[] = [];
  const flow = defineFlow({ id: 'passing' }, (f) => {
    const source = f.add('source', emits(range(5)));
    const middle = f.add('middle', passes(see), onError === undefined ? {} : { onError });
    f.connect(source.events.item, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
  });
  return { flow, kept };
}

const failsOn = (bad: number, error: unknown) => (item: number) => {
  if (item === bad) throw error;
};

async function runToEnd(flow: Flow<unknown>) {
  const ended: Activation[] = [];
  const job = createEngine().start(flow, undefined, {
    observers: [{ activationEnded: (_, activation) => void ended.push(activation) }],
  });
  const result = await job.settled;
  return { job, result, ended, middle: job.routine('middle') };
}

describe('stop', () => {
  test('fails the job at once, also while what was emitted before still waits for room', async () => {
    const error = new Error('broken');
    const source = defineRoutine({
      type: 'source',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (const item of range(100)) void ctx.emit('item', item);
        await settle();
        throw error;
      },
    });
    const flow = defineFlow({ id: 'late' }, (f) => {
      const gate = new Promise(() => undefined); // the consumer never gets on
      const end = f.add(
        'end',
        passes<number>(() => gate),
        { slots: { item: { maxLength: 2 } } },
      );
      f.connect(f.add('source', source).events.item, end.slots.item);
    });
    const job = createEngine({ endGraceMs: 1 }).start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'FAILED', error });
    expect(job.routine('source').failed).toBe(1);
    expect(slotOf(job, 'end', 'item')).toMatchObject({
      accepted: 100,
      discarded: 100,
      inFlight: 0,
    });
  });

  test('is the default: the job fails with the error, the item is recorded with it', async () => {
    const error = new Error('broken');
    const { flow, kept } = passing(failsOn(2, error));
    const { job, result, middle, ended } = await runToEnd(flow);
    expect(result).toMatchObject({ state: 'FAILED', error });
    expect(middle).toMatchObject({
      completed: 2,
      failed: 1,
      lastOutcome: 'FAILED',
      lastError: error,
    });
    const failed = ended.find(({ outcome }) => outcome === 'FAILED');
    expect(failed).toMatchObject({ routineId: 'middle', error });
    expect(failed?.items.map(({ value }) => value)).toEqual([2]);
    const { consumed, failed: failedItems, inFlight, length } = slotOf(job, 'middle');
    expect({ consumed, failedItems, inFlight, length }).toEqual({
      consumed: 2,
      failedItems: 1,
      inFlight: 0,
      length: 0,
    });
    expect(kept.length).toBeLessThanOrEqual(2);
  });
});

describe('continue', () => {
  test('counts the error, keeps the items with it and goes on', async () => {
    const error = new Error('broken');
    const { flow, kept } = passing(failsOn(2, error), 'continue');
    const { job, result, middle } = await runToEnd(flow);
    expect(result).toMatchObject({ state: 'COMPLETED', error: undefined });
    expect(kept).toEqual([0, 1, 3, 4]);
    expect(middle).toMatchObject({ completed: 4, failed: 1, skipped: 0, lastError: error });
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 5, consumed: 4, failed: 1 });
  });
});

describe('skip', () => {
  test('M3: skips the routine for the item, which is no error', async () => {
    const { flow, kept } = passing(failsOn(4, new Error('broken')), 'skip');
    const { job, result, middle } = await runToEnd(flow);
    expect(result.state).toBe('COMPLETED');
    expect(kept).toEqual([0, 1, 2, 3]);
    expect(middle).toMatchObject({ completed: 4, failed: 0, skipped: 1, lastOutcome: 'SKIPPED' });
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 5, consumed: 4, skipped: 1 });
  });
});

test('the flow says what happens where a routine says nothing', async () => {
  const kept: number[] = [];
  const flow = defineFlow({ id: 'lenient', onError: 'continue' }, (f) => {
    const source = f.add('source', emits(range(5)));
    const middle = f.add('middle', passes<number>(failsOn(1, new Error('broken'))));
    f.connect(source.events.item, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
  });
  expect((await runToEnd(flow)).result.state).toBe('COMPLETED');
  expect(kept).toEqual([0, 2, 3, 4]);
});

describe('retry', () => {
  test('tries the same items again, as the same activation, until it succeeds', async () => {
    let failures = 2;
    const { flow, kept } = passing(
      (item) => {
        if (item === 2 && failures-- > 0) throw new Error('not yet');
      },
      retry({ maxAttempts: 3, delayMs: 0 }),
    );
    const { job, result, middle, ended } = await runToEnd(flow);
    expect(result.state).toBe('COMPLETED');
    expect(kept).toEqual(range(5));
    expect(middle).toMatchObject({ begun: 5, completed: 5, retried: 2, failed: 0 });
    const tries = ended.filter(({ items, routineId }) => {
      return routineId === 'middle' && items[0]?.value === 2;
    });
    expect(tries.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'RETRIED'],
      [2, 'RETRIED'],
      [3, 'COMPLETED'],
    ]);
    expect(new Set(tries.map(({ activationId }) => activationId)).size).toBe(1);
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 5, consumed: 5 });
  });

  test.each([
    ['stop', 'FAILED', { failed: 1 }],
    ['continue', 'COMPLETED', { failed: 1 }],
    ['skip', 'COMPLETED', { skipped: 1 }],
  ] as const)('after the last attempt does what `then: %s` says', async (then, state, counts) => {
    const { flow } = passing(
      failsOn(4, new Error('never')),
      retry({ maxAttempts: 3, delayMs: 0, then }),
    );
    const { job, result, middle } = await runToEnd(flow);
    expect(result.state).toBe(state);
    expect(middle).toMatchObject({ retried: 2, ...counts });
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 5, consumed: 4, ...counts });
  });

  test('only errors that `retryOn` accepts are worth another attempt', async () => {
    const { flow, kept } = passing(
      (item) => {
        if (item === 1) throw new TypeError('hopeless');
        if (item === 3) throw new RangeError('hopeful');
      },
      retry({
        maxAttempts: 4,
        delayMs: 0,
        retryOn: (error) => error instanceof RangeError,
        then: 'continue',
      }),
    );
    const { middle } = await runToEnd(flow);
    expect(middle).toMatchObject({ failed: 2, retried: 3 });
    expect(kept).toEqual([0, 2, 4]);
  });

  test('a `retryOn` that throws means no, and is logged', async () => {
    const { flow } = passing(
      failsOn(1, new Error('broken')),
      retry({
        maxAttempts: 4,
        delayMs: 0,
        then: 'continue',
        retryOn: () => {
          throw new Error('confused');
        },
      }),
    );
    const logged: string[] = [];
    const job = createEngine().start(flow, undefined, {
      observers: [{ logged: (_, { level, message }) => logged.push(`${level} ${message}`) }],
    });
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(job.routine('middle')).toMatchObject({ failed: 1, retried: 0 });
    expect(logged).toEqual(['WARNING retryOn failed: confused']);
  });

  test('waits between the attempts, longer each time', async () => {
    const clock = new ManualClock();
    const triedAt: number[] = [];
    const { flow } = passing(
      (item) => {
        if (item !== 0) return;
        triedAt.push(clock.monotonicMs());
        throw new Error('never');
      },
      retry({
        maxAttempts: 5,
        delayMs: 100,
        backoff: 'exponential',
        maxDelayMs: 300,
        then: 'skip',
      }),
    );
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(10_000);
    expect(triedAt).toEqual([0, 100, 300, 600, 900]);
    expect(job.state).toBe('COMPLETED');
    expect(clock.timers).toBe(0);
  });

  test('what a failed attempt emitted stays emitted', async () => {
    const kept: string[] = [];
    const type = defineRoutine({
      type: 'emits-then-fails',
      events: { item: event<string>() },
      run: (_, ctx) => {
        ctx.emit('item', `attempt ${ctx.attempt}`);
        if (ctx.attempt === 1) throw new Error('once');
      },
    });
    const flow = defineFlow({ id: 'twice' }, (f) => {
      const source = f.add('source', type, { onError: retry({ maxAttempts: 2, delayMs: 0 }) });
      f.connect(source.events.item, f.add('end', keeps(kept)).slots.item);
    });
    await createEngine().run(flow, undefined);
    expect(kept).toEqual(['attempt 1', 'attempt 2']);
  });

  test.each([
    [{ maxAttempts: 0, delayMs: 0 }],
    [{ maxAttempts: 1.5, delayMs: 0 }],
    [{ maxAttempts: 2, delayMs: -1 }],
    [{ maxAttempts: 2, delayMs: Number.NaN }],
    [{ maxAttempts: 2, delayMs: 0, jitter: 1.1 }],
  ])('%o is refused', (options) => {
    expect(() => retry(options)).toThrow(RangeError);
  });
});

describe('whatever is thrown', () => {
  const values: readonly unknown[] = [undefined, null, 0, '', 'text', { code: 1 }, Symbol('s')];

  test.each(values)('%o fails the job, thrown at once', async (thrown) => {
    const { flow } = passing(failsOn(2, thrown));
    const { result, middle } = await runToEnd(flow);
    expect(result.state).toBe('FAILED');
    expect(result.error).toBe(thrown);
    expect(middle.failed).toBe(1);
  });

  test.each(values)('%o fails the job, as a rejected promise', async (thrown) => {
    const { flow } = passing(async (item) => {
      await settle(1);
      if (item === 2) throw thrown;
    });
    const { result, middle } = await runToEnd(flow);
    expect(result.state).toBe('FAILED');
    expect(result.error).toBe(thrown);
    expect(middle.failed).toBe(1);
  });
});

test('a thenable that is no promise is waited for; one that throws when looked at is a failure', async () => {
  const error = new Error('hostile');
  const flow = defineFlow({ id: 'thenables', onError: 'continue' }, (f) => {
    const source = f.add('source', emits([0, 1, 2]));
    const answers: unknown[] = [
      { then: (keep: () => void) => setImmediate(keep) },
      { then: (_: unknown, reject: (reason: unknown) => void) => reject(error) },
      {
        get then() {
          throw error;
        },
      },
    ];
    const routine = f.add('middle', {
      ...keeps<number>([]),
      run: ({ item }) => answers[item ?? 0],
    });
    f.connect(source.events.item, routine.slots.item);
  });
  const { result, middle } = await runToEnd(flow);
  expect(result.state).toBe('COMPLETED');
  expect(middle).toMatchObject({ completed: 1, failed: 2, lastError: error });
});
