import { expect, test } from 'vitest';
import { FailedAttempts } from '../../src/server/identity/failed-attempts.ts';
import { KnownTokens } from '../../src/server/identity/known-tokens.ts';
import { networkOf } from '../../src/server/identity/network-of.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:1::5:6:7:8', '2001:db8:1:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ['no address', 'no address'],
  [undefined, 'unknown'],
])('O5 the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('O5 what failed is counted by place, and of no more than 10,000 places', () => {
  const failed = new FailedAttempts(2);
  failed.add('a');
  expect(failed.waitMs('a')).toBe(0);
  failed.add('a');
  expect(failed.waitMs('a')).toBeGreaterThan(0);
  expect(failed.waitMs('a')).toBeLessThanOrEqual(60_000);
  expect(failed.waitMs('b')).toBe(0);
  for (let at = 0; at < 10_000; at++) failed.add(`place-${at}`);
  expect(failed.size).toBe(10_000);
  expect(failed.waitMs('a')).toBe(0);
});

test('O5 of tokens that were good the 10,000 shown last are remembered', () => {
  const known = new KnownTokens();
  known.add('first');
  known.add('second');
  for (let at = 0; at < 9_998; at++) known.add(`token-${at}`);
  known.add('first');
  known.add('one more');
  expect(known.size).toBe(10_000);
  expect(['first', 'second', 'one more'].map((token) => known.has(token))).toEqual([
    true,
    false,
    true,
  ]);
  known.delete('first');
  expect(known.has('first')).toBe(false);
});
