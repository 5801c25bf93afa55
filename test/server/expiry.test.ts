import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import type { Identity } from '../../src/lib/identity.ts';
import { subscribe } from './dial.ts';
import { bearer, DoorKeeper, dialWith, serveBehind } from './door-keeper.ts';
import { until } from './serve.ts';
import { gates, open } from './test-api.ts';

const SILENCE = 'subscription { silence }';
const FLOOD = 'subscription { flood(length: 10) }';
const SOON_MS = 700;
const DAY_MS = 86_400_000;
const GOOD = 's3cr3t-good';
const STREAM = 'x-graphql-event-stream-token';

/** What was told of the end of who a client is, where no close code can say so. */
const EXPIRED = '"message":"Token expired. Subscribe again with a new one."';

/** A server that knows one token. */
function serveTo(who: Partial<Identity> & { readonly lastsMs?: number }, heartbeatMs = 30_000) {
  return serveBehind(new DoorKeeper({ [GOOD]: who }).authenticate, { heartbeatMs });
}

async function enter(url: string) {
  const dialled = await dialWith(url, GOOD);
  dialled.show();
  await until(() => dialled.messages.length === 1);
  dialled.messages.length = 0;
  return dialled;
}

/** A subscription over HTTP: what has been read of it, and when it ended. */
async function stream(url: string, query: string) {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const response = await fetch(url, {
    method: 'POST',
    headers: bearer(GOOD, { accept: 'text/event-stream' }),
    body: JSON.stringify({ query }),
    signal: leave.signal,
  });
  return { ...read(response), leave: () => leave.abort() };
}

function read(response: Response) {
  let text = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk);
  })().catch(() => undefined);
  return { response, ended, text: () => text };
}

/** The single connection mode of graphql-sse, with a token for each step. */
async function reserve(url: string, token = GOOD) {
  const reserved = await fetch(url, { method: 'PUT', headers: bearer(token) });
  const name = await reserved.text();
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  return {
    status: reserved.status,
    name,
    body: name,
    async open(shown = GOOD) {
      const headers = bearer(shown, { [STREAM]: name, accept: 'text/event-stream' });
      return read(await fetch(url, { headers, signal: leave.signal }));
    },
    begin: (operationId: string, query: string, shown = GOOD) =>
      fetch(url, {
        method: 'POST',
        headers: bearer(shown, { [STREAM]: name }),
        body: JSON.stringify({ query, extensions: { operationId } }),
      }),
    end: (operationId: string, shown = GOOD) =>
      fetch(`${url}?operationId=${operationId}`, {
        method: 'DELETE',
        headers: bearer(shown, { [STREAM]: name }),
      }),
    byUrl: (shown: string) =>
      fetch(`${url}?token=${name}`, {
        headers: { ...bearer(shown), accept: 'text/event-stream' },
        signal: leave.signal,
      }),
    leave: () => leave.abort(),
  };
}

