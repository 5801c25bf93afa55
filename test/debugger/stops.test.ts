import {
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  InvalidStateError,
  type JobRun,
  retry,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { emits, emitsAtOnce, Gate, keeps, passes, range, slotOf } from '../engine/parts.ts';
import { settle, until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

/** source → middle → end, `count` numbers. */
function chain(
  count = 3,
  options: { concurrency?: number; onMiddle?: (item: number) => void } = {},
) {
  const seen: number[] = [];
  const kept: number[] = [];
  const { concurrency = 1, onMiddle } = options;
  const flow = defineFlow({ id: 'chain' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(count)));
    const middle = f.add(
      'middle',
      passes<number>((item) => {
        seen.push(item);
        onMiddle?.(item);
      }),
      { concurrency },
    );
    f.connect(source.events.item, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
  });
  return { flow, seen, kept };
}

const paused = (job: JobRun) => until(() => job.state === 'PAUSED');

describe('O3 breakpoints stop a job', () => {
  test.each([
    { kind: 'ROUTINE', routineId: 'middle' },
    { kind: 'SLOT', routineId: 'middle', slot: 'item' },
  ] as const)('$kind: before the code runs, with the items taken', async (where) => {
    const { flow, seen, kept } = chain();
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [breakpoint(where)]);
    for (const item of range(3)) {
      await paused(job);
      await settle();
      expect(debugged.stop).toMatchObject({
        number: item + 1,
        reason: 'BREAKPOINT',
        breakpointIds: [`${where.kind}-middle`],
      });
      expect(debugged.held.map(({ items }) => items.map(({ value }) => value))).toEqual([[item]]);
      expect([job.state, seen]).toEqual(['PAUSED', range(item)]);
      debugged.continue();
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(3));
    expect(debugged.told.hits).toHaveLength(3);
    expect(debugged.stop).toBeUndefined();
  });

  test('EVENT: after the code ran, before its output is delivered', async () => {
    const { flow, seen, kept } = chain();
    const job = createEngine().start(flow, undefined);
    const at = { kind: 'EVENT', routineId: 'middle', event: 'item' } as const;
    const debugged = debug(job, [breakpoint({ ...at, condition: 'output == 1' })]);
    await paused(job);
    await settle();
    expect(debugged.held).toMatchObject([{ routineId: 'middle', phase: 'HELD_AFTER' }]);
    expect(debugged.held[0]?.staged).toEqual([{ event: 'item', value: 1 }]);
    expect(seen).toEqual([0, 1]);
    expect(kept).not.toContain(1);
    expect(slotOf(job, 'end').length + kept.length).toBe(1);
    debugged.continue();
    await job.settled;
    expect(kept).toEqual(range(3));
  });

  test('EXCEPTION: on an error, before its error strategy acts', async () => {
    let runs = 0;
    const { flow } = (() => {
      const fails = passes<number>(() => {
        if (++runs < 3) throw new RangeError(`broken ${runs}`);
      });
      return {
        flow: defineFlow({ id: 'failing' }, (f) => {
          const options = { onError: retry({ maxAttempts: 3, delayMs: 0 }) };
          const middle = f.add('middle', fails, options);
          f.connect(f.add('source', emits([7])).events.item, middle.slots.item);
        }),
      };
    })();
    const job = createEngine().start(flow, undefined);
    const condition = "error.name == 'RangeError' and item == 7";
    const debugged = debug(job, [breakpoint({ kind: 'EXCEPTION', condition })]);
    for (const attempt of [1, 2]) {
      await paused(job);
      expect(debugged.stop?.reason).toBe('EXCEPTION');
      expect(debugged.held[0]).toMatchObject({ attempt, error: { message: `broken ${attempt}` } });
      expect(job.routine('middle').retried).toBe(attempt - 1);
      debugged.continue();
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test.each([
    ['MEDIUM', 3],
    ['HIGH', 4],
    ['CRITICAL', 5],
  ] as const)('PRESSURE: when a queue comes to %s', async (pressureLevel, length) => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'pressure' }, (f) => {
      const end = f.add('end', keeps(kept), { slots: { item: { maxLength: 5 } } });
      f.connect(f.add('source', emitsAtOnce(range(20))).events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const at = { kind: 'PRESSURE', pressureLevel } as const;
    const debugged = debug(job, [breakpoint({ ...at, condition: `queue.length == ${length}` })]);
    await paused(job);
    expect(debugged.stop).toMatchObject({
      reason: 'PRESSURE',
      activationIds: [],
      queue: { routineId: 'end', slot: 'item' },
    });
    debugged.setBreakpoints([]);
    debugged.continue();
    await job.settled;
    expect(kept).toEqual(range(20));
  });

  test('ENTRY: before its first activation', async () => {
    const { flow, seen } = chain();
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [], { stopsAtEntry: true });
    await paused(job);
    expect(debugged.stop?.reason).toBe('ENTRY');
    expect(heldIn(debugged)).toEqual(['source#1 HELD_BEFORE']);
    expect(seen).toEqual([]);
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('PAUSE: somebody pauses it; what stops it then is added', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'paused' }, (f) => {
      const middle = f.add('middle', passes<number>(gate.pass));
      f.connect(f.add('source', emits([1])).events.item, middle.slots.item);
      return { items: middle.events.item };
    });
    const job = createEngine().start(flow, undefined);
    const at = { kind: 'EVENT', routineId: 'middle', event: 'item' } as const;
    const debugged = debug(job, [breakpoint(at)]);
    await until(() => gate.waiting === 1);
    job.pause();
    expect(debugged.stop).toMatchObject({ number: 1, reason: 'PAUSE', activationIds: [] });
    gate.open();
    await until(() => debugged.held.length === 1);
    expect(debugged.stop).toMatchObject({
      number: 1,
      reason: 'BREAKPOINT',
      activationIds: [2],
      breakpointIds: ['EVENT-middle'],
    });
    debugged.continue();
    expect(await job.settled).toMatchObject({ outputs: { items: [1] } });
  });

  test('several that are hit together make one stop', async () => {
    const { flow } = chain(1);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [
      breakpoint({ kind: 'ROUTINE', routineId: 'middle' }),
      breakpoint({ kind: 'SLOT', routineId: 'middle', slot: 'item' }),
      breakpoint({ id: 'other', kind: 'ROUTINE', routineId: 'middle', condition: 'item > 0' }),
    ]);
    await paused(job);
    expect(debugged.stop?.breakpointIds).toEqual(['ROUTINE-middle', 'SLOT-middle']);
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(debugged.snapshot.stopCount).toBe(1);
  });

  test('what runs side by side goes on to its end, and is held there if a breakpoint wants it', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'wide' }, (f) => {
      const middle = f.add('middle', passes<number>(gate.pass), { concurrency: 3 });
      f.connect(f.add('source', emitsAtOnce(range(6))).events.item, middle.slots.item);
      return { items: middle.events.item };
    });
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [
      breakpoint({ kind: 'EVENT', routineId: 'middle', event: 'item' }),
    ]);
    await until(() => gate.waiting === 3);
    gate.openAll();
    await until(() => debugged.held.length === 3);
    await settle();
    expect(debugged.stop).toMatchObject({ number: 1, activationIds: [2, 3, 4] });
    expect(job.routine('middle')).toMatchObject({ begun: 3, running: 3 });
    debugged.setBreakpoints([]);
    debugged.continue();
    while (job.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    const { items = [] } = (await job.settled).outputs;
    expect([...items].sort()).toEqual(range(6));
  });

  test('other jobs go on', async () => {
    const engine = createEngine();
    const first = chain(3);
    const second = chain(100);
    const job = engine.start(first.flow, undefined);
    debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'middle' })]);
    await paused(job);
    expect(await engine.start(second.flow, undefined).settled).toMatchObject({
      state: 'COMPLETED',
    });
    job.cancel();
    expect(await job.settled).toMatchObject({ state: 'CANCELLED' });
  });

  test('a job that fails or is cancelled while stopped ends, with nothing held', async () => {
    const { flow } = chain(3);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'middle' })]);
    await paused(job);
    job.cancel();
    await job.settled;
    expect([debugged.stop, debugged.held, job.inspector]).toEqual([undefined, [], undefined]);
    expect(() => debugged.continue()).toThrow(InvalidStateError);
  });
});

