import {
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  none,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { until } from '../support/manual-clock.ts';
import { emits, emitsAtOnce, Gate, keeps, passes, range } from './parts.ts';

describe('completion', () => {
  test('comes when nothing is queued, in flight or due any more', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'slow' }, (f) => {
      const source = f.add('source', emits([1]));
      f.connect(source.events.item, f.add('end', passes<number>(gate.pass)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gate.waiting === 1);
    expect(job.state).toBe('RUNNING');
    gate.open();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED', error: undefined });
  });

  test('the job of a flow whose input goes nowhere and has no source completes', async () => {
    const flow = defineFlow({ id: 'idle' }, (f) => {
      f.add('end', keeps([]), { slots: { item: { required: false } } });
    });
    expect(await createEngine().run(flow, undefined)).toMatchObject({ state: 'COMPLETED' });
  });

  test('the input goes to every slot that it is connected to', async () => {
    const kept: unknown[] = [];
    const flow = defineFlow({ id: 'input' }, (f) => {
      f.connect(f.input, f.add('one', keeps(kept)).slots.item);
      f.connect(f.input, f.add('two', keeps(kept)).slots.item);
    });
    await createEngine().run(flow, { text: 'in' });
    expect(kept).toEqual([{ text: 'in' }, { text: 'in' }]);
  });
});

describe('drain', () => {
  test('hands remainders over in the order of the graph, each once', async () => {
    const log: string[] = [];
    const gathers = (name: string, size: number) =>
      defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        events: { item: event<number>() },
        policy: size === 0 ? none() : batchSize(size),
        run: ({ item }, ctx) => {
          log.push(`${name} ${item.length}`);
          for (const value of item) ctx.emit('item', value);
        },
      });
    // Placed against the order of the graph, so that only the graph can give the order.
    const flow = defineFlow({ id: 'draining' }, (f) => {
      const last = f.add('last', gathers('last', 0));
      const third = f.add('third', gathers('third', 5));
      const second = f.add('second', gathers('second', 4));
      const source = f.add('source', emits(range(7)));
      f.connect(source.events.item, second.slots.item);
      f.connect(second.events.item, third.slots.item);
      f.connect(third.events.item, last.slots.item);
    });
    expect(await createEngine().run(flow, undefined)).toMatchObject({ state: 'COMPLETED' });
    expect(log).toEqual(['second 4', 'second 3', 'third 5', 'third 2', 'last 7']);
  });

  test('waits for running code upstream', async () => {
    const gate = new Gate();
    const kept: (readonly number[])[] = [];
    const flow = defineFlow({ id: 'waiting' }, (f) => {
      const source = f.add('source', emits(range(3)));
      const middle = f.add('middle', passes<number>(gate.pass));
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<number>() },
        policy: batchSize(100),
        run: ({ item }) => {
          kept.push(item);
        },
      });
      f.connect(source.events.item, middle.slots.item);
      f.connect(middle.events.item, f.add('end', gathers).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    for (let item = 0; item < 3; item++) {
      await until(() => gate.waiting === 1);
      expect(kept).toEqual([]);
      gate.open();
    }
    await job.settled;
    expect(kept).toEqual([range(3)]);
  });

  test('in a cycle ends: each routine is flushed once', async () => {
    let rounds = 0;
    const flow = defineFlow({ id: 'cycle' }, (f) => {
      const type = defineRoutine({
        type: 'gathers',
        slots: { item: slot<unknown>() },
        events: { item: event<unknown>() },
        policy: batchSize(10),
        run: ({ item }, ctx) => {
          rounds++;
          for (const value of item) ctx.emit('item', value);
        },
      });
      const self = f.add('self', type);
      f.connect(f.input, self.slots.item);
      f.connect(self.events.item, self.slots.item);
    });
    const job = createEngine().start(flow, 'item');
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(rounds).toBe(1);
    expect(job.routine('self').slots[0]).toMatchObject({ accepted: 2, consumed: 1, discarded: 1 });
  });
});

describe('outputs', () => {
  const counting = (count: number) =>
    defineFlow({ id: 'counting' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(count)));
      const end = f.add('end', passes<number>());
      f.connect(source.events.item, end.slots.item);
      return { raw: source.events.item, passed: end.events.item };
    });

  test('are the values of the flow’s outputs, by name, in order', async () => {
    const { outputs } = await createEngine().run(counting(5), undefined);
    expect(outputs).toEqual({ raw: range(5), passed: range(5) });
  });

  test('are kept up to a limit and counted beyond it', async () => {
    const job = createEngine().start(counting(2_500), undefined);
    expect(await job.settled).toMatchObject({ outputs: { passed: range(1_000) } });
    expect(job.outputs.get('passed')?.count).toBe(2_500);
  });

  test('are given back also when the job failed', async () => {
    const flow = defineFlow({ id: 'failing' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(5)));
      const end = f.add(
        'end',
        passes<number>((item) => {
          if (item === 3) throw new Error('broken');
        }),
      );
      f.connect(source.events.item, end.slots.item);
      return { passed: end.events.item };
    });
    const result = await createEngine().run(flow, undefined);
    expect(result).toMatchObject({ state: 'FAILED', outputs: { passed: [0, 1, 2] } });
  });
});
