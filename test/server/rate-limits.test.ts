import { expect, test } from 'vitest';
import { TooCostlyError } from '../../src/lib/domain-error.ts';
import { ANYBODY, type Authenticate } from '../../src/lib/identity.ts';
import { RateLimiter } from '../../src/server/documents/rate-limiter.ts';
import type { ConnectionInfo } from '../../src/server/server.ts';
import { dial, subscribe } from './dial.ts';
import { codesOf, forEachTransport, TRANSPORTS } from './each-transport.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

/** Any operation costs so much as its variable `cost` says. */
const measureCost = ({ variableValues }: { variableValues?: unknown }) => {
  const { cost } = variableValues as { cost: number };
  return { operation: cost, limit: 1000 };
};

const QUERY =
  'query ($cost: Int!) { transport slow(ms: 0) @skip(if: true) list { shout(times: $cost) } }';

/** Who comes with a token is who the token says. */
const authenticate: Authenticate = async ({ headers, connectionParams }) => {
  const { authorization = headers.authorization } = connectionParams;
  return { ...ANYBODY, subject: String(authorization).replace('Bearer ', '') };
};

forEachTransport((send, name) => {
  // To reserve a stream and to open it are requests as well; to connect is one of the network, which is not known as a subject.
  const requests = name === 'SSE, single' ? 3 : 1;

  test('O7 who sends too many requests is told when to come back; others are served', async () => {
    const { url } = await serve({ authenticate, limits: { requestsPerMinute: 2 * requests } });
    const ask = (token: string) => send(url, { query: '{ transport }', token });
    expect((await ask('one')).errors).toEqual([]);
    expect((await ask('one')).errors).toEqual([]);
    const refused = await ask('one');
    expect(refused.data).toBeUndefined();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers?.get('retry-after'))).toBeGreaterThan(0);
    if (name === 'WebSocket') return; // all of them come from one network
    expect(codesOf(refused)).toEqual(['RATE_LIMITED']);
    expect((await ask('two')).errors).toEqual([]);
  });

  test('O7 whose operations cost too much is told when to come back; others are served', async () => {
    const { url } = await serve({
      authenticate,
      measureCost,
      limits: { requestsPerMinute: 0, costPerMinute: 100 },
    });
    const ask = (token: string, cost: number) =>
      send(url, { query: QUERY, variables: { cost }, token });
    expect((await ask('another', 0)).errors).toEqual([]); // and the document is known
    const first = await ask('one', 60);
    expect(first.errors).toEqual([]);
    expect(first.extensions).toEqual({
      cost: {
        operation: 60,
        operationLimit: 1000,
        budget: { limit: 100, remaining: 40, resetAt: expect.stringMatching(/^20.*Z$/) },
      },
    });
    const refused = await ask('one', 60);
    expect(codesOf(refused)).toEqual(['RATE_LIMITED']);
    expect(refused.data).toBeUndefined();
    const { retryAfterMs } = refused.errors[0]?.extensions ?? {};
    expect(retryAfterMs).toBeGreaterThan(5000);
    expect(retryAfterMs).toBeLessThanOrEqual(12_000);
    if (name.startsWith('HTTP')) {
      expect(refused.status).toBe(429);
      expect(Number(refused.headers?.get('retry-after'))).toBe(
        Math.ceil(Number(retryAfterMs) / 1000),
      );
    }
    // What was refused was not charged.
    expect((await ask('one', 40)).errors).toEqual([]);
    expect((await ask('two', 60)).errors).toEqual([]);
  });
});

forEachTransport((send) => {
  test('O7 documents that were never validated cost something, also those with faults, but once', async () => {
    const limits = { requestsPerMinute: 0, costPerMinute: 1000 };
    const { url } = await serve({ authenticate, measureCost, limits });
    const ask = (token: string, query: string) =>
      send(url, { query, variables: { cost: 0 }, token });
    // 40 fields: 640 points.
    const faulty = (name: string) => `{ ${Array(40).fill(name).join(' ')} }`;
    expect(codesOf(await ask('one', faulty('none')))).toContain('GRAPHQL_VALIDATION_FAILED');
    expect(codesOf(await ask('one', faulty('none')))).toContain('GRAPHQL_VALIDATION_FAILED');
    expect(codesOf(await ask('one', faulty('more')))).toEqual(['RATE_LIMITED']);
    expect(codesOf(await ask('two', faulty('more')))).toContain('GRAPHQL_VALIDATION_FAILED');
  });
});

