import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatKey, makeKeyText } from '../../src/auth/api-key.ts';
import type { AuthHook } from '../../src/auth/auth-hook.ts';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { createJwtVerifier } from '../../src/auth/jwt.ts';
import { createKeyring } from '../../src/auth/keyring.ts';
import type { Credentials } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { errorOf, keepLog, writeOut } from './kept-log.ts';

const SECRET = 's3cr3t-that-has-thirty-two-bytes-or-more';
const MALFORMED = 'must be "Bearer" and an API key or a token, with a space between them.';

function http(authorization?: string, headers: Credentials['headers'] = {}): Credentials {
  const all = authorization === undefined ? headers : { ...headers, authorization };
  return { transport: 'http', headers: all, connectionParams: {}, address: '127.0.0.1' };
}

function socket(params: unknown, headers: Credentials['headers'] = {}): Credentials {
  const connectionParams = params as Credentials['connectionParams']; // whatever a client may send
  return { transport: 'websocket', headers, connectionParams, address: '127.0.0.1' };
}

async function setUp({ hook, hasJwt = true }: { hook?: AuthHook; hasJwt?: boolean } = {}) {
  const clock = new ManualClock(Date.now());
  const { logger, text: log } = keepLog();
  const database = await openDatabase('sqlite::memory:');
  onTestFinished(() => database.close());
  const keyring = createKeyring({ database, clock });
  const { text: key } = await keyring.create({
    subject: 'key-holder',
    tenant: 'acme',
    scopes: ['read'],
  });
  const jwt = hasJwt ? createJwtVerifier({ secret: SECRET }, { clock, logger }) : undefined;
  const token = await new SignJWT({ sub: 'token-holder', scope: 'read' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  const authenticator = createAuthenticator({ keyring, jwt, hook, clock, logger });
  const subjectOf = async (credentials: Credentials) =>
    (await authenticator.authenticate(credentials)).subject;
  return { clock, log, database, key, token, authenticator, subjectOf };
}

describe('O5 over HTTP', () => {
  it('a key or a token stands behind "Bearer", in whatever letters', async () => {
    const { key, token, subjectOf } = await setUp();
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
      expect(await subjectOf(http(`${scheme} ${key}`))).toBe('key-holder');
      expect(await subjectOf(http(`${scheme} ${token}`))).toBe('token-holder');
    }
  });

  it('whoever shows nothing is told what to show', async () => {
    const { authenticator } = await setUp();
    await expect(authenticator.authenticate(http())).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message:
        'Say who you are: send the header `authorization: Bearer …`, with an API key or a token.',
    });
    const { authenticator: plain } = await setUp({ hasJwt: false });
    await expect(plain.authenticate(http())).rejects.toThrow('with an API key.');
  });

  it('what is not as it must be is refused, and not repeated', async () => {
    const { authenticator, key, log } = await setUp();
    const malformed = [
      '',
      'Bearer',
      'Bearer ',
      's3cr3t-text',
      `Basic ${btoa('ann:s3cr3t-')}`,
      `Bearer: s3cr3t-`,
      `Bearer s3cr3t- ${key}`,
      `Bearer ${key}, Bearer s3cr3t-`,
      `Bearer s3cr3t-\u0000`,
      `Bearer s3cr3t-é`,
      `Bearer\ts3cr3t-`,
      `${key}`,
    ];
    for (const text of malformed) {
      const error = await errorOf(authenticator.authenticate(http(text)));
      expect(error).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: `The header \`authorization\` ${MALFORMED}`,
      });
      expect(writeOut(error) + log()).not.toMatch(/s3cr3t/);
      expect(writeOut(error) + log()).not.toContain(key);
    }
  });

  it('what is too long is refused before it is looked at', async () => {
    const { authenticator, key } = await setUp();
    for (const begin of ['s3cr3t-', key, '']) {
      const text = `Bearer ${begin}${'.'.repeat(9_000)}`;
      await expect(authenticator.authenticate(http(text))).rejects.toThrow(
        'has a token of more than 8192 characters. Show a shorter one.',
      );
    }
    const longest = `Bearer ${'a'.repeat(8_192)}`;
    await expect(authenticator.authenticate(http(longest))).rejects.toThrow('This token');
  });

  it('what stands elsewhere is not looked at', async () => {
    const { authenticator, key } = await setUp();
    const elsewhere = http(undefined, {
      cookie: `authorization=Bearer ${key}`,
      'x-api-key': key,
      'proxy-authorization': `Bearer ${key}`,
    });
    for (const credentials of [
      elsewhere,
      { ...elsewhere, connectionParams: { authorization: `Bearer ${key}` } },
    ]) {
      await expect(authenticator.authenticate(credentials)).rejects.toThrow('Say who you are');
    }
  });
});

