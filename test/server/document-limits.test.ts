import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { checkDocument } from '../../src/server/documents/document-limits.ts';
import { validateBy } from '../../src/server/documents/validate-by.ts';
import { DEFAULT_LIMITS } from '../../src/server/limits.ts';
import { dial } from './dial.ts';
import { codesOf, forEachTransport, type TransportName } from './each-transport.ts';
import { serve } from './serve.ts';
import { schema } from './test-api.ts';

const times = (count: number, write: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => write(at)).join(' ');

/** Each fragment uses the next one twice: so many of them make 2^n fields. */
const doubling = (count: number) =>
  `{ maybe(id: "x") { ...F0 } }
  ${times(count, (at) => `fragment F${at} on Book { next { ...F${at + 1} } other: next { ...F${at + 1} } }`)}
  fragment F${count} on Book { id }`;

const tree = (depth: number): string =>
  depth === 0 ? 'id' : `next { ${tree(depth - 1)} } next { ${tree(depth - 1)} }`;

const nested = (depth: number) =>
  `{ maybe(id: "x") ${'{ next '.repeat(depth - 2)}{ id }${' }'.repeat(depth - 2)} }`;

/** Just beyond what is allowed. */
const REFUSED: readonly [what: string, query: string, code: string, message: RegExp][] = [
  [
    'one that is too long',
    `{ ${' '.repeat(65_536)}transport }`,
    'DOCUMENT_TOO_LARGE',
    /65549 .* 65536/,
  ],
  [
    'aliases',
    `{ ${times(101, (at) => `a${at}: transport`)} }`,
    'TOO_MANY_ALIASES',
    /101 of at most 100/,
  ],
  [
    'aliases of __typename',
    `{ ${times(101, (at) => `a${at}: __typename`)} }`,
    'TOO_MANY_ALIASES',
    /101 of at most 100/,
  ],
  [
    'aliases of introspection',
    `{ ${times(101, (at) => `a${at}: __schema { types { name } }`)} }`,
    'TOO_MANY_ALIASES',
    /101 of at most 100/,
  ],
  [
    'aliases in a fragment that is used often',
    `{ ${'...F '.repeat(21)} } fragment F on Query { ${times(5, (at) => `a${at}: transport`)} }`,
    'TOO_MANY_ALIASES',
    /105 of at most 100/,
  ],
  ['the same again', `{ ${'list { id } '.repeat(77)} }`, 'TOO_COSTLY', /152 fields of at most 150/],
  ['fields with no alias', `{ ${'__typename '.repeat(501)} }`, 'TOO_COSTLY', /501 of at most 500/],
  [
    'fragments that double',
    doubling(15).replaceAll('other: ', ''),
    'TOO_COSTLY',
    /more than a million|\d{5,} of at most 500/,
  ],
  ['fragments that double, with aliases', doubling(10), 'TOO_MANY_ALIASES', /1023 of at most 100/],
  [
    'unused fragments that double',
    `{ transport } ${doubling(12).replace('{ maybe(id: "x") { ...F0 } }', '')}`,
    'TOO_MANY_ALIASES',
    /4095 of at most 100/,
  ],
  ['nesting', nested(21), 'TOO_COSTLY', /nested too deeply: 21 .* 20/],
  [
    'nesting of introspection',
    `{ __schema { types { ${'ofType { '.repeat(18)} name ${'}'.repeat(18)} } } }`,
    'TOO_COSTLY',
    /nested too deeply: 21 .* 20/,
  ],
  [
    'directives',
    `{ ${times(101, () => `__typename @skip(if: true)`)} }`,
    'TOO_MANY_DIRECTIVES',
    /101 of at most 100/,
  ],
  [
    'directives that nobody knows in one place',
    `query ${'@a '.repeat(11)} { transport }`,
    'TOO_MANY_DIRECTIVES',
    /@a .* 11 of at most 10/,
  ],
];

/** What is nearest to being refused. */
const ACCEPTED: readonly [what: string, query: string][] = [
  ['a long one', `{ ${' '.repeat(65_536 - 13)}transport }`],
  ['aliases', `{ ${times(100, (at) => `a${at}: __typename`)} }`],
  ['fields asked for again', `{ ${'__typename '.repeat(151)} }`],
  ['nesting', nested(8)],
  [
    'directives',
    `{ transport ${times(10, () => '@skip(if: false) @include(if: true)').split(' @include')[0]} }`,
  ],
];

/** So that it is not the frame, the body or the URL that is too long. */
const ROOM = { maxFrameBytes: 1e6, maxBodyBytes: 1e6, maxUrlLength: 1e6, maxHeaderBytes: 1e6 };

/** What is wrong with a document is said at once, what is wrong with an operation in the stream. */
const statusOf = (name: TransportName, inStream: number) =>
  name === 'WebSocket' ? undefined : name === 'SSE, single' ? inStream : 400;

