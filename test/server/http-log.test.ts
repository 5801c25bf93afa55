import { describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '../../src/lib/domain-error.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { clientAddress } from '../../src/server/identity/client-address.ts';
import { dial, subscribe } from './dial.ts';
import { dialRaw } from './http-raw.ts';
import { serve, until } from './serve.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const SECRET = 's3cr3t-of-the-log';

describe('O7: a request', () => {
  test('is named by its client, or else by the server', async () => {
    const { url, lines } = await serve();
    const ask = async (id: string) => {
      const headers = { ...JSON_TYPE, 'x-request-id': id };
      const body = JSON.stringify({ query: '{ transport }' });
      const response = await fetch(url, { method: 'POST', headers, body });
      return response.headers.get('x-request-id');
    };
    for (const id of ['a', 'A.b_c-9', 'x'.repeat(64)]) expect(await ask(id)).toBe(id);
    const given: (string | null)[] = [];
    for (const id of ['', 'x'.repeat(65), 'a b', '{"a":1}', 'a,b', 'ä']) given.push(await ask(id));
    for (const id of given) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await until(() => lines.length === 9);
    expect(lines.slice(3).map(({ requestId }) => requestId)).toEqual(given);
  });

  test('has one line when it is over, with what it was and who asked', async () => {
    const { ask, lines } = await serve({
      authenticate: async () => ({ ...ANYBODY, subject: 'ada', tenant: 'north' }),
    });
    await ask(`query Of_Books { list { title } }`);
    await until(() => lines.length === 1);
    expect(lines[0]).toMatchObject({
      msg: 'request',
      method: 'POST',
      path: '/graphql',
      status: 200,
      transport: 'http',
      operationName: 'Of_Books',
      operationType: 'query',
      subject: 'ada',
      tenant: 'north',
      address: '127.0.0.1',
      durationMs: expect.any(Number),
      requestId: expect.any(String),
    });
  });

  test('is told with the ids of the faults in its answer, whoever answers it', async () => {
    const { ask, post, lines, logged } = await serve();
    await ask('{ list { brokenNull } }');
    const other = { 'content-type': 'application/json;charset=UTF-8' };
    await post({ query: 'query Q { list { brokenNull } }' }, other);
    await until(() => lines.length === 2);
    const ids = logged.map(({ errorId }) => errorId);
    expect(ids).toHaveLength(6);
    expect(lines.flatMap(({ errorIds }) => errorIds)).toEqual(ids);
    expect(lines[1]).toMatchObject({ operationName: 'Q', operationType: 'query', status: 200 });
  });

  test('has a line also when it was refused, or its client went away; a probe has none', async () => {
    const { port, url, send, post, lines } = await serve();
    for (const path of ['/health/live', '/health/ready']) await send({}, path);
    await send({}, `/${'x'.repeat(500)}?secret=${SECRET}`);
    await post('{}', { 'content-type': 'text/plain' });
    await post({ query: '{ nothing }' });
    const { write, socket } = await dialRaw(port);
    const query = '{"query":"{ slow(ms: 60000) }"}';
    write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await expect(dial(url, 'graphql-transport-ws', 'http://evil.example')).rejects.toThrow('403');
    await until(() => lines.length === 5);
    expect(lines.map(({ status }) => status)).toEqual(
      expect.arrayContaining([404, 403, 200, undefined, 403]),
    );
    expect(lines.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['NOT_FOUND', 'CSRF_REFUSED', 'FORBIDDEN_ORIGIN', undefined]),
    );
    expect(lines.filter(({ transport }) => transport === 'websocket')).toHaveLength(1);
    expect(String(lines[0]?.path)).toHaveLength(200);
  });

  test('that became a WebSocket has a line if its client is not let in, or may not connect now', async () => {
    const { url, lines, send } = await serve({
      authenticate: async () => {
        throw new UnauthenticatedError(`"${SECRET}" is not valid.`);
      },
      limits: { requestsPerMinute: 1 },
    });
    const { say, closed } = await dial(url);
    say({ type: 'connection_init', payload: { authorization: `Bearer ${SECRET}` } });
    expect((await closed).code).toBe(4403);
    await expect(dial(url)).rejects.toThrow('429');
    await until(() => lines.length === 2);
    expect(lines).toMatchObject([
      { msg: 'refused', transport: 'websocket', code: 'UNAUTHENTICATED', address: '127.0.0.1' },
      { msg: 'request', transport: 'websocket', status: 429, address: '127.0.0.1' },
    ]);
    expect(lines[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    expect((await send({}, '/metrics')).status).toBe(401);
  });

  test('leaves nothing else in the log: no query string, header, document or variable', async () => {
    const { ask, send, url, lines, logged } = await serve();
    await ask(`query Q($id: String!) { maybe(id: $id) { id } } # ${SECRET}`, { id: SECRET });
    const path = `/graphql?query=${encodeURIComponent(`{ transport } # ${SECRET}`)}`;
    await send({ headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET } }, path);
    const { begin, say, messages } = await dial(url);
    await begin();
    say(subscribe('a', 'query Q($id: String!) { maybe(id: $id) { id } }', { id: SECRET }));
    await until(() => messages.some(({ type }) => type === 'complete') && lines.length === 3);
    expect(JSON.stringify([lines, logged])).not.toContain(SECRET);
  });

  test('tells variables where that is wanted, but no secret among them', async () => {
    const { ask, lines } = await serve({ logVariables: true });
    await ask('query Q($id: String!) { maybe(id: $id) { id } }', {
      id: 'book-1',
      password: SECRET,
      nested: [{ apiKey: SECRET }],
      input: { headers: [{ name: 'X-Shop', value: SECRET }], tls: { key: SECRET, verify: true } },
      moreHeaders: [{ name: 'X-Shop', value: SECRET }],
      urls: [`https://shop.example/health?a=1&token=${SECRET}`, `redis://:${SECRET}@cache.example`],
    });
    await until(() => lines.length === 1);
    expect(lines[0]?.variables).toMatchObject({
      id: 'book-1',
      password: '***',
      input: { headers: [{ name: 'X-Shop', value: '***' }], tls: { key: '***', verify: true } },
      urls: ['https://shop.example/health?a=1&token=***', 'redis://***@cache.example'],
    });
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  test('can not write lines of its own, nor very long ones', async () => {
    const { ask, send, lines } = await serve();
    await ask(`query ${'N'.repeat(5000)} { transport }`);
    await send({}, '/a%0A{"level":60}');
    await until(() => lines.length === 2);
    expect(String(lines[0]?.operationName)).toBe('N'.repeat(100));
    expect(lines[1]).toMatchObject({ level: 30, path: expect.stringContaining('/a%0A') });
  });
});

describe('O7: an operation', () => {
  test('over WebSocket has one line when it is over', async () => {
    const { url, lines } = await serve({
      authenticate: async () => ({ ...ANYBODY, subject: 'ada', tenant: 'north' }),
    });
    const { begin, say, messages } = await dial(url);
    await begin();
    say(subscribe('a', 'subscription Ticking { ticks(count: 2) }'));
    await until(() => lines.length === 1);
    say(subscribe('b', 'subscription Still { silence }'));
    say(subscribe('c', '{ list { brokenNull } }'));
    say(subscribe('d', '{ nothing }'));
    await until(() => lines.length === 3);
    say({ id: 'b', type: 'complete' });
    await until(() => lines.length === 4);
    const common = { msg: 'operation', transport: 'websocket', subject: 'ada', tenant: 'north' };
    for (const line of lines) expect(line).toMatchObject(common);
    expect(lines[0]).toMatchObject({ operationName: 'Ticking', operationType: 'subscription' });
    const refused = lines.find(({ outcome }) => outcome === 'refused');
    expect(refused?.operationType).toBeUndefined();
    const failed = lines.find(({ outcome }) => outcome === 'errors');
    expect(failed).toMatchObject({ operationType: 'query', errorIds: expect.any(Array) });
    expect(lines[3]).toMatchObject({ operationName: 'Still', outcome: 'ok' });
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(1);
    expect(messages.length).toBeGreaterThan(0);
  });

  test('of a stream that several share has one line, and so has each request', async () => {
    const { url, send, lines } = await serve();
    const { body: token } = await send({ method: 'PUT' });
    const headers = { ...JSON_TYPE, 'x-graphql-event-stream-token': token };
    const stream = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } });
    const extensions = { operationId: '1' };
    const query = 'subscription Ticking { ticks(count: 2) }';
    await send({ method: 'POST', headers, body: JSON.stringify({ query, extensions }) });
    await until(() => lines.some(({ msg }) => msg === 'operation'));
    await stream.body?.cancel();
    await until(() => lines.length === 4);
    expect(lines.filter(({ msg }) => msg === 'operation')).toMatchObject([
      { transport: 'sse', operationName: 'Ticking', operationType: 'subscription' },
    ]);
    expect(lines.at(-1)).toMatchObject({ msg: 'request', transport: 'sse', method: 'GET' });
  });
});

