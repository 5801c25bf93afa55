import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { expect, it, onTestFinished, vi } from 'vitest';
import { formatKey, makeKeyText, parseKey } from '../../src/auth/api-key.ts';
import { REMEMBER_MS } from '../../src/auth/key-lookup.ts';
import { createKeyring } from '../../src/auth/keyring.ts';
import { SCOPES } from '../../src/lib/identity.ts';
import type { OpenDatabaseOptions } from '../../src/storage/open-database.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { errorOf, writeOut } from './kept-log.ts';

const SECRET = /^mr_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/;
const INVALID = 'This API key is not valid. Ask whoever runs this server for one.';

it('has 256 bits of chance in a key, and none twice', () => {
  const made = Array.from({ length: 1_000 }, () => makeKeyText());
  expect(new Set(made.map(({ id }) => id)).size).toBe(1_000);
  expect(new Set(made.map(({ secret }) => secret)).size).toBe(1_000);
  for (const text of made) {
    expect(Buffer.from(text.secret, 'base64url')).toHaveLength(32);
    expect(parseKey(formatKey(text))).toEqual(text);
  }
});

forEachDatabase(({ open }) => {
  const setUp = async (options?: OpenDatabaseOptions) => {
    const clock = new ManualClock();
    const database = await open(options);
    return { clock, database, keyring: createKeyring({ database, clock }) };
  };

  it('O5 knows whoever shows a key it made', async () => {
    const { keyring, clock } = await setUp();
    const expiresAt = clock.now() + 1_000;
    const made = await keyring.create({
      subject: 'ann@example.org',
      tenant: 'acme',
      scopes: ['control', 'read'],
      expiresAt,
      description: 'For the\u2026 dashboard',
    });
    expect(made.text).toMatch(SECRET);
    expect(await keyring.verify(made.text)).toEqual({
      subject: 'ann@example.org',
      tenant: 'acme',
      scopes: new Set(['read', 'control']),
      expiresAt,
      recheck: expect.any(Function),
    });
    const { text, ...kept } = made;
    expect(await keyring.list()).toEqual([kept]);
  });

  it('O5 stores nothing that a key could be made of', async () => {
    const { keyring, database } = await setUp();
    const { text } = await keyring.create({ subject: 'ann', scopes: SCOPES });
    const rows = await database.reads.selectFrom('api_keys').selectAll().execute();
    const { secret = '' } = parseKey(text) ?? {};
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(rows[0]?.hash).toBe(crypto.createHash('sha256').update(secret).digest('hex'));
  });

  it('O5 refuses all that is not a key of its own, in the same words', async () => {
    const { keyring } = await setUp();
    const { text } = await keyring.create({ subject: 'ann', scopes: ['read'] });
    const { id = '', secret = '' } = parseKey(text) ?? {};
    const wrong = [
      formatKey(makeKeyText()),
      formatKey({ id, secret: makeKeyText().secret }),
      formatKey({ id: makeKeyText().id, secret }),
      `${text}A`,
      `${text} `,
      text.slice(0, -1),
      text.toUpperCase(),
      text.replace('mr_', 'mr-'),
      `mr_${id}_s3cr3t-${secret.slice(7)}`,
      'mr_',
      `mr_${id}_`,
      '',
    ];
    for (const each of wrong) {
      const error = await errorOf(keyring.verify(each));
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', message: INVALID });
      expect(writeOut(error)).not.toContain(secret.slice(8));
      expect(writeOut(error)).not.toContain('s3cr3t');
    }
    await keyring.verify(text);
  });

  it('O5 compares in constant time, keys that there are not too', async () => {
    const { keyring } = await setUp();
    const { text } = await keyring.create({ subject: 'ann', scopes: ['read'] });
    const { id = '' } = parseKey(text) ?? {};
    const spy = vi.spyOn(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    const { secret } = makeKeyText();
    for (const shown of [text, formatKey({ id, secret }), formatKey(makeKeyText())]) {
      await keyring.verify(shown).catch(() => undefined);
      expect(spy).toHaveBeenCalledOnce();
      expect(spy.mock.calls[0]?.map(({ byteLength }) => byteLength)).toEqual([32, 32]);
      spy.mockClear();
    }
  });

  it('O5 knows a key until it expires', async () => {
    const { keyring, clock } = await setUp();
    const { text } = await keyring.create({
      subject: 'ann',
      scopes: ['read'],
      expiresAt: clock.now() + 1_000,
    });
    await clock.advance(999);
    await keyring.verify(text);
    await clock.advance(1);
    await expect(keyring.verify(text)).rejects.toThrow('This API key has expired.');
  });

  it('O5 knows a revoked key no more: here at once, elsewhere within seconds', async () => {
    const { keyring, database, clock } = await setUp();
    const elsewhere = createKeyring({ database, clock });
    const { text, id } = await keyring.create({ subject: 'ann', scopes: ['read'] });
    await elsewhere.verify(text);
    await keyring.verify(text);
    await clock.advance(100);
    const revoked = await keyring.revoke(id);
    expect(revoked.revokedAt).toBe(clock.now());
    await expect(keyring.verify(text)).rejects.toThrow('This API key was revoked.');
    await clock.advance(REMEMBER_MS);
    await expect(elsewhere.verify(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    // What became of it is told to those alone who have it.
    const guess = formatKey({ id, secret: makeKeyText().secret });
    await expect(elsewhere.verify(guess)).rejects.toThrow(INVALID);

    expect(await keyring.revoke(id)).toEqual(revoked);
    expect(await keyring.list()).toEqual([revoked]);
    expect(await keyring.hasAny()).toBe(true);
  });

  it('has none at first', async () => {
    const { keyring } = await setUp();
    expect(await keyring.hasAny()).toBe(false);
    expect(await keyring.list()).toEqual([]);
  });

  it('says which key there is not, and repeats nothing that may be one', async () => {
    const { keyring } = await setUp();
    await expect(keyring.revoke('a2a2a2a2a2a2')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no API key "a2a2a2a2a2a2". See `millrace keys list`.',
    });
    const error = await errorOf(keyring.revoke(`mr_a2a2a2a2a2a2_s3cr3t-`));
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(writeOut(error)).not.toContain('s3cr3t');
  });

  it('O5 reads of a key once in a while, however often and with whatever secret it is shown', async () => {
    const statements: string[] = [];
    const { keyring } = await setUp({ onStatement: (sql) => statements.push(sql) });
    const { text, id } = await keyring.create({ subject: 'ann', scopes: ['read'] });
    await keyring.verify(text);
    statements.length = 0;
    for (let round = 0; round < 50; round++) {
      const guess = formatKey({ id, secret: makeKeyText().secret });
      await expect(keyring.verify(guess)).rejects.toThrow(INVALID);
      await keyring.verify(text);
    }
    expect(statements).toEqual([]);
  });

  it('O5 says that it can not be found out while the database can not be used', async () => {
    const { keyring, database } = await setUp();
    const { text } = await keyring.create({ subject: 'ann', scopes: ['read'] });
    await database.close();
    await expect(keyring.verify(text)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  it('O5 refuses names that could be taken for something else', async () => {
    const { keyring, clock } = await setUp();
    const good = { subject: 'ann', tenant: 'acme', scopes: ['read'] } as const;
    const bad: readonly (readonly [string, object])[] = [
      ['subject', { subject: '' }],
      ['subject', { subject: 'a\nb' }],
      ['subject', { subject: 'a b' }],
      ['subject', { subject: 'a\u202eb' }],
      ['subject', { subject: 'a'.repeat(256) }],
      ['tenant', { tenant: '' }],
      ['tenant', { tenant: '..' }],
      ['tenant', { tenant: '-a' }],
      ['tenant', { tenant: 'a/b' }],
      ['tenant', { tenant: 'a\r\nb' }],
      ['tenant', { tenant: 'a'.repeat(65) }],
      ['tenant', { tenant: '__proto__' }],
      ['scopes', { scopes: [] }],
      ['scopes', { scopes: ['read', 'everything'] }],
      ['scopes', { scopes: ['constructor'] }],
      ['expiresAt', { expiresAt: clock.now() }],
      ['expiresAt', { expiresAt: Number.NaN }],
      ['expiresAt', { expiresAt: Number.POSITIVE_INFINITY }],
      ['description', { description: 'a\u0007' }],
      ['description', { description: 'a'.repeat(201) }],
    ];
    for (const [name, change] of bad) {
      const error = await errorOf(keyring.create({ ...good, ...change }));
      expect(error).toMatchObject({ code: 'VALIDATION_FAILED', issues: [{ path: [name] }] });
    }
    expect(await keyring.hasAny()).toBe(false);
  });
});
