import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/lib/histogram.ts';

const HOUR_MS = 3_600_000;
/** Values are counted in whole nanoseconds. */
const NANOSECOND_MS = 1e-6;

/** Durations spread evenly over the orders of magnitude from nothing to ten hours. */
const durationMs = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 10 * HOUR_MS, noNaN: true }),
  fc.double({ min: -6, max: 7.5, noNaN: true }).map((exponent) => 10 ** exponent),
  fc.integer({ min: 0, max: 36 }).map((shift) => (2 ** shift - 1) * NANOSECOND_MS),
  fc.integer({ min: 0, max: 36 }).map((shift) => 2 ** shift * NANOSECOND_MS),
);
const durations = fc.array(durationMs, { minLength: 1, maxLength: 300 });

function record(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('Histogram', () => {
  test('M7: a percentile is within 1/32 of the exact one, from nanoseconds to hours', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * values.length)) - 1] as number;
        const measured = record(values).percentileMs(share) as number;
        expect(Math.abs(measured - exact)).toBeLessThanOrEqual(exact / 32 + NANOSECOND_MS);
      }),
      { numRuns: 500 },
    );
  });

  test('M7: percentiles never leave the range of what was recorded, and rise with the share', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const histogram = record(values);
        const shares = [0, 0.1, 0.5, 0.95, 0.99, 1].map((share) => histogram.percentileMs(share));
        expect(shares).toEqual([...shares].sort((a, b) => Number(a) - Number(b)));
        expect(shares[0]).toBeGreaterThanOrEqual(Math.min(...values));
        expect(shares.at(-1)).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  test('merging is the same as recording everything in one', () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const merged = record(some);
        merged.merge(record(others));
        const { sumMs, ...rest } = merged.toSnapshot();
        const { sumMs: exactSumMs, ...exact } = record([...some, ...others]).toSnapshot();
        expect(rest).toEqual(exact);
        expect(sumMs).toBeCloseTo(exactSumMs, 3);
      }),
    );
  });

  test('a snapshot survives JSON and gives the same histogram back', () => {
    fc.assert(
      fc.property(fc.array(durationMs, { maxLength: 100 }), (values) => {
        const histogram = record(values);
        const snapshot = histogram.toSnapshot();
        const restored = Histogram.fromSnapshot(JSON.parse(JSON.stringify(snapshot)));
        expect(restored.toSnapshot()).toEqual(snapshot);
        for (const share of [0.5, 0.95, 0.99]) {
          expect(restored.percentileMs(share)).toBe(histogram.percentileMs(share));
        }
        restored.record(1);
        histogram.record(1);
        expect(restored.toSnapshot()).toEqual(histogram.toSnapshot());
      }),
    );
  });

  test('an empty one has no mean and no percentiles, and merges as nothing', () => {
    const empty = new Histogram();
    expect(empty.meanMs).toBeUndefined();
    expect(empty.percentileMs(0.5)).toBeUndefined();
    const one = record([5]);
    one.merge(empty);
    expect(one.toSnapshot()).toEqual(record([5]).toSnapshot());
    const other = new Histogram();
    other.merge(one);
    expect(other.toSnapshot()).toEqual(one.toSnapshot());
    expect(empty.toSnapshot()).toEqual(new Histogram().toSnapshot());
    expect(Histogram.fromSnapshot(empty.toSnapshot()).percentileMs(0.5)).toBeUndefined();
  });

  test('what is below zero or not a number counts as zero', () => {
    const histogram = record([-5, Number.NaN]);
    expect(histogram.toSnapshot()).toMatchObject({ count: 2, sumMs: 0, minMs: 0, maxMs: 0 });
  });

  test('keeps mean, least and greatest exactly', () => {
    const histogram = record([1, 2, 6]);
    expect(histogram.meanMs).toBe(3);
    expect([histogram.minMs, histogram.maxMs]).toEqual([1, 6]);
  });
});
