import {
  type Activation,
  createEngine,
  defineFlow,
  defineRoutine,
  EngineClosedError,
  EngineStoppingError,
  event,
  type JobObserver,
  type JobRun,
  retry,
  slot,
  timeInterval,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { countsOf, emits, emitsAtOnce, Gate, passes, range, slotOf } from './parts.ts';

/** Counts what an observer is told. */
class Ear implements JobObserver {
  readonly heard: string[] = [];

  stateChanged(job: JobRun): void {
    this.heard.push(job.state);
  }

  activationEnded(_: JobRun, { routineId, outcome }: Activation): void {
    this.heard.push(`${routineId} ${outcome}`);
  }

  logged(_: JobRun, { message }: { message: string }): void {
    this.heard.push(message);
  }

  progressed(): void {
    this.heard.push('progress');
  }
}

/** A flow whose middle routine runs `code` for each of five items, and puts them out. */
function flowOf(code: (item: number) => unknown, concurrency = 1) {
  return defineFlow({ id: 'frozen' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(5)));
    const middle = f.add('middle', passes<number>(code), { concurrency });
    f.connect(source.events.item, middle.slots.item);
    return { items: middle.events.item };
  });
}

/** Goes on with a frozen job in another process, to its end. */
function goOn(job: JobRun, isPaused = false) {
  const restored = createEngine().restore(job.flow, structuredClone(job.capture()));
  expect(restored.state).toBe(isPaused ? 'PAUSED' : 'RUNNING');
  if (isPaused) restored.resume();
  return restored.settled;
}

