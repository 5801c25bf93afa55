import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  InvalidStateError,
  isFinalState,
  type JobRun,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { emitsAtOnce, Gate, keeps, passes, range } from '../engine/parts.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug } from './debugging.ts';

/** source → split → (left, right) → end; `split` gives each number to both. */
function diamond(count: number, concurrency = 1) {
  const ran: string[] = [];
  const kept: string[] = [];
  const names = (name: string) =>
    defineRoutine({
      type: name,
      slots: { item: slot<number>() },
      events: { item: event<string>() },
      run: async ({ item }, ctx) => {
        ran.push(`${name} ${item}`);
        await ctx.emit('item', `${name} ${item}`);
      },
    });
  const flow = defineFlow({ id: 'diamond' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(count)));
    const split = f.add(
      'split',
      passes<number>((item) => void ran.push(`split ${item}`)),
    );
    const left = f.add('left', names('left'), { concurrency });
    const right = f.add('right', names('right'), { concurrency });
    const end = f.add('end', keeps(kept));
    f.connect(source.events.item, split.slots.item);
    for (const side of [left, right]) {
      f.connect(split.events.item, side.slots.item);
      f.connect(side.events.item, end.slots.item);
    }
  });
  return { flow, ran, kept };
}

const ended = (job: JobRun) => isFinalState(job.state);

async function stopOf(job: JobRun) {
  await until(() => job.state === 'PAUSED' || ended(job));
}

const top = ({ held }: ReturnType<typeof debug>) => {
  const [first] = held;
  if (first === undefined) return 'nothing';
  return `${first.routineId} ${first.items.map(({ value }) => String(value)).join()}`;
};

describe('O2 steps', () => {
  test('over: to the next activation in the job, each one once, until it ends', async () => {
    const { flow, kept } = diamond(2);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [], { stopsAtEntry: true });
    const tops: string[] = [];
    for (;;) {
      await stopOf(job);
      if (ended(job)) break;
      tops.push(`${debugged.stop?.reason} ${top(debugged)}`);
      debugged.continue('OVER');
    }
    expect(tops[0]).toBe('ENTRY source ');
    expect(tops.slice(1).sort()).toEqual(
      [
        ...['split 0', 'split 1', 'left 0', 'left 1', 'right 0', 'right 1'],
        ...['end left 0', 'end left 1', 'end right 0', 'end right 1'],
      ]
        .map((each) => `STEP ${each}`)
        .sort(),
    );
    expect(kept).toHaveLength(4);
    expect(debugged.snapshot.stopCount).toBe(11);
  });

  test('into: to the consumer of what this activation emits', async () => {
    const { flow } = diamond(3);
    const job = createEngine().start(flow, undefined);
    const at = { kind: 'ROUTINE', routineId: 'split', condition: 'item == 1' } as const;
    const debugged = debug(job, [breakpoint(at)]);
    const tops: string[] = [];
    for (let step = 0; step < 3; step++) {
      await stopOf(job);
      tops.push(top(debugged));
      debugged.setBreakpoints([]);
      if (step < 2) debugged.continue('INTO');
    }
    debugged.continue();
    await job.settled;
    expect(tops[0]).toBe('split 1');
    expect(tops[1]).toMatch(/^(left|right) 1$/);
    expect(tops[2]).toMatch(/^end (left|right) 1$/);
  });

  test('into, when nothing is emitted: to the next activation', async () => {
    const { flow } = diamond(2);
    const job = createEngine().start(flow, undefined);
    const at = { kind: 'ROUTINE', routineId: 'end', isOnce: true } as const;
    const debugged = debug(job, [breakpoint(at)]);
    await stopOf(job);
    debugged.continue('INTO');
    await stopOf(job);
    expect(debugged.stop?.reason).toBe('STEP');
    expect(debugged.held).toHaveLength(1);
    job.cancel();
    await job.settled;
  });

  test.each([1, 3])(
    'out: until all that descends from this item is done, concurrency %i',
    async (concurrency) => {
      const { flow, ran, kept } = diamond(4, concurrency);
      const job = createEngine().start(flow, undefined);
      const at = { kind: 'ROUTINE', routineId: 'split', condition: 'item == 0' } as const;
      const debugged = debug(job, [breakpoint(at)]);
      await stopOf(job);
      expect(ran).toEqual([]);
      debugged.continue('OUT');
      await stopOf(job);
      expect(debugged.stop?.reason).toBe('STEP');
      expect(kept.filter((each) => each.endsWith(' 0')).sort()).toEqual(['left 0', 'right 0']);
      expect(top(debugged)).not.toMatch(/ 0$/);
      debugged.continue();
      await job.settled;
      expect([...kept].sort()).toEqual(
        range(4)
          .flatMap((item) => [`left ${item}`, `right ${item}`])
          .sort(),
      );
    },
  );

  test('a breakpoint on the way ends a step', async () => {
    const { flow } = diamond(2);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'left' })], {
      stopsAtEntry: true,
    });
    await stopOf(job);
    debugged.continue('OUT');
    expect(debugged.status).toBe('STEPPING');
    await stopOf(job);
    expect(debugged.stop).toMatchObject({ reason: 'BREAKPOINT' });
    expect(top(debugged)).toBe('left 0');
    expect(debugged.status).toBe('STOPPED');
    debugged.setBreakpoints([]);
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('a breakpoint is not hit again by the items it let go, nor by a step', async () => {
    const { flow } = diamond(1);
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [
      breakpoint({ kind: 'ROUTINE', routineId: 'split' }),
      breakpoint({ kind: 'EVENT', routineId: 'split', event: 'item' }),
    ]);
    await stopOf(job);
    const tops: string[] = [];
    while (!ended(job)) {
      tops.push(`${debugged.stop?.reason} ${top(debugged)} ${debugged.held[0]?.phase}`);
      debugged.continue('OVER');
      await stopOf(job);
    }
    expect(tops.slice(0, 2)).toEqual([
      'BREAKPOINT split 0 HELD_BEFORE',
      'BREAKPOINT split 0 HELD_AFTER',
    ]);
    expect(new Set(tops).size).toBe(tops.length);
  });

  test('a job that is not stopped can not be stepped, nor one without an activation stepped out of', async () => {
    const { flow } = diamond(1000);
    const job = createEngine({ turnMs: 0 }).start(flow, undefined);
    const debugged = debug(job);
    expect(() => debugged.continue('OVER')).toThrow(InvalidStateError);
    await until(() => job.state === 'RUNNING');
    expect(() => debugged.continue('OVER')).toThrow(/RUNNING.*stepped/);
    job.pause();
    expect(() => debugged.continue('OUT')).toThrow(/no activation is held/);
    debugged.continue('OVER');
    await stopOf(job);
    expect(debugged.stop?.reason).toBe('STEP');
    job.cancel();
    await job.settled;
    expect(() => debugged.continue('OVER')).toThrow(InvalidStateError);
  });

  test('a step that is refused since the job is ending is not under way', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'ending' }, (f) => {
      const waits = f.add('waits', passes<number>(gate.pass));
      f.connect(f.add('source', emitsAtOnce([1])).events.item, waits.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job);
    await until(() => gate.waiting === 1);
    job.pause();
    job.cancel();
    expect(() => debugged.continue('OVER')).toThrow(InvalidStateError);
    expect([debugged.status, debugged.snapshot.step]).toEqual(['STOPPED', undefined]);
    gate.open();
    await job.settled;
  });
});
