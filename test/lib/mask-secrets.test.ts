import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskSecrets } from '../../src/lib/mask-secrets.ts';

describe('maskSecrets', () => {
  test.each<[string, unknown, string[], unknown]>([
    ['a key', { a: 'x', b: 1 }, ['a'], { a: '***', b: 1 }],
    ['a path', { db: { user: 'u', url: 'x' } }, ['db.url'], { db: { user: 'u', url: '***' } }],
    ['whatever it is', { a: null, b: { c: [1] } }, ['a', 'b'], { a: '***', b: '***' }],
    ['what is not there', { a: 1 }, ['b', 'a.b.c', 'x.y'], { a: 1 }],
    [
      'elements of a list',
      { l: [{ a: 1, b: 2 }, [{ a: 3 }], 4] },
      ['l.a'],
      { l: [{ a: '***', b: 2 }, [{ a: '***' }], 4] },
    ],
    [
      'keys of a map',
      {
        m: new Map([
          ['a', 1],
          ['b', 2],
        ]),
      },
      ['m.a'],
      {
        m: new Map<string, unknown>([
          ['a', '***'],
          ['b', 2],
        ]),
      },
    ],
    ['elements of a set', new Set([{ a: 1 }]), ['a'], new Set([{ a: '***' }])],
    ['a text where parts were expected', { db: 'user:pass@host' }, ['db.url'], { db: '***' }],
    [
      'a name that tells',
      { password: 'x', apiKey: 1, nested: [{ token: 'y' }] },
      [],
      { password: '***', apiKey: '***', nested: [{ token: '***' }] },
    ],
    [
      'a pair that tells',
      [
        { name: 'X-Auth', value: 'y' },
        { name: 'host', value: 'z' },
      ],
      [],
      [
        { name: 'X-Auth', value: '***' },
        { name: 'host', value: 'z' },
      ],
    ],
    [
      'no counts and no switches',
      { maxTokens: 9, useAuth: true, token: null },
      [],
      { maxTokens: 9, useAuth: true, token: null },
    ],
    [
      'parts that are listed, of what has a name that tells',
      { auth: { user: 'u', pin: 1 } },
      ['auth.pin'],
      { auth: { user: 'u', pin: '***' } },
    ],
    ['all, when none of them are', { auth: { user: 'u', pin: 1 } }, [], { auth: '***' }],
    [
      '__proto__',
      JSON.parse('{"__proto__":{"a":1},"b":2}'),
      ['__proto__.a'],
      JSON.parse('{"__proto__":{"a":"***"},"b":2}'),
    ],
    ['nothing', undefined, ['a'], undefined],
  ])('masks %s', (_, config, secrets, masked) => {
    const before = structuredClone(config);
    expect(maskSecrets(config, secrets)).toEqual(masked);
    expect(config).toEqual(before);
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  });

  test('shares what has no secret in it', () => {
    const config = { plain: { list: [1] }, auth: { token: 'x', urls: ['y'] } };
    const masked = maskSecrets(config, ['auth.token']);
    expect(masked).toEqual({ plain: { list: [1] }, auth: { token: '***', urls: ['y'] } });
    expect(masked).toHaveProperty('plain', config.plain);
    expect((masked as typeof config).plain).toBe(config.plain);
    expect((masked as typeof config).auth.urls).toBe(config.auth.urls);
    expect(maskSecrets(config.plain)).toBe(config.plain);
  });

  test('masks it by whichever way it is reached, also around a cycle', () => {
    interface Node {
      readonly key: string;
      readonly deep: { readonly key: string };
      self?: Node;
    }
    const deep = { key: 'x' };
    const node: Node = { key: 'y', deep };
    node.self = node;
    const config = { other: node, alias: deep, node, list: [deep] };
    const masked = maskSecrets(config, ['node.key', 'node.deep']) as typeof config;
    expect(masked.node.key).toBe('***');
    expect(masked.node.self).toBe(masked.node);
    expect(masked.other).toBe(masked.node);
    expect([masked.alias, masked.list[0], masked.node.deep]).toEqual(['***', '***', '***']);
  });

  test('runs nothing, and masks what it can not look into', () => {
    let runs = 0;
    const run = () => runs++;
    const proxy = new Proxy({}, new Proxy({}, { get: run }));
    const config = Object.defineProperties(
      { proxy, in: { proxy } },
      { token: { get: run, enumerable: true }, plain: { get: run, enumerable: true } },
    );
    const masked = maskSecrets(config, ['in.proxy.key', 'plain.key']);
    expect(masked).toEqual({ proxy: '***', in: { proxy: '***' }, token: '***', plain: '***' });
    expect(maskSecrets(proxy, ['key'])).toBe('***');
    expect(
      maskSecrets({
        a: {
          get token() {
            return run();
          },
        },
      }),
    ).toEqual({ a: { token: '***' } });
    const error = Object.defineProperty(new Error('x'), 'message', { get: run });
    maskSecrets({ error });
    expect(runs).toBe(0);
  });

  test('keeps the class of what it masks', () => {
    class Access {
      readonly host = 'h';
      readonly password = 'p';
      get login() {
        return `${this.host}:${this.password}`;
      }
    }
    const masked = maskSecrets({ access: new Access() }) as { access: Access };
    expect(masked.access).toBeInstanceOf(Access);
    expect(masked.access.login).toBe('h:***');
    const error = Object.assign(new Error('bad'), { password: 'p' });
    expect(maskSecrets(error)).toMatchObject({ message: 'bad', password: '***' });
    expect(JSON.stringify(maskSecrets(error))).toBe('{"password":"***"}');
  });

  test('shows nothing of what is nested too deeply', () => {
    let config: unknown = { a: 'x' };
    for (let at = 0; at < 100_000; at++) config = [config];
    const masked = JSON.stringify(maskSecrets(config));
    expect(masked.length).toBeLessThan(1000);
    expect(masked).toContain('***');
  });

  test('masks a value wherever it is put, and leaves all else', () => {
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('s3cret'));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), plain), fc.array(plain), (before, list) => {
        const config = {
          ...before,
          way: { list: [...list, { key: 's3cret' }], secret: ['s3cret'] },
        };
        const masked = maskSecrets(config, ['way.list.key']);
        expect(JSON.stringify(masked)).not.toContain('s3cret');
        expect(JSON.stringify(config)).toContain('s3cret');
      }),
    );
  });

  test('what is nested beyond all sense is masked', () => {
    let deep: unknown = { a: 's3cret' };
    for (let level = 0; level < 20_000; level++) deep = [deep];
    expect(JSON.stringify(maskSecrets(deep, ['a']))).not.toContain('s3cret');
  });

  test('a list that is as long as can be takes no longer than what is in it', () => {
    const list: unknown[] = [];
    list.length = 2 ** 32 - 1;
    list[4_000_000_000] = { password: 's3cret' };
    const masked = maskSecrets({ list }) as { list: unknown[] };
    expect(masked.list[4_000_000_000]).toEqual({ password: '***' });
    expect(masked.list).toHaveLength(list.length);
  });

  test('a stack that code would write is masked unread when it is named', () => {
    const traced = {
      get message() {
        return expect.unreachable();
      },
    };
    Error.captureStackTrace(traced);
    const masked = maskSecrets({ traced }, ['traced.stack']) as { traced: { stack: unknown } };
    expect(masked.traced.stack).toBe('***');
  });

  test('a text in an object is no list of characters', () => {
    const text: unknown = Object('x'.repeat(10_000_000));
    const masked = maskSecrets({ text, password: text }) as { text: unknown; password: unknown };
    expect([masked.text === text, masked.password]).toEqual([true, '***']);
  });
});
