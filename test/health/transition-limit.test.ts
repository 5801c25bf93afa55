import { expect, test } from 'vitest';
import { createTransitionLimit } from '../../src/health/transition-limit.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('an outage of everything is kept whole, and what never rests is bounded, for each tenant by itself', async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const limit = createTransitionLimit(clock, (tenant) => void told.push(tenant));
  const take = (tenant: string, count: number) => {
    let taken = 0;
    for (let at = 0; at < count; at++) if (limit.take({ tenant, name: 'agent:a' })) taken++;
    return taken;
  };
  expect(take('acme', 10_000)).toBe(10_000);
  expect(told).toEqual([]);
  expect(take('acme', 5_000)).toBe(0);
  expect(take('globex', 5)).toBe(5);
  expect(limit.take({ tenant: 'acme', name: 'payments' })).toBe(true);
  expect(told).toEqual(['acme']);
  await clock.advance(60_000);
  expect(take('acme', 5_000)).toBe(600);
  expect(told).toEqual(['acme']);
  await clock.advance(3_600_000);
  expect(take('acme', 20_000)).toBe(10_000);
  expect(told).toEqual(['acme', 'acme']);
});
