import {
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type JobRun,
  type OverflowPolicy,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import { emitsAtOnce, Gate, passes, range } from '../engine/parts.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug } from './debugging.ts';

const halted = (job: JobRun) => until(() => job.state !== 'RUNNING' && job.state !== 'PENDING');

const progressOf = ({ snapshot }: ReturnType<typeof debug>, id: string) => snapshot.progress[id];

/** source → middle, `count` numbers through the gate. */
function gated(count: number, breakpoints: readonly Breakpoint[], gate = new Gate()) {
  const flow = defineFlow({ id: 'gated' }, (f) => {
    const middle = f.add('middle', passes<number>(gate.pass));
    f.connect(f.add('source', emitsAtOnce(range(count))).events.item, middle.slots.item);
    return { out: middle.events.item };
  });
  const job = createEngine().start(flow, undefined);
  return { job, gate, debugged: debug(job, breakpoints) };
}

const AT = { id: 'once', kind: 'ROUTINE', routineId: 'middle', isOnce: true } as const;
const LOGS = { ...AT, logMessage: 'saw {item}' };

describe('O3 a breakpoint that counts once', () => {
  test('and logs is spent after its first line', async () => {
    const { job, gate, debugged } = gated(3, [breakpoint(LOGS)]);
    expect(job.routine('middle').asksStarts).toBe(true);
    await until(() => gate.waiting === 1);
    expect(progressOf(debugged, 'once')).toMatchObject({ isSpent: true, hitCount: 1 });
    // Nobody asks about it any more.
    expect(job.inspector).toBeUndefined();
    expect(job.routine('middle').asksStarts).toBe(false);
    for (const taken of range(3)) {
      await until(() => gate.waiting === 1 && job.routine('middle').begun === taken + 1);
      gate.open();
    }
    expect(await job.settled).toMatchObject({ state: 'COMPLETED', outputs: { out: range(3) } });
    expect(debugged.told.lines).toMatchObject([{ level: 'INFO', message: 'saw 0' }]);
    expect(progressOf(debugged, 'once')).toMatchObject({ isSpent: true, hitCount: 1 });
  });

  test.each([
    ['that logs', LOGS],
    ['that stops', AT],
  ] as const)('%s counts once more when it is enabled again', async (_, given) => {
    const { job, gate, debugged } = gated(5, [breakpoint(given)]);
    const next = async () => {
      await until(() => gate.waiting === 1 || job.state === 'PAUSED');
      if (job.state === 'PAUSED') debugged.continue();
      await until(() => gate.waiting === 1);
    };
    const hits = () => progressOf(debugged, 'once')?.hitCount;
    await next();
    expect(hits()).toBe(1);
    // What is said anew of an enabled one that is spent leaves it spent.
    debugged.setBreakpoints([breakpoint(given)]);
    gate.open();
    await next();
    expect([hits(), job.inspector]).toEqual([1, undefined]);
    debugged.setBreakpoints([breakpoint({ ...given, isEnabled: false })]);
    expect(progressOf(debugged, 'once')).toMatchObject({ isSpent: true });
    gate.open();
    await next();
    expect(hits()).toBe(1);
    debugged.setBreakpoints([breakpoint(given)]);
    expect(progressOf(debugged, 'once')).toMatchObject({ isSpent: false });
    gate.open();
    await next();
    expect(hits()).toBe(2);
    gate.open();
    await next();
    expect(progressOf(debugged, 'once')).toMatchObject({ isSpent: true, hitCount: 2 });
    gate.open();
    expect(await job.settled).toMatchObject({ outputs: { out: range(5) } });
  });
});

describe('O3 SLOT breakpoints of a routine that takes several items', () => {
  /** source → gathers, 8 numbers, four at a time. */
  function batches(given: Partial<Breakpoint>) {
    const gathers = defineRoutine({
      type: 'gathers',
      slots: { item: slot<number>() },
      events: { sum: event<number>() },
      policy: batchSize(4),
      run: ({ item }, ctx) => void ctx.emit('sum', item.length),
    });
    const flow = defineFlow({ id: 'batches' }, (f) => {
      const end = f.add('end', gathers);
      f.connect(f.add('source', emitsAtOnce(range(8))).events.item, end.slots.item);
      return { sums: end.events.sum };
    });
    const job = createEngine().start(flow, undefined);
    const at = { id: 'slot', kind: 'SLOT', routineId: 'end', slot: 'item' } as const;
    return { job, debugged: debug(job, [breakpoint({ ...at, ...given })]) };
  }

  /** How often it was hit at each stop, and in the end. */
  async function hitsOf({ job, debugged }: ReturnType<typeof batches>) {
    const hits: unknown[] = [];
    for (;;) {
      await halted(job);
      hits.push(progressOf(debugged, 'slot')?.hitCount);
      if (job.state !== 'PAUSED') return hits;
      debugged.continue();
    }
  }

  test('without a condition: one hit for all items of a batch', async () => {
    expect(await hitsOf(batches({}))).toEqual([1, 2, 2]);
    const logs = batches({ logMessage: 'took {item} of {len(items)}' });
    expect(await hitsOf(logs)).toEqual([2]);
    expect(logs.debugged.told.lines.map(({ message }) => message)).toEqual([
      'took 0 of 4',
      'took 4 of 4',
    ]);
  });

  test('with one each item that meets it is a hit; the first that stops is the last looked at', async () => {
    const logs = batches({ condition: 'item % 3 != 0', logMessage: '{item}' });
    expect(await hitsOf(logs)).toEqual([5]);
    const logged = logs.debugged.told.lines.map(({ message }) => message);
    expect(logged).toEqual(['1', '2', '4', '5', '7']);
    expect(await hitsOf(batches({ condition: 'item % 4 > 0', hitCondition: '>= 2' }))).toEqual([
      2, // by 1 and 2; 3 is not looked at
      3, // by 5
      3,
    ]);
    expect(await hitsOf(batches({ condition: 'item % 4 > 0', hitCondition: '5' }))).toEqual([5, 5]);
  });
});

describe('O3 PRESSURE breakpoints', () => {
  /** Six numbers at once into a queue of three, then, when the gate is opened, six more. */
  function bursts(overflow: OverflowPolicy) {
    const gate = new Gate();
    const source = defineRoutine({
      type: 'bursts',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (const first of [0, 6]) {
          for (const item of range(6, first)) {
            try {
              void ctx.emit('item', item);
            } catch {
              // Refused by the full slot.
            }
          }
          if (first === 0) await gate.pass();
        }
      },
    });
    const flow = defineFlow({ id: 'bursts' }, (f) => {
      const end = f.add('end', passes<number>(), { slots: { item: { maxLength: 3, overflow } } });
      f.connect(f.add('source', source).events.item, end.slots.item);
      return { out: end.events.item };
    });
    const job = createEngine().start(flow, undefined);
    const at = { id: 'full', kind: 'PRESSURE', pressureLevel: 'CRITICAL' } as const;
    return { job, gate, debugged: debug(job, [breakpoint(at)]) };
  }

  test.each<readonly [OverflowPolicy, readonly number[], number]>([
    ['dropOldest', [3, 4, 5, 9, 10, 11], 1],
    ['dropNewest', [0, 1, 2, 6, 7, 8], 1],
    ['error', [0, 1, 2, 6, 7, 8], 1],
    // As the queue has room again what waits outside fills it again.
    ['block', range(12), 4],
  ])(
    '%s: hit when the queue gets full, not while it stays full, and again after it was emptied',
    async (overflow, out, hitsPerBurst) => {
      const { job, gate, debugged } = bursts(overflow);
      const stopsUntil = async (isDone: () => boolean) => {
        let stops = 0;
        for (;;) {
          await until(() => job.state === 'PAUSED' || isDone());
          if (job.state !== 'PAUSED') return stops;
          expect(debugged.stop).toMatchObject({ reason: 'PRESSURE', breakpointIds: ['full'] });
          stops++;
          debugged.continue();
        }
      };
      const isEmptied = () => job.routine('end').completed === out.length / 2;
      expect(await stopsUntil(isEmptied)).toBe(hitsPerBurst);
      expect(progressOf(debugged, 'full')?.hitCount).toBe(hitsPerBurst);
      gate.open();
      expect(await stopsUntil(() => job.state === 'COMPLETED')).toBe(hitsPerBurst);
      expect(progressOf(debugged, 'full')?.hitCount).toBe(2 * hitsPerBurst);
      expect((await job.settled).outputs).toEqual({ out });
    },
  );
});
