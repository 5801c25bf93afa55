import { createClient } from 'graphql-sse';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { serve, until } from './serve.ts';
import { gates, open } from './test-api.ts';

const TOKEN = 'x-graphql-event-stream-token';

function clientOf(url: string, singleConnection = true) {
  const client = createClient<boolean>({
    singleConnection,
    url,
    retryAttempts: 0,
  } as Parameters<typeof createClient<boolean>>[0]);
  onTestFinished(() => client.dispose());
  return client;
}

/** Reserves a stream and speaks for it, step by step. */
async function reserve(url: string) {
  const reserved = await fetch(url, { method: 'PUT' });
  expect(reserved.status).toBe(201);
  const token = await reserved.text();
  const headers = { [TOKEN]: token };
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  let text = '';
  return {
    token,
    leave,
    text: () => text,
    /** Reads the stream from now on, in the background. */
    async open(path = '') {
      const response = await fetch(`${url}${path}`, {
        headers: { accept: 'text/event-stream', ...(path === '' ? headers : {}) },
        signal: leave.signal,
      });
      const read = async () => {
        const decoder = new TextDecoder();
        for await (const chunk of response.body ?? []) text += decoder.decode(chunk);
      };
      return { response, ended: read().catch(() => undefined) };
    },
    begin: (operationId: unknown, query: string, more: Record<string, string> = {}) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers, ...more },
        body: JSON.stringify({ query, extensions: { operationId } }),
      }),
    end: (operationId: string) =>
      fetch(`${url}?operationId=${operationId}`, { method: 'DELETE', headers }),
  };
}

async function codeOf(response: Response): Promise<[number, string]> {
  const body = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, body.errors[0]?.extensions.code ?? ''];
}

describe.each([
  ['distinct connections', false],
  ['a single connection', true],
])("graphql-sse's own client, with %s", (_name, isSingle) => {
  test('gets a subscription to its end, and queries', async () => {
    const { url } = await serve();
    const client = clientOf(url, isSingle);
    const got: unknown[] = [];
    for await (const result of client.iterate({ query: 'subscription { ticks(count: 3) }' })) {
      got.push(result);
    }
    expect(got.at(-1)).toEqual({ data: { ticks: 3 } });
    expect(open.count).toBe(0);
    const { value } = await client.iterate({ query: '{ transport }' }).next();
    expect(value).toEqual({ data: { transport: 'http' } });
  });

  test('has several operations at once; leaving one frees it at once, the others go on', async () => {
    const { url } = await serve();
    const client = clientOf(url, isSingle);
    const idle = [1, 2, 3].map(() => client.iterate({ query: 'subscription { silence }' }));
    const waiting = idle.map((each) => each.next());
    await until(() => open.count === 3);
    await idle[0]?.return?.();
    await until(() => open.count === 2);
    const ticks: unknown[] = [];
    for await (const { data } of client.iterate({ query: 'subscription { ticks(count: 2) }' })) {
      ticks.push(data);
    }
    expect(ticks.at(-1)).toEqual({ ticks: 2 });
    expect(open.count).toBe(2);
    await Promise.all(idle.map((each) => each.return?.()));
    await until(() => open.count === 0);
    await Promise.all(waiting);
  });

  test('sees masked errors', async () => {
    const { url, logged } = await serve();
    const client = clientOf(url, isSingle);
    for (const query of ['subscription { brokenEvents }', 'subscription { brokenStart }']) {
      const { value } = await client.iterate({ query }).next();
      expect(JSON.stringify(value)).toContain('INTERNAL_SERVER_ERROR');
      expect(JSON.stringify(value)).not.toContain('secret');
    }
    expect(logged).toHaveLength(2);
  });
});

