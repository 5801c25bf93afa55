/** Bytes of a request that is wrong somewhere. */
export interface MalformedRequest {
  readonly what: string;
  readonly bytes: Buffer;
  /** Whether the client says no more then: what it sent is not whole. */
  readonly isCut?: boolean;
  /** Whether Node itself ends the connection with no word. */
  readonly isHungUp?: boolean;
}

interface Parts {
  readonly line?: string;
  /** In place of those a proper request has. */
  readonly headers?: readonly string[];
  readonly type?: string;
  readonly more?: readonly string[];
  readonly body?: string | Buffer;
}

const GOOD = '{"query":"{ transport }"}';
const TYPE = 'application/json';

/** Those who do not ask for it are told what is wrong with a document in an answer with status 200. */
const NEW_TYPE = 'Accept: application/graphql-response+json';

/** A request that is proper in all that is not said otherwise. */
export function write({
  line = 'POST /graphql HTTP/1.1',
  type = TYPE,
  more = [],
  body = GOOD,
  headers = [`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`],
}: Parts = {}): Buffer {
  const head = [line, 'Host: localhost', 'Connection: close', ...headers, ...more, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), Buffer.from(body)]);
}

const raw = (text: string) => Buffer.from(text, 'latin1');
const show = (value: unknown) => String(value).slice(0, 60);

const get = (target: string, ...more: string[]) =>
  write({ line: `GET ${target} HTTP/1.1`, headers: ['X-Millrace-Csrf: 1'], more, body: '' });

const WRONG_LINES: readonly string[] = [
  'GARBAGE',
  'GET',
  'POST /graphql HTTP/9.9',
  'POST /graphql HTTP/1.1x',
  'POST /graphql HTTP/1',
  'POST /graphql http/1.1',
  'POST /graphql HTTPS/1.1',
  'post /graphql HTTP/1.1',
  'BREW /graphql HTTP/1.1',
  'P\0ST /graphql HTTP/1.1',
  'POST /graph\0ql HTTP/1.1',
  'POST /graph ql HTTP/1.1',
  'POST\t/graphql HTTP/1.1',
  'POST graphql HTTP/1.1',
  'POST /graphql\x7f HTTP/1.1',
  ' POST /graphql HTTP/1.1',
  'POST  HTTP/1.1',
  'POST * HTTP/1.1',
  'POST //graphql HTTP/1.1',
  'POST /graphql/ HTTP/1.1',
  'POST /graphql/../graphql HTTP/1.1',
  'POST /%67raphql HTTP/1.1',
  'POST http://localhost/graphql HTTP/1.1',
  'POST /graphql#a HTTP/1.1',
  'PATCH /graphql HTTP/1.1',
  'TRACE /graphql HTTP/1.1',
  'DELETE /graphql HTTP/1.1',
  'DELETE /graphql?operationId=%zz HTTP/1.1',
  'PROPFIND /graphql HTTP/1.1',
  'QUERY /graphql HTTP/1.1',
  'PURGE /graphql HTTP/1.1',
];

