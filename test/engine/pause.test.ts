import {
  createEngine,
  defineFlow,
  defineRoutine,
  type JobRun,
  retry,
  slot,
  timeInterval,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, Gate, keeps, passes, range, slotOf } from './parts.ts';

describe('pause', () => {
  test('lets running code end and queues what it emits; nothing begins until resume', async () => {
    const gate = new Gate();
    const kept: number[] = [];
    const flow = defineFlow({ id: 'paused' }, (f) => {
      const source = f.add('source', emits(range(10)));
      const middle = f.add('middle', passes<number>(gate.pass));
      f.connect(source.events.item, middle.slots.item);
      f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    job.pause();
    gate.open();
    await settle();
    expect(gate.waiting).toBe(0);
    expect(kept).toEqual([]);
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 10, length: 9, consumed: 1 });
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 1, length: 1 });

    job.resume();
    while (job.state === 'RUNNING') {
      gate.open();
      await settle(1);
    }
    expect(job.state).toBe('COMPLETED');
    expect(kept).toEqual(range(10));
  });

  test('from inside a routine takes effect before the next activation', async () => {
    const seen: number[] = [];
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'inside' }, (f) => {
      const source = f.add('source', emits(range(10)));
      const end = passes<number>((item) => {
        seen.push(item);
        if (item === 4) job?.pause();
      });
      f.connect(source.events.item, f.add('end', end).slots.item);
    });
    job = createEngine().start(flow, undefined);
    await until(() => job?.state === 'PAUSED');
    await settle();
    expect(seen).toEqual(range(5));
    job.resume();
    await job.settled;
    expect(seen).toEqual(range(10));
  });

  test('from inside the last activation keeps the job from completing until resume', async () => {
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'last' }, (f) => {
      f.add('only', { ...emits([]), run: () => job?.pause() });
    });
    job = createEngine().start(flow, undefined);
    await until(() => job?.state === 'PAUSED');
    await settle();
    expect(job.state).toBe('PAUSED');
    job.resume();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('and resume at once, again and again from inside, loses nothing', async () => {
    const kept: number[] = [];
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'flicker' }, (f) => {
      const source = f.add('source', emits(range(100)));
      const flicker = passes<number>(() => {
        job?.pause();
        job?.resume();
      });
      const middle = f.add('middle', flicker, { slots: { item: { maxLength: 3 } } });
      f.connect(source.events.item, middle.slots.item);
      f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
    });
    job = createEngine().start(flow, undefined);
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(kept).toEqual(range(100));
  });

  test('a retry that comes due waits for resume', async () => {
    const clock = new ManualClock();
    const triedAt: number[] = [];
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const fails = passes<number>(() => {
        triedAt.push(clock.monotonicMs());
        if (triedAt.length === 1) throw new Error('once');
      });
      const source = f.add('source', emits([1]));
      const end = f.add('end', fails, { onError: retry({ maxAttempts: 2, delayMs: 100 }) });
      f.connect(source.events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(50);
    job.pause();
    await clock.advance(500);
    expect(triedAt).toEqual([0]);
    expect(job.routine('end').running).toBe(1);
    job.resume();
    await job.settled;
    expect(triedAt).toEqual([0, 550]);
  });

  test('a retry that is not yet due at resume keeps its time', async () => {
    const clock = new ManualClock();
    const triedAt: number[] = [];
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const fails = passes<number>(() => {
        triedAt.push(clock.monotonicMs());
        if (triedAt.length === 1) throw new Error('once');
      });
      const source = f.add('source', emits([1]));
      const end = f.add('end', fails, { onError: retry({ maxAttempts: 2, delayMs: 100 }) });
      f.connect(source.events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(20);
    job.pause();
    await clock.advance(20);
    job.resume();
    await clock.advance(1_000);
    expect(triedAt).toEqual([0, 100]);
  });

  test('code that pauses again while parked retries are run leaves the others parked', async () => {
    const clock = new ManualClock();
    const second: number[] = [];
    let job: JobRun | undefined;
    const flow = defineFlow({ id: 'parked' }, (f) => {
      const tried = new Set<number>();
      const fails = passes<number>((item) => {
        if (!tried.has(item)) {
          tried.add(item);
          throw new Error('once');
        }
        second.push(item);
        if (item < 2) job?.pause();
      });
      const source = f.add('source', emits(range(3)));
      const end = f.add('end', fails, {
        concurrency: 3,
        onError: retry({ maxAttempts: 2, delayMs: 100 }),
      });
      f.connect(source.events.item, end.slots.item);
    });
    job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(50);
    job.pause();
    await clock.advance(100);
    job.resume();
    expect(second).toEqual([0]);
    expect(job.state).toBe('PAUSED');
    job.resume();
    expect(second).toEqual([0, 1]);
    job.resume();
    await job.settled;
    expect(second).toEqual([0, 1, 2]);
    expect(job.routine('end')).toMatchObject({ running: 0, completed: 3 });
  });

  test('a policy timer that comes due waits for resume', async () => {
    const clock = new ManualClock();
    const kept: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const source = f.add('source', emits(range(3)));
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        policy: timeInterval(100),
        run: ({ item }) => {
          kept.push(item);
        },
      });
      f.connect(source.events.item, f.add('end', gathers).slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(50);
    job.pause();
    await clock.advance(100);
    expect(kept).toEqual([]);
    expect(job.state).toBe('PAUSED');
    job.resume();
    await settle();
    expect(kept).toEqual([range(3)]);
    expect(job.state).toBe('COMPLETED');
  });

  test('an observer of the start may pause the job before its first activation', async () => {
    const kept: number[] = [];
    const flow = defineFlow({ id: 'entry' }, (f) => {
      const source = f.add('source', emits(range(3)));
      f.connect(source.events.item, f.add('end', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined, {
      observers: [
        { stateChanged: (changed, from) => void (from === 'PENDING' && changed.pause()) },
      ],
    });
    await settle();
    expect(job.state).toBe('PAUSED');
    expect(job.routines.map(({ begun }) => begun)).toEqual([0, 0]);
    job.resume();
    await job.settled;
    expect(kept).toEqual(range(3));
  });
});
