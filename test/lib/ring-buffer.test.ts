import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingBuffer } from '../../src/lib/ring-buffer.ts';

describe('RingBuffer', () => {
  test('holds the newest elements, oldest first, and counts all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer()), (capacity, values) => {
        const ring = new RingBuffer<number>(capacity);
        for (const value of values) ring.push(value);
        expect([...ring]).toEqual(values.slice(-capacity));
        expect(ring.length).toBe(Math.min(values.length, capacity));
        expect(ring.pushed).toBe(values.length);
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a capacity of %s', (capacity) => {
    expect(() => new RingBuffer(capacity)).toThrow(RangeError);
  });
});
