import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { takeInTurns } from '../../src/server/socket/take-in-turns.ts';

function collect() {
  const calls: string[] = [];
  const taken: number[] = [];
  const source = { pause: () => void calls.push('pause'), readOn: () => void calls.push('readOn') };
  return { calls, taken, take: takeInTurns(source, (message: number) => void taken.push(message)) };
}

test('O7 of many messages at once only some are taken in a turn, all in their order, and meanwhile nothing is read', async () => {
  const { calls, taken, take } = collect();
  const all = Array.from({ length: 50 }, (_, at) => at);
  for (const message of all) take(message);
  const first = taken.length;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(50);
  expect(calls).toEqual(['pause']);
  while (taken.length < 50) {
    const before = taken.length;
    await turnOfTheLoop();
    expect(taken.length - before).toBeLessThanOrEqual(first);
  }
  expect(taken).toEqual(all);
  expect(calls.filter((call) => call === 'readOn')).toHaveLength(1);
  expect(calls.at(-1)).toBe('readOn');
});

test('few messages are taken at once, turn for turn', async () => {
  const { calls, taken, take } = collect();
  for (let turn = 0; turn < 10; turn++) {
    for (let at = 0; at < 5; at++) take(turn);
    expect(taken).toHaveLength((turn + 1) * 5);
    await turnOfTheLoop();
  }
  expect(calls).toEqual([]);
});
