import { expect, test } from 'vitest';
import { pause } from '../../src/lib/pause.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

async function isKept(promise: Promise<void>): Promise<boolean> {
  let kept = false;
  void promise.then(() => {
    kept = true;
  });
  await settle();
  return kept;
}

test('a pause is over after its time', async () => {
  const clock = new ManualClock();
  const pausing = pause(100, clock, new AbortController().signal);
  await clock.advance(99);
  expect(await isKept(pausing)).toBe(false);
  await clock.advance(1);
  expect(await isKept(pausing)).toBe(true);
});

test('a pause is over at the signal, before or within it, and leaves no timer', async () => {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const pausing = pause(100, clock, stopping.signal);
  expect(await isKept(pausing)).toBe(false);
  stopping.abort();
  expect(await isKept(pausing)).toBe(true);
  expect(await isKept(pause(100, clock, stopping.signal))).toBe(true);
  expect(clock.timers).toBe(0);
});