forEachTransport(
  (send) => {
    test('O7 a subscription is charged, too; one that is refused leaves nothing behind', async () => {
      const { url, server } = await serve({
        measureCost,
        limits: { costPerMinute: 100, maxOperationsPerSocket: 1 },
      });
      const query = 'subscription ($cost: Int!) { ticks(count: $cost) }';
      const first = await send(url, { query, variables: { cost: 70 } });
      expect(first.data).toEqual({ ticks: expect.any(Number) });
      expect(first.extensions).toBeUndefined();
      const refused = await send(url, { query, variables: { cost: 70 } });
      expect(codesOf(refused)).toEqual(['RATE_LIMITED']);
      await until(() => open.count === 0);
      await until(() => server.countConnections().operations === 0);
      expect(server.countConnections().subscriptions).toBe(0);
    });
  },
  ['SSE, distinct', 'SSE, single', 'WebSocket'],
);

test('O7 without limits nothing is refused, and what an operation costs is told', async () => {
  const { url } = await serve({ measureCost });
  for (let time = 0; time < 3; time++) {
    const { errors, extensions } = await TRANSPORTS['HTTP POST'](url, {
      query: QUERY,
      variables: { cost: 900 },
    });
    expect({ errors, extensions }).toEqual({
      errors: [],
      extensions: { cost: { operation: 900, operationLimit: 1000 } },
    });
  }
});

test('O7 what costs more than one operation may is refused before it runs, with status 400', async () => {
  const { url } = await serve({
    measureCost: () => {
      throw new TooCostlyError('Too costly: 7 of 6.');
    },
  });
  const { status, errors } = await TRANSPORTS['HTTP POST'](url, { query: '{ transport }' });
  expect(status).toBe(400);
  expect(errors).toEqual([{ message: 'Too costly: 7 of 6.', extensions: { code: 'TOO_COSTLY' } }]);
});

test('O7 to connect is a request: a WebSocket too many is refused before it is one', async () => {
  const { url } = await serve({ limits: { requestsPerMinute: 4 } });
  for (const _ of [1, 2]) {
    expect((await TRANSPORTS.WebSocket(url, { query: '{ transport }' })).errors).toEqual([]);
  }
  const { status, headers, data } = await TRANSPORTS.WebSocket(url, { query: '{ transport }' });
  expect([status, data]).toEqual([429, undefined]);
  expect(Number(headers?.get('retry-after'))).toBeGreaterThan(0);
});

