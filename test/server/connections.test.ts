import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { Clients } from '../../src/server/identity/clients.ts';
import type { ServerLimits } from '../../src/server/limits.ts';
import { Heartbeat } from '../../src/server/socket/heartbeat.ts';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

const SILENCE = 'subscription { silence }';

async function serveWithin(limits: Partial<ServerLimits>) {
  const served = await serve({ limits });
  const { server } = served;
  const counts = () => server.countConnections();
  // What was counted up must have been counted down when all have gone.
  onTestFinished(async () => {
    await server.close();
    expect(counts()).toMatchObject({
      webSockets: 0,
      eventStreams: 0,
      operations: 0,
      subscriptions: 0,
      groups: 0,
    });
    expect(counts().closedTotal).toBe(counts().openedTotal);
    expect(open.count).toBe(0);
  });
  return { ...served, counts };
}

async function streamed(url: string, query = SILENCE) {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query }),
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    signal: leave.signal,
  });
  return { response, leave: () => leave.abort() };
}

describe('sockets without operations (P5)', () => {
  test('are closed after a while', async () => {
    const { url, counts } = await serveWithin({ idleMs: 30, heartbeatMs: 30 });
    const { begin, closed } = await dial(url);
    await begin();
    expect(await closed).toEqual({ code: 4410, reason: 'Idle' });
    await until(() => counts().webSockets === 0);
    expect(counts()).toMatchObject({ idleTotal: 1, deadTotal: 0, closedTotal: 1 });
  });

  test('are kept while an operation goes on, and closed when it has ended', async () => {
    const { url, counts } = await serveWithin({ idleMs: 1000, heartbeatMs: 30 });
    const { socket, begin, say, closed } = await dial(url);
    let pings = 0;
    socket.on('ping', () => pings++);
    await begin();
    say(subscribe('a', SILENCE));
    await until(() => pings >= 50);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(counts().operations).toBe(1);
    say({ id: 'a', type: 'complete' });
    expect((await closed).code).toBe(4410);
  });

  test('and without connection_init are closed by the protocol (4408)', async () => {
    const { url } = await serveWithin({ initTimeoutMs: 20 });
    const { closed } = await dial(url);
    expect((await closed).code).toBe(4408);
  });
});

test('peers that answer no ping are cut and counted (P5, O5)', async () => {
  const { url, counts } = await serveWithin({ heartbeatMs: 30 });
  const dead = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', {
    autoPong: false,
  });
  onTestFinished(() => dead.terminate());
  expect(await new Promise((resolve) => dead.once('close', resolve))).toBe(1006);
  await until(() => counts().webSockets === 0);
  expect(counts()).toMatchObject({ deadTotal: 1, idleTotal: 0, closedTotal: 1 });
});

