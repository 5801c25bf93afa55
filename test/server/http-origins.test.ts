import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '../../src/lib/domain-error.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import type { CorsOptions, ServerOptions } from '../../src/server/server.ts';
import { ServerError } from '../../src/server/server-error.ts';
import { dial } from './dial.ts';
import { serve } from './serve.ts';

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const QUERY = JSON.stringify({ query: '{ transport }' });
const JSON_TYPE = { 'content-type': 'application/json' };

/** Asks with headers that `fetch` does not let anybody set. */
function askAs(port: number, { method = 'POST', path = '/graphql', headers = {}, body }: Asked) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>(
    (resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path, headers, agent: false };
      const request = httpRequest(options, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      request.on('error', reject);
      request.end(body ?? (method === 'POST' ? QUERY : undefined));
    },
  );
}

async function statusOf(
  headers: Readonly<Record<string, string>>,
  options: Partial<ServerOptions> = {},
) {
  const { port } = await serve(options);
  return (await askAs(port, { headers: { ...JSON_TYPE, ...headers } })).status;
}

describe('O5: a page', () => {
  test.each(['127.0.0.1:4000', 'localhost:4000', '[::1]:4000', '192.168.1.5:4000', 'LOCALHOST:1'])(
    'of the server itself, at %s, is let in',
    async (host) => {
      const origin = `http://${host.toLowerCase()}`;
      expect(await statusOf({ host, origin })).toBe(200);
    },
  );

  test('of another site, or of none, is refused; of this machine it is let in', async () => {
    const host = 'localhost:4000';
    expect(await statusOf({ host, origin: 'http://evil.example' })).toBe(403);
    expect(await statusOf({ host, origin: 'http://localhost.evil.example' })).toBe(403);
    expect(await statusOf({ host, origin: 'null' })).toBe(403);
    expect(await statusOf({ host, origin: 'rubbish' })).toBe(403);
    expect(await statusOf({ host, origin: 'http://localhost:5000' })).toBe(200);
    expect(await statusOf({ host, origin: 'https://127.0.0.1' })).toBe(200);
  });

  test('whose name was made to point here is refused, unless the name is known', async () => {
    const headers = { host: 'flows.example:4000', origin: 'http://flows.example:4000' };
    expect(await statusOf(headers)).toBe(403);
    expect(await statusOf(headers, { knownHosts: ['flows.example'] })).toBe(200);
  });
});

test('O5: a page of the server itself that is refused is told of --known-hosts, one of another site of --cors-origins', async () => {
  const { port } = await serve();
  const ask = (origin: string) =>
    askAs(port, { headers: { ...JSON_TYPE, host: 'flows.example', origin } });
  expect((await ask('https://flows.example')).text).toContain('--known-hosts');
  expect((await ask('https://other.example')).text).toContain('--cors-origins');
});

describe('O5: the name that a request without a page is sent to', () => {
  test.each(['/graphql?query={transport}', '/metrics', '/'])(
    'counts for %s while anybody may come',
    async (path) => {
      const { port } = await serve();
      const ask = (host: string) =>
        askAs(port, { method: 'GET', path, headers: { host, 'x-millrace-csrf': '1' } });
      for (const host of ['localhost', '127.0.0.1:80', '[::1]:4000', '10.1.2.3']) {
        expect((await ask(host)).status).toBeLessThan(400);
      }
      for (const host of ['evil.example', 'localhost.evil.example:4000', '127.1']) {
        const { status, text } = await ask(host);
        expect([host, status]).toEqual([host, 421]);
        expect(text).toContain('--known-hosts');
      }
    },
  );

  test('counts for the page of GraphiQL', async () => {
    const { port } = await serve();
    const headers = { host: 'evil.example', accept: 'text/html' };
    expect((await askAs(port, { method: 'GET', headers })).status).toBe(421);
  });

  test('does not count for probes, nor for names that are known, nor where all prove who they are', async () => {
    const headers = { ...JSON_TYPE, host: 'flows.example' };
    const { port } = await serve();
    expect((await askAs(port, { headers })).status).toBe(421);
    for (const path of ['/health/live', '/health/ready']) {
      expect((await askAs(port, { method: 'GET', path, headers })).status).toBe(200);
    }
    expect(await statusOf(headers, { knownHosts: ['flows.example'] })).toBe(200);
    expect(await statusOf(headers, { authenticate: async () => ANYBODY })).toBe(200);
    const isOpen = true; // a hook may let everybody in all the same
    expect(await statusOf(headers, { authenticate: async () => ANYBODY, isOpen })).toBe(421);
  });
});