test('O7 each operation of a WebSocket is a request; one that goes on asking is closed', async () => {
  const { url } = await serve({ limits: { requestsPerMinute: 3, maxOperationsPerSocket: 2 } });
  const { say, begin, messages, closed } = await dial(url);
  await begin();
  for (const id of ['a', 'b', 'c']) {
    const before = messages.length;
    say(subscribe(id, '{ transport }'));
    await until(() => messages.length > before + (id === 'c' ? 0 : 1));
  }
  expect(messages.map(({ type, id }) => `${type} ${id}`)).toEqual([
    'next a',
    'complete a',
    'next b',
    'complete b',
    'error c',
  ]);
  const [error] = messages.at(-1)?.payload ?? [];
  expect(error.extensions).toEqual({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
  for (let at = 0; at < 20; at++) say(subscribe(`more${at}`, '{ transport }'));
  expect((await closed).code).toBe(1008);
});

/** What a limiter sees of a client. */
function clientOf(address: string | undefined, subject?: string, tenant = 'default') {
  return { address, identity: { ...ANYBODY, subject, tenant } } as ConnectionInfo;
}

test('a budget comes back evenly, and is never more than its limit', () => {
  let nowMs = 1_000_000;
  const limiter = new RateLimiter({ requestsPerMinute: 60, costPerMinute: 0 }, () => nowMs);
  const client = clientOf('10.0.0.1');
  for (let at = 0; at < 60; at++) expect(limiter.take(client, 'requests', 1)).toBeUndefined();
  expect(limiter.take(client, 'requests', 1)).toBe(1000);
  expect(limiter.read(client)).toEqual({
    requests: { limit: 60, remaining: 0, resetAt: nowMs + 60_000 },
    cost: undefined,
  });
  nowMs += 1500;
  expect(limiter.take(client, 'requests', 1)).toBeUndefined();
  expect(limiter.take(client, 'requests', 1)).toBe(500);
  nowMs += 3_600_000;
  expect(limiter.read(client).requests).toEqual({ limit: 60, remaining: 60, resetAt: nowMs });
  expect(limiter.take(client, 'cost', 1e9)).toBeUndefined();
});

test('of a minute so much is there at once and no more, and comes back at the rate of the minute', () => {
  let nowMs = 0;
  const limits = { requestsPerMinute: 0, costPerMinute: 600, costAtOnce: 100 };
  const limiter = new RateLimiter(limits, () => nowMs);
  const client = clientOf('10.0.0.1');
  expect(limiter.take(client, 'cost', 100)).toBeUndefined();
  expect(limiter.take(client, 'cost', 50)).toBe(5_000);
  expect(limiter.read(client).cost).toEqual({ limit: 100, remaining: 0, resetAt: 10_000 });
  nowMs += 5_000;
  expect(limiter.take(client, 'cost', 50)).toBeUndefined();
  nowMs += 60_000;
  expect(limiter.read(client).cost).toMatchObject({ limit: 100, remaining: 100 });
});

test('what costs more than the whole budget waits for all of it, and has to be paid back', () => {
  let nowMs = 0;
  const limiter = new RateLimiter({ requestsPerMinute: 0, costPerMinute: 100 }, () => nowMs);
  const client = clientOf('10.0.0.1');
  expect(limiter.take(client, 'cost', 1)).toBeUndefined();
  expect(limiter.take(client, 'cost', 300)).toBe(600);
  nowMs += 600;
  expect(limiter.take(client, 'cost', 300)).toBeUndefined();
  expect(limiter.read(client).cost).toMatchObject({ remaining: 0, resetAt: 600 + 180_000 });
  nowMs += 120_000;
  expect(limiter.take(client, 'cost', 1)).toBe(600);
});

test('subjects and tenants have budgets of their own, whatever they are called; so have networks', () => {
  const limiter = new RateLimiter({ requestsPerMinute: 1, costPerMinute: 0 });
  const isFirst = (client: ConnectionInfo) => limiter.take(client, 'requests', 1) === undefined;
  expect(isFirst(clientOf('10.0.0.1', 'a', 'b'))).toBe(true);
  expect(isFirst(clientOf('10.0.0.2', 'a', 'b'))).toBe(false);
  expect(isFirst(clientOf('10.0.0.1', 'b', 'a'))).toBe(true);
  expect(isFirst(clientOf('10.0.0.1', '10.0.0.1', ''))).toBe(true);
  expect(isFirst(clientOf('10.0.0.1'))).toBe(true);
  expect(isFirst(clientOf('10.0.0.1', undefined, 'acme'))).toBe(true); // nor do two tenants behind one proxy share one
  expect(isFirst(clientOf('10.0.0.1', undefined, 'globex'))).toBe(true);
  expect(isFirst(clientOf('10.0.0.1', undefined, 'acme'))).toBe(false);
  expect(isFirst(clientOf('::ffff:10.0.0.1'))).toBe(false);
  expect(isFirst(clientOf('2001:db8:1:2::1'))).toBe(true);
  expect(isFirst(clientOf('2001:db8:1:2:ffff::9'))).toBe(false);
  expect(isFirst(clientOf('2001:db8:1:3::1'))).toBe(true);
});

test('so many clients are remembered and no more: those who asked last', () => {
  const limiter = new RateLimiter({ requestsPerMinute: 1, costPerMinute: 0 });
  const take = (at: number) => limiter.take(clientOf(undefined, `s${at}`), 'requests', 1);
  take(-1);
  for (let at = 0; at < 100_000; at++) {
    take(at);
    if (at % 50_000 === 0) take(-1);
  }
  expect(limiter.size).toBe(100_000);
  expect(take(-1)).toBeDefined(); // asked again meanwhile
  expect(take(0)).toBeUndefined(); // forgotten
});
