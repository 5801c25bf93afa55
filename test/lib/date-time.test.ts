import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatDateTime } from '../../src/lib/date-time.ts';

it('writes what Date writes, for any time', () => {
  const times = fc.oneof(
    fc.date({ noInvalidDate: true }).map(Number),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_200_000 }),
  );
  fc.assert(
    fc.property(times, (ms) => {
      expect(formatDateTime(ms)).toBe(new Date(ms).toISOString());
    }),
    { numRuns: 2000 },
  );
});

it('cuts fractions of a millisecond off', () => {
  expect(formatDateTime(1.9)).toBe('1970-01-01T00:00:00.001Z');
});

it('refuses what is no time', () => {
  expect(() => formatDateTime(Number.NaN)).toThrow(RangeError);
});
