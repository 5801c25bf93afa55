import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

const SILENCE = 'subscription { silence }';

type Served = Awaited<ReturnType<typeof serve>>;

/** A client that does nothing wrong, and keeps one subscription: what others do is not to concern it. */
async function bystander({ url }: Served) {
  const client = await dial(url);
  await client.begin();
  client.say(subscribe('bystander', SILENCE));
  const before = open.count;
  await until(() => open.count === before + 1);
  return client;
}

/** That a server goes on after whatever was done to it: it answers, and holds what its clients hold and no more. */
async function isUnharmed({ ask, logged }: Served, left = 0): Promise<void> {
  await until(() => open.count === left);
  expect((await ask('{ transport }')).body).toEqual({ data: { transport: 'http' } });
  expect(open.count).toBe(left);
  expect(logged).toEqual([]);
}

describe('a WebSocket is closed for', () => {
  const text = (message: string | Buffer) => (socket: WebSocket) => socket.send(message);
  const json = (message: unknown) => text(JSON.stringify(message));
  const cases: [string, number, (socket: WebSocket) => void][] = [
    ['text that is no JSON', 4400, text('{')],
    ['nothing at all', 4400, text('')],
    ['a binary message', 1003, text(Buffer.from('{"type":"ping"}'))],
    ['JSON that is no object', 4400, text('[]')],
    ['null', 4400, text('null')],
    ['a message without a type', 4400, json({ id: 'a' })],
    [
      'an unknown type',
      4400,
      json({ type: 'start', id: 'a', payload: { query: '{ transport }' } }),
    ],
    ['a type of the server', 4400, json({ type: 'connection_ack', payload: 5 })],
    [
      'a payload of connection_init that is no object',
      4400,
      json({ type: 'connection_init', payload: 5 }),
    ],
    ['subscribe without an id', 4400, json({ type: 'subscribe', payload: { query: SILENCE } })],
    ['subscribe with an empty id', 4400, json(subscribe('', SILENCE))],
    ['subscribe with a number as id', 4400, json({ ...subscribe('', SILENCE), id: 5 })],
    ['subscribe without a payload', 4400, json({ type: 'subscribe', id: 'a' })],
    ['subscribe without a query', 4400, json({ type: 'subscribe', id: 'a', payload: {} })],
    ['a query that is no text', 4400, json({ type: 'subscribe', id: 'a', payload: { query: {} } })],
    ['variables that are no object', 4400, json(subscribe('a', SILENCE, [] as object))],
    ['complete without an id', 4400, json({ type: 'complete' })],
    ['an id in use', 4409, json(subscribe('held', '{ transport }'))],
    ['connection_init once more', 4429, json({ type: 'connection_init' })],
    ['a message that is too large', 1009, text('x'.repeat(5000))],
  ];
  test.each(cases)('%s (%i)', async (_name, code, misuse) => {
    const served = await serve({ limits: { maxFrameBytes: 4000 } });
    const other = await bystander(served);
    const { socket, closed, say, begin } = await dial(served.url);
    await begin();
    say(subscribe('held', SILENCE));
    await until(() => open.count === 2);
    misuse(socket);
    expect((await closed).code).toBe(code);
    await isUnharmed(served, 1);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
  });

  test.each([
    ['alone', (): unknown[] => [subscribe('a', SILENCE)]],
    [
      'a mutation',
      () => [subscribe('a', 'mutation { rename(id: "a", title: "bb") { __typename } }')],
    ],
    ['many in one tick', () => Array.from({ length: 50 }, (_, at) => subscribe(`${at}`, SILENCE))],
  ])('operations before connection_init: %s (4401)', async (_name, messages) => {
    const served = await serve();
    const { closed, say, messages: got } = await dial(served.url);
    for (const message of messages()) say(message);
    expect((await closed).code).toBe(4401);
    expect(got).toEqual([]);
    await isUnharmed(served);
  });

  test('a subprotocol of others, or none (4406)', async () => {
    const served = await serve();
    for (const protocol of [[], ['graphql-ws'], ['mqtt', 'soap']]) {
      const socket = new WebSocket(served.url.replace('http', 'ws'), protocol);
      onTestFinished(() => socket.terminate());
      const code = await new Promise((resolve) => {
        socket.once('close', resolve);
        socket.once('error', () => resolve('refused')); // by the client itself: nobody chose one of its protocols
      });
      expect([4406, 'refused']).toContain(code);
    }
    const both = await dial(served.url, 'graphql-ws,graphql-transport-ws'.split(',') as never);
    expect(both.socket.protocol).toBe('graphql-transport-ws');
    await isUnharmed(served);
  });

  test('silence instead of connection_init (4408)', async () => {
    const served = await serve({ limits: { initTimeoutMs: 1500 } });
    const mute = await dial(served.url);
    const pinging = await dial(served.url);
    pinging.say({ type: 'ping' });
    await until(() => pinging.messages.length > 0);
    const fine = await dial(served.url);
    await fine.begin();
    expect((await mute.closed).code).toBe(4408);
    expect((await pinging.closed).code).toBe(4408);
    expect(fine.socket.readyState).toBe(WebSocket.OPEN);
    await isUnharmed(served);
  });
});

