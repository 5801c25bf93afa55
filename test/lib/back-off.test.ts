import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOffDelayMs } from '../../src/lib/back-off.ts';

describe('backOffDelayMs', () => {
  test('fixed waits the same each time', () => {
    const delays = [1, 2, 9].map((attempt) => backOffDelayMs({ delayMs: 50 }, attempt));
    expect(delays).toEqual([50, 50, 50]);
  });

  test('exponential doubles up to the longest wait', () => {
    const policy = { delayMs: 100, backoff: 'exponential', maxDelayMs: 500 } as const;
    const delays = [1, 2, 3, 4, 5].map((attempt) => backOffDelayMs(policy, attempt));
    expect(delays).toEqual([100, 200, 400, 500, 500]);
  });

  test('jitter takes away at most its share', () => {
    const policy = { delayMs: 100, jitter: 0.5 };
    expect(backOffDelayMs(policy, 1, () => 0)).toBe(100);
    expect(backOffDelayMs(policy, 1, () => 0.5)).toBe(75);
    expect(backOffDelayMs(policy, 1, () => 0.9999)).toBeCloseTo(50, 1);
  });

  test('is a wait that can be kept, for any policy and any number of tries', () => {
    fc.assert(
      fc.property(
        fc.record({
          delayMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
          backoff: fc.constantFrom('fixed' as const, 'exponential' as const),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.integer({ min: 1, max: 100_000 }),
        (policy, attempt) => {
          const delayMs = backOffDelayMs(policy, attempt);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(30_000);
        },
      ),
    );
  });
});
