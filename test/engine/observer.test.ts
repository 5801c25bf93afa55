import { createEngine, defineFlow, defineRoutine, event, type JobObserver } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, until } from '../support/manual-clock.ts';
import { emits, Gate, keeps, passes, range } from './parts.ts';

const flowTo = (kept: number[]) =>
  defineFlow({ id: 'observed' }, (f) => {
    const source = f.add('source', emits(range(5)));
    const type = defineRoutine({
      ...keeps(kept),
      run: ({ item }, ctx) => {
        ctx.log.info('seen');
        ctx.progress(kept.push(item as number));
      },
    });
    f.connect(source.events.item, f.add('end', type).slots.item);
  });

describe('an observer', () => {
  test('that throws disturbs neither the job nor the observers after it', async () => {
    const kept: number[] = [];
    const told = new Set<string>();
    const explode = () => {
      throw new Error('observer');
    };
    const hostile: JobObserver = {
      stateChanged: explode,
      activationEnded: explode,
      logged: explode,
      progressed: explode,
    };
    const calm: JobObserver = {
      stateChanged: () => void told.add('stateChanged'),
      activationEnded: () => void told.add('activationEnded'),
      logged: () => void told.add('logged'),
      progressed: () => void told.add('progressed'),
    };
    const job = createEngine().start(flowTo(kept), undefined, { observers: [hostile, calm] });
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(5));
    expect([...told].sort()).toEqual(['activationEnded', 'logged', 'progressed', 'stateChanged']);
  });

  test('that is attached later is told only what comes after', async () => {
    const gate = new Gate();
    const told: string[] = [];
    const flow = defineFlow({ id: 'late' }, (f) => {
      const source = f.add('source', emits(range(3)));
      f.connect(source.events.item, f.add('end', passes<number>(gate.pass)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    job.observe({
      stateChanged: ({ state }) => void told.push(state),
      activationEnded: (_, { routineId }) => void told.push(routineId),
    });
    for (let item = 0; item < 3; item++) {
      await until(() => gate.waiting === 1);
      gate.open();
    }
    await job.settled;
    expect(told).toEqual(['end', 'end', 'end', 'COMPLETED']);
  });

  test('M7: is told when an activation began and ended, and the first of what it emitted', async () => {
    const clock = new ManualClock();
    const ended: unknown[] = [];
    const gate = new Gate();
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const type = defineRoutine({
        type: 'emits-many',
        events: { item: event<number>() },
        run: async (_, ctx) => {
          await gate.pass();
          for (const item of range(100)) ctx.emit('item', item);
        },
      });
      f.add('source', type);
    });
    const job = createEngine({ clock }).start(flow, undefined, {
      observers: [
        {
          activationEnded: (_, { startedMs, endedMs, emitted, outputs }) =>
            void ended.push({ startedMs, endedMs, emitted, kept: outputs?.length }),
        },
      ],
    });
    await until(() => gate.waiting === 1);
    await clock.advance(250);
    gate.open();
    await job.settled;
    expect(ended).toEqual([{ startedMs: 0, endedMs: 250, emitted: 100, kept: 16 }]);
    expect(job.wallTime(250)).toBe(clock.now());
  });
});