describe('O3 which hits stop', () => {
  const stopsOf = async (given: Parameters<typeof breakpoint>[0], count = 12) => {
    const { flow, kept } = chain(count);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [breakpoint(given)]);
    const stops: unknown[] = [];
    for (;;) {
      await until(() => job.state !== 'RUNNING' && job.state !== 'PENDING');
      if (job.state !== 'PAUSED') break;
      stops.push(debugged.held[0]?.items[0]?.value);
      debugged.continue();
    }
    expect(kept).toEqual(range(count));
    return { stops, debugged };
  };
  const at = { kind: 'ROUTINE', routineId: 'middle' } as const;

  test.each([
    [{ condition: 'item % 4 == 1' }, [1, 5, 9]],
    [{ condition: 'item in [2, 3] and not item == 3' }, [2]],
    [{ hitCondition: '>= 11' }, [10, 11]],
    [{ hitCondition: '% 5' }, [4, 9]],
    [{ hitCondition: '3' }, [2]],
    [{ condition: 'item > 5', hitCondition: '== 2' }, [7]],
    [{ isOnce: true }, [0]],
    [{ isOnce: true, condition: 'item == 7' }, [7]],
    [{ isEnabled: false }, []],
    [{ condition: 'hits == 0' }, [0]],
  ])('%j', async (given, wanted) => {
    expect((await stopsOf({ ...at, ...given })).stops).toEqual(wanted);
  });

  test('one that logs never stops; expressions in it are filled in', async () => {
    const given = { ...at, condition: 'item >= 10', logMessage: 'got {item} of {routine}, {hits}' };
    const { stops, debugged } = await stopsOf(given);
    expect(stops).toEqual([]);
    expect(debugged.told.lines).toMatchObject([
      { level: 'INFO', message: 'got 10 of middle, 1', routineId: 'middle' },
      { level: 'INFO', message: 'got 11 of middle, 2', routineId: 'middle' },
    ]);
  });

  test('a condition that fails to evaluate is reported, once for each message, and not taken for false', async () => {
    const { stops, debugged } = await stopsOf({ ...at, condition: 'item.name.length > 3' });
    expect(stops).toEqual([]);
    expect(debugged.told.lines).toMatchObject([{ level: 'WARNING', routineId: 'middle' }]);
    const progress = debugged.snapshot.progress['ROUTINE-middle'];
    expect(progress).toMatchObject({ hitCount: 0, lastError: expect.stringMatching(/condition/) });
  });

  test('one that is armed by another counts from when that was hit', async () => {
    const { flow } = chain(6);
    const job = createEngine().start(flow, undefined);
    const logs = { logMessage: 'armed' };
    const debugged = debug(job, [
      breakpoint({ ...at, id: 'first', condition: 'item == 3', ...logs }),
      breakpoint({ ...at, id: 'second', after: 'first', condition: 'item != 3' }),
    ]);
    const second = () => new Map(Object.entries(debugged.snapshot.progress)).get('second');
    expect(second()).toMatchObject({ isArmed: false });
    await paused(job);
    expect(debugged.held[0]?.items[0]?.value).toBe(4);
    expect(second()).toMatchObject({ isArmed: true, hitCount: 1 });
    job.cancel();
    await job.settled;
  });

  test('one of a slot looks at each item of a batch', async () => {
    const flow = defineFlow({ id: 'batch' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        events: { sum: event<number>() },
        policy: batchSize(4),
        run: ({ item }, ctx) => void ctx.emit('sum', item.length),
      });
      const end = f.add('end', gathers);
      f.connect(f.add('source', emitsAtOnce(range(8))).events.item, end.slots.item);
      return { sums: end.events.sum };
    });
    const job = createEngine().start(flow, undefined);
    const given = { kind: 'SLOT', routineId: 'end', slot: 'item', condition: 'item == 6' } as const;
    const debugged = debug(job, [breakpoint(given)]);
    await paused(job);
    expect(debugged.held[0]?.items.map(({ value }) => value)).toEqual([4, 5, 6, 7]);
    debugged.continue();
    expect(await job.settled).toMatchObject({ outputs: { sums: [4, 4] } });
  });

  test('one that says nothing of this flow tells why, and does nothing', async () => {
    const { stops, debugged } = await stopsOf({ kind: 'ROUTINE', routineId: 'midle' }, 2);
    expect(stops).toEqual([]);
    expect(debugged.snapshot.progress['ROUTINE-midle']?.problem).toBe(
      'Flow "chain" has no routine "midle". Did you mean "middle"?',
    );
  });
});

test('a job that nobody debugs any more is not asked any more', async () => {
  const { flow } = chain(2);
  const job = createEngine().start(flow, undefined);
  const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'middle' })]);
  await paused(job);
  expect(job.inspector).toBe(debugged);
  debugged.setBreakpoints([]);
  debugged.continue();
  expect(job.inspector).toBeUndefined();
  await job.settled;
});
