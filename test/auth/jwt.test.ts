import { createHmac, createPublicKey } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { createJwtVerifier } from '../../src/auth/jwt.ts';
import type { JwtOptions } from '../../src/auth/jwt-options.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeSigner, publishKeys, type Signer } from './jwks-server.ts';
import { errorOf, keepLog, writeOut } from './kept-log.ts';

const SECRET = 's3cr3t-that-has-thirty-two-bytes-or-more';
const SECRET_BYTES = new TextEncoder().encode(SECRET);
const INVALID = 'This token is not valid here. Get a new one from whoever makes them.';

function setUp(options: JwtOptions) {
  const clock = new ManualClock(Date.now());
  const { logger, text } = keepLog();
  const verifier = createJwtVerifier(options, { clock, logger });
  const nowSec = Math.floor(clock.now() / 1_000);
  return { clock, verifier, log: text, nowSec };
}

/** A token by a secret. What is undefined in the claims is not in it. */
function sign(
  claims: Readonly<Record<string, unknown>>,
  alg = 'HS256',
  key: Uint8Array = SECRET_BYTES,
): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + 60;
  return new SignJWT({ sub: 'ann', exp, scope: 'read', ...claims })
    .setProtectedHeader({ alg })
    .sign(key);
}

describe('O5 a token that is signed by a secret', () => {
  it.each(['HS256', 'HS384', 'HS512'])('is known by %s', async (alg) => {
    const { verifier, nowSec } = setUp({ secret: SECRET, clockToleranceSec: 0 });
    const token = await sign({ sub: 'auth0|12', scope: 'read control', exp: nowSec + 10 }, alg);
    expect(await verifier.verify(token)).toEqual({
      subject: 'auth0|12',
      tenant: 'default',
      scopes: new Set(['read', 'control']),
      expiresAt: (nowSec + 10) * 1_000,
    });
  });

  it('is refused by another secret, and by bytes of its own that were changed', async () => {
    const { verifier, log } = setUp({ secret: SECRET });
    const good = await sign({});
    const [header = '', payload = '', signature = ''] = good.split('.');
    const other = await sign({}, 'HS256', new TextEncoder().encode('x'.repeat(40)));
    const richer = Buffer.from(JSON.stringify({ sub: 's3cr3t-sub', exp: 9e9, scope: 'admin' }));
    for (const token of [
      other,
      `${header}.${richer.toString('base64url')}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${good}.x`,
      'a.b.c',
      '..',
      '',
      `${header}.${payload}.${signature.slice(0, -2)}`,
    ]) {
      const error = await errorOf(verifier.verify(token));
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', message: INVALID });
      expect(writeOut(error) + log()).not.toMatch(/s3cr3t/);
      if (payload !== '') expect(writeOut(error) + log()).not.toContain(payload);
    }
  });

  it('is refused when it is signed by nothing', async () => {
    const { verifier } = setUp({ secret: SECRET });
    const unsecured = new UnsecuredJWT({ sub: 'ann', scope: 'admin' })
      .setExpirationTime('1h')
      .encode();
    await expect(verifier.verify(unsecured)).rejects.toThrow(INVALID);
    const [, payload] = unsecured.split('.');
    for (const alg of ['none', 'None', 'nOnE', '', 'HS1', null, 1]) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      await expect(verifier.verify(`${header}.${payload}.`)).rejects.toThrow(INVALID);
      await expect(verifier.verify(`${header}.${payload}.AAAA`)).rejects.toThrow(INVALID);
    }
  });

  it('is refused when it is signed by a key that is in it', async () => {
    const { verifier } = setUp({ secret: SECRET });
    const signer = await makeSigner('own');
    const token = await new SignJWT({ sub: 'ann', exp: 9e9, scope: 'admin' })
      .setProtectedHeader({ alg: 'ES256', jwk: signer.jwk, kid: 'own' })
      .sign(signer.privateKey);
    await expect(verifier.verify(token)).rejects.toThrow(INVALID);
  });

  it('is refused with an extension that is not known', async () => {
    const { verifier } = setUp({ secret: SECRET });
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${encode({ sub: 'ann', exp: 9e9 })}`;
    const signature = createHmac('sha256', SECRET).update(body).digest('base64url');
    await expect(verifier.verify(`${body}.${signature}`)).rejects.toThrow(INVALID);
  });

  it('must say until when it is good, and for whom', async () => {
    const { verifier } = setUp({ secret: SECRET });
    const claim = (name: string) => `This token is not valid here: see its claim "${name}".`;
    const refused: readonly (readonly [object, string])[] = [
      [{ exp: undefined }, claim('exp')],
      [{ sub: undefined }, claim('sub')],
      [{ nbf: 9e9 }, claim('nbf')],
      [{ sub: 'a b' }, 'The token names nobody that can be named here: see its claim "sub".'],
      [{ sub: 'a\u0007' }, 'The token names nobody that can be named here: see its claim "sub".'],
      [{ sub: '' }, 'The token names nobody that can be named here: see its claim "sub".'],
    ];
    for (const [claims, message] of refused) {
      await expect(verifier.verify(await sign({ ...claims }))).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message,
      });
    }
  });

  it('is good until it expires, and a little longer where clocks may differ', async () => {
    const { verifier, clock, nowSec } = setUp({ secret: SECRET, clockToleranceSec: 5 });
    const token = await sign({ exp: nowSec + 10, nbf: nowSec + 4 });
    const { expiresAt } = await verifier.verify(token);
    expect(expiresAt).toBe((nowSec + 15) * 1_000);
    await clock.advance((expiresAt ?? 0) - clock.now() - 1);
    await verifier.verify(token);
    await clock.advance(1);
    await expect(verifier.verify(token)).rejects.toThrow('This token has expired. Get a new one.');
  });

  it('may be good for longer than there are dates', async () => {
    const { verifier } = setUp({ secret: SECRET });
    const { expiresAt } = await verifier.verify(await sign({ exp: 1e300 }));
    expect(new Date(expiresAt ?? 0).getTime()).toBe(8.64e15);
  });

  it('is refused when somebody else made it, or for somebody else', async () => {
    const { verifier } = setUp({ secret: SECRET, issuer: 'https://id.example', audience: 'jobs' });
    const iss = 'https://id.example';
    await verifier.verify(await sign({ iss, aud: 'jobs' }));
    await verifier.verify(await sign({ iss, aud: ['mail', 'jobs'] }));
    for (const aud of [undefined, 'mail', ['mail'], 'jobs2']) {
      await expect(verifier.verify(await sign({ iss, aud }))).rejects.toThrow('its claim "aud"');
    }
    for (const other of [undefined, 'https://id.example/', 'x']) {
      const token = await sign({ iss: other, aud: 'jobs' });
      await expect(verifier.verify(token)).rejects.toThrow('its claim "iss"');
    }
  });

  it.each([
    ['scope', 'read debug', ['read', 'debug']],
    ['scope', 'millrace:read other:admin  everything', ['read']],
    ['scope', ['read', 'millrace:control', 'admins', 1, null, ['admin']], ['read', 'control']],
    ['scope', undefined, []],
    ['scope', { admin: true }, []],
    ['scope', 'READ,admin', []],
    ['permissions', ['ingest'], ['ingest']],
    ['constructor', undefined, []],
  ])('names scopes in the claim %s: %j', async (scopesClaim, claim, scopes) => {
    const { verifier } = setUp({ secret: SECRET, scopesClaim });
    const token = await sign({ scope: undefined, [scopesClaim]: claim });
    expect([...(await verifier.verify(token)).scopes]).toEqual(scopes);
  });

  it('must name a tenant where tenants are told by tokens', async () => {
    const { verifier } = setUp({ secret: SECRET, tenantClaim: 'org' });
    expect((await verifier.verify(await sign({ org: 'acme' }))).tenant).toBe('acme');
    for (const org of [undefined, '', 'a/b', '..', 1, ['acme'], 'a'.repeat(65)]) {
      await expect(verifier.verify(await sign({ org }))).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'The token names no tenant: see its claim "org".',
      });
    }
    const plain = setUp({ secret: SECRET }).verifier;
    expect((await plain.verify(await sign({ org: 'acme', tenant: 'acme' }))).tenant).toBe(
      'default',
    );
  });
});

describe('O5 a token that is signed by a published key', () => {
  afterEach(() => void vi.useRealTimers());

  const claims = () => ({ sub: 'ann', scope: 'read', exp: Math.floor(Date.now() / 1_000) + 3_600 });
  const setUpPublished = async (...signers: Signer[]) => {
    const published = await publishKeys(...signers);
    return { published, ...setUp({ jwksUrl: published.url, audience: undefined }) };
  };

  it.each(['RS256', 'PS384', 'ES256', 'Ed25519'])('is known by %s', async (alg) => {
    const signer = await makeSigner('a', alg);
    const { verifier, published } = await setUpPublished(signer);
    const token = await signer.sign(claims());
    for (let round = 0; round < 5; round++) {
      expect(await verifier.verify(token)).toMatchObject({ subject: 'ann', tenant: 'default' });
    }
    expect(published.requests).toBe(1);
  });

  it('is refused when it is signed by the public key as if that were a secret', async () => {
    const signer = await makeSigner('a', 'RS256');
    const { verifier } = await setUpPublished(signer);
    await verifier.verify(await signer.sign(claims()));
    const key = createPublicKey({ key: signer.jwk, format: 'jwk' });
    const pem = key.export({ type: 'spki', format: 'pem' });
    for (const secret of [
      pem,
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(signer.jwk),
    ]) {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'a' })).toString('base64url');
      const body = `${header}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}`;
      const signature = createHmac('sha256', secret).update(body).digest('base64url');
      await expect(verifier.verify(`${body}.${signature}`)).rejects.toThrow(INVALID);
    }
  });

  it('is refused when it is signed by nothing, by another key, or in another way than the key says', async () => {
    const [signer, stranger] = [await makeSigner('a'), await makeSigner('a')];
    const { verifier } = await setUpPublished(signer);
    const none = new UnsecuredJWT(claims()).encode();
    const es384 = await (await makeSigner('a', 'ES384')).sign(claims());
    const rs256 = await (await makeSigner('a', 'RS256')).sign(claims());
    for (const token of [none, await stranger.sign(claims()), es384, rs256]) {
      await expect(verifier.verify(token)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: INVALID,
      });
    }
  });

  it('is known by a key that came later, and no more by one that went', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [old, fresh] = [await makeSigner('old'), await makeSigner('fresh')];
    const { verifier, published } = await setUpPublished(old);
    const [oldToken, freshToken] = [await old.sign(claims()), await fresh.sign(claims())];
    await verifier.verify(oldToken);
    published.publish(fresh);
    // Tokens that name keys there are not make no more than one request in half a minute.
    for (let round = 0; round < 20; round++) {
      await expect(verifier.verify(freshToken)).rejects.toThrow(INVALID);
    }
    expect(published.requests).toBe(1);
    vi.setSystemTime(Date.now() + 30_001);
    expect((await verifier.verify(freshToken)).subject).toBe('ann');
    await expect(verifier.verify(oldToken)).rejects.toThrow(INVALID);
    expect(published.requests).toBe(2);
  });

  it.each([
    [
      'answers with a fault',
      (response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end(),
    ],
    [
      'answers with a way elsewhere',
      (response: { writeHead(status: number, headers?: object): { end(): void } }) =>
        response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
    ['answers with no JSON', (response: { end(text: string): void }) => response.end('<html>')],
    [
      'answers with something else',
      (response: { end(text: string): void }) => response.end('{"keys":[1]}'),
    ],
    [
      'answers with too much',
      (response: { end(text: string): void }) => response.end(' '.repeat(1_100_000)),
    ],
    ['hangs up', (response: { destroy(): void }) => response.destroy()],
  ])(
    'can not be looked at while the place of the keys %s, and that says nothing of it',
    async (_, answer) => {
      const signer = await makeSigner('a');
      const { verifier, published, clock, log } = await setUpPublished(signer);
      published.answer(answer);
      const token = await signer.sign(claims());
      const flood = Array.from({ length: 20 }, () => errorOf(verifier.verify(token)));
      for (const error of await Promise.all(flood)) {
        expect(error).toMatchObject({ code: 'AUTHENTICATION_UNAVAILABLE' });
        expect(writeOut(error)).not.toContain(token.slice(0, 40));
      }
      await expect(verifier.verify(token)).rejects.toMatchObject({
        code: 'AUTHENTICATION_UNAVAILABLE',
      });
      expect(published.requests).toBe(1);
      expect(log().match(/can not be read/g)).toHaveLength(1);
      expect(log()).not.toContain(token.split('.')[1]);

      published.publish(signer);
      await clock.advance(5_000);
      expect((await verifier.verify(token)).subject).toBe('ann');
    },
  );

  it('can not be looked at while there is nobody at the place of the keys', async () => {
    const signer = await makeSigner('a');
    const { verifier, log } = setUp({ jwksUrl: 'http://127.0.0.1:1/jwks.json' });
    await expect(verifier.verify(await signer.sign(claims()))).rejects.toMatchObject({
      code: 'AUTHENTICATION_UNAVAILABLE',
      message: 'It can not be found out now who you are. Try again later.',
    });
    expect(log()).toContain('http://127.0.0.1:1/jwks.json');
  });

  it('does not wait for ever for keys that do not come', async () => {
    const signer = await makeSigner('a');
    const { verifier, published } = await setUpPublished(signer);
    published.answer(() => undefined);
    const verifying = errorOf(verifier.verify(await signer.sign(claims())));
    while (published.requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    verifier.close(); // the limit is five seconds; ending it ends it too
    expect(await verifying).toMatchObject({ code: 'AUTHENTICATION_UNAVAILABLE' });
  });

  it('is known still by keys that came before their place went down', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [signer, stranger] = [await makeSigner('a'), await makeSigner('b')];
    const { verifier, published } = await setUpPublished(signer);
    const token = await signer.sign(claims());
    await verifier.verify(token);
    published.answer((response) => response.destroy());
    vi.setSystemTime(Date.now() + 60_000);
    await expect(verifier.verify(await stranger.sign(claims()))).rejects.toMatchObject({
      code: 'AUTHENTICATION_UNAVAILABLE',
    });
    await verifier.verify(token);
  });

  it('may be for other programs where no audience is set, which is told', async () => {
    const { log } = await setUpPublished();
    expect(log()).toContain('No audience of JSON Web Tokens is set');
  });
});

test.each([
  [{}, 'jwt: must have a secret or a jwksUrl, one of the two'],
  [{ secret: SECRET, jwksUrl: 'https://id.example/jwks' }, 'jwt: must have a secret or a jwksUrl'],
  [{ secret: 's3cr3t-too-short' }, 'jwt.secret: must have at least 32 bytes'],
  [{ secret: new Uint8Array(31) }, 'jwt.secret: must have at least 32 bytes'],
  [{ secret: '' }, 'jwt.secret: must have at least 32 bytes'],
  [{ jwksUrl: 'id.example' }, 'jwt.jwksUrl: must be an https URL'],
  [{ jwksUrl: 'http://id.example/s3cr3t-' }, 'jwt.jwksUrl: must be an https URL'],
  [{ jwksUrl: 'https://ann:s3cr3t-@id.example/' }, 'jwt.jwksUrl: must be an https URL'],
  [{ jwksUrl: 'file:///etc/passwd' }, 'jwt.jwksUrl: must be an https URL'],
  [{ secret: SECRET, audience: '' }, 'jwt.audience: must not be empty'],
  [{ secret: SECRET, clockToleranceSec: 301 }, 'jwt.clockToleranceSec: must be 0 to 300'],
  [{ secret: SECRET, clockToleranceSec: Number.NaN }, 'jwt.clockToleranceSec: must be a number'],
])('O5 options %j are refused', (options, message) => {
  expect(() => setUp(options)).toThrow(message);
  try {
    setUp(options);
  } catch (error) {
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(writeOut(error)).not.toContain('s3cr3t');
  }
});