forEachTransport((send, name) => {
  test('O7 what a document may be is limited', async () => {
    const { url, logged } = await serve({ limits: ROOM });
    const isLog = ({ level }: { level: number }) => level >= 40;
    for (const [what, query, code, message] of REFUSED) {
      const { status, errors, data } = await send(url, { query });
      const told = { what, status, codes: codesOf({ errors }), data, count: errors.length };
      expect(told).toEqual({
        what,
        status: statusOf(name, 400),
        codes: [code],
        data: undefined,
        count: 1,
      });
      expect(errors[0]?.message).toMatch(message);
    }
    for (const [what, query] of ACCEPTED) {
      const { errors } = await send(url, { query });
      expect({ what, errors }).toEqual({ what, errors: [] });
    }
    expect(logged.filter(isLog)).toEqual([]);
  });

  test('O7 20,000 levels in a document or a variable are refused, and nothing breaks', async () => {
    const { url, logged } = await serve({ limits: ROOM });
    const deep = `{ maybe(id: "x") ${'{next'.repeat(20_000)}`;
    const tokens = await send(url, { query: deep.slice(0, 65_536) });
    expect(codesOf(tokens)).toEqual(['TOO_COSTLY']);
    expect(tokens.errors[0]?.message).toContain('nested too deeply: more than 200 brackets');
    const levels = (count: number) => `{"id":${'['.repeat(count)}1${']'.repeat(count)}}`;
    const query = 'query ($id: String!) { maybe(id: $id) { id } }';
    for (const count of [101, 20_000]) {
      const { status, errors, closeCode } = await send(url, { query, rawVariables: levels(count) });
      if (closeCode !== undefined) {
        // The socket can't take such a message apart; it does not have to.
        expect([name, count, closeCode]).toEqual(['WebSocket', 20_000, 4400]);
        continue;
      }
      expect([status, codesOf({ errors })]).toEqual([statusOf(name, 202), ['BAD_USER_INPUT']]);
      expect(errors[0]?.message).toContain('nested too deeply');
    }
    const shallow = await send(url, { query, rawVariables: levels(100) });
    expect(codesOf(shallow)).toEqual(['BAD_USER_INPUT']);
    expect(shallow.errors[0]?.message).toContain('String cannot represent');
    expect(logged.filter(({ level }) => level >= 40)).toEqual([]);
  });
});

describe('O7 what a document costs before it is executed', () => {
  const check = validateBy({ introspection: true, suggestions: true }, DEFAULT_LIMITS);
  const parseWithin = (text: string) =>
    parse(text, { maxTokens: DEFAULT_LIMITS.maxDocumentTokens });

  test('a fragment is looked into once: two to the power of a hundred is counted at once', () => {
    const startedMs = performance.now();
    const query = `{ maybe(id: "x") { ...F0 } } ${times(100, (at) => `fragment F${at} on Book { ...F${at + 1} ...F${at + 1} }`)} fragment F100 on Book { id }`;
    expect(() => checkDocument(parseWithin(query), DEFAULT_LIMITS)).toThrow(
      'more than a million of at most 500',
    );
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  test('fragments in a circle are told as such', () => {
    const query =
      '{ maybe(id: "x") { ...A } } fragment A on Book { ...B } fragment B on Book { ...A }';
    const faults = check(schema, parseWithin(query));
    expect(faults.map(({ message }) => message).join()).toContain('within itself');
  });

  test('few faults are told of many', () => {
    const faults = check(schema, parseWithin(`{ ${times(400, (at) => `no${at}`)} }`));
    expect(faults).toHaveLength(11);
    expect(faults.at(-1)?.message).toContain('Too many');
  });

  // Each has all the fields that a document may have, and compares them all with each other.
  test.each([
    ['in one place', `{ ${'list { id } '.repeat(76)} }`],
    ['in a tree', `{ list { ${tree(6)} } list { ${tree(6)} } list { ${tree(5)} } }`],
    [
      'in fragments',
      `{ maybe(id: "x") { ${times(9, (at) => `next { ...F${at} }`)} } } ${times(9, (at) => `fragment F${at} on Book { ${'next { id } '.repeat(8)} }`)}`,
    ],
  ])('the worst that is accepted is validated in little time: fields %s', (_where, query) => {
    const document = parseWithin(query);
    validate(schema, document); // once for the compiler
    const startedMs = performance.now();
    check(schema, document);
    // 20 to 50 ms, where nothing else is going on.
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

describe('O7 several operations in one request are not answered', () => {
  const batch = JSON.stringify([{ query: '{ transport }' }, { query: '{ transport }' }]);

  test.each([
    'application/json',
    'application/graphql-response+json; charset=utf-8',
    'text/event-stream',
  ])('over HTTP (%s)', async (accept) => {
    const { send } = await serve();
    const headers = { 'content-type': 'application/json', accept };
    const { status, body } = await send({ method: 'POST', headers, body: batch });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).not.toContain('"transport"');
  });

  test('in a stream of server-sent events', async () => {
    const { send } = await serve();
    const token = (await send({ method: 'PUT' })).body;
    const headers = { 'content-type': 'application/json', 'x-graphql-event-stream-token': token };
    const { status, body } = await send({ method: 'POST', headers, body: batch });
    expect([status, body.errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
  });

  test('over WebSocket', async () => {
    const { url } = await serve();
    const payloads = await dial(url);
    await payloads.begin();
    payloads.say({ id: 'a', type: 'subscribe', payload: JSON.parse(batch) });
    expect((await payloads.closed).code).toBe(4400);
    const messages = await dial(url);
    await messages.begin();
    messages.say([{ id: 'a', type: 'subscribe', payload: { query: '{ transport }' } }]);
    expect((await messages.closed).code).toBe(4400);
  });
});
