import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, type ServerLimits } from '../../src/server/limits.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import { openApp } from '../api/api.ts';
import { DoorKeeper } from '../server/door-keeper.ts';
import {
  codesOf,
  forEachTransport,
  type Send,
  type Sent,
  type TransportName,
} from '../server/each-transport.ts';
import { serve, until } from '../server/serve.ts';
import { open } from '../server/test-api.ts';

/** How an operation is refused: over WebSocket by its close code where there is one, else by the code of an error. */
interface Refused {
  readonly code: string;
  readonly closeCode?: number;
  /** The HTTP status of the request that is refused; in a stream that is open already it is 202. */
  readonly status?: number;
}

interface Case extends Refused {
  readonly limit: string;
  readonly options?: Partial<ServerOptions>;
  readonly limits?: Partial<ServerLimits>;
  readonly sent: Sent;
  /** How often it is sent before it is refused. Default 0. */
  readonly before?: number;
  /** Where it is not as everywhere, or `'none'`: there is no such thing there. */
  readonly but?: Partial<Record<TransportName, Refused | 'none'>>;
}

const list = (count: number, write: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => write(at)).join(' ');

const document = (query: string): Sent => ({ query });
const QUERY = document('{ transport }');
const SUBSCRIPTION = document('subscription { silence }');
const authenticate = new DoorKeeper({ known: {} }).authenticate;

/** Where nothing can be subscribed to. */
const NO_STREAM = {
  'HTTP POST': 'none',
  'HTTP POST, by yoga': 'none',
  'HTTP GET': 'none',
} as const;

/** Of what is told only once an operation runs, and then in the stream. */
const IN_STREAM = (code: string) => ({ 'SSE, single': { code, status: 202 } });

/** As GraphQL over HTTP has it for those who do not ask for the newer type. */
const IN_A_200 = (code: string) => {
  const told = { code, status: 200 };
  return { 'HTTP POST': told, 'HTTP GET': told, 'SSE, distinct': told };
};

