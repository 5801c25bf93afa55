import { expect, test } from 'vitest';
import { fairLimit } from '../../src/jobs/fair-limit.ts';

test('who has little keeps it, and the others share what is left', () => {
  expect(fairLimit([1, 100, 5], 12)).toBe(6);
  expect(fairLimit([100, 100], 50)).toBe(25);
  expect(fairLimit([7], 3)).toBe(3);
  expect(fairLimit([2, 9], 0)).toBe(0);
});

test('nothing goes while there is room', () => {
  expect(fairLimit([1, 2, 3], 6)).toBe(Number.POSITIVE_INFINITY);
  expect(fairLimit([], 0)).toBe(Number.POSITIVE_INFINITY);
});
