import { expect, test } from 'vitest';
import { createKeyFeeds } from '../../src/lib/key-feed.ts';
import { ManualClock } from '../support/manual-clock.ts';

function makeFeeds() {
  const clock = new ManualClock();
  const listeners = new Set<(key: string) => void>();
  const source = {
    topic: 'things',
    listen: (note: (key: string) => void) => {
      listeners.add(note);
      return () => void listeners.delete(note);
    },
  };
  const note = (...keys: string[]) => {
    for (const key of keys) for (const listener of [...listeners]) listener(key);
  };
  return { clock, listeners, source, note, feeds: createKeyFeeds(clock) };
}

test('M9 streams of one topic and rate share a listener and a timer, and free both', async () => {
  const { clock, listeners, source, feeds } = makeFeeds();
  const streams = [10, 10, 2].map((rateHz) => feeds.open(source, rateHz));
  expect([listeners.size, clock.timers]).toEqual([2, 2]);
  for (const stream of streams) await stream.return();
  expect([listeners.size, clock.timers]).toEqual([0, 0]);
  await feeds.open(source, 10).return();
  expect([listeners.size, clock.timers]).toEqual([0, 0]);
});

test('M8 a key is told at most as often as the rate says, and the latest change always', async () => {
  const { clock, source, note, feeds } = makeFeeds();
  const stream = feeds.open(source, 10);
  stream.begin(['a']);
  const told: string[] = [];
  const read = async () => {
    while (stream.caughtUpAt() === undefined) told.push(String((await stream.next()).value));
  };
  await read();
  note('a', 'b', 'a');
  await read();
  expect(told).toEqual(['a']);
  await clock.advance(100);
  await read();
  expect(told).toEqual(['a', 'a', 'b']);
  await clock.advance(1000);
  note('a');
  await read();
  expect(told).toEqual(['a', 'a', 'b', 'a']);
  note('a');
  await clock.advance(99);
  await read();
  expect(told).toHaveLength(4);
  await clock.advance(1);
  await read();
  expect(told).toHaveLength(5);
  await stream.return();
});
