import { expect, test } from 'vitest';
import { isKeptWithin } from '../../src/lib/within.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('tells whether a promise was kept in time, and leaves no timer', async () => {
  const clock = new ManualClock();
  expect(await isKeptWithin(Promise.resolve(), 10, clock)).toBe(true);
  await expect(isKeptWithin(Promise.reject(new Error('no')), 10, clock)).rejects.toThrow('no');
  expect(clock.timers).toBe(0);
  const late = isKeptWithin(new Promise(() => undefined), 10, clock);
  await clock.advance(10);
  expect(await late).toBe(false);
  expect(clock.timers).toBe(0);
});