describe('limits', () => {
  test.each([
    ['the server', { maxSockets: 2 }],
    ['one client', { maxSocketsPerClient: 2 }],
  ])('of sockets of %s: one more is told to try again later', async (_of, limits) => {
    const { url, ask, counts } = await serveWithin(limits);
    const first = await dial(url);
    const second = await dial(url);
    const third = await dial(url);
    expect(await third.closed).toEqual({ code: 1013, reason: 'Try again later' });
    expect(counts()).toMatchObject({ webSockets: 2, openedTotal: 2, tooManyTotal: 1 });
    await second.begin(); // those that are open are as they were
    first.socket.close();
    await until(() => counts().webSockets === 1);
    await (await dial(url)).begin();
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('of subscriptions of one client, over all its connections and transports', async () => {
    const { url, counts } = await serveWithin({ maxSubscriptionsPerClient: 3 });
    const one = await dial(url);
    const other = await dial(url);
    await one.begin();
    await other.begin();
    one.say(subscribe('a', SILENCE));
    one.say(subscribe('b', SILENCE));
    await until(() => counts().subscriptions === 2);
    const stream = await streamed(url);
    await until(() => counts().subscriptions === 3);
    expect(counts().eventStreams).toBe(1);

    other.say(subscribe('c', SILENCE));
    await until(() => other.messages.length === 2);
    expect(other.messages[0]?.payload.errors).toEqual([
      {
        message: expect.stringContaining('as many subscriptions as it may'),
        extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' },
      },
    ]);
    const refused = await streamed(url);
    expect(refused.response.status).toBe(429);
    expect(await refused.response.text()).toContain('TOO_MANY_SUBSCRIPTIONS');
    other.say(subscribe('query', '{ transport }'));
    await until(() => other.messages.some(({ id }) => id === 'query'));
    expect(counts().subscriptions).toBe(3);

    stream.leave();
    await until(() => counts().subscriptions === 2);
    other.messages.length = 0;
    other.say(subscribe('d', 'subscription { ticks(count: 1) }'));
    await until(() => other.messages.at(-1)?.type === 'complete');
    expect(other.messages[0]?.payload).toEqual({ data: { ticks: 1 } });
    await until(() => counts().subscriptions === 2);
  });

  test('of operations: what was completed leaves room at once', async () => {
    const { url, counts } = await serveWithin({ maxOperationsPerSocket: 2 });
    const { begin, say, messages, socket } = await dial(url);
    await begin();
    say(subscribe('a', SILENCE));
    say(subscribe('b', SILENCE));
    await until(() => open.count === 2);
    const { _socket: tcp } = socket as unknown as {
      _socket: { cork(): void; uncork(): void };
    };
    tcp.cork();
    say({ id: 'a', type: 'complete' });
    say(subscribe('c', '{ transport }'));
    tcp.uncork();
    await until(() => messages.length === 2);
    expect(messages).toMatchObject([
      { id: 'c', type: 'next' },
      { id: 'c', type: 'complete' },
    ]);
    await until(() => counts().operations === 1);
  });

  test('of operations hold for those whose answer nobody waits for any more', async () => {
    const { url, counts } = await serveWithin({ maxOperationsPerSocket: 2 });
    const { begin, say, messages } = await dial(url);
    await begin();
    for (const id of ['a', 'b']) {
      say(subscribe(id, '{ slow(ms: 2000) }'));
      say({ id, type: 'complete' });
    }
    say(subscribe('c', '{ transport }'));
    await until(() => messages.length === 1);
    expect(messages).toMatchObject([
      { id: 'c', type: 'error', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] },
    ]);
    await until(() => counts().operations === 0);
  });

  test.each([
    ['operations', 2, 20_000],
    ['subscriptions', 1, 1],
  ])('who goes on asking for %s is closed', async (_for, most, maxSubscriptionsPerClient) => {
    const { url, ask } = await serveWithin({
      maxOperationsPerSocket: 2,
      maxSubscriptionsPerClient,
    });
    const { begin, say, messages, closed } = await dial(url);
    await begin();
    say(subscribe('a', SILENCE));
    if (most === 2) say(subscribe('b', SILENCE));
    await until(() => open.count === most);
    const refuse = async (id: string) => {
      say(subscribe(id, SILENCE));
      await until(() => messages.some((message) => message.id === id));
    };
    for (let at = 0; at < 20; at++) await refuse(`more-${at}`);
    say({ id: 'a', type: 'complete' });
    say(subscribe('query', '{ transport }'));
    await until(() => messages.some(({ id }) => id === 'query')); // and all is forgotten
    say(subscribe('again', SILENCE));
    await until(() => open.count === most);
    for (let at = 0; at < 20; at++) await refuse(`yet-more-${at}`);
    say(subscribe('last', SILENCE));
    expect(await closed).toEqual({ code: 1008, reason: 'Too many operations that were refused' });
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('of the length of ids', async () => {
    const { url } = await serveWithin({});
    const { begin, say, messages, closed } = await dial(url);
    await begin();
    const longest = 'i'.repeat(128);
    say(subscribe(longest, '{ transport }'));
    await until(() => messages.length === 2);
    expect(messages[0]).toMatchObject({ id: longest, type: 'next' });
    say(subscribe(`${longest}i`, '{ transport }'));
    expect(await closed).toEqual({
      code: 4400,
      reason: "An operation's id has at most 128 characters",
    });
  });

  test('a reason that has no room in a close frame is cut', async () => {
    const { url, logged } = await serveWithin({});
    const { begin, say, closed } = await dial(url);
    await begin();
    const id = '漢'.repeat(128);
    say(subscribe(id, SILENCE));
    say(subscribe(id, SILENCE));
    const { code, reason } = await closed;
    expect(code).toBe(4409);
    expect(reason).toMatch(/^Subscriber for 漢{34,35}…$/);
    expect(logged).toEqual([]);
  });
});

describe('going away (O5)', () => {
  test('says when to come back, to each another time', async () => {
    const { server, url } = await serveWithin({
      comeBackMinMs: 100,
      comeBackMaxMs: 2_000_000_000,
      comeBackPerSecond: 1e-4,
    });
    const dialled = await Promise.all(Array.from({ length: 8 }, () => dial(url)));
    await Promise.all(dialled.map(({ begin }) => begin()));
    await server.close();
    const closed = await Promise.all(dialled.map((each) => each.closed));
    expect(closed.map(({ code }) => code)).toEqual(Array(8).fill(1001));
    const times = closed.map(({ reason }) => {
      const [, ms] = /^Going away, retry in (\d+) ms$/.exec(reason) ?? [];
      return Number(ms);
    });
    expect(new Set(times).size).toBeGreaterThan(1);
    // 8 clients, one in 10,000 seconds.
    for (const ms of times) expect(ms).toBeGreaterThanOrEqual(100);
    for (const ms of times) expect(ms).toBeLessThanOrEqual(100 + 80_000_000);
  });

  test('never says longer than the longest', async () => {
    const { server, url } = await serveWithin({
      comeBackMinMs: 100,
      comeBackMaxMs: 100,
      comeBackPerSecond: 1e-4,
    });
    const { begin, closed } = await dial(url);
    await begin();
    await server.close();
    expect(await closed).toEqual({ code: 1001, reason: 'Going away, retry in 100 ms' });
  });
});

describe('counts', () => {
  test('tell what goes on and what there was', async () => {
    const { url, counts } = await serveWithin({});
    const { begin, say, messages, socket } = await dial(url);
    await begin();
    say(subscribe('a', SILENCE));
    say(subscribe('b', 'subscription { ticks(count: 2) }'));
    await until(() => messages.at(-1)?.type === 'complete');
    await until(() => counts().subscriptions === 1);
    const told = messages.filter(({ type }) => type === 'next').length;
    expect(counts()).toMatchObject({
      webSockets: 1,
      operations: 1,
      groups: 1,
      openedTotal: 1,
      closedTotal: 0,
      messagesTotal: told,
    });
    socket.close();
    await until(() => counts().webSockets === 0);
    await until(() => counts().operations === 0);
    expect(counts()).toMatchObject({ openedTotal: 1, closedTotal: 1, groups: 0 });
  });

  test('operations that are refused, broken or fail are counted down', async () => {
    const { url, counts } = await serveWithin({});
    const { begin, say, messages } = await dial(url);
    await begin();
    const queries = [
      '{ transport',
      '{ nothing }',
      'query A { transport } query B { transport }',
      'subscription Q($n: Int!) { ticks(count: $n) }',
      'subscription { brokenStart }',
      '{ refused }',
    ];
    for (const [at, query] of queries.entries()) {
      say(subscribe(`${at}`, query));
      await until(() => messages.some(({ id }) => id === `${at}`));
    }
    await until(() => counts().operations === 0);
    expect(counts().subscriptions).toBe(0);
  });

  test('can be read at /metrics', async () => {
    const { url, send } = await serveWithin({ maxSockets: 1 });
    const { begin, say } = await dial(url);
    await begin();
    say(subscribe('a', SILENCE));
    await until(() => open.count === 1);
    await (await dial(url)).closed;
    for (let time = 0; time < 2; time++) {
      const { status, type, body } = await send({}, '/metrics');
      expect(status).toBe(200);
      expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
      const lines = String(body).split('\n');
      expect(lines).toContain('# TYPE millrace_websockets gauge');
      expect(lines).toContain('# TYPE millrace_websockets_opened_total counter');
      for (const line of [
        'millrace_websockets 1',
        'millrace_websocket_operations 1',
        'millrace_subscriptions 1',
        'millrace_subscription_groups 1',
        'millrace_websockets_opened_total 1',
        'millrace_websockets_refused_total 1',
        'millrace_websockets_closed_total{reason="idle"} 0',
        'millrace_websockets_closed_total{reason="other"} 0',
      ]) {
        expect(lines).toContain(line);
      }
    }
  });

  test('of two servers are apart', async () => {
    const one = await serveWithin({});
    const other = await serveWithin({});
    await (await dial(one.url)).begin();
    expect([one.counts().webSockets, other.counts().webSockets]).toEqual([1, 0]);
    expect(String((await other.send({}, '/metrics')).body)).toContain('millrace_websockets 0');
    expect(String((await one.send({}, '/metrics')).body)).toContain('millrace_websockets 1');
  });
});

test('a client that has nothing any more is forgotten', () => {
  const clients = new Clients({ maxSocketsPerClient: 1, maxSubscriptionsPerClient: 2 });
  const held = [
    clients.takeSocket('10.0.0.1'),
    clients.takeSubscription('10.0.0.1'),
    clients.takeSubscription('10.0.0.1'),
    clients.takeSocket('10.0.0.2'),
    clients.takeSocket('unknown'),
  ];
  expect(clients.size).toBe(3);
  expect(clients.takeSocket('10.0.0.1')).toBeUndefined();
  expect(clients.takeSubscription('10.0.0.1')).toBeUndefined();
  expect(clients.takeSocket('unknown')).toBeUndefined();
  held[1]?.();
  held[1]?.(); // a second time it does nothing
  held.push(clients.takeSubscription('10.0.0.1'));
  expect(held.at(-1)).toBeDefined();
  expect(clients.takeSubscription('10.0.0.1')).toBeUndefined();
  held[0]?.();
  held[3]?.();
  held[4]?.();
  expect(clients.size).toBe(1);
  for (const giveBack of held) giveBack?.();
  expect(clients.size).toBe(0);
});

test('a heartbeat calls all its members once a period, and none that left', async () => {
  const heartbeat = new Heartbeat(60);
  onTestFinished(() => heartbeat.close());
  const beats = new Map<number, number>();
  const members = Array.from({ length: 100 }, (_, at) => {
    const member = { beat: () => void beats.set(at, (beats.get(at) ?? 0) + 1) };
    return { member, place: heartbeat.join(member) };
  });
  await until(() => beats.get(99) === 3);
  expect(beats.size).toBe(100);
  for (const count of beats.values()) expect([2, 3, 4]).toContain(count);
  for (const { member, place } of members.slice(1)) heartbeat.leave(member, place);
  expect(heartbeat.size).toBe(1);
  beats.clear();
  await until(() => beats.get(0) === 2);
  expect([...beats.keys()]).toEqual([0]);
});