describe('ids', () => {
  test.each([
    ['__proto__'],
    ['constructor'],
    ['hasOwnProperty'],
    ['0'],
    [' '],
    ['"quoted" \\ and / slashed'],
    ['line\nbreak\r\n\t\0\u0001\u2028\u2029'],
    ['Größe 大小 😀'],
    ['\ud800'],
    ['","type":"complete","x":"'],
    ['i'.repeat(128)],
  ])('come back as they were sent: %j', async (id) => {
    const served = await serve();
    const { messages, say, begin } = await dial(served.url);
    await begin();
    for (const query of ['subscription { ticks(count: 2) }', '{ transport }']) {
      messages.length = 0;
      say(subscribe(id, query));
      await until(() => messages.at(-1)?.type === 'complete');
      expect(new Set(messages.map((message) => message.id))).toEqual(new Set([id]));
      expect(messages.map(({ type }) => type)).toContain('next');
    }
    messages.length = 0;
    say(subscribe(id, '{ nothing }'));
    await until(() => messages.length > 0);
    expect(messages).toMatchObject([{ id, type: 'error' }]);
    say(subscribe(id, SILENCE));
    await until(() => open.count === 1);
    say({ id, type: 'complete' });
    await isUnharmed(served);
  });

  test.each([[129], [1000], [60_000]])(
    'of %i characters are too long (4400), and harm nobody',
    async (length) => {
      const served = await serve();
      const other = await bystander(served);
      const { closed, messages, say, begin } = await dial(served.url);
      await begin();
      say(subscribe('a', SILENCE));
      await until(() => open.count === 2);
      say(subscribe('x'.repeat(length), SILENCE));
      expect((await closed).code).toBe(4400);
      expect(messages).toEqual([]);
      await isUnharmed(served, 1);
      expect(other.socket.readyState).toBe(WebSocket.OPEN);
    },
  );
});

describe('many operations on one socket', () => {
  test('a fault in one never ends the others', async () => {
    const served = await serve();
    const { messages, say, begin, socket } = await dial(served.url);
    await begin();
    const faults = [
      '{ transport',
      '{ nothing }',
      'query A { transport } query B { transport }',
      '}{',
      '',
    ];
    for (let at = 0; at < 95; at++) {
      say(subscribe(`s${at}`, at % 2 === 0 ? SILENCE : 'subscription { ticks(count: 20) }'));
      if (at % 20 === 0) say(subscribe(`fault${at / 20}`, faults[at / 20] ?? ''));
    }
    const ended = (type: string) => messages.filter((message) => message.type === type).length;
    await until(() => ended('complete') === 47 && ended('error') === 5);
    for (const message of messages) {
      if (message.type === 'error') expect(message.id).toMatch(/^fault/);
      else expect(message.id).toMatch(/^s/);
    }
    expect(open.count).toBe(48);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    await isUnharmed(served);
  });

  test('resolvers and sources that fail end their own operation only', async () => {
    const served = await serve();
    const { messages, say, begin, socket } = await dial(served.url);
    await begin();
    say(subscribe('idle', SILENCE));
    say(subscribe('events', 'subscription { brokenEvents }'));
    say(subscribe('start', 'subscription { brokenStart }'));
    say(subscribe('query', '{ list { broken } }'));
    const of = (id: string) => messages.filter((message) => message.id === id);
    await until(() => ['events', 'start', 'query'].every((id) => of(id).length > 0));
    expect(JSON.stringify(messages)).not.toContain('secret');
    expect(of('idle')).toEqual([]);
    expect(open.count).toBe(1);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    await until(() => open.count === 0);
  });
});

describe('a storm of messages that ask for nothing', () => {
  test('as messages is answered, one by one, up to a thousand in a heartbeat; others are served meanwhile', async () => {
    const served = await serve();
    const { messages, say, begin, socket } = await dial(served.url);
    await begin();
    for (let at = 0; at < 999; at++) say({ type: 'ping', payload: { at } });
    expect((await served.ask('{ transport }')).status).toBe(200);
    await until(() => messages.length === 999);
    expect(messages.at(-1)).toEqual({ type: 'pong', payload: { at: 998 } });
    say({ type: 'pong' });
    say(subscribe('a', '{ transport }'));
    await until(() => messages.at(-1)?.type === 'complete');
    expect(socket.readyState).toBe(WebSocket.OPEN);
    await isUnharmed(served);
  });

  test('is not what a client says that ends each of its operations once more than it has to', async () => {
    const served = await serve();
    const { messages, say, begin, socket } = await dial(served.url);
    await begin();
    for (let at = 0; at < 1500; at++) {
      say(subscribe('a', '{ transport }'));
      await until(() => messages.at(-1)?.type === 'complete');
      messages.length = 0;
      say({ type: 'complete', id: 'a' });
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
    await isUnharmed(served);
  });

  test.each<[string, readonly number[], (socket: WebSocket) => void]>([
    ['ping messages', [1008], (socket) => socket.send('{"type":"ping"}')],
    ['pong messages', [1008], (socket) => socket.send('{"type":"pong"}')],
    ['ends of nothing', [1008], (socket) => socket.send('{"type":"complete","id":"none"}')],
    ['ping frames', [1008, 1006], (socket) => socket.ping()],
    ['pong frames', [1008], (socket) => socket.pong()],
  ])(
    'of more %s than that ends its socket (%j); others are served meanwhile',
    async (_of, codes, sayIt) => {
      const served = await serve();
      const other = await bystander(served);
      const { socket, say, begin, closed } = await dial(served.url);
      await begin();
      say(subscribe('a', SILENCE));
      await until(() => open.count === 2);
      for (let at = 0; at < 5000; at++) sayIt(socket);
      expect((await served.ask('{ transport }')).status).toBe(200);
      // `ws` cuts who has too many pongs on their way.
      expect(codes).toContain((await closed).code);
      await isUnharmed(served, 1);
      expect(other.socket.readyState).toBe(WebSocket.OPEN);
    },
  );
});