const CASES: readonly Case[] = [
  {
    limit: 'depth of a document',
    limits: { maxDocumentDepth: 3 },
    sent: document('{ maybe(id: "x") { next { next { id } } } }'),
    code: 'TOO_COSTLY',
  },
  {
    limit: 'fields of a document',
    limits: { maxDocumentFields: 5 },
    sent: document(`{ ${'transport '.repeat(6)} }`),
    code: 'TOO_COSTLY',
  },
  {
    limit: 'aliases',
    limits: { maxAliases: 2 },
    sent: document(`{ ${list(3, (at) => `a${at}: transport`)} }`),
    code: 'TOO_MANY_ALIASES',
  },
  {
    limit: 'aliases of __typename',
    limits: { maxAliases: 2 },
    sent: document(`{ ${list(3, (at) => `a${at}: __typename`)} }`),
    code: 'TOO_MANY_ALIASES',
  },
  {
    limit: 'directives',
    limits: { maxDirectives: 2 },
    sent: document(`{ ${list(3, () => 'transport @skip(if: false)')} }`),
    code: 'TOO_MANY_DIRECTIVES',
  },
  {
    limit: 'directives in one place',
    limits: { maxDirectivesPerNode: 2 },
    sent: document('query @a @b @c { transport }'),
    code: 'TOO_MANY_DIRECTIVES',
  },
  {
    limit: 'tokens',
    limits: { maxDocumentTokens: 10 },
    sent: document(`{ ${'transport '.repeat(10)} }`),
    code: 'GRAPHQL_PARSE_FAILED',
    but: IN_A_200('GRAPHQL_PARSE_FAILED'),
  },
  {
    limit: 'length of a document',
    limits: { maxDocumentLength: 50 },
    sent: document('{ transport }'.padEnd(51)),
    code: 'DOCUMENT_TOO_LARGE',
  },
  {
    limit: 'depth of variables',
    limits: { maxVariablesDepth: 3 },
    sent: {
      query: 'query ($id: String!) { maybe(id: $id) { id } }',
      variables: { id: [[[[]]]] },
    },
    code: 'BAD_USER_INPUT',
    but: IN_STREAM('BAD_USER_INPUT'),
  },
  {
    limit: 'size of what is sent',
    limits: { maxBodyBytes: 500, maxFrameBytes: 500, maxUrlLength: 500 },
    sent: document(`{ transport ${'#'.repeat(500)} \n}`),
    code: 'REQUEST_ENTITY_TOO_LARGE',
    status: 413,
    but: {
      'HTTP GET': { code: 'URI_TOO_LONG', status: 414 },
      WebSocket: { code: '', closeCode: 1009 },
    },
  },
  {
    limit: 'encodings of what is sent: none',
    sent: { ...QUERY, headers: { 'content-encoding': 'gzip' } },
    code: 'UNSUPPORTED_CONTENT_ENCODING',
    status: 415,
    but: { WebSocket: 'none' }, // as above: none is agreed on
  },
  {
    limit: 'requests in a minute',
    limits: { requestsPerMinute: 6 },
    sent: QUERY,
    before: 6,
    code: 'RATE_LIMITED',
    status: 429,
    but: {
      'SSE, single': { code: 'RATE_LIMITED', status: 429 },
      WebSocket: { code: '', status: 429 },
    },
  },
  {
    limit: 'cost in a minute',
    options: { measureCost: () => ({ operation: 60, limit: 100 }) },
    limits: { costPerMinute: 100 },
    sent: QUERY,
    before: 1,
    code: 'RATE_LIMITED',
    status: 429,
    but: { 'SSE, distinct': { code: 'RATE_LIMITED', status: 429 }, ...IN_STREAM('RATE_LIMITED') },
  },
  {
    limit: 'subscriptions of one client',
    limits: { maxSubscriptionsPerClient: 0 },
    sent: SUBSCRIPTION,
    code: 'TOO_MANY_SUBSCRIPTIONS',
    status: 429,
    but: { ...NO_STREAM, ...IN_STREAM('TOO_MANY_SUBSCRIPTIONS') },
  },
  {
    limit: 'operations of one socket',
    limits: { maxOperationsPerSocket: 0 },
    sent: QUERY,
    code: 'TOO_MANY_OPERATIONS',
    status: 429,
    but: {
      ...NO_STREAM,
      'SSE, distinct': 'none', // each has a request of its own
      WebSocket: { code: '', closeCode: 1008 }, // as it was refused more often than ten times nothing
    },
  },
  {
    limit: 'sockets of one client',
    limits: { maxSocketsPerClient: 0 },
    sent: QUERY,
    code: '',
    closeCode: 1013,
    but: { ...NO_STREAM, 'SSE, distinct': 'none', 'SSE, single': 'none' },
  },
  {
    limit: 'streams that one client may reserve',
    limits: { maxSseReservedPerClient: 0 },
    sent: QUERY,
    code: 'TOO_MANY_RESERVATIONS',
    status: 503,
    but: { ...NO_STREAM, 'SSE, distinct': 'none', WebSocket: 'none' },
  },
  {
    limit: 'introspection: none',
    options: { introspection: false },
    sent: document('{ __type(name: "Book") { name } }'),
    code: 'GRAPHQL_VALIDATION_FAILED',
    but: IN_A_200('GRAPHQL_VALIDATION_FAILED'),
  },
  {
    limit: 'trusted documents: no other',
    options: { trustedDocuments: { documents: new Map(), mode: 'only' } },
    sent: QUERY,
    code: 'DOCUMENT_NOT_TRUSTED',
  },
  {
    limit: 'no token: nobody',
    options: { authenticate },
    sent: QUERY,
    code: 'UNAUTHENTICATED',
    status: 401,
    but: { WebSocket: { code: '', closeCode: 4403 } },
  },
  {
    limit: 'a wrong token: nobody',
    options: { authenticate },
    sent: { ...QUERY, token: 's3cr3t-wrong' },
    code: 'UNAUTHENTICATED',
    status: 401,
    but: { WebSocket: { code: '', closeCode: 4403 } },
  },
  {
    limit: 'wrong tokens in a minute',
    options: { authenticate },
    limits: { maxFailedAuthPerMinute: 1 },
    sent: { ...QUERY, token: 's3cr3t-wrong' },
    before: 1,
    code: 'TOO_MANY_ATTEMPTS',
    status: 429,
    but: { WebSocket: { code: '', closeCode: 1013 } },
  },
  {
    limit: 'pages of other sites: none',
    sent: { ...QUERY, headers: { origin: 'https://evil.example' } },
    code: 'FORBIDDEN_ORIGIN',
    status: 403,
    but: { WebSocket: { code: '', status: 403 } },
  },
];

