import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ANYBODY } from '../../src/lib/identity.ts';
import { dialRaw } from './http-raw.ts';
import { serve, until } from './serve.ts';

const HEAD = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const BODY = '{"query":"{ transport }"}';
const REQUEST = `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

describe('O5: a sender that is too slow', () => {
  const limits = { headersTimeoutMs: 400, requestTimeoutMs: 600 };

  test.each([
    ['the head', 'POST /graphql HTTP/1.1\r\nHost: loc', 'x'],
    ['the body', `${HEAD}Content-Length: 1000\r\n\r\n{"query":`, ' '],
  ])(
    'of %s, drip by drip, is told so and cut, and others are answered meanwhile',
    async (_, begin, drip) => {
      const { port, ask, logged } = await serve({ limits });
      const { write, closed, socket } = await dialRaw(port);
      write(begin);
      const dripping = setInterval(() => socket.writable && write(drip), 20);
      const answer = await ask('{ transport }');
      const said = await closed;
      clearInterval(dripping);
      expect(answer.status).toBe(200);
      expect(said).toMatch(/^HTTP\/1\.1 408 /);
      expect(logged).toEqual([]);
    },
  );

  test('is not whoever waits for an answer, or watches a stream', async () => {
    const { url, ask } = await serve({ limits });
    const stream = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { ticks(count: 250) }' }),
    });
    const slow = ask('{ slow(ms: 1000) }');
    expect(await stream.text()).toContain('"ticks":250');
    expect((await slow).body).toEqual({ data: { slow: 'done' } });
  });
});

describe('O5: a reader that takes nothing', () => {
  /** More than the buffers of both sides hold. */
  const big = 'x'.repeat(24 * 1024 * 1024);
  const fields = { big: { type: GraphQLString, resolve: () => big } };
  const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) });
  const body = '{"query":"{ big }"}';
  const asked = `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;

  test('of a whole answer is cut', async () => {
    const options = { schema, createContext: () => ({}), limits: { stallMs: 300 } };
    const { port, lines } = await serve(options);
    const { write, socket, closed } = await dialRaw(port);
    socket.pause();
    write(asked);
    await until(() => lines.length === 1); // it is over
    socket.resume();
    expect((await closed).length).toBeLessThan(big.length);
  });

  test('for long is not who takes it slowly', async () => {
    const { port } = await serve({ schema, createContext: () => ({}), limits: { stallMs: 2000 } });
    const { write, socket } = await dialRaw(port);
    let bytes = 0;
    socket.on('data', ({ length }) => {
      bytes += length;
      socket.pause();
      setTimeout(() => socket.resume(), 6);
    });
    write(asked);
    await until(() => bytes > big.length);
    write(asked); // nor is one who then asks again
    await until(() => bytes > big.length + 1_000_000);
  });
});