describe('freeze (O1: a graceful stop)', () => {
  test('waits for running code, whose outputs are delivered; nothing begins any more', async () => {
    const gate = new Gate();
    const ear = new Ear();
    const engine = createEngine();
    const job = engine.start(flowOf(gate.pass), undefined, { observers: [ear] });
    await until(() => gate.waiting === 1);
    let isFrozen = false;
    const frozen = engine.freeze(60_000).then(() => {
      isFrozen = true;
    });
    await settle();
    expect(isFrozen).toBe(false);
    ear.heard.length = 0;
    gate.open();
    await frozen;
    await settle();
    expect(gate.waiting).toBe(0);
    expect(ear.heard).toEqual(['middle COMPLETED']);
    expect(job.state).toBe('RUNNING');
    const snapshot = job.capture();
    expect(snapshot).toMatchObject({ state: 'RUNNING', activations: [] });
    expect(snapshot.outputs).toEqual([{ name: 'items', values: [0], count: 1 }]);

    const ended = goOn(job);
    while (!(await Promise.race([ended.then(() => true), settle(1)]))) gate.openAll();
    expect(await ended).toMatchObject({ state: 'COMPLETED', outputs: { items: range(5) } });
    await engine.close();
    expect(job.state).toBe('RUNNING');
  });

  test('is kept at once when no code runs, with paused jobs and those that wait for a place', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const job: JobRun = engine.start(
      flowOf(() => job.pause()),
      undefined,
    );
    await until(() => job.state === 'PAUSED');
    const second = engine.start(
      flowOf(() => undefined),
      undefined,
    );
    await engine.freeze(60_000);
    await settle();
    expect(second.state).toBe('PENDING');
    expect(job.capture()).toMatchObject({ state: 'PAUSED', activations: [] });
    for (const act of [() => job.resume(), () => job.cancel(), () => second.cancel()]) {
      expect(act).toThrow(EngineClosedError);
    }
    expect(() =>
      engine.start(
        flowOf(() => undefined),
        undefined,
      ),
    ).toThrow(EngineClosedError);
    expect(() => engine.restore(job.flow, job.capture())).toThrow(EngineClosedError);
    await Promise.all([engine.freeze(1), engine.close(), engine.close()]);
  });

  test('aborts code that takes longer, which changes nothing any more and is heard by nobody', async () => {
    const clock = new ManualClock();
    const ear = new Ear();
    const reasons: unknown[] = [];
    const gate = new Gate();
    const stubborn = defineRoutine({
      type: 'stubborn',
      slots: { item: slot<number>() },
      events: { item: event<number>() },
      run: async ({ item }, ctx) => {
        const { signal } = ctx;
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        await gate.pass();
        ctx.log.info('still there');
        ctx.progress(1);
        expect(() => ctx.emit('item', item)).toThrow();
        if (item === 0) signal.throwIfAborted();
      },
    });
    const flow = defineFlow({ id: 'stubborn' }, (f) => {
      const end = f.add('end', stubborn, { concurrency: 2 });
      f.connect(f.add('source', emitsAtOnce(range(3))).events.item, end.slots.item);
      return { items: end.events.item };
    });
    const engine = createEngine({ clock });
    const job = engine.start(flow, undefined, { observers: [ear] });
    await clock.advance(1);
    expect(gate.waiting).toBe(2);
    const frozen = engine.freeze(500);
    await clock.advance(499);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    await frozen;
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).toBeInstanceOf(EngineStoppingError);

    ear.heard.length = 0;
    const before = job.capture();
    expect(before.activations.map(({ next }) => next)).toEqual(['RUN', 'RUN']);
    gate.openAll();
    await settle();
    const { takenAt, ...after } = job.capture();
    expect(before).toEqual({ ...after, takenAt: before.takenAt });
    expect(takenAt).toBeGreaterThanOrEqual(before.takenAt);
    expect(ear.heard).toEqual([]);
    expect(job).toMatchObject({ state: 'RUNNING', isEnding: false, error: undefined });
    await engine.close();
    expect(clock.timers).toBe(0);
  });

  test('code that asks for its signal only after the limit finds it aborted', async () => {
    const gate = new Gate();
    const found: unknown[] = [];
    const late = defineRoutine({
      type: 'late',
      run: async (_, ctx) => {
        await gate.pass();
        found.push(ctx.signal.reason);
      },
    });
    const engine = createEngine();
    const job = engine.start(
      defineFlow({ id: 'late' }, (f) => void f.add('late', late)),
      undefined,
    );
    await until(() => gate.waiting === 1);
    await engine.freeze(0);
    gate.open();
    await until(() => found.length === 1);
    expect(found[0]).toBeInstanceOf(EngineStoppingError);
    expect(job.capture().activations).toHaveLength(1);
  });

  test('does not wait for code that only waits for room: nobody will make any', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'full' }, (f) => {
      const end = f.add('end', passes<number>(gate.pass), { slots: { item: { maxLength: 1 } } });
      f.connect(f.add('source', emits(range(9))).events.item, end.slots.item);
    });
    const engine = createEngine({ deadlockGraceMs: 5 });
    const job = engine.start(flow, undefined);
    await until(() => slotOf(job, 'end').held.length === 1);
    const frozen = engine.freeze(2_000_000);
    await settle();
    gate.open();
    await frozen;
    expect(countsOf(slotOf(job, 'end'))).toEqual({ accepted: 2, length: 1, held: 1, consumed: 1 });
    expect(job.capture().activations).toMatchObject([{ routineId: 'source', next: 'RUN' }]);
  });

  test('retries and timers of policies do not fire; they do where the job goes on', async () => {
    const clock = new ManualClock(1_000);
    let tried = 0;
    const gathered: unknown[] = [];
    const flow = defineFlow({ id: 'timed' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        policy: timeInterval(100),
        run: ({ item }) => gathered.push(item),
      });
      const source = f.add('source', emitsAtOnce(range(2)));
      const fails = passes<number>((item) => {
        if (item === 0 && ++tried === 1) throw new Error('once');
      });
      const flaky = f.add('flaky', fails, { onError: retry({ maxAttempts: 3, delayMs: 100 }) });
      f.connect(source.events.item, f.add('all', gathers).slots.item);
      f.connect(source.events.item, flaky.slots.item);
    });
    const engine = createEngine({ clock });
    const job = engine.start(flow, undefined);
    await clock.advance(50);
    await engine.freeze(1_000);
    expect(clock.timers).toBe(0);
    await clock.advance(5_000);
    expect([tried, gathered]).toEqual([1, []]);

    const later = new ManualClock(1_080);
    const snapshot = structuredClone(job.capture());
    const restored = createEngine({ clock: later }).restore(flow, { ...snapshot, takenAt: 1_050 });
    await later.advance(19);
    expect([tried, gathered]).toEqual([1, []]);
    await later.advance(1);
    expect([tried, gathered]).toEqual([2, [[0, 1]]]);
    expect(await restored.settled).toMatchObject({ state: 'COMPLETED' });
  });

  test('code that fails meanwhile is retried where the job goes on', async () => {
    const gate = new Gate();
    const attempts: number[] = [];
    const flow = defineFlow({ id: 'flaky' }, (f) => {
      const flaky = defineRoutine({
        type: 'flaky',
        run: async (_, { attempt }) => {
          attempts.push(attempt);
          if (attempt > 1) return;
          await gate.pass();
          throw new Error('once');
        },
      });
      f.add('flaky', flaky, { onError: retry({ maxAttempts: 3, delayMs: 50 }) });
    });
    const clock = new ManualClock();
    const engine = createEngine({ clock });
    const job = engine.start(flow, undefined);
    await until(() => gate.waiting === 1);
    const frozen = engine.freeze(60_000);
    gate.open();
    await frozen;
    await settle();
    expect(clock.timers).toBe(0);
    expect(job.capture().activations).toMatchObject([{ next: 'RETRY', attempt: 1 }]);
    expect(await goOn(job)).toMatchObject({ state: 'COMPLETED' });
    expect(attempts).toEqual([1, 2]);
  });

  test('a job that code fails meanwhile stays in its state, and fails where it goes on', async () => {
    const gate = new Gate();
    const ear = new Ear();
    const flow = flowOf(async (item) => {
      await gate.pass();
      if (item === 1) throw new Error('fatal');
    }, 2);
    const engine = createEngine();
    const job = engine.start(flow, undefined, { observers: [ear] });
    await until(() => gate.waiting === 2);
    const frozen = engine.freeze(60_000);
    gate.openAll();
    await frozen;
    expect(job.state).toBe('RUNNING');
    expect(ear.heard).not.toContain('FAILED');
    expect(job.capture()).toMatchObject({ ending: { to: 'FAILED', error: { message: 'fatal' } } });
    expect(await goOn(job)).toMatchObject({
      state: 'FAILED',
      error: { message: 'fatal' },
      outputs: { items: [0] },
    });
  });

  test('a job that was being cancelled stays so, and is cancelled where it goes on', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const engine = createEngine({ clock });
    const job = engine.start(flowOf(gate.pass), undefined);
    await clock.advance(1);
    job.cancel(new Error('enough'));
    const frozen = engine.freeze(100_000);
    await clock.advance(50_000);
    expect(job.state).toBe('RUNNING');
    gate.openAll();
    await frozen;
    expect(job.state).toBe('RUNNING');
    expect(await goOn(job)).toMatchObject({ state: 'CANCELLED', error: { message: 'enough' } });
    expect(clock.timers).toBe(0);
  });

  test('a job whose last code ends meanwhile completes where it goes on', async () => {
    const gate = new Gate();
    const engine = createEngine();
    const job = engine.start(
      flowOf((item) => (item === 4 ? gate.pass() : undefined)),
      undefined,
    );
    await until(() => gate.waiting === 1);
    const frozen = engine.freeze(60_000);
    gate.open();
    await frozen;
    expect(job.state).toBe('RUNNING');
    expect(await goOn(job)).toMatchObject({ state: 'COMPLETED', outputs: { items: range(5) } });
  });

  test('from inside a routine lets that run end first', async () => {
    const engine = createEngine();
    const seen: number[] = [];
    let frozen: Promise<void> | undefined;
    const flow = flowOf((item) => {
      seen.push(item);
      if (item === 2) frozen = engine.freeze(60_000);
    });
    const job = engine.start(flow, undefined);
    await until(() => frozen !== undefined);
    await frozen;
    expect(seen).toEqual([0, 1, 2]);
    expect(job.capture()).toMatchObject({ activations: [], outputs: [{ values: [0, 1, 2] }] });
    expect(await goOn(job)).toMatchObject({ outputs: { items: range(5) } });
  });

  test('after close is kept with it', async () => {
    const gate = new Gate();
    const engine = createEngine();
    const job = engine.start(flowOf(gate.pass), undefined);
    await until(() => gate.waiting === 1);
    const closed = engine.close();
    const frozen = engine.freeze(1);
    gate.openAll();
    await Promise.all([closed, frozen]);
    expect(job.state).toBe('CANCELLED');
  });
});