describe('O7: the address of a client', () => {
  const addressOf = (trustProxy: number, forwarded?: string) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    return clientAddress({ headers, socket: { remoteAddress: '10.0.0.1' } } as never, trustProxy);
  };

  test('is that of the connection, whatever it says, where no proxy is trusted', () => {
    expect(addressOf(0, '1.2.3.4')).toBe('10.0.0.1');
  });

  test('is what the trusted proxies say: as many from the right', () => {
    expect(addressOf(1, '6.6.6.6, 1.2.3.4')).toBe('1.2.3.4');
    expect(addressOf(2, '6.6.6.6, 1.2.3.4,5.6.7.8')).toBe('1.2.3.4');
    expect(addressOf(1, '2001:db8::1')).toBe('2001:db8::1');
  });

  test.each([undefined, '', ',', 'unknown', '1.2.3.4:80', 'x'.repeat(1000), '1.2.3.4,'])(
    'is that of the connection when what they say is %s',
    (forwarded) => {
      expect(addressOf(1, forwarded)).toBe('10.0.0.1');
    },
  );

  test('is that of the connection when fewer proxies were passed than are trusted', () => {
    expect(addressOf(3, '1.2.3.4, 5.6.7.8')).toBe('10.0.0.1');
  });

  test('counts for limits: clients behind one proxy are told apart', async () => {
    const { url, lines, send } = await serve({ trustProxy: 1 });
    const query = JSON.stringify({ query: '{ transport }' });
    const headers = { ...JSON_TYPE, 'x-forwarded-for': '6.6.6.6, 192.0.2.7' };
    await send({ method: 'POST', headers, body: query });
    await until(() => lines.length === 1);
    expect(lines[0]?.address).toBe('192.0.2.7');
    expect(url).toContain('127.0.0.1');
  });
});
