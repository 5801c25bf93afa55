import { print } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerLimits } from '../../src/server/limits.ts';
import { ConnectionStatusDocument, CountConnectionsDocument } from '../generated/operations.ts';
import { dial, type Message, subscribe } from '../server/dial.ts';
import { ask, openApp, subscribeRefusal, until } from './api.ts';

const STATUS = print(ConnectionStatusDocument);

async function serveApp(limits: Partial<ServerLimits> = {}) {
  const app = await openApp({ flows: [] });
  const { url } = await app.listen({ port: 0, limits });
  return { app, url, count: async () => (await ask(app, CountConnectionsDocument, {})).server };
}

/** A client that watches its connection by operations of the given ids. */
async function watching(url: string, ...ids: string[]) {
  const dialled = await dial(url);
  await dialled.begin();
  for (const id of ids) dialled.say(subscribe(id, STATUS));
  await until(() => ids.every((id) => dialled.messages.some((message) => message.id === id)));
  const all = (id: string) => dialled.messages.filter((message) => message.id === id);
  const news = (id: string) => statusOf(all(id).filter(({ type }) => type === 'next'));
  return { ...dialled, all, news };
}

function statusOf(messages: readonly Pick<Message, 'payload'>[]) {
  return messages.map(({ payload }) => payload.data.connectionStatus);
}

/** The events of a stream as they come, to its end. */
async function* eventsOf(response: Response) {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, event] = /^event: (.*)$/m.exec(part) ?? [];
      const [, data = ''] = /^data: ?(.*)$/m.exec(part) ?? [];
      if (event !== undefined) yield { event, data: data === '' ? undefined : JSON.parse(data) };
    }
  }
}

const EVENT_STREAM = { 'content-type': 'application/json', accept: 'text/event-stream' };

test('a client is told at once, and again at every heartbeat (O5)', async () => {
  const { app, url } = await serveApp({ heartbeatMs: 40 });
  const before = Date.now();
  const { news } = await watching(url, 'a');
  await until(() => news('a').length >= 4);
  const [first] = news('a');
  expect(first).toEqual({
    connectionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    status: 'CONNECTED',
    serverTime: expect.any(String),
    heartbeatMs: 40,
    comeBackAfterMs: null,
  });
  for (const { serverTime, ...each } of news('a')) {
    expect(each).toEqual({
      connectionId: first.connectionId,
      status: 'CONNECTED',
      heartbeatMs: 40,
      comeBackAfterMs: null,
    });
    expect(Date.parse(serverTime)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(serverTime)).toBeLessThanOrEqual(Date.now());
  }
  await app.close();
});

test('each client is told of its own connection, however many ask the same', async () => {
  const { url } = await serveApp({ heartbeatMs: 40 });
  const one = await watching(url, 'a', 'b');
  const other = await watching(url, 'a');
  await until(() => [one.news('a'), one.news('b'), other.news('a')].every((all) => all.length > 3));
  const ids = (messages: { connectionId: string }[]) =>
    new Set(messages.map(({ connectionId }) => connectionId));
  expect(ids(one.news('a')).size).toBe(1);
  expect(ids(one.news('a'))).toEqual(ids(one.news('b')));
  expect(ids(other.news('a')).size).toBe(1);
  expect(ids(other.news('a'))).not.toEqual(ids(one.news('a')));
});

test('who leaves is told no more, and nothing is left', async () => {
  const { url, count } = await serveApp({ heartbeatMs: 40 });
  const { say, all, news } = await watching(url, 'a', 'b');
  say({ id: 'a', type: 'complete' });
  await until(() => news('b').length >= 2);
  const told = all('a').length;
  const later = news('b').length + 3;
  await until(() => news('b').length >= later);
  expect(all('a')).toHaveLength(told);
  expect((await count()).connections).toMatchObject({ subscriptionCount: 1, operationCount: 1 });
});