describe('a single connection', () => {
  test('the token may stand in the URL, as for EventSource', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    const { response } = await stream.open(`?token=${stream.token}`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect((await stream.begin('a', '{ transport }')).status).toBe(202);
    await until(() => stream.text().includes('complete'));
    expect(stream.text()).toBe(
      ':\n\nevent: next\ndata: {"id":"a","payload":{"data":{"transport":"http"}}}\n\n' +
        'event: complete\ndata: {"id":"a"}\n\n',
    );
  });

  test('what begins before the stream is open is told when it is', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    await stream.begin('a', 'subscription { ticks(count: 4) }');
    await stream.begin('b', '{ transport }');
    await until(() => open.count === 0);
    expect(stream.text()).toBe('');
    await stream.open();
    await until(() => stream.text().split('event: complete').length === 3);
    expect(stream.text()).toContain('{"id":"a","payload":{"data":{"ticks":4}}}');
    expect(stream.text()).toContain('{"id":"b","payload":{"data":{"transport":"http"}}}');
  });

  test('an operation that was ended is not heard of again, and its id is free', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    await stream.open();
    await stream.begin('a', '{ maybe(id: "book-1") { gated(gate: "sse") } }');
    await until(() => gates.has('sse'));
    expect((await stream.end('a')).status).toBe(200);
    expect((await stream.begin('a', '{ transport }')).status).toBe(202);
    gates.get('sse')?.();
    gates.clear();
    expect((await stream.begin('b', 'subscription { ticks(count: 1) }')).status).toBe(202);
    await until(() => stream.text().includes('{"id":"b"}'));
    expect(stream.text()).not.toContain('gated');
    expect(stream.text().match(/event: next/g)).toHaveLength(2);
    expect((await stream.end('none')).status).toBe(200);
  });

  test('a fault in one operation is told to who asked, and the others go on', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    await stream.open();
    await stream.begin('idle', 'subscription { silence }');
    await until(() => open.count === 1);
    expect(await codeOf(await stream.begin('a', '{ transport'))).toEqual([
      400,
      'GRAPHQL_PARSE_FAILED',
    ]);
    expect(await codeOf(await stream.begin('a', '{ nothing }'))).toEqual([
      400,
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(
      await codeOf(await stream.begin('a', 'query A { transport } query B { transport }')),
    ).toEqual([400, 'OPERATION_RESOLUTION_FAILURE']);
    expect(await codeOf(await stream.begin('idle', '{ transport }'))).toEqual([
      409,
      'OPERATION_EXISTS',
    ]);
    for (const id of [undefined, '', 5, 'x'.repeat(257)]) {
      expect(await codeOf(await stream.begin(id, '{ transport }'))).toEqual([400, 'BAD_REQUEST']);
    }
    const text = { 'content-type': 'text/plain' };
    expect((await stream.begin('a', '{ transport }', text)).status).toBe(415);
    expect(await codeOf(await stream.begin('a', `{ a: ${'x'.repeat(1024 * 1024)} }`))).toEqual([
      413,
      'REQUEST_ENTITY_TOO_LARGE',
    ]);
    expect((await stream.begin('a', '{ transport }')).status).toBe(202);
    await until(() => stream.text().includes('{"id":"a"}'));
    expect(open.count).toBe(1);
  });

  test('more operations at once than allowed are refused', async () => {
    const { url } = await serve({ limits: { maxOperationsPerSocket: 2 } });
    const stream = await reserve(url);
    await stream.begin('a', 'subscription { silence }');
    await stream.begin('b', 'subscription { silence }');
    expect(await codeOf(await stream.begin('c', '{ transport }'))).toEqual([
      429,
      'TOO_MANY_OPERATIONS',
    ]);
    await stream.end('a');
    expect((await stream.begin('c', '{ transport }')).status).toBe(202);
    stream.leave.abort();
  });

  test('a stream is opened by one, with the token, as a stream', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    const headers = { [TOKEN]: stream.token };
    expect((await fetch(url, { headers })).status).toBe(406);
    await stream.open();
    const accept = 'text/event-stream';
    expect(await codeOf(await fetch(url, { headers: { ...headers, accept } }))).toEqual([
      409,
      'STREAM_ALREADY_OPEN',
    ]);
    const type = { 'content-type': 'application/json' };
    const unknown = { [TOKEN]: 'f5b9a6a0-0000-4000-8000-000000000000', accept, ...type };
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(await codeOf(await fetch(url, { method, headers: unknown }))).toEqual([
        404,
        'STREAM_NOT_FOUND',
      ]);
    }
    expect(await codeOf(await fetch(url, { method: 'DELETE', headers }))).toEqual([
      400,
      'BAD_REQUEST',
    ]);
  });

  test('pages of other sites can do none of it', async () => {
    const { url } = await serve();
    const { token } = await reserve(url);
    const headers = { [TOKEN]: token, origin: 'https://evil.example' };
    for (const method of ['PUT', 'GET', 'POST', 'DELETE']) {
      expect(await codeOf(await fetch(url, { method, headers }))).toEqual([
        403,
        'FORBIDDEN_ORIGIN',
      ]);
    }
  });

  test('an idle stream is kept alive by a comment every 12 seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { url } = await serve();
    const stream = await reserve(url);
    await stream.open();
    vi.advanceTimersByTime(12_000);
    await until(() => stream.text() === ':\n\n:\n\n');
    vi.advanceTimersByTime(24_000);
    await until(() => stream.text() === ':\n\n'.repeat(4));
  });

  test('leaving the stream frees everything in it, and the token', async () => {
    const { url } = await serve();
    const stream = await reserve(url);
    await stream.open();
    for (const id of ['a', 'b', 'c']) await stream.begin(id, 'subscription { silence }');
    await until(() => open.count === 3);
    stream.leave.abort();
    await until(() => open.count === 0);
    expect((await codeOf(await stream.begin('d', '{ transport }')))[1]).toBe('STREAM_NOT_FOUND');
  });

  test('a reservation that nobody takes up lapses, with what began in it', async () => {
    const { url } = await serve({ limits: { sseReservedMs: 50 } });
    const stream = await reserve(url);
    await stream.begin('a', 'subscription { silence }');
    await stream.begin('b', 'subscription { ticks(count: 5) }');
    await until(() => open.count === 0);
    const late = await stream.open();
    expect(late.response.status).toBe(404);
  });

  test('there can be only so many reservations', async () => {
    const { url } = await serve({ limits: { maxSseReserved: 2 } });
    const first = await reserve(url);
    await reserve(url);
    expect(await codeOf(await fetch(url, { method: 'PUT' }))).toEqual([
      503,
      'TOO_MANY_RESERVATIONS',
    ]);
    await first.open();
    await reserve(url);
  });

  test('closing the server ends streams, open and reserved', async () => {
    const { url, server } = await serve();
    const stream = await reserve(url);
    const { ended } = await stream.open();
    await stream.begin('a', 'subscription { silence }');
    const reserved = await reserve(url);
    await reserved.begin('a', 'subscription { silence }');
    await until(() => open.count === 2);
    await server.close();
    await ended;
    expect(open.count).toBe(0);
  });

  test('rights are those of the request that begins an operation', async () => {
    const { url } = await serve({
      createContext: ({ headers }) => ({
        isAdmin: headers.authorization === 'admin',
        transport: 'http',
      }),
    });
    const stream = await reserve(url);
    await stream.open();
    await stream.begin('a', '{ secret }', { authorization: 'admin' });
    await stream.begin('b', '{ secret }');
    await until(() => stream.text().split('event: complete').length === 3);
    expect(stream.text()).toContain('{"id":"a","payload":{"data":{"secret":"sesame"}}}');
    expect(stream.text()).toMatch(/"id":"b","payload":{"errors".*"data":{"secret":null}}/);
  });
});
