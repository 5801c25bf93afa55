import { closing, frame, OPCODES } from '../server/frames.ts';

/** What a client sends over a WebSocket that is wrong somewhere. */
export interface MalformedFrames {
  readonly what: string;
  readonly frames: readonly Buffer[];
  /** Whether its connection was let in before. Default true. */
  readonly isLetIn?: boolean;
}

const { text, continuation, binary, close, ping } = OPCODES;
const piece = { isFinal: false };

const WRONG_FRAMES: readonly (readonly [string, ...Buffer[]])[] = [
  ['not masked', frame(text, '{"type":"ping"}', { isMasked: false })],
  ...[1, 2, 3, 4, 5, 6, 7].map(
    (reserved) =>
      [`reserved bits ${reserved}`, frame(text, '{"type":"ping"}', { reserved })] as const,
  ),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`opcode ${opcode}`, frame(opcode, 'x')] as const,
  ),
  ['a binary message', frame(binary, '{"type":"ping"}')],
  ['an empty binary message', frame(binary, '')],
  ['a ping too large', frame(ping, 'x'.repeat(126))],
  ['a ping in pieces', frame(ping, 'x', piece)],
  ['a close in pieces', frame(close, closing(1000), piece)],
  ['a continuation of nothing', frame(continuation, 'x')],
  ['an empty continuation of nothing', frame(continuation, '')],
  ['two beginnings', frame(text, '{', piece), frame(text, '}')],
  ['text, then binary', frame(text, '{', piece), frame(binary, '}')],
  ['half a code', frame(close, Buffer.from([3]))],
  ...[0, 1, 20, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map(
    (code) => [`close with ${code}`, frame(close, closing(code))] as const,
  ),
  ['a reason that is no UTF-8', frame(close, closing(1000, Buffer.from([0xff])))],
  ...['ff', 'c328', 'eda080', 'c0af', 'f4908080', 'e28'].map(
    (hex) =>
      [
        `text ${hex}`,
        frame(text, Buffer.from(hex.padEnd(hex.length + (hex.length % 2), '2'), 'hex')),
      ] as const,
  ),
  ['more than allowed', frame(text, 'x', { length: 100_000n })],
  ['more than there are numbers', frame(text, 'x', { length: 2n ** 63n })],
  ['more than all numbers', frame(text, 'x', { length: 2n ** 64n - 1n })],
];

const WRONG_MESSAGES: readonly string[] = [
  '',
  ' ',
  '{',
  'x',
  'null',
  'true',
  '0',
  '""',
  '[]',
  '{}',
  '[{"type":"ping"}]',
  '{"type":null}',
  '{"type":1}',
  '{"type":{}}',
  '{"type":[]}',
  '{"type":""}',
  '{"type":"PING"}',
  '{"type":"nothing"}',
  '{"type":"__proto__"}',
  '{"type":"constructor"}',
  '{"type":"toString"}',
  '{"Type":"ping"}',
  '{"type":"ping","payload":1}',
  '{"type":"ping","payload":"x"}',
  '{"type":"ping","payload":[]}',
  '{"type":"pong","payload":1}',
  '{"type":"connection_ack"}',
  '{"type":"connection_init","payload":1}',
  '{"type":"connection_init","payload":"x"}',
  '{"type":"connection_init","payload":[]}',
  '{"type":"connection_init"}',
  '{"type":"next","id":"a","payload":{}}',
  '{"type":"error","id":"a","payload":[]}',
  '{"type":"complete"}',
  '{"type":"complete","id":1}',
  '{"type":"complete","id":null}',
  '{"type":"complete","id":""}',
  '{"type":"subscribe"}',
  '{"type":"subscribe","id":"a"}',
  '{"type":"subscribe","payload":{"query":"{ transport }"}}',
  ...['null', '1', '""', '[]', '{}', 'true', `"${'i'.repeat(129)}"`].map(
    (id) => `{"type":"subscribe","id":${id},"payload":{"query":"{ transport }"}}`,
  ),
  ...['null', '1', '""', '"{ transport }"', '[]', '{}', '[{"query":"{ transport }"}]'].map(
    (payload) => `{"type":"subscribe","id":"a","payload":${payload}}`,
  ),
  ...['null', '1', 'true', '[]', '{}'].map(
    (query) => `{"type":"subscribe","id":"a","payload":{"query":${query}}}`,
  ),
  ...['1', '"x"', '[]', 'true', '"{}"'].map(
    (value) =>
      `{"type":"subscribe","id":"a","payload":{"query":"{ transport }","variables":${value}}}`,
  ),
  ...['1', 'true', '[]', '{}'].map(
    (value) =>
      `{"type":"subscribe","id":"a","payload":{"query":"{ transport }","operationName":${value}}}`,
  ),
  ...['1', '"x"', 'true', '[]'].map(
    (value) =>
      `{"type":"subscribe","id":"a","payload":{"query":"{ transport }","extensions":${value}}}`,
  ),
  '\ufeff{"type":"ping"}',
  '{"type":"ping"}\0',
  "{'type':'ping'}",
  '{"type":"ping"}{"type":"ping"}',
  '{"type":"start","id":"a","payload":{"query":"{ transport }"}}',
  '{"type":"stop","id":"a"}',
  '{"type":"connection_terminate"}',
];

/** Each of them is to close its socket. */
export const MALFORMED_FRAMES: readonly MalformedFrames[] = [
  ...WRONG_FRAMES.map(([what, ...frames]) => ({ what, frames })),
  ...WRONG_MESSAGES.map((message) => ({
    what: `message ${message.slice(0, 100)}`,
    frames: [frame(text, message)],
  })),
  ...['{"type":"subscribe","id":"a","payload":{"query":"{ transport }"}}'].map((message) => ({
    what: 'an operation before it is let in',
    frames: [frame(text, message)],
    isLetIn: false,
  })),
];

/** Headers of a request to be a WebSocket that is to be refused. */
export const MALFORMED_UPGRADES: readonly (readonly string[])[] = [
  ['Upgrade: websocket'],
  ['Upgrade: h2c', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short'],
  ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: '],
  ['Upgrade: websocket', 'Sec-WebSocket-Version: 5', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ['Upgrade: websocket', 'Sec-WebSocket-Version: x', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ['Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ...[',,', ' ', 'a b', 'a,a', '"a"', '\x80'].map((protocol) => [
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${protocol}`,
  ]),
];