test('before the server goes away it says so, ends the operation, then closes (O5)', async () => {
  const { app, url } = await serveApp();
  const { all, news, closed } = await watching(url, 'a');
  const quiet = await watching(url); // is not told, and does not hold anything up
  await app.close();
  const { code, reason } = await closed;
  const last = news('a').at(-1);
  expect(last).toMatchObject({ connectionId: news('a')[0].connectionId, status: 'DISCONNECTED' });
  expect(last.comeBackAfterMs).toBeGreaterThanOrEqual(1000);
  expect(last.comeBackAfterMs).toBeLessThanOrEqual(1005);
  expect(all('a').map(({ type }) => type)).toEqual(['next', 'next', 'complete']);
  expect({ code, reason }).toEqual({
    code: 1001,
    reason: `Going away, retry in ${last.comeBackAfterMs} ms`,
  });
  expect((await quiet.closed).code).toBe(1001);
});

test('a client that does not read does not hold up the end', async () => {
  const { app, url } = await serveApp({ closeGraceMs: 50 });
  const { socket, closed } = await watching(url, 'a');
  socket.pause();
  await app.close();
  socket.resume();
  expect([1001, 1006]).toContain((await closed).code);
});

test('over server-sent events it is the same, by request', async () => {
  const { app, url } = await serveApp({ heartbeatMs: 40 });
  const begin = () =>
    fetch(url, {
      method: 'POST',
      body: JSON.stringify({ query: STATUS }),
      headers: EVENT_STREAM,
    });
  const events: { event: string; data?: Message['payload'] }[] = [];
  const ended = (async () => {
    for await (const event of eventsOf(await begin())) events.push(event);
  })();
  const otherEvents = eventsOf(await begin());
  const other = await otherEvents.next();
  onTestFinished(async () => void (await otherEvents.return(undefined)));
  await until(() => events.length >= 3);
  await app.close();
  await ended;
  expect(events.at(-1)?.event).toBe('complete');
  const news = statusOf(events.slice(0, -1).map(({ data }) => ({ payload: data })));
  expect(new Set(news.map(({ connectionId }) => connectionId)).size).toBe(1);
  expect(news[0].connectionId).not.toBe(other.value?.data.data.connectionStatus.connectionId);
  expect(news.slice(0, -1).map(({ status }) => status)).toEqual(
    Array(news.length - 1).fill('CONNECTED'),
  );
  expect(news.at(-1)).toMatchObject({
    status: 'DISCONNECTED',
    comeBackAfterMs: expect.any(Number),
  });
});

test('in a stream that several operations share, too', async () => {
  const { app, url } = await serveApp();
  const token = await (await fetch(url, { method: 'PUT' })).text();
  const headers = { 'x-graphql-event-stream-token': token };
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } });
  const events: { event: string; data?: Message }[] = [];
  const ended = (async () => {
    for await (const event of eventsOf(response)) events.push(event);
  })().catch(() => undefined); // the stream is cut, as all are
  const begun = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query: STATUS, extensions: { operationId: 'a' } }),
    headers: { ...headers, 'content-type': 'application/json' },
  });
  expect(begun.status).toBe(202);
  await until(() => events.length === 1);
  await app.close();
  await ended;
  expect(events.map(({ event }) => event)).toEqual(['next', 'next', 'complete']);
  const news = statusOf(events.slice(0, 2).map(({ data }) => ({ payload: data?.payload })));
  expect(news.map(({ status }) => status)).toEqual(['CONNECTED', 'DISCONNECTED']);
});

test('an operation of this process itself has no connection', async () => {
  const { app } = await serveApp();
  expect(await subscribeRefusal(app, ConnectionStatusDocument, {})).toMatchObject({
    code: 'NO_CONNECTION',
  });
});

test('the server says how many connections there are (O5)', async () => {
  const unserved = await openApp({ flows: [] });
  const none = (await ask(unserved, CountConnectionsDocument, {})).server.connections;
  expect(Object.values(none ?? {})).toEqual(Array(13).fill(0));

  const { url, count } = await serveApp();
  const { socket } = await watching(url, 'a', 'b');
  const { connections } = await count();
  expect(connections).toMatchObject({
    webSocketCount: 1,
    eventStreamCount: 0,
    operationCount: 2,
    subscriptionCount: 2,
    groupCount: 1,
    openedCount: 1,
    closedCount: 0,
    messageCount: 2,
    fellBehindCount: 0,
  });
  socket.close();
  let now = connections;
  while (now?.webSocketCount !== 0 || now.subscriptionCount !== 0) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    now = (await count()).connections;
  }
  expect(now).toMatchObject({ operationCount: 0, groupCount: 0, openedCount: 1, closedCount: 1 });
});