describe('O5: pages of other sites', () => {
  const SITE = 'https://flows.example';
  const cors = { origins: [SITE, 'https://Other.example:8443/'] };

  test('may use the server if they are listed, letter by letter', async () => {
    const { port } = await serve({ cors });
    const ask = (origin: string) => askAs(port, { headers: { ...JSON_TYPE, origin } });
    for (const origin of [SITE, 'https://other.example:8443']) {
      const { status, headers } = await ask(origin);
      expect(status).toBe(200);
      expect(headers['access-control-allow-origin']).toBe(origin);
      expect(headers['access-control-expose-headers']).toBe('retry-after, x-request-id');
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    }
    for (const origin of [
      'http://flows.example',
      'https://flows.example:444',
      'https://flows.example.evil.example',
      'https://evil-flows.example',
      'http://localhost:3000',
      'null',
    ]) {
      const { status, headers } = await ask(origin);
      expect([origin, status]).toEqual([origin, 403]);
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers.vary).toContain('Origin');
    }
  });

  test('are told before what they may send, and are not answered if they may not', async () => {
    const { port } = await serve({ cors: { ...cors, credentials: true } });
    const preflight = (origin: string) =>
      askAs(port, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
    const { status, headers } = await preflight(SITE);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': SITE,
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '600',
    });
    expect(headers['access-control-allow-methods']?.split(', ')).toEqual(
      expect.arrayContaining(['GET', 'POST', 'PUT', 'DELETE']),
    );
    expect(headers['access-control-allow-headers']?.split(', ')).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'x-millrace-csrf',
        'x-graphql-event-stream-token',
        'last-event-id',
      ]),
    );
    const refused = await preflight('https://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('can read errors as well as answers and streams', async () => {
    const authenticate: ServerOptions['authenticate'] = async ({ headers }) => {
      if (headers.authorization === undefined) throw new UnauthenticatedError('No.');
      return ANYBODY;
    };
    const { port } = await serve({ cors, authenticate, limits: { maxBodyBytes: 500 } });
    const authorization = 'Bearer s3cr3t-a';
    const asked: [Asked, number][] = [
      [{ headers: { ...JSON_TYPE } }, 401],
      [{ headers: { ...JSON_TYPE, authorization }, body: ' '.repeat(600) }, 413],
      [{ headers: { 'content-type': 'text/plain', authorization } }, 415],
      [{ headers: { ...JSON_TYPE, authorization }, body: '{' }, 400],
      [{ method: 'GET', path: '/elsewhere' }, 404],
      [{ headers: { ...JSON_TYPE, authorization } }, 200],
      [
        {
          headers: { ...JSON_TYPE, authorization, accept: 'text/event-stream' },
          body: JSON.stringify({ query: 'subscription { ticks(count: 1) }' }),
        },
        200,
      ],
    ];
    for (const [each, expected] of asked) {
      const { status, headers } = await askAs(port, {
        ...each,
        headers: { ...each.headers, origin: SITE },
      });
      expect(status).toBe(expected);
      expect(headers['access-control-allow-origin']).toBe(SITE);
      expect(headers.vary).toContain('Origin');
    }
  });

  test('may all be let in, but never with what browsers keep, and never without a name', async () => {
    const { port } = await serve({ cors: { origins: '*' } });
    const ask = (origin: string) => askAs(port, { headers: { ...JSON_TYPE, origin } });
    const { status, headers } = await ask('https://any.example');
    expect(status).toBe(200);
    expect(headers['access-control-allow-origin']).toBe('https://any.example');
    expect((await ask('null')).status).toBe(403);
    for (const origins of ['*', ['*']] as CorsOptions['origins'][]) {
      await expect(serve({ cors: { origins, credentials: true } })).rejects.toMatchObject({
        code: 'INVALID_CORS',
      });
    }
  });

  test.each(['flows.example', 'https://flows.example/path', 'null', ''])(
    'can not be listed as "%s"',
    async (origin) => {
      const serving = serve({ cors: { origins: [origin] } });
      await expect(serving).rejects.toThrow(ServerError);
      await expect(serving).rejects.toThrow(`"${origin}" is no origin`);
    },
  );

  test('may open WebSockets by the same rule', async () => {
    const { url } = await serve({ cors });
    const open = async (origin: string) =>
      dial(url, 'graphql-transport-ws', origin).then(
        () => 'open',
        (error: Error) => error.message,
      );
    expect(await open(SITE)).toBe('open');
    expect(await open('https://evil.example')).toContain('403');
    expect(await open('null')).toContain('403');
  });
});

test('O5: a WebSocket by a name that is not known is refused while anybody may come', async () => {
  const { port } = await serve();
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  };
  const { status, text } = await askAs(port, {
    method: 'GET',
    headers: { ...headers, host: 'evil.example' },
  });
  expect(status).toBe(421);
  expect(text).toContain('--known-hosts');
});
