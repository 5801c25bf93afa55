import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Deque } from '../../src/lib/deque.ts';

describe('Deque', () => {
  test('does what an array does, for any sequence of operations', () => {
    const operation = fc.oneof(
      fc.record({ do: fc.constant('push' as const), value: fc.integer() }),
      fc.record({ do: fc.constant('shift' as const) }),
      { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const deque = new Deque<number>();
        let model: number[] = [];
        for (const step of operations) {
          if (step.do === 'push') model.push(step.value);
          if (step.do === 'push') deque.push(step.value);
          else if (step.do === 'shift') expect(deque.shift()).toBe(model.shift());
          else {
            expect(deque.drain()).toEqual(model);
            model = [];
          }
          expect(deque.length).toBe(model.length);
          expect(deque.peek()).toBe(model[0]);
          expect([...deque]).toEqual(model);
        }
      }),
    );
  });

  test('keeps order while it grows with its head in the middle', () => {
    const deque = new Deque<number>();
    for (let value = 0; value < 5; value++) deque.push(value);
    for (let value = 0; value < 3; value++) deque.shift();
    for (let value = 5; value < 100; value++) deque.push(value);
    expect([...deque]).toEqual(Array.from({ length: 97 }, (_, at) => at + 3));
  });

  test('lets go of what was taken, so that it can be collected', async () => {
    const deque = new Deque<object>();
    let isCollected = false;
    const registry = new FinalizationRegistry(() => {
      isCollected = true;
    });
    const fill = () => {
      const element = {};
      registry.register(element, undefined);
      deque.push(element);
    };
    fill();
    deque.shift();
    const { runInNewContext } = await import('node:vm');
    const { setFlagsFromString } = await import('node:v8');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void; // the flag above makes it
    for (let round = 0; round < 50 && !isCollected; round++) {
      collect();
      await new Promise((keep) => setImmediate(keep));
    }
    expect(isCollected).toBe(true);
    expect(deque.length).toBe(0);
  });
});
