import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonSize } from '../../src/lib/json-size.ts';

it('is within a few characters a part of what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const exact = JSON.stringify(value).length;
      const size = jsonSize(value, Number.POSITIVE_INFINITY);
      expect(size).toBeGreaterThanOrEqual(exact / 4);
      expect(size).toBeLessThanOrEqual(exact * 8 + 8);
    }),
  );
});

it('stops at the limit, also in a cycle and in a value without end', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(jsonSize(cycle, 1000)).toBeGreaterThanOrEqual(1000);
  expect(jsonSize(new Array(1e6).fill('x'), 100)).toBeLessThan(200);
});

it('runs no getter', () => {
  const trap = {
    get boom(): never {
      throw new Error('The getter was run.');
    },
  };
  expect(jsonSize(trap, 1000)).toBeLessThan(30);
});