describe('O5 over WebSocket', () => {
  it('the same stands in the connection parameters, or in the header of those who can send one', async () => {
    const { key, token, subjectOf } = await setUp();
    expect(await subjectOf(socket({ authorization: `Bearer ${key}` }))).toBe('key-holder');
    expect(await subjectOf(socket({ Authorization: `bearer ${token}` }))).toBe('token-holder');
    expect(await subjectOf(socket({}, { authorization: `Bearer ${key}` }))).toBe('key-holder');
    const both = socket({ authorization: `Bearer ${key}` }, { authorization: `Bearer ${token}` });
    expect(await subjectOf(both)).toBe('key-holder');
  });

  it('whoever shows nothing is told what to show', async () => {
    const { authenticator } = await setUp();
    await expect(authenticator.authenticate(socket({}))).rejects.toThrow(
      'Say who you are: send `authorization: "Bearer …"` in the connection parameters, with an API key or a token.',
    );
  });

  it('what is not as it must be is refused, though the header would be good', async () => {
    const { authenticator, key } = await setUp();
    const headers = { authorization: `Bearer ${key}` };
    for (const authorization of [null, undefined, 1, {}, [`Bearer ${key}`], '', 'Basic s3cr3t-']) {
      const error = await errorOf(authenticator.authenticate(socket({ authorization }, headers)));
      expect(error.message).toBe(`\`authorization\` in the connection parameters ${MALFORMED}`);
      expect(writeOut(error)).not.toMatch(/s3cr3t/);
    }
    const twice = socket({ authorization: `Bearer ${key}`, Authorization: `Bearer ${key}` });
    await expect(authenticator.authenticate(twice)).rejects.toThrow('must be there once');
  });

  it('what every object has is no parameter', async () => {
    const { authenticator, key } = await setUp();
    const params = Object.create({ authorization: `Bearer ${key}` });
    await expect(authenticator.authenticate(socket(params))).rejects.toThrow('Say who you are');
    const polluting = JSON.parse(`{"__proto__":{"authorization":"Bearer ${key}"}}`);
    await expect(authenticator.authenticate(socket(polluting))).rejects.toThrow('Say who you are');
  });

  it('a new token takes the place of the one that a socket was opened with', async () => {
    const { authenticator, key, token } = await setUp();
    const opened = socket({ Authorization: `Bearer ${key}` }, { authorization: `Bearer ${key}` });
    expect((await authenticator.authenticateToken(token, opened)).subject).toBe('token-holder');
    for (const bad of ['', 's3cr3t-', 'a b', formatKey(makeKeyText()), 'x'.repeat(9_000)]) {
      const error = await errorOf(authenticator.authenticateToken(bad, opened));
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(writeOut(error)).not.toMatch(/s3cr3t/);
    }
  });
});

