import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskText } from '../../src/audit/mask-secrets.ts';
import { MOST_BYTES, writeArguments } from '../../src/audit/write-arguments.ts';
import { isSecretName } from '../../src/lib/secret-names.ts';

const written = (value: unknown): unknown => JSON.parse(writeArguments(value));

describe('masking', () => {
  test.each([
    ...['password', 'Password', 'db_password', 'PASSWD', 'userPwd', 'passphrase', 'secret'],
    ...['client-secret', 'token', 'accessToken', 'X-Auth-Token', 'apiKey', 'api_key', 'API KEY'],
    ...['authorization', 'Proxy-Authorization', 'credential', 'credentials', 'privateKey'],
    ...['private_key', 'cookie', 'Set-Cookie', 'connectionString', 'aws.secret.access.key'],
  ])('what is under "%s" is hidden', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  test.each(['jobId', 'idempotencyKey', 'key', 'owner', 'path', 'author', 'compass', ''])(
    'what is under "%s" is shown',
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );

  test.each([
    ...['token', 'apiKey', 'authorization', 'secret', 'password', 'credentials', 'jwt', 'bearer'],
    ...['accessToken', 'clientSecret', 'Authorization'],
  ])('O7 the argument "%s" of a mutation is hidden', (name) => {
    const value = 's3cr3t-value';
    for (const given of [{ input: { [name]: value } }, { [name]: value }]) {
      expect(writeArguments(given)).toBe(JSON.stringify(given).replace(value, '***'));
    }
  });

  test('O7 the values of headers are hidden, whatever their names, and the key of a TLS connection', () => {
    const secret = 's3cr3t-value';
    const headers = [
      { name: 'X-Custom', value: secret },
      { name: 'Authorization', value: secret },
    ];
    const tls = { serverName: 'db.example', key: secret };
    expect(written({ input: { headers, tls, key: 'shown' } })).toEqual({
      input: {
        headers: [
          { name: 'X-Custom', value: '***' },
          { name: 'Authorization', value: '***' },
        ],
        tls: { serverName: 'db.example', key: '***' },
        key: 'shown',
      },
    });
    const others = { 'X-Custom': secret, 'X-Pin': 1234, 'X-Many': [secret, { deep: secret }] };
    expect(
      written({ requestHeaders: others, headers: [`X-Custom: ${secret}`, ['X', secret]] }),
    ).toEqual({
      requestHeaders: { 'X-Custom': '***', 'X-Pin': '***', 'X-Many': ['***', { deep: '***' }] },
      headers: ['***', ['***', '***']],
    });
  });

  test('secrets are hidden at any depth, whatever they are', () => {
    const secret = 'hunter2';
    expect(
      written({
        input: {
          flowId: 'articles',
          input: [{ smtp: { PASSWORD: secret, host: 'mail' } }, { credentials: { a: [secret] } }],
          metadata: { 'api-key': 7, tokens: [secret], cookie: null },
        },
      }),
    ).toEqual({
      input: {
        flowId: 'articles',
        input: [{ smtp: { PASSWORD: '***', host: 'mail' } }, { credentials: '***' }],
        metadata: { 'api-key': '***', tokens: '***', cookie: '***' },
      },
    });
  });

  test.each([
    ['postgres://app:hunter2@db.example/main', 'postgres://***@db.example/main'],
    ['at redis://:hunter2@h:6379 and s3://key:hunter2@x', 'at redis://***@h:6379 and s3://***@x'],
    ['https://hunter2@github.example/a.git', 'https://***@github.example/a.git'],
    ['https://a:hun@ter2@host/path', 'https://***@host/path'],
    [
      'https://x.example/?a=1&access_token=hunter2&b=2',
      'https://x.example/?a=1&access_token=***&b=2',
    ],
    ['Authorization: Bearer hunter2', 'Authorization: Bearer ***'],
    ['https://x.example/@someone?q=1', 'https://x.example/@someone?q=1'],
    ['someone@example.com', 'someone@example.com'],
  ])('inside the text "%s"', (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });

  test('takes time in proportion to the text, whatever it is', () => {
    for (const part of ['://', '://a:', 'a', '?a=', '&', 'bearer ', '@', '?token=']) {
      const text = part.repeat(100_000);
      const start = performance.now();
      maskText(text);
      expect(performance.now() - start).toBeLessThan(5_000); // squared, it would be minutes
    }
  });
});

describe('arguments in the audit log', () => {
  const S = 'hunter2';

  test.each<[string, unknown, unknown]>([
    ['an object', { password: S, a: 1 }, { password: '***', a: 1 }],
    ['a list', [{ tokens: [S, S] }], [{ tokens: '***' }]],
    ['pairs', [{ name: 'password', value: S }], [{ name: 'password', value: '***' }]],
    [
      'texts',
      { a: `Cookie: ${S}`, b: `token=${S}`, c: 1 },
      { a: 'Cookie: ***', b: 'token=***', c: 1 },
    ],
    ['JSON in it', { a: JSON.stringify({ pass: S }) }, { a: '{"pass":"***"}' }],
  ])('JSON inside a text is masked: %s', (_name, value, masked) => {
    expect(written({ body: JSON.stringify(value) })).toEqual({ body: JSON.stringify(masked) });
    expect(written([` ${JSON.stringify(value, null, 2)}`])).toEqual([JSON.stringify(masked)]);
    expect(writeArguments(JSON.stringify(JSON.stringify(value)))).not.toContain(S);
  });

  test('a key that is twice in JSON hides nothing', () => {
    expect(writeArguments(`{"a":"token=${S}","a":1}`)).not.toContain(S);
    expect(writeArguments(`{"password":"${S}","password":1}`)).not.toContain(S);
  });

  test('JSON inside a text is as it was when there is no secret in it', () => {
    const texts = ['{ "a": 1.0, "big": 12345678901234567890 }', '{"a"', '"x"'];
    expect(written(texts)).toEqual(texts);
    expect(writeArguments('['.repeat(100_000)).length).toBeLessThanOrEqual(MOST_BYTES);
    const deep = `${'['.repeat(50_000)}{"password":"${S}"}${']'.repeat(50_000)}`;
    expect(writeArguments(deep)).not.toContain(S);
  });

  test('pairs in lists are masked', () => {
    expect(
      written([
        { name: 'password', value: S, type: 'text' },
        { key: 'API_KEY', value: [S] },
        { Header: 'Authorization', Value: `Basic ${S}` },
        { name: 'host', value: 'db' },
        ['X-Auth-Token', S],
        ['Host', 'a', 'Cookie', S],
        ['run', '--api-key', S],
      ]),
    ).toEqual([
      { name: 'password', value: '***', type: 'text' },
      { key: 'API_KEY', value: '***' },
      { Header: 'Authorization', Value: '***' },
      { name: 'host', value: 'db' },
      ['X-Auth-Token', '***'],
      ['Host', 'a', 'Cookie', '***'],
      ['run', '--api-key', '***'],
    ]);
  });

  test('what stands at a path to a secret is masked', () => {
    expect(
      written([
        { scope: 'config', path: ['db', 0, 'password'], value: S },
        { path: ['credentials', 3, 'user'], value: { a: S } },
        { path: 'config.api_key', value: S },
        { path: ['db', 'host'], value: 'shown' },
        { path: '/etc/hosts', value: 'shown' },
      ]),
    ).toEqual([
      { scope: 'config', path: ['db', 0, 'password'], value: '***' },
      { path: ['credentials', 3, 'user'], value: '***' },
      { path: 'config.api_key', value: '***' },
      { path: ['db', 'host'], value: 'shown' },
      { path: '/etc/hosts', value: 'shown' },
    ]);
  });

  test('how many tokens there are is shown', () => {
    expect(written({ maxTokens: 4096, tokens: '4096', token: 1 })).toEqual({
      maxTokens: 4096,
      tokens: '***',
      token: '***',
    });
  });

  test('a long text that is there again and again is searched for secrets a few times', () => {
    const text = `password=${'x'.repeat(100_000)}`;
    const all = written(Array.from({ length: 1_000 }, () => text)) as unknown[];
    expect(all[0]).toBe('password=***');
    expect(all[999]).toBe(`… ${text.length} characters`);
  });

  test('are written as JSON writes them', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json = JSON.stringify(value);
        const letters = json.replaceAll(/[^a-z@]/gi, '');
        fc.pre(
          !/pass|pwd|pw|secret|token|jwt|bearer|key|auth|cred|cookie|session|@/i.test(letters),
        );
        fc.pre(!/sid|otp|psk|sig|name|header|field|basic/i.test(letters));
        fc.pre(json.length < 10_000);
        expect(written(value)).toEqual(JSON.parse(json));
      }),
    );
  });

  test('a key named __proto__ is a key like any other', () => {
    expect(writeArguments(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });

  test.each([
    ['a long text', 'x'.repeat(1_000_000)],
    ['a long text of what JSON escapes', '\0'.repeat(100_000)],
    ['a long text of wide characters', '😀'.repeat(100_000)],
    ['a long list', Array.from({ length: 1_000_000 }, () => null)],
    [
      'many keys',
      Object.fromEntries(Array.from({ length: 50_000 }, (_none, at) => [`k${at}`, at])),
    ],
    ['many secrets', Array.from({ length: 50_000 }, () => ({ password: 1 }))],
    ['many empty objects', Array.from({ length: 100_000 }, () => ({}))],
    ['a long key', { ['k'.repeat(500_000)]: 1 }],
    ['long texts on many levels', nest(25, (inner) => ({ a: 'y'.repeat(9_000), inner }))],
    ['deep nesting', nest(100_000, (inner) => [inner])],
    ['the same object again and again', Array.from({ length: 90_000 }, () => process.versions)],
  ])('%s is cut to 64 KiB of valid JSON, and says so', (_name, value) => {
    const text = writeArguments({ input: { first: 'kept', value } });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES);
    expect(JSON.parse(text)).toMatchObject({ input: { first: 'kept' } });
    expect(text).toContain('…');
  });

  test('a secret is not shown for being cut in the middle', () => {
    for (const length of [61_400, 61_430, 61_440, 65_530, 131_060]) {
      const text = `${'x'.repeat(length)} postgres://app:${'hunter2'.repeat(20)}@host`;
      expect(writeArguments({ text })).not.toContain('hunter2');
    }
  });

  test('cycles, and values that fight back, are told and never throw', () => {
    const cycle: { name: string; self?: unknown } = { name: 'a' };
    cycle.self = cycle;
    expect(written(cycle)).toEqual({ name: 'a', self: '… contains itself' });
    const manyCycles: unknown[] = [];
    for (let at = 0; at < 100_000; at++) manyCycles.push(manyCycles);
    expect(writeArguments(manyCycles).length).toBeLessThanOrEqual(MOST_BYTES);

    const hostile = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('No.');
        },
      },
    );
    let isRun = false;
    const values = {
      hostile,
      big: 10n,
      none: undefined,
      nan: Number.NaN,
      call: () => 1,
      when: new Date(0),
      never: new Date(Number.NaN),
      bytes: new Uint8Array(7),
      get lazy() {
        isRun = true;
        return 1;
      },
      toJSON() {
        isRun = true;
      },
    };
    expect(written(values)).toEqual({
      hostile: "… can't be shown",
      big: '10',
      none: null,
      nan: 'NaN',
      call: '… a function',
      when: '1970-01-01T00:00:00.000Z',
      never: 'null',
      bytes: '… 7 bytes',
      lazy: null,
      toJSON: '… a function',
    });
    expect(isRun).toBe(false);
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(written([revoked.proxy, Symbol('s')])).toEqual(["… can't be shown", '… a symbol']);
    expect(written(undefined)).toBe(null);
  });
});

function nest(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = null;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}
