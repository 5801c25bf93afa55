import {
  createEngine,
  defineFlow,
  defineRoutine,
  EngineClosedError,
  event,
  InvalidStateError,
  type JobObserver,
  type JobSnapshot,
  none,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { settle, until } from '../support/manual-clock.ts';
import {
  countsOf,
  emits,
  emitsAtOnce,
  Gate,
  inspecting,
  keeps,
  passes,
  range,
  slotOf,
} from './parts.ts';
import { gatedFlow, killAndRestore } from './snapshots.ts';

/** Remembers each change of state it is told. */
class States implements JobObserver {
  readonly told: string[] = [];

  stateChanged(job: { readonly state: string }, from: string): void {
    this.told.push(`${from} → ${job.state}`);
  }
}

describe('a restored job (O1)', () => {
  test('goes on where it was captured: running code runs again, all else once', async () => {
    const gate = new Gate();
    const seen: number[] = [];
    const job = createEngine().start(gatedFlow(gate, seen), undefined);
    await until(() => gate.waiting === 1);
    gate.open();
    await until(() => gate.waiting === 1);
    expect(seen).toEqual([0, 1]);

    const activationIds: number[] = [];
    const restored = killAndRestore(job, {
      observers: [{ activationEnded: (_, { activationId }) => activationIds.push(activationId) }],
    });
    expect(countsOf(slotOf(restored, 'middle'))).toEqual({
      accepted: 5,
      length: 3,
      inFlight: 1,
      consumed: 1,
    });
    gate.openAll();
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    expect(await restored.settled).toMatchObject({
      state: 'COMPLETED',
      outputs: { items: range(5) },
    });
    expect(seen).toEqual([0, 1, 1, 2, 3, 4]);
    // The source was 1, the first item 2: the one that was running keeps its number.
    expect(activationIds).toEqual([3, 4, 5, 6]);
    expect(restored.routine('middle')).toMatchObject({ begun: 5, completed: 5 });
    expect(restored.routine('source')).toMatchObject({ begun: 1, completed: 1 });
  });

  test('has its state from the beginning and tells only what changes after', async () => {
    const gate = new Gate();
    const job = createEngine().start(gatedFlow(gate), undefined);
    await until(() => gate.waiting === 1);
    const states = new States();
    const restored = killAndRestore(job, { observers: [states] });
    expect(restored.state).toBe('RUNNING');
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    expect(states.told).toEqual(['RUNNING → COMPLETED']);
  });

  test('keeps routine states, shared data, input, counts, progress, errors and its version', async () => {
    const gate = new Gate();
    const states: unknown[] = [];
    let made = 0;
    const flow = defineFlow({ id: 'stateful' }, (f) => {
      const counts = defineRoutine({
        type: 'counts',
        slots: { item: slot<number>() },
        state: () => ({ sum: made++ }),
        run: async ({ item }, ctx) => {
          ctx.progress(item, 3, 'on the way');
          ctx.job.data.set('newest', item);
          if (item === 1) throw Object.assign(new TypeError('odd one'), { code: 'ODD' });
          if (item === 2) await gate.pass();
          ctx.state.sum += item;
          states.push(structuredClone(ctx.state));
        },
      });
      const end = f.add('end', counts, { onError: 'continue' });
      f.connect(f.add('source', emitsAtOnce([5, 1, 2])).events.item, end.slots.item);
    });
    const job = createEngine().start(flow, { from: 'here' });
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    expect(restored.context.input).toEqual({ from: 'here' });
    expect(restored.context.data).toEqual(new Map([['newest', 2]]));
    const end = restored.routine('end');
    expect(end).toMatchObject({ begun: 3, completed: 1, failed: 1, lastOutcome: 'FAILED' });
    expect(end.progress).toEqual({ done: 2, total: 3, message: 'on the way' });
    expect(end.lastError).toBeInstanceOf(Error);
    expect(end.lastError).toMatchObject({ name: 'TypeError', message: 'odd one', code: 'ODD' });
    await until(() => gate.waiting === 2);
    gate.openAll();
    expect(await restored.settled).toMatchObject({ state: 'COMPLETED' });
    expect(made).toBe(1);
    expect(states.at(-1)).toEqual({ sum: 7 });
  });

  test('its version does not go back, and changes with what a capture would show', async () => {
    const gate = new Gate();
    const job = createEngine().start(gatedFlow(gate), undefined);
    await until(() => gate.waiting === 1);
    const before = job.capture();
    expect(before.version).toBe(job.version);
    const restored = createEngine().restore(job.flow, structuredClone(before));
    expect(restored.version).toBe(before.version);
    gate.open();
    await until(() => job.routine('middle').begun === 2);
    expect(job.version).toBeGreaterThan(before.version);
    restored.cancel();
    job.cancel();
    gate.openAll();
  });

  test('that was paused stays paused and begins nothing until it is resumed', async () => {
    const gate = new Gate();
    const seen: number[] = [];
    const job = createEngine().start(gatedFlow(gate, seen), undefined);
    await until(() => gate.waiting === 1);
    job.pause();
    const states = new States();
    const restored = killAndRestore(job, { observers: [states] });
    await settle();
    expect(restored.state).toBe('PAUSED');
    expect(seen).toEqual([0]);
    const again = killAndRestore(restored, { observers: [states] });
    await settle();
    states.told.length = 0;
    again.resume();
    expect(seen).toEqual([0, 0]);
    while (again.state === 'RUNNING') {
      gate.openAll();
      await settle(1);
    }
    expect(seen).toEqual([0, 0, 1, 2, 3, 4]);
    expect(states.told).toEqual(['PAUSED → RUNNING', 'RUNNING → COMPLETED']);
  });

  test('waits for a place like others and can be paused, resumed and cancelled meanwhile', async () => {
    const gate = new Gate();
    const snapshots: JobSnapshot[] = [];
    for (const _ of range(3)) {
      const job = createEngine().start(gatedFlow(gate), undefined);
      await until(() => gate.waiting === 1);
      snapshots.push(structuredClone(job.capture()));
      job.cancel();
      gate.openAll();
      await job.settled;
    }
    const engine = createEngine({ maxRunningJobs: 1 });
    const flow = gatedFlow(gate);
    const [first, second, third] = snapshots.map((snapshot) => engine.restore(flow, snapshot));
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    await settle();
    expect(gate.waiting).toBe(1);
    second.pause();
    second.resume();
    third.cancel('not wanted');
    expect(third.state).toBe('CANCELLED');
    await settle();
    expect(gate.waiting).toBe(1);
    expect(structuredClone(second.capture())).toMatchObject({
      state: 'RUNNING',
      activationCount: 2,
    });
    while (first.state === 'RUNNING') {
      gate.openAll();
      await settle(1);
    }
    await until(() => gate.waiting === 1);
    await Promise.all([
      engine.close(),
      (async () => {
        await settle();
        gate.openAll();
      })(),
    ]);
    expect(second.state).toBe('CANCELLED');
    expect(() => engine.restore(flow, snapshots[0] as JobSnapshot)).toThrow(EngineClosedError);
  });

  test('keeps what waited outside full slots, in order, with the code it waited with', async () => {
    const gate = new Gate();
    const kept: number[] = [];
    const flow = defineFlow({ id: 'outside' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(6)));
      const end = f.add(
        'end',
        passes<number>(async (item) => {
          await gate.pass();
          kept.push(item);
        }),
        { slots: { item: { maxLength: 2 } } },
      );
      f.connect(source.events.item, end.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    gate.openAll();
    expect(countsOf(slotOf(restored, 'end'))).toEqual({
      accepted: 3,
      length: 2,
      held: 3,
      inFlight: 1,
    });
    const [delivering] = [...restored.suspended];
    expect(delivering).toMatchObject({ phase: 'DELIVERING', pending: 3, emitted: 6 });
    await settle(1); // the code of the job that was killed
    kept.length = 0;
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    expect(kept).toEqual(range(6));
    expect(restored.routine('source')).toMatchObject({ begun: 1, completed: 1 });
  });

  test('code that awaited room begins anew, and what it had emitted stays emitted', async () => {
    const kept: number[] = [];
    const gate = new Gate();
    const flow = defineFlow({ id: 'anew' }, (f) => {
      const end = passes<number>(async (item) => {
        await gate.pass();
        kept.push(item);
      });
      f.connect(
        f.add('source', emits(range(4))).events.item,
        f.add('end', end, { slots: { item: { maxLength: 1 } } }).slots.item,
      );
    });
    const job = createEngine().start(flow, undefined);
    await until(() => slotOf(job, 'end').held.length === 1);
    const restored = killAndRestore(job);
    gate.openAll();
    await settle();
    kept.length = 0;
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    // 0 was in flight, 1 in the slot, 2 outside.
    expect(kept).toEqual([0, 1, 2, ...range(4)]);
  });

  test('delivers what an inspector had kept back, and runs what it held before', async () => {
    const flow = defineFlow({ id: 'held' }, (f) => {
      const middle = f.add('middle', passes<number>(), { concurrency: 2 });
      f.connect(f.add('source', emitsAtOnce([1, 2])).events.item, middle.slots.item);
      return { items: middle.events.item };
    });
    let asked = 0;
    const job = createEngine().start(flow, undefined, {
      inspector: inspecting({
        interestIn: ({ id }) => ({ starts: true, outputs: id === 'middle' }),
        holdsBefore: ({ routineId }) => routineId === 'middle' && asked++ === 0,
        holdsOutput: () => true,
      }),
    });
    await until(() => job.suspended.size === 2);
    expect([...job.suspended].map(({ phase }) => phase)).toEqual(['HELD_BEFORE', 'HELD_AFTER']);
    const restored = killAndRestore(job);
    expect(await restored.settled).toMatchObject({ outputs: { items: [1, 2] } });
  });

  test('delivers what an inspector kept back of code that waited, and runs that again', async () => {
    const source = defineRoutine({
      type: 'keeps-its-place',
      events: { item: event<number>() },
      state: () => ({ next: 0 }),
      run: async (_, ctx) => {
        while (ctx.state.next < 4) await ctx.emit('item', ctx.state.next++);
      },
    });
    const flow = defineFlow({ id: 'kept-back' }, (f) => {
      const items = f.add('source', source);
      return { items: items.events.item };
    });
    const job = createEngine().start(flow, undefined, {
      inspector: inspecting({
        interestIn: () => ({ starts: true, outputs: true }),
        holdsOutput: (_, __, item) => item === 1,
      }),
    });
    await until(() => [...job.suspended].some(({ staged }) => staged !== undefined));
    const restored = killAndRestore(job);
    expect(await restored.settled).toMatchObject({ outputs: { items: range(4) } });
  });

  test('several activations of a routine run side by side again', async () => {
    const gate = new Gate();
    const kept: number[] = [];
    const flow = defineFlow({ id: 'wide' }, (f) => {
      const end = f.add('end', passes<number>(gate.pass), { concurrency: 3 });
      f.connect(f.add('source', emitsAtOnce(range(7))).events.item, end.slots.item);
      f.connect(end.events.item, f.add('kept', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 3);
    const restored = killAndRestore(job);
    await until(() => gate.waiting === 6);
    await settle();
    expect(restored.routine('end')).toMatchObject({ running: 3, begun: 3 });
    gate.openAll();
    while (restored.state === 'RUNNING') {
      await settle(1);
      gate.openAll();
    }
    expect(kept.sort()).toEqual(range(7));
  });

  test('that was ending goes on ending, with its reason, and runs nothing again', async () => {
    const gate = new Gate();
    const flow = gatedFlow(gate);
    const snapshotOf = async (end: (job: ReturnType<typeof start>) => void) => {
      const job = start();
      await until(() => gate.waiting === 1);
      end(job);
      expect(job.isEnding).toBe(true);
      const snapshot = structuredClone(job.capture());
      gate.openAll();
      await job.settled;
      return snapshot;
    };
    const start = () => createEngine().start(flow, undefined);
    const cancelled = await snapshotOf((job) => job.cancel(new RangeError('had enough')));
    expect(cancelled).toMatchObject({ state: 'RUNNING', ending: { to: 'CANCELLED' } });

    const states = new States();
    // No place is needed for that.
    const engine = createEngine({ maxRunningJobs: 1 });
    const busy = engine.start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = engine.restore(flow, cancelled, { observers: [states] });
    expect(restored).toMatchObject({ state: 'RUNNING', isEnding: true });
    expect(() => restored.cancel()).toThrow(InvalidStateError);
    const { state, error } = await restored.settled;
    expect(state).toBe('CANCELLED');
    expect(error).toMatchObject({ name: 'RangeError', message: 'had enough' });
    expect(states.told).toEqual(['RUNNING → CANCELLED']);
    expect(gate.waiting).toBe(1);
    expect(countsOf(slotOf(restored, 'middle'))).toEqual({ accepted: 5, discarded: 5 });
    busy.cancel();
    gate.openAll();
    await engine.close();
  });

  test('notices that nothing can move any more', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'stuck' }, (f) => {
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>({ maxLength: 3 }) },
        policy: none(),
        run: () => undefined,
      });
      const middle = f.add(
        'middle',
        passes<number>((item) => (item === 2 ? gate.pass() : undefined)),
      );
      f.connect(f.add('source', emitsAtOnce(range(9))).events.item, middle.slots.item);
      f.connect(middle.events.item, f.add('end', gathers).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    const restored = killAndRestore(job);
    await until(() => gate.waiting === 2);
    gate.openAll();
    expect(await restored.settled).toMatchObject({ state: 'FAILED', error: { code: 'DEADLOCK' } });
  });
});