describe('O5 when a token expires', () => {
  test('its WebSocket is closed (4403), in the middle of whatever goes on', async () => {
    const beganAt = Date.now();
    const { url, counts } = await serveTo({ lastsMs: SOON_MS });
    const { say, closed } = await enter(url);
    say(subscribe('a', SILENCE));
    say(subscribe('b', FLOOD));
    expect(await closed).toEqual({ code: 4403, reason: 'Token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(beganAt + SOON_MS);
    await until(() => counts().webSockets === 0 && open.count === 0);
  });

  test('a subscription over server-sent events says so and ends', async () => {
    const { url } = await serveTo({ lastsMs: SOON_MS });
    const { ended, text } = await stream(url, FLOOD);
    await ended;
    expect(text()).toContain('"flood":"xxxxxxxxxx"');
    const [last = '', complete] = text().split('event: ').slice(-2);
    expect(last).toContain(EXPIRED);
    expect(last).toContain('"code":"UNAUTHENTICATED"');
    expect(complete).toContain('complete');
    await until(() => open.count === 0);
  });

  test('operations that it began in a stream end; those of other tokens go on', async () => {
    const keeper = new DoorKeeper({
      [GOOD]: {},
      's3cr3t-short': { lastsMs: SOON_MS },
    });
    const { url } = await serveBehind(keeper.authenticate);
    const reserved = await reserve(url);
    const { text } = await reserved.open();
    await reserved.begin('long', SILENCE);
    await reserved.begin('short', SILENCE, 's3cr3t-short');
    await reserved.begin('query', '{ maybe(id: "book-1") { gated(gate: "g") } }', 's3cr3t-short');
    await until(() => text().split(EXPIRED).length === 3);
    await until(() => text().split('event: complete').length === 3);
    await until(() => open.count === 1);
    gates.get('g')?.();
    await reserved.begin('ask', '{ transport }');
    await until(() => text().includes('"transport":"http"'));
    expect(text()).not.toContain('gated');
    reserved.leave();
    await until(() => open.count === 0);
  });

  test('a stream that it opened ends', async () => {
    const keeper = new DoorKeeper({
      [GOOD]: {},
      's3cr3t-short': { lastsMs: SOON_MS },
    });
    const { url } = await serveBehind(keeper.authenticate);
    const reserved = await reserve(url);
    const { ended } = await reserved.open('s3cr3t-short');
    await reserved.begin('long', SILENCE);
    await ended;
    await until(() => open.count === 0);
    expect((await reserved.begin('more', SILENCE)).status).toBe(404);
  });

  test('in more than 25 days, nothing happens before', async () => {
    const { url } = await serveTo({ expiresAt: Date.now() + 40 * DAY_MS }, 30);
    const { say, messages, socket } = await enter(url);
    say(subscribe('a', 'subscription { ticks(count: 30) }'));
    await until(() => messages.at(-1)?.type === 'complete');
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test('two hundred sockets are closed, each at its time', async () => {
    const keeper = new DoorKeeper();
    const { url, counts } = await serveBehind(
      (credentials) => {
        keeper.tokens.set(GOOD, { lastsMs: SOON_MS + (keeper.asked.length % 50) });
        return keeper.authenticate(credentials);
      },
      { initTimeoutMs: 60_000 },
    );
    const all = await Promise.all(Array.from({ length: 200 }, () => dialWith(url, GOOD)));
    for (const { show } of all) show();
    const codes = await Promise.all(all.map(({ closed }) => closed));
    expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([4403]));
    await until(() => counts().webSockets === 0);
  });
});

describe('O5 when a token is revoked', () => {
  test('its sockets and streams end at the next heartbeat', async () => {
    let holds = true;
    const { url } = await serveTo({ recheck: async () => holds }, 30);
    const { say, closed, socket } = await enter(url);
    say(subscribe('a', SILENCE));
    const distinct = await stream(url, SILENCE);
    const reserved = await reserve(url);
    const single = await reserved.open();
    await reserved.begin('c', SILENCE);
    await until(() => open.count === 3);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket.readyState).toBe(WebSocket.OPEN);
    holds = false;
    expect(await closed).toEqual({ code: 4403, reason: 'Token revoked' });
    await distinct.ended;
    expect(distinct.text()).toContain('Token revoked');
    await single.ended;
    await until(() => open.count === 0);
  });

  test('nothing ends where that can not be found out, and nobody is asked twice at once', async () => {
    let asked = 0;
    let fail: (error: Error) => void = () => undefined;
    const recheck = () =>
      new Promise<boolean>((_resolve, reject) => {
        asked++;
        fail = reject;
      });
    const { url } = await serveTo({ recheck }, 30);
    const { socket } = await enter(url);
    let pings = 0;
    socket.on('ping', () => pings++);
    await until(() => pings === 4);
    expect(asked).toBe(1);
    fail(new Error('no database'));
    await until(() => asked === 2);
    fail(new Error('no database'));
    await until(() => asked === 3);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('O5 a stream of server-sent events', () => {
  const others = new DoorKeeper({
    [GOOD]: {},
    's3cr3t-again': {},
    's3cr3t-bob': { subject: 'bob' },
    's3cr3t-else': { tenant: 'else' },
  });

  test('is there for whoever reserved it, by whatever token, and for nobody else', async () => {
    const { url } = await serveBehind(others.authenticate);
    const reserved = await reserve(url);
    for (const token of ['s3cr3t-bob', 's3cr3t-else']) {
      expect((await reserved.open(token)).response.status).toBe(404);
      expect((await reserved.byUrl(token)).status).toBe(404);
      expect((await reserved.begin('a', SILENCE, token)).status).toBe(404);
      expect((await reserved.end('a', token)).status).toBe(404);
    }
    expect((await reserved.byUrl('s3cr3t-nobody')).status).toBe(401);
    const { response, text } = read(await reserved.byUrl('s3cr3t-again'));
    expect(response.status).toBe(200);
    expect((await reserved.begin('a', '{ transport }', 's3cr3t-again')).status).toBe(202);
    await until(() => text().includes('"transport":"http"'));
    expect((await reserved.end('a', 's3cr3t-bob')).status).toBe(404);
    expect((await reserved.end('a')).status).toBe(200);
    reserved.leave();
  });

  test('can not be opened with its own name in place of a token', async () => {
    const { url } = await serveBehind(others.authenticate);
    const { name } = await reserve(url);
    const accept = { accept: 'text/event-stream' };
    expect((await fetch(`${url}?token=${name}`, { headers: accept })).status).toBe(401);
    const headers = bearer(name, { ...accept, [STREAM]: name });
    expect((await fetch(url, { headers })).status).toBe(401);
  });

  test('is not reserved for one client again and again', async () => {
    const { url } = await serveBehind(others.authenticate, { maxSseReservedPerClient: 2 });
    const first = await reserve(url);
    expect(first.status).toBe(201);
    expect((await reserve(url, 's3cr3t-again')).status).toBe(201);
    const third = await reserve(url);
    expect(third.status).toBe(503);
    expect(third.body).toContain('TOO_MANY_RESERVATIONS');
    expect((await reserve(url, 's3cr3t-bob')).status).toBe(201);
    const { ended } = await first.open();
    expect((await reserve(url)).status).toBe(201); // what is open is not reserved
    first.leave();
    await ended;
  });
});