/** What is refused, as far as a transport can say it. */
async function expectRefusal(send: Send, url: string, name: TransportName, each: Case) {
  const { sent, but = {}, before = 0 } = each;
  const wanted = but[name] ?? each;
  if (wanted === 'none') return;
  let answer = await send(url, sent);
  // A stream is more requests than one: it is refused the sooner.
  for (
    let at = 0;
    at < before && codesOf(answer)[0] !== wanted.code && answer.status !== 429;
    at++
  ) {
    answer = await send(url, sent);
  }
  const { status, closeCode, headers, data = undefined } = answer;
  const isSocket = name === 'WebSocket';
  const wantedStatus = wanted.status ?? (wanted === each ? 400 : undefined);
  const isTold = wanted.code !== '';
  expect([each.limit, codesOf(answer), closeCode, data]).toEqual([
    each.limit,
    isTold ? [wanted.code] : [],
    wanted.closeCode,
    undefined,
  ]);
  if (!isSocket || wanted !== each)
    expect([each.limit, status]).toEqual([each.limit, wantedStatus]);
  if (
    status === 429 &&
    wanted.code !== 'TOO_MANY_SUBSCRIPTIONS' &&
    wanted.code !== 'TOO_MANY_OPERATIONS'
  ) {
    expect(Number(headers?.get('retry-after'))).toBeGreaterThan(0);
  }
}

forEachTransport((send, name) => {
  test.each(CASES)('O5 O7 the limit holds: $limit', async (each) => {
    const { limits = {}, options = {} } = each;
    const { url, server, logged } = await serve({ ...options, limits });
    await expectRefusal(send, url, name, each);
    await until(() => open.count === 0 && server.countConnections().operations === 0);
    expect(logged).toEqual([]);
  });

  test('O7 what is nearly right is not told where suggestions are off', async () => {
    const { url } = await serve({ suggestions: false });
    const { errors } = await send(url, { query: '{ transports }' });
    expect(codesOf({ errors })).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(errors[0]?.message).not.toContain('Did you mean');
  });

  test('O7 the depth, the breadth and the cost of an operation are limited by what its fields are', async () => {
    const app = await openApp({ flows: [], limits: { complexity: 200, depth: 4, breadth: 10 } });
    const { url } = await app.listen({ port: 0 });
    for (const query of [
      '{ jobs(first: 1000) { nodes { id } } }',
      '{ flows { nodes { routines { slots { name } } } } }',
      `{ ${list(11, (at) => `a${at}: __typename`)} }`,
    ]) {
      const answer = await send(url, { query });
      expect([query, codesOf(answer), answer.data]).toEqual([query, ['TOO_COSTLY'], undefined]);
    }
    expect((await send(url, { query: '{ jobs(first: 1) { nodes { id } } }' })).errors).toEqual([]);
  });
});

test('O5 GraphiQL can be turned off', async () => {
  const { send } = await serve({ graphiql: false });
  const { status } = await send({ headers: { accept: 'text/html' } });
  expect(status).toBe(404);
});

test('O5 what is sent is limited where nobody says how', () => {
  expect(DEFAULT_LIMITS).toMatchObject({ maxBodyBytes: 262_144, maxFrameBytes: 65_536 });
  expect(Object.values(DEFAULT_LIMITS).every((limit) => limit > 0 && Number.isFinite(limit))).toBe(
    true,
  );
});