describe('O5: a request that is too large', () => {
  test('by its URL is refused with 414', async () => {
    const { send } = await serve({ limits: { maxUrlLength: 100 } });
    const headers = { 'x-millrace-csrf': '1' };
    const path = (length: number) => '/graphql?query={transport}'.padEnd(length, '+');
    expect((await send({ headers }, path(100))).status).toBe(200);
    expect(await send({ headers }, path(101))).toMatchObject({
      status: 414,
      body: { errors: [{ extensions: { code: 'URI_TOO_LONG' } }] },
    });
  });

  test('by its head, or the number of its headers, is refused with 431', async () => {
    const { port, ask } = await serve({ limits: { maxHeaderBytes: 4096, maxHeaders: 50 } });
    const long = await dialRaw(port);
    long.write(`GET /graphql HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(5000)}\r\n\r\n`);
    expect(await long.closed).toMatch(/^HTTP\/1\.1 431 /);
    const many = await dialRaw(port);
    // The last of them names a page that may not come: it must not be lost among the others.
    const padding = Array.from({ length: 60 }, (_, at) => `X-${at}: 1\r\n`).join('');
    many.write(`${REQUEST.replace('\r\n\r\n', `\r\n${padding}Connection: close\r\n\r\n`)}`);
    expect(await many.closed).toMatch(/^HTTP\/1\.1 431 .*TOO_MANY_HEADERS/s);
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('by its body is refused before it is read: nobody waits for the rest', async () => {
    const { port } = await serve();
    const { write, closed } = await dialRaw(port);
    write(`${HEAD}Content-Length: ${256 * 1024 + 1}\r\n\r\n{`);
    const said = await closed;
    expect(said).toMatch(/^HTTP\/1\.1 413 /);
    expect(said).toContain('REQUEST_ENTITY_TOO_LARGE');
  });

  test('and does not say its length, is read as far as it may be, and no further', async () => {
    const { port } = await serve({ limits: { maxBodyBytes: 1000 } });
    const { socket, write, closed } = await dialRaw(port);
    write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `${(16_384).toString(16)}\r\n${' '.repeat(16_384)}\r\n`;
    let sent = 0;
    while (socket.writable && sent < 10_000) {
      sent++;
      if (!write(chunk)) {
        await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
      }
    }
    await closed;
    expect(sent).toBeLessThan(10_000);
  });

  test('may be as large as the limit', async () => {
    const { post } = await serve({ limits: { maxBodyBytes: 1000 } });
    expect((await post(BODY.padEnd(1000))).status).toBe(200);
    expect((await post(BODY.padEnd(1001))).status).toBe(413);
  });
});

test('O5: who asks too often for the page of GraphiQL is told when to come back', async () => {
  const authenticate = async () => ANYBODY;
  const { url } = await serve({ authenticate, limits: { requestsPerMinute: 2 } });
  const load = async () => {
    const response = await fetch(url, { headers: { accept: 'text/html' } });
    await response.body?.cancel();
    return [response.status, Number(response.headers.get('retry-after'))];
  };
  expect(await load()).toEqual([200, 0]);
  expect(await load()).toEqual([200, 0]);
  const [status, waitSec] = await load();
  expect(status).toBe(429);
  expect(waitSec).toBeGreaterThan(0);
});

test('O5: a body that is encoded is refused with 415', async () => {
  const { post } = await serve();
  const headers = { 'content-type': 'application/json' };
  for (const encoding of ['gzip', 'br', 'deflate', 'x', 'identity, gzip']) {
    const { status, body } = await post(BODY, { ...headers, 'content-encoding': encoding });
    expect([status, body.errors[0].extensions.code]).toEqual([415, 'UNSUPPORTED_CONTENT_ENCODING']);
  }
  expect((await post(BODY, { ...headers, 'content-encoding': 'identity' })).status).toBe(200);
});

describe('O5: one connection', () => {
  test('may send requests in a row, which are answered in order', async () => {
    const { port } = await serve();
    const { write, closed } = await dialRaw(port);
    const slow = '{"query":"{ slow(ms: 30) }"}';
    write(`${HEAD}Content-Length: ${slow.length}\r\n\r\n${slow}`);
    write(REQUEST.repeat(20));
    write(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    const said = await closed;
    expect(said.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(22);
    expect(said.indexOf('"slow"')).toBeLessThan(said.indexOf('"transport"'));
  });

  test('that sends without end and waits for nothing is cut', async () => {
    const { port, ask } = await serve();
    const { write, closed } = await dialRaw(port);
    const slow = '{"query":"{ slow(ms: 5000) }"}';
    write(`${HEAD}Content-Length: ${slow.length}\r\n\r\n${slow}`.repeat(101));
    expect(await closed).toBe('');
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('that is closed on one side only still gets its answer', async () => {
    const { port } = await serve();
    const { socket, closed } = await dialRaw(port);
    socket.end(REQUEST);
    expect(await closed).toContain('{"data":{"transport":"http"}}');
  });

  test('more than may be open at once is cut', async () => {
    const { port } = await serve({ limits: { maxSockets: -990, maxHttpConnections: 0 } });
    const open = await Promise.all(Array.from({ length: 10 }, () => dialRaw(port)));
    const more = await dialRaw(port);
    expect(await more.closed).toBe('');
    const [first] = open;
    first?.write(REQUEST);
    await until(() => first?.received.includes('"transport"') === true);
  });
});
