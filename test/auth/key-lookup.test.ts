import { expect, it } from 'vitest';
import { KeyLookup, MOST_REMEMBERED, REMEMBER_MS } from '../../src/auth/key-lookup.ts';
import type { StoredKey } from '../../src/auth/key-store.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

function makeKey(id: string, revokedAt?: number): StoredKey {
  const key = {
    id,
    description: undefined,
    subject: 'ann',
    tenant: 'default',
    scopes: new Set<never>(),
    createdAt: 0,
    expiresAt: undefined,
    revokedAt,
  };
  return { key, hash: '' };
}

/** A lookup in a place that tells what it is asked for, and may be held. */
function setUp(...ids: string[]) {
  const clock = new ManualClock();
  const rows = new Map(ids.map((id) => [id, makeKey(id)]));
  const reads: (readonly string[])[] = [];
  const gate: { held?: Promise<void> } = {};
  const lookup = new KeyLookup(async (asked) => {
    reads.push(asked);
    const found = new Map(rows);
    await gate.held;
    return found;
  }, clock);
  return { clock, rows, reads, gate, lookup };
}

/** Holds reads until the answer is called. */
function hold(gate: { held?: Promise<void> }): () => void {
  let letGo: () => void = () => undefined;
  gate.held = new Promise((resolve) => {
    letGo = resolve;
  });
  return () => letGo();
}

it('reads a key once in a while, whether it is there or not', async () => {
  const { clock, reads, lookup } = setUp('a');
  for (let round = 0; round < 100; round++) {
    expect((await lookup.find('a'))?.key.id).toBe('a');
    expect(await lookup.find('b')).toBeUndefined();
  }
  expect(reads).toEqual([['a'], ['b']]);
  await clock.advance(REMEMBER_MS);
  await lookup.find('a');
  expect(reads).toHaveLength(3);
});

it('O5 hears of a revocation within seconds', async () => {
  const { clock, rows, lookup } = setUp('a');
  await lookup.find('a');
  rows.set('a', makeKey('a', 1));
  expect((await lookup.find('a'))?.key.revokedAt).toBeUndefined();
  await clock.advance(REMEMBER_MS);
  expect((await lookup.find('a'))?.key.revokedAt).toBe(1);
  expect(REMEMBER_MS).toBeLessThan(5_000);
});

it('forgets a key that was changed here', async () => {
  const { rows, lookup } = setUp('a');
  await lookup.find('a');
  rows.set('a', makeKey('a', 1));
  lookup.forget('a');
  expect((await lookup.find('a'))?.key.revokedAt).toBe(1);
});

it('counts the time from the beginning of a read that takes long', async () => {
  const { clock, rows, gate, lookup } = setUp('a');
  const letGo = hold(gate);
  const slow = lookup.find('a');
  await clock.advance(REMEMBER_MS);
  rows.set('a', makeKey('a', 1));
  letGo();
  await slow;
  expect((await lookup.find('a'))?.key.revokedAt).toBe(1);
});

it('O5 makes few reads of a flood, one after another, and good keys have their place in it', async () => {
  const { reads, gate, lookup } = setUp('good');
  const letGo = hold(gate);
  const flood = Array.from({ length: 1_200 }, (_, at) => lookup.find(`made-up-${at}`));
  const good = lookup.find('good');
  await settle();
  expect(reads).toHaveLength(1);
  letGo();
  await Promise.all(flood);
  expect((await good)?.key.id).toBe('good');
  expect(reads.map(({ length }) => length)).toEqual([500, 500, 201]);
});

it('O5 remembers no more than a number of keys, and made-up ones drive out no good ones', async () => {
  const { reads, lookup } = setUp('good');
  await lookup.find('good');
  const made = Array.from({ length: MOST_REMEMBERED + 600 }, (_, at) => `made-up-${at}`);
  await Promise.all(made.map((id) => lookup.find(id)));
  expect(lookup.remembered).toBe(MOST_REMEMBERED + 1);
  const before = reads.length;
  await lookup.find('good');
  expect(reads).toHaveLength(before);
});

it('passes on what goes wrong, and tries again', async () => {
  const clock = new ManualClock();
  let isDown = true;
  const lookup = new KeyLookup(async () => {
    if (isDown) throw new Error('The disk is gone.');
    return new Map([['a', makeKey('a')]]);
  }, clock);
  await expect(lookup.find('a')).rejects.toThrow('The disk is gone.');
  isDown = false;
  expect((await lookup.find('a'))?.key.id).toBe('a');
});

it('does not wait for ever behind a read that hangs', async () => {
  const { clock, gate, lookup } = setUp('a', 'b');
  const letGo = hold(gate);
  const hanging = lookup.find('a');
  await settle();
  delete gate.held;
  const next = lookup.find('b');
  await clock.advance(2_000);
  expect((await next)?.key.id).toBe('b');
  letGo();
  await hanging;
  expect(clock.timers).toBe(0);
});

it('O5 what is forgotten while it is read is not taken for true', async () => {
  const { rows, gate, lookup } = setUp('a');
  const letGo = hold(gate);
  const before = lookup.find('a');
  await settle(); // it was read, and did not arrive yet
  rows.set('a', makeKey('a', 1));
  lookup.forget('a');
  delete gate.held;
  letGo();
  await before;
  expect((await lookup.find('a'))?.key.revokedAt).toBe(1);
});
