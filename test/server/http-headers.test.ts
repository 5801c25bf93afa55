import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { chooseEncoding } from '../../src/server/door/compression.ts';
import { serve } from './serve.ts';

const MANY = '{ books(first: 100) { edges { node { id title author } } } }';
const CSRF = { 'x-millrace-csrf': '1' };

/** Asks without the decompression of `fetch`. */
function askRaw(url: string, headers: Record<string, string>, query: string) {
  return new Promise<{ encoding: string | undefined; vary: string | undefined; body: Buffer }>(
    (resolve) => {
      const asking = request(url, { method: 'POST', agent: false, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { 'content-encoding': encoding, vary } = response.headers;
          resolve({ encoding, vary, body: Buffer.concat(chunks) });
        });
      });
      asking.end(JSON.stringify({ query }));
    },
  );
}

describe('O5: what every answer says', () => {
  test('to browsers: no other type, no frame, no copy, nothing to load', async () => {
    const { url } = await serve();
    const json = { 'content-type': 'application/json' };
    const post = (body: string, more = {}): RequestInit => {
      return { method: 'POST', body, headers: { ...json, ...more } };
    };
    const asked: [path: string, init: RequestInit, status: number][] = [
      ['/graphql', post('{"query":"{ transport }"}'), 200],
      ['/graphql?query={transport}', { headers: CSRF }, 200],
      ['/graphql?query={transport}', {}, 403],
      ['/graphql', post('{'), 400],
      ['/graphql', { method: 'PATCH' }, 405],
      [
        '/graphql',
        post('{"query":"subscription { ticks(count: 1) }"}', { accept: 'text/event-stream' }),
        200,
      ],
      ['/metrics', {}, 200],
      ['/health/live', {}, 200],
      ['/elsewhere', {}, 404],
      ['/', { redirect: 'manual' }, 302],
    ];
    for (const [path, init, status] of asked) {
      const response = await fetch(new URL(path, url), init);
      await response.text();
      expect([path, response.status]).toEqual([path, status]);
      const { headers } = response;
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('cache-control')).toMatch(/no-store|no-cache/);
      expect(headers.get('vary')).toBe('Origin, Accept-Encoding');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    }
  });

  test('of GraphiQL: its own script alone may run', async () => {
    const { url } = await serve({ graphiql: { operations: [{ query: '# </script><b>' }] } });
    const response = await fetch(url, { headers: { accept: 'text/html' } });
    const policy = response.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/]{43}=';/);
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(policy).toContain("frame-ancestors 'none'");
    const page = await response.text();
    expect(page.match(/<\/script>/g)).toHaveLength(1); // and none that an operation has brought in
  });

  test('of GraphiQL: that it is turned off', async () => {
    const { send } = await serve({ graphiql: false });
    expect(await send({ headers: { accept: 'text/html' } })).toMatchObject({
      status: 404,
      body: { errors: [{ message: expect.stringContaining('GraphiQL is turned off') }] },
    });
  });
});

describe('O5: a large answer', () => {
  const json = { 'content-type': 'application/json' };

  test.each([
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0.5, gzip;q=0.9', 'gzip', gunzipSync],
    ['br;q=0, *', 'gzip', gunzipSync],
  ] as const)(
    'is compressed for Accept-Encoding: %s, by %s',
    async (accepted, used, decompress) => {
      const { url } = await serve();
      const plain = await askRaw(url, json, MANY);
      expect(plain.encoding).toBeUndefined();
      // Both on the fast way and by yoga, which answers what has a charset like this.
      for (const type of ['application/json', 'application/json;charset=UTF-8']) {
        const headers = { 'content-type': type, 'accept-encoding': accepted };
        const { encoding, vary, body } = await askRaw(url, headers, MANY);
        expect(encoding).toBe(used);
        expect(vary).toContain('Accept-Encoding');
        expect(body.length).toBeLessThan(plain.body.length / 3);
        expect(JSON.parse(String(decompress(body)))).toEqual(JSON.parse(String(plain.body)));
      }
    },
  );

  test.each([
    'identity',
    'deflate',
    'gzip;q=0',
    'br;q=0, gzip;q=0.0',
    '',
    'identity;q=1, gzip;q=0.5',
  ])('is sent as it is for Accept-Encoding: %s', async (accepted) => {
    const { url } = await serve();
    const { encoding, body } = await askRaw(url, { ...json, 'accept-encoding': accepted }, MANY);
    expect(encoding).toBeUndefined();
    expect(JSON.parse(String(body)).data.books.edges).toHaveLength(100);
  });

  test('that has errors, or was asked for by GET, is compressed too', async () => {
    const { url } = await serve();
    const headers = { ...CSRF, 'accept-encoding': 'br' };
    const get = await fetch(`${url}?query=${encodeURIComponent(MANY)}`, { headers });
    expect(get.headers.get('content-encoding')).toBe('br');
    expect(((await get.json()) as { data: object }).data).toHaveProperty('books');
    const failing = '{ books(first: 60) { edges { node { title brokenNull } } } }';
    const { encoding } = await askRaw(url, { ...json, 'accept-encoding': 'gzip' }, failing);
    expect(encoding).toBe('gzip');
  });

  test('is what is compressed: not a small one, nor a stream', async () => {
    const { url } = await serve();
    const all = { ...json, 'accept-encoding': 'br, gzip' };
    expect((await askRaw(url, all, '{ transport }')).encoding).toBeUndefined();
    const stream = await askRaw(
      url,
      { ...all, accept: 'text/event-stream' },
      'subscription { ticks(count: 3) }',
    );
    expect(stream.encoding ?? 'none').toBe('none');
    expect(String(stream.body)).toContain('"ticks":3');
  });

  test('of figures is compressed too', async () => {
    const { url } = await serve();
    const response = await fetch(new URL('/metrics', url), {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toContain('process_resident_memory_bytes');
  });
});

test('what can not be read of Accept-Encoding is taken for no', () => {
  expect(chooseEncoding('gzip;q=rubbish')).toBeUndefined();
  expect(chooseEncoding(';;,,q=')).toBeUndefined();
  expect(chooseEncoding('GZIP ; Q=1')).toBe('gzip');
  expect(chooseEncoding(undefined)).toBeUndefined();
});
