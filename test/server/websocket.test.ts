import { createClient } from 'graphql-ws';
import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

function clientOf(url: string) {
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  });
  onTestFinished(() => client.dispose());
  return client;
}

describe('a graphql-ws client', () => {
  test('gets a subscription to its end, and its source is freed', async () => {
    const { url } = await serve();
    const client = clientOf(url);
    const got: unknown[] = [];
    for await (const result of client.iterate({ query: 'subscription { ticks(count: 3) }' })) {
      got.push(result);
    }
    expect(got.at(-1)).toEqual({ data: { ticks: 3 } });
    expect(open.count).toBe(0);
  });

  test('may ask queries and mutations, too', async () => {
    const { url } = await serve();
    const client = clientOf(url);
    for (let time = 0; time < 3; time++) {
      const got: unknown[] = [];
      for await (const result of client.iterate({ query: '{ transport secret }' })) {
        got.push(result);
      }
      expect(got).toMatchObject([
        {
          data: { transport: 'websocket', secret: null },
          errors: [{ message: 'Not authorized to resolve Query.secret' }],
        },
      ]);
    }
  });

  test('hands what it connected with to the context', async () => {
    const { url } = await serve();
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { token: 'admin' },
    });
    onTestFinished(() => client.dispose());
    const { value } = await client.iterate({ query: '{ secret }' }).next();
    expect(value).toEqual({ data: { secret: 'sesame' } });
  });

  test('that leaves an idle subscription frees its source at once', async () => {
    const { url } = await serve();
    const client = clientOf(url);
    const silence = client.iterate({ query: 'subscription { silence }' });
    const next = silence.next();
    await until(() => open.count === 1);
    await silence.return?.();
    await until(() => open.count === 0);
    await next;
  });

  test('that goes away frees all it had', async () => {
    const { url } = await serve();
    const { socket, say, begin } = await dial(url);
    await begin();
    for (let at = 0; at < 10; at++) say(subscribe(`s${at}`, 'subscription { silence }'));
    await until(() => open.count === 10);
    socket.terminate();
    await until(() => open.count === 0);
  });
});

describe('errors over WebSocket', () => {
  test('have codes, and nothing that only HTTP needs', async () => {
    const { url, logged } = await serve();
    const { messages, say, begin } = await dial(url);
    await begin();
    let asked = 0;
    const errorOf = async (query: string) => {
      const id = `operation-${asked++}`;
      say(subscribe(id, query));
      await until(() => messages.some((message) => message.id === id));
      say({ id, type: 'complete' });
      const payload = messages.find((message) => message.id === id)?.payload;
      return (Array.isArray(payload) ? payload : payload.errors)[0];
    };
    for (let time = 0; time < 3; time++) {
      expect(await errorOf('{ transport')).toEqual({
        message: 'Syntax Error: Expected Name, found <EOF>.',
        locations: [{ line: 1, column: 12 }],
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      });
      expect((await errorOf('{ nothing }')).extensions).toEqual({
        code: 'GRAPHQL_VALIDATION_FAILED',
      });
      expect((await errorOf('query A { transport } query B { transport }')).extensions).toEqual({
        code: 'OPERATION_RESOLUTION_FAILURE',
      });
      expect((await errorOf('query Q($id: String!) { maybe(id: $id) { id } }')).extensions).toEqual(
        { code: 'BAD_USER_INPUT' },
      );
      expect((await errorOf('subscription Q($n: Int!) { ticks(count: $n) }')).extensions).toEqual({
        code: 'BAD_USER_INPUT',
      });
      expect((await errorOf('{ refused }')).extensions).toEqual({ code: 'REFUSED' });
    }
    expect(logged).toEqual([]);
    for (const query of ['subscription { brokenEvents }', 'subscription { brokenStart }']) {
      const error = await errorOf(query);
      expect(JSON.stringify(error)).not.toContain('secret');
      expect(error.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    }
    expect(logged).toHaveLength(2);
  });

  test('more operations at once than allowed are refused; the others go on', async () => {
    const { url } = await serve({ limits: { maxOperationsPerSocket: 2 } });
    const { messages, say, begin } = await dial(url);
    await begin();
    say(subscribe('a', 'subscription { silence }'));
    say(subscribe('b', 'subscription { silence }'));
    say(subscribe('c', 'subscription { silence }'));
    await until(() => messages.length > 0);
    expect(messages).toMatchObject([
      { id: 'c', type: 'error', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] },
    ]);
    await until(() => open.count === 2);
    say({ id: 'a', type: 'complete' });
    await until(() => open.count === 1);
    say(subscribe('d', '{ transport }'));
    await until(() => messages.length === 3);
    expect(messages[1]).toMatchObject({ id: 'd', type: 'next' });
  });
});

describe('a misused WebSocket', () => {
  test.each([
    ['no JSON', (socket: WebSocket) => socket.send('rubbish'), 4400],
    ['an unknown message', (socket: WebSocket) => socket.send('{"type":"dance"}'), 4400],
    [
      'an operation before connection_init',
      (socket: WebSocket) => socket.send(JSON.stringify(subscribe('a', '{ transport }'))),
      4401,
    ],
    [
      'connection_init twice',
      (socket: WebSocket) => {
        socket.send('{"type":"connection_init"}');
        socket.send('{"type":"connection_init"}');
      },
      4429,
    ],
    ['a frame that is too large', (socket: WebSocket) => socket.send('x'.repeat(5000)), 1009],
  ])('is closed: %s', async (_name, misuse, code) => {
    const { url, ask, logged } = await serve({ limits: { maxFrameBytes: 4000 } });
    const { socket, closed } = await dial(url);
    misuse(socket);
    expect((await closed).code).toBe(code);
    expect((await ask('{ transport }')).status).toBe(200);
    expect(logged).toEqual([]);
  });

  test('a malformed frame closes it', async () => {
    const { url, ask, logged } = await serve();
    const { socket, closed } = await dial(url);
    // Reserved bits and an opcode that does not exist, straight onto the TCP socket.
    const raw = (socket as unknown as { _socket: { write(data: Buffer): void } })._socket;
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect((await closed).code).toBe(1002);
    expect((await ask('{ transport }')).status).toBe(200);
    expect(logged).toEqual([]);
  });

  test('two operations of one id close it', async () => {
    const { url } = await serve();
    const { say, begin, closed } = await dial(url);
    await begin();
    say(subscribe('a', 'subscription { silence }'));
    say(subscribe('a', 'subscription { silence }'));
    expect((await closed).code).toBe(4409);
    await until(() => open.count === 0);
  });

  test('another protocol, path or origin is refused', async () => {
    const { url } = await serve();
    const { closed } = await dial(url, 'graphql-ws').catch(() => ({ closed: { code: 0 } }));
    expect([0, 4406]).toContain((await closed).code);
    await expect(dial(url.replace('/graphql', '/other'))).rejects.toThrow('404');
    await expect(dial(url, undefined, 'https://evil.example')).rejects.toThrow('403');
    const { socket } = await dial(url, undefined, new URL(url).origin);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test('a peer that answers no pings is cut, one that does is kept', async () => {
    const { url } = await serve({ limits: { heartbeatMs: 30 } });
    const dead = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', {
      autoPong: false,
    });
    onTestFinished(() => dead.terminate());
    const alive = await dial(url);
    await alive.begin();
    let pings = 0;
    alive.socket.on('ping', () => pings++);
    const code = await new Promise((resolve) => dead.once('close', resolve));
    expect(code).toBe(1006);
    await until(() => pings >= 4);
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });
});