describe('O5 what is asked', () => {
  it('what begins as a key is nothing else, and what is refused is not tried in another way', async () => {
    let asked = 0;
    const hook = () => {
      asked++;
      return { scopes: ['admin'] } as const;
    };
    const { authenticator, token } = await setUp({ hook });
    const wrong = http(`Bearer ${formatKey(makeKeyText())}`);
    await expect(authenticator.authenticate(wrong)).rejects.toThrow('This API key is not valid.');
    await expect(authenticator.authenticate(http(`Bearer mr_${token}`))).rejects.toThrow('API key');
    expect(asked).toBe(0);
  });

  it('a token is refused where none are set up', async () => {
    const { authenticator, token } = await setUp({ hasJwt: false });
    const error = await errorOf(authenticator.authenticate(http(`Bearer ${token}`)));
    expect(error.message).toBe('This is not an API key that is good here.');
    expect(writeOut(error)).not.toContain(token);
  });

  it('a database that can not be used is told as that', async () => {
    const { authenticator, database, key } = await setUp();
    await database.close();
    await expect(authenticator.authenticate(http(`Bearer ${key}`))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
  });
});

describe('O5 a hook', () => {
  it('says who somebody is by whatever it likes, and those it does not know may show a token', async () => {
    const hook: AuthHook = async ({ headers, address }) =>
      headers.cookie === 'session=1'
        ? { subject: `by-${address}`, tenant: 'acme', scopes: ['read', 'debug'] }
        : undefined;
    const { authenticator, subjectOf, token, key } = await setUp({ hook });
    const known = http(undefined, { cookie: 'session=1' });
    expect(await authenticator.authenticate(known)).toEqual({
      subject: 'by-127.0.0.1',
      tenant: 'acme',
      scopes: new Set(['read', 'debug']),
      expiresAt: undefined,
    });
    expect(await subjectOf(http('Basic x', { cookie: 'session=1' }))).toBe('by-127.0.0.1');
    expect(await subjectOf(socket({}, { cookie: 'session=1' }))).toBe('by-127.0.0.1');
    expect(await subjectOf(http(`Bearer ${token}`))).toBe('token-holder');
    expect(await subjectOf(http(`Bearer ${key}`, { cookie: 'session=1' }))).toBe('key-holder');
    await expect(authenticator.authenticate(http())).rejects.toThrow('Say who you are');
    await expect(authenticator.authenticate(http('Basic x'))).rejects.toThrow(MALFORMED);
  });

  it('may say nobody in particular, of the tenant of those who belong to none', async () => {
    const { authenticator } = await setUp({ hook: () => ({ scopes: new Set(['read'] as const) }) });
    expect(await authenticator.authenticate(http())).toEqual({
      subject: undefined,
      tenant: 'default',
      scopes: new Set(['read']),
      expiresAt: undefined,
    });
  });

  it('says until when, and nobody is known for longer', async () => {
    const end: { at: number } = { at: 0 };
    const hook = () => ({ scopes: ['read'], expiresAt: end.at }) as const;
    const { authenticator, clock } = await setUp({ hook });
    end.at = clock.now() + 1;
    expect(await authenticator.authenticate(http())).toMatchObject({ expiresAt: end.at });
    await clock.advance(1);
    await expect(authenticator.authenticate(http())).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['true', true],
    ['a text', 'ann'],
    ['no scopes', { subject: 'ann' }],
    ['scopes in a text', { scopes: 'read' }],
    ['a scope that there is not', { scopes: ['read', 'everything'] }],
    ['a tenant that is none', { scopes: ['read'], tenant: 'a/b' }],
    ['a tenant of another kind', { scopes: ['read'], tenant: 1 }],
    ['no tenant at all', { scopes: ['read'], tenant: null }],
    ['a subject with a line break', { scopes: ['read'], subject: 'a\nb' }],
    ['a subject of another kind', { scopes: ['read'], subject: { toString: () => 'ann' } }],
    ['an end that is none', { scopes: ['read'], expiresAt: Number.NaN }],
    ['an end in words', { scopes: ['read'], expiresAt: 'tomorrow' }],
  ])('that answers %s lets nobody in', async (_, answer) => {
    const hook = () => answer as ReturnType<AuthHook>; // as a program without types may
    const { authenticator, log } = await setUp({ hook });
    await expect(authenticator.authenticate(http())).rejects.toMatchObject({
      code: 'AUTHENTICATION_UNAVAILABLE',
    });
    expect(log()).toContain('The hook that says who people are failed.');
  });

  it('that fails lets nobody in; what it says is logged, without what it was shown', async () => {
    const hook: AuthHook = ({ headers, connectionParams }) => {
      const shown = JSON.stringify([headers, connectionParams]);
      throw new Error(`The directory at 10.0.0.9 refused ${shown}`);
    };
    const { authenticator, log, token } = await setUp({ hook });
    for (const credentials of [
      http(`Bearer ${token}`, { cookie: 'theme=dark; sid=s3cr3t-cookie' }),
      socket({ authorization: 'Bearer s3cr3t-token', password: 's3cr3t-password' }),
    ]) {
      const error = await errorOf(authenticator.authenticate(credentials));
      expect(error).toMatchObject({
        code: 'AUTHENTICATION_UNAVAILABLE',
        message: 'It can not be found out now who you are. Try again later.',
      });
      expect(writeOut(error)).not.toMatch(/10\.0\.0\.9|s3cr3t/);
    }
    expect(log()).toContain('The directory at 10.0.0.9 refused');
    expect(log()).not.toMatch(/s3cr3t/);
    expect(log()).not.toContain(token);
  });
});
