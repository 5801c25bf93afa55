import { createEngine, defineFlow, retry } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { emits, Gate, passes, range } from './parts.ts';

describe('concurrency', () => {
  test.each([1, 2, 5])('M1: at most %i activations run side by side', async (concurrency) => {
    const gate = new Gate();
    let most = 0;
    const flow = defineFlow({ id: 'wide' }, (f) => {
      const source = f.add('source', emits(range(12)));
      const wide = f.add('wide', passes<number>(gate.pass), { concurrency });
      f.connect(source.events.item, wide.slots.item);
    });
    const job = createEngine().start(flow, undefined);
    while (job.state !== 'COMPLETED') {
      await settle(2);
      most = Math.max(most, gate.waiting);
      expect(job.routine('wide').running).toBe(gate.waiting);
      gate.open();
      await settle(1);
    }
    expect(most).toBe(concurrency);
    expect(job.routine('wide')).toMatchObject({ begun: 12, completed: 12, running: 0 });
  });

  test('activations may end in another order than they began', async () => {
    const gates = [new Gate(), new Gate()];
    const ended: number[] = [];
    const flow = defineFlow({ id: 'swap' }, (f) => {
      const source = f.add('source', emits([0, 1]));
      const swap = passes<number>((item) => gates[item]?.pass().then(() => ended.push(item)));
      f.connect(source.events.item, f.add('swap', swap, { concurrency: 2 }).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await until(() => gates.every(({ waiting }) => waiting === 1));
    gates[1]?.open();
    await until(() => ended.length === 1);
    gates[0]?.open();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
    expect(ended).toEqual([1, 0]);
  });

  test('what waits for another attempt keeps its place', async () => {
    const clock = new ManualClock();
    const tried: number[] = [];
    const flow = defineFlow({ id: 'retrying' }, (f) => {
      const source = f.add('source', emits([1, 2]));
      const fails = passes<number>((item) => {
        tried.push(item);
        if (tried.length === 1) throw new Error('once');
      });
      const end = f.add('end', fails, { onError: retry({ maxAttempts: 2, delayMs: 100 }) });
      f.connect(source.events.item, end.slots.item);
    });
    const job = createEngine({ clock }).start(flow, undefined);
    await clock.advance(99);
    expect(tried).toEqual([1]);
    expect(job.routine('end').running).toBe(1);
    await clock.advance(1);
    expect(tried).toEqual([1, 1, 2]);
    expect(job.state).toBe('COMPLETED');
  });
});