const OTHER_PROTOCOLS: readonly [string, Buffer][] = [
  ['HTTP/2', raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['TLS', Buffer.from('16030100f8010000f40303', 'hex')],
  ['SSH', raw('SSH-2.0-OpenSSH_9.6\r\n')],
  ['SMTP', raw('EHLO example\r\n')],
  ['Redis', raw('*1\r\n$4\r\nPING\r\n')],
  ['zeros', Buffer.alloc(64)],
  ['noise', Buffer.from(Array.from({ length: 256 }, (_, at) => (at * 167 + 13) % 256))],
  ['a WebSocket frame', Buffer.from([0x81, 0x80, 1, 2, 3, 4])],
];

/** In place of the headers of a body. */
const WRONG_HEADERS: readonly (readonly string[])[] = [
  ['Content-Length: 25', 'Content-Length: 24'],
  ['Content-Length: 25', 'Content-Length: 25'],
  ['Content-Length: 25, 25'],
  ['Content-Length: 25, 24'],
  ['Content-Length: 25', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 25'],
  ['Content-Length: -1'],
  ['Content-Length: +25'],
  ['Content-Length: 0x19'],
  ['Content-Length: 2e1'],
  ['Content-Length: 25.0'],
  ['Content-Length: 99999999999999999999999'],
  ['Content-Length: 2 5'],
  ['Content-Length: abc'],
  ['Content-Length:'],
  ['Content-Length : 25'],
  ['Content-Length\t: 25'],
  ['Content-Length: 25', ' folded'],
  ['Content-Length: 25', '\tfolded'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding: identity'],
  ['Transfer-Encoding: chunked, identity'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding:\x0bchunked'],
  ['Transfer-Encoding: "chunked"'],
  ['Content-Length: 25', 'no colon'],
  ['Content-Length: 25', ': no name'],
  ['Content-Length: 25', 'X Y: space in a name'],
  ['Content-Length: 25', 'X(Y): bracket in a name'],
  ['Content-Length: 25', 'X\0Y: NUL in a name'],
  ['Content-Length: 25', 'X-Nul: a\0b'],
  ['Content-Length: 25', 'X-Return: a\rb'],
  ['Content-Length: 25', 'X-Line: a\nb'],
  ['Content-Length: 25', 'X-Bell: a\x07b'],
  ['Content-Length: 25', 'X-Delete: a\x7fb'],
  ['Content-Length: 25', `X-Huge: ${'x'.repeat(40_000)}`],
  ['Content-Length: 25', `X-${'huge'.repeat(10_000)}: 1`],
  ['Content-Length: 25', ...Array.from({ length: 200 }, (_, at) => `X-${at}: 1`)],
];

const WRONG_TYPES: readonly string[] = [
  '',
  ' ',
  'application',
  'application/',
  '/json',
  'json',
  '*/*',
  'text/plain',
  'text/json',
  'text/html',
  'application/jsonp',
  'application/json5',
  'application/xml',
  'application/json, text/plain',
  'application/json,application/json',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/json; charset=utf-8; charset=utf-7',
  'application/json; boundary=x',
  'application/json;;',
  'application/json\t\tx',
  'application/graphql',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/mixed',
  'ąpplication/json',
  'x'.repeat(5000),
];

const WRONG_ENCODINGS = ['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'gzip;q=0', 'x', ','];

/** After the headers of a body in chunks. */
const WRONG_CHUNKS: readonly string[] = [
  'x\r\n',
  '-1\r\n',
  '0x19\r\n',
  '+19\r\n',
  ' 19\r\n',
  '\r\n',
  'ffffffffffffffffff\r\n',
  `19\r\n${GOOD}0\r\n\r\n`,
  `18\r\n${GOOD}\r\n0\r\n\r\n`,
  `19\n${GOOD}\n0\n\n`,
  `19;${'x'.repeat(20_000)}\r\n`,
  `19 ${GOOD}\r\n`,
  `19\r\n${GOOD}\r\n0\r\nno colon\r\n\r\n`,
  `19\r\n${GOOD}\r\n0\r\nX: a\0b\r\n\r\n`,
  `${'0'.repeat(100)}19x\r\n`,
];

/** Of which the rest never comes. */
const CUT: readonly [string, Buffer][] = [
  ['in its line', raw('POST /graph')],
  ['in its headers', raw('POST /graphql HTTP/1.1\r\nHost: loc')],
  ['before its headers end', raw('POST /graphql HTTP/1.1\r\nHost: localhost\r\n')],
];

const BROKEN_JSON: readonly (string | Buffer)[] = [
  '',
  ' ',
  '{',
  '}',
  '[',
  '{]',
  '{"query"',
  '{"query":',
  '{"query":"',
  '{"query":"{ transport }"',
  '{"query":"{ transport }"}}',
  '{"query":"{ transport }"},',
  '{"query":"{ transport }",}',
  '{"query" "{ transport }"}',
  "{'query':'{ transport }'}",
  '{query:"{ transport }"}',
  '{"query":"{ transport }" /* a */}',
  '{"query":"{ transport }"}\0',
  '\0{"query":"{ transport }"}',
  '{"query":"{\n transport }"}',
  '{"query":"{ transport \x01}"}',
  '{"query":"\\u12"}',
  '{"query":"\\x41"}',
  '{"query":"{ transport }","variables":{"a":01}}',
  '{"query":"{ transport }","variables":{"a":.5}}',
  '{"query":"{ transport }","variables":{"a":+1}}',
  '{"query":"{ transport }","variables":{"a":NaN}}',
  '{"query":"{ transport }","variables":{"a":Infinity}}',
  '{"query":"{ transport }","variables":{"a":undefined}}',
  '{"query":"{ transport }","variables":{"a":True}}',
  'null',
  'true',
  '0',
  '1e999',
  '""',
  '"{ transport }"',
  '[]',
  '{}',
  '[{"query":"{ transport }"}]',
  '[null]',
  '{"QUERY":"{ transport }"}',
  '{"query ":"{ transport }"}',
  '{"query":"{ transport }","other":1}',
  '{"query":"{ transport }","__proto__":{"polluted":1}}',
  '{ transport }',
  'query=%7Btransport%7D',
  '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{}\r\n--x--',
  Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from(GOOD)]),
  Buffer.from(GOOD, 'utf16le'),
  Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(GOOD, 'utf16le')]),
  Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
  Buffer.concat([
    Buffer.from('{"query":"{ transport } #'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]),
  Buffer.concat([
    Buffer.from('{"query":"{ transport } #'),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from('"}'),
  ]),
  Buffer.concat([
    Buffer.from('{"query":"{ transport } #'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from('"}'),
  ]),
  Buffer.concat([Buffer.from(GOOD), Buffer.from([0x80])]),
  Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
];

const WRONG_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  query: [null, 0, 1, true, false, [], ['{ transport }'], {}, { query: '{ transport }' }],
  variables: [0, 1, true, '', 'x', '{}', [], [1], [{}]],
  operationName: [0, 1, true, [], ['A'], {}, 'Missing', '__proto__', '\0', '\ud800'],
  extensions: [0, 1, true, '', '{}', [], [1]],
  documentId: [0, true, [], {}],
};

const WRONG_DOCUMENTS: readonly string[] = [
  '',
  ' ',
  '#',
  '{',
  '}',
  '{}',
  '{ }',
  '{ transport',
  '{ transport }}',
  '{ transport(}',
  '{ transport() }',
  '{ ...}',
  '{ ...on }',
  '{ transport @ }',
  'query',
  'query {',
  'query ( { transport }',
  'query ($) { transport }',
  'query ($a) { transport }',
  'query ($a: ) { transport }',
  'query ($a: [Int) { transport }',
  'mutation { transport }',
  'subscription { transport }',
  'subscription { ticks(count: 1) silence }',
  'fragment F on Query { transport }',
  'fragment on on Query { transport }',
  '{ ...F }',
  '{ ...F } fragment F on Query { ...F }',
  'type A { a: Int }',
  'schema { query: Query }',
  'extend type Query { a: Int }',
  '{ nothing }',
  '{ transport { a } }',
  '{ list }',
  '{ __proto__ }',
  '{ constructor }',
  '{ toString }',
  '{ transport(a: 1) }',
  '{ maybe }',
  '{ maybe(id: ) { id } }',
  '{ maybe(id: "a" { id } }',
  '{ maybe(id: "a, 1) { id } }',
  '{ maybe(id: "\\q") { id } }',
  '{ maybe(id: "\\u{110000}") { id } }',
  '{ maybe(id: "\\ud800") { id } }',
  '{ maybe(id: """a) { id } }',
  '{ maybe(id: $id) { id } }',
  '{ maybe(id: 1, id: 2) { id } }',
  '{ maybe(id: {}) { id } }',
  '{ slow(ms: 99999999999999999999) }',
  '{ slow(ms: 1.5) }',
  '{ slow(ms: -) }',
  '{ slow(ms: 1e) }',
  '{ slow(ms: 01) }',
  '{ transport } { transport }',
  'query A { transport } query A { transport }',
  'query A { transport } query B { transport }',
  '\0',
  '{ trans\0port }',
  '{ trans\ud800port }',
  '{ tränsport }',
  '\u202e{ tropsnart }',
  '{ transport @skip }',
  '{ transport @skip(if: "yes") }',
  '{ transport @unknown }',
  '{ transport ? }',
  '{ 1 }',
  '{ $a }',
  '🦀',
];

const WRONG_URLS: readonly string[] = [
  '/graphql',
  '/graphql?',
  '/graphql?query',
  '/graphql?query=',
  '/graphql?query=%',
  '/graphql?query=%zz',
  '/graphql?query=%ff%fe',
  '/graphql?query=%00',
  '/graphql?query={',
  '/graphql?Query={transport}',
  '/graphql?query={transport}&variables={',
  '/graphql?query={transport}&variables=1',
  '/graphql?query={transport}&variables=[]',
  '/graphql?query={transport}&variables=%22a%22',
  '/graphql?query={transport}&extensions={',
  '/graphql?query={transport}&extensions=1',
  '/graphql?query={transport}&operationName=A',
  '/graphql?query=mutation{rename(id:%22a%22,title:%22bb%22){__typename}}',
  '/graphql?query=subscription{silence}',
  '/graphql?documentId=__proto__',
  '/graphql?documentId=',
  '/nothing',
  '/..',
  '/graphql%00',
  '/graphql/x',
  '/__proto__',
  '/%',
  '/metrics/..',
  `/graphql?query={transport}&a=${'a'.repeat(17_000)}`,
];

const FORGED_HEADERS: readonly (readonly string[])[] = [
  ['Origin: https://evil.example'],
  ['Origin: null'],
  ['Origin: http://localhost', 'Origin: https://evil.example'],
  ['Origin: http://localhost:1:2'],
  ['Origin: http://localhost.evil.example'],
  ['Origin: '],
  ['Host: evil.example'],
  ['Host: localhost'],
  ['Authorization: Bearer a', 'Authorization: Bearer b'],
  ['Content-Type: application/json'],
];

/** All of them are to be refused. */
export const MALFORMED_REQUESTS: readonly MalformedRequest[] = [
  ...WRONG_LINES.map((line) => ({ what: `line ${show(line)}`, bytes: write({ line }) })),
  { what: 'CONNECT', bytes: write({ line: 'CONNECT localhost:1 HTTP/1.1' }), isHungUp: true },
  ...OTHER_PROTOCOLS.map(([what, bytes]) => ({ what, bytes, isCut: true })),
  ...WRONG_HEADERS.map((headers) => ({
    what: `headers ${show(headers)}`,
    bytes: write({ headers: [`Content-Type: ${TYPE}`, ...headers] }),
    isCut: true,
  })),
  { what: 'no Host', bytes: raw('GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n') },
  { what: 'lines that end in LF', bytes: raw(write().toString('latin1').replaceAll('\r\n', '\n')) },
  {
    what: 'lines that end in CR',
    bytes: raw(write().toString('latin1').replaceAll('\n', '')),
    isCut: true,
  },
  ...WRONG_TYPES.map((type) => ({ what: `type ${show(type)}`, bytes: write({ type }) })),
  { what: 'no type', bytes: write({ headers: ['Content-Length: 25'] }) },
  ...WRONG_ENCODINGS.map((encoding) => ({
    what: `encoding ${encoding}`,
    bytes: write({ more: [`Content-Encoding: ${encoding}`] }),
  })),
  ...WRONG_CHUNKS.map((body) => ({
    what: `chunk ${show(JSON.stringify(body))}`,
    bytes: write({ headers: [`Content-Type: ${TYPE}`, 'Transfer-Encoding: chunked'], body }),
    isCut: true,
  })),
  ...CUT.map(([where, bytes]) => ({ what: `cut ${where}`, bytes, isCut: true })),
  { what: 'an expectation nobody has', bytes: write({ more: ['Expect: 42'] }) },
  { what: 'a body that is too large', bytes: write({ body: GOOD.padEnd(300_000) }) },
  ...BROKEN_JSON.map((body) => ({ what: `body ${show(body)}`, bytes: write({ body }) })),
  ...Object.entries(WRONG_VALUES).flatMap(([name, values]) =>
    values.map((value) => ({
      what: `${name} ${show(JSON.stringify(value))}`,
      bytes: write({ body: JSON.stringify({ query: '{ transport }', [name]: value }) }),
    })),
  ),
  ...WRONG_DOCUMENTS.map((query) => ({
    what: `document ${show(query)}`,
    bytes: write({
      more: [NEW_TYPE],
      body: JSON.stringify({ query }),
    }),
  })),
  ...WRONG_URLS.map((target) => ({ what: `URL ${show(target)}`, bytes: get(target, NEW_TYPE) })),
  ...FORGED_HEADERS.map((more) => ({ what: `headers ${show(more)}`, bytes: write({ more }) })),
  {
    what: 'GET with a wrong Accept',
    bytes: get('/graphql?query={transport}', 'Accept: image/png'),
  },
  { what: 'POST with a wrong Accept', bytes: write({ more: ['Accept: image/png'] }) },
  { what: 'POST for a page', bytes: write({ more: ['Accept: text/html'] }) },
];

/** Of the single connection mode, each with the token of a stream that is open. */
export const MALFORMED_STREAM_REQUESTS = (token: string): readonly MalformedRequest[] => {
  const named = [`X-GraphQL-Event-Stream-Token: ${token}`];
  const begin = (what: string, body: string | Buffer, type = TYPE) => ({
    what: `stream: ${what}`,
    bytes: write({ more: named, type, body }),
  });
  const query = '{ transport }';
  const ids = [undefined, null, 0, true, [], {}, '', 'x'.repeat(300)];
  return [
    ...ids.map((operationId) =>
      begin(`id ${show(operationId)}`, JSON.stringify({ query, extensions: { operationId } })),
    ),
    ...BROKEN_JSON.map((body) => begin(show(body), body)),
    begin('text', JSON.stringify({ query, extensions: { operationId: 'a' } }), 'text/plain'),
    begin('a fault', JSON.stringify({ query: '{', extensions: { operationId: 'a' } })),
    {
      what: 'stream: to open again',
      bytes: get('/graphql', ...named, 'Accept: text/event-stream'),
    },
    { what: 'stream: to open as JSON', bytes: get('/graphql', ...named) },
    {
      what: 'stream: to end nothing',
      bytes: write({ line: 'DELETE /graphql HTTP/1.1', headers: [], more: named, body: '' }),
    },
    { what: 'stream: unknown', bytes: get('/graphql?token=x', 'Accept: text/event-stream') },
    {
      what: 'stream: of the prototype',
      bytes: get('/graphql?token=__proto__', 'Accept: text/event-stream'),
    },
    { what: 'stream: no token', bytes: write({ more: ['X-GraphQL-Event-Stream-Token: '] }) },
    { what: 'stream: two tokens', bytes: write({ more: [...named, ...named] }) },
  ];
};
