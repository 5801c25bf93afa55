import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dial, subscribe } from './dial.ts';
import { closing, frame, OPCODES, tcpOf } from './frames.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

const {
  text: TEXT,
  continuation: CONTINUATION,
  binary: BINARY,
  close: CLOSE,
  ping: PING,
} = OPCODES;

const INIT = JSON.stringify({ type: 'connection_init' });

describe('a malformed frame closes the WebSocket it came by', () => {
  const cases: [string, number, ...Buffer[]][] = [
    ['one that is not masked', 1002, frame(TEXT, '{"type":"ping"}', { isMasked: false })],
    ['a reserved bit set', 1002, frame(TEXT, '{"type":"ping"}', { reserved: 4 })],
    ['the other reserved bits', 1002, frame(TEXT, '{"type":"ping"}', { reserved: 3 })],
    ['an opcode of data that does not exist', 1002, frame(3, 'x')],
    ['an opcode of control that does not exist', 1002, frame(11, 'x')],
    ['a ping that is too large', 1002, frame(PING, 'x'.repeat(126))],
    ['a ping in pieces', 1002, frame(PING, 'x', { isFinal: false })],
    ['a continuation of nothing', 1002, frame(CONTINUATION, 'x')],
    ['a beginning before the end', 1002, frame(TEXT, '{', { isFinal: false }), frame(TEXT, '}')],
    ['a close with half a code', 1002, frame(CLOSE, Buffer.from([3]))],
    ['a close with a code that must not be sent', 1002, frame(CLOSE, closing(1005))],
    ['a close with a code that does not exist', 1002, frame(CLOSE, closing(20))],
    ['a reason that is no UTF-8', 1007, frame(CLOSE, closing(1000, Buffer.from([0xff])))],
    ['text that is no UTF-8', 1007, frame(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
    [
      'text that is no UTF-8 in pieces',
      1007,
      frame(TEXT, Buffer.from([0x22, 0xc3]), { isFinal: false }),
      frame(CONTINUATION, Buffer.from([0x28, 0x22])),
    ],
    ['a length that is more than allowed', 1009, frame(TEXT, 'x', { length: 5000n })],
    ['a length beyond all numbers', 1009, frame(TEXT, 'x', { length: 2n ** 63n })],
    [
      'pieces that are more than allowed together',
      1009,
      frame(TEXT, '"', { isFinal: false }),
      frame(CONTINUATION, 'x'.repeat(2000), { isFinal: false }),
      frame(CONTINUATION, 'x'.repeat(2000), { isFinal: false }),
    ],
  ];
  test.each(cases)('%s (%i)', async (_name, code, ...frames) => {
    const { url, ask, logged } = await serve({ limits: { maxFrameBytes: 4000 } });
    const other = await dial(url);
    await other.begin();
    other.say(subscribe('other', 'subscription { silence }'));
    const { socket, closed, say, begin } = await dial(url);
    await begin();
    say(subscribe('a', 'subscription { silence }'));
    await until(() => open.count === 2);
    for (const each of frames) tcpOf(socket).write(each);
    expect((await closed).code).toBe(code);
    await until(() => open.count === 1);
    expect((await ask('{ transport }')).status).toBe(200);
    expect(other.socket.readyState).toBe(other.socket.OPEN);
    expect(logged).toEqual([]);
  });
});

describe('bytes as they come', () => {
  test('one by one, in a packet each', async () => {
    const { url } = await serve();
    const { socket, messages } = await dial(url);
    const message = JSON.stringify(subscribe('größe', 'subscription { ticks(count: 2) }'));
    for (const byte of Buffer.concat([frame(TEXT, INIT), frame(TEXT, message)])) {
      tcpOf(socket).write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => messages.at(-1)?.type === 'complete');
    expect(messages.at(-2)).toEqual({ id: 'größe', type: 'next', payload: { data: { ticks: 2 } } });
  });

  test('a message in many frames, with pings between them', async () => {
    const { url } = await serve();
    const { socket, messages, begin } = await dial(url);
    await begin();
    let pongs = 0;
    socket.on('pong', () => pongs++);
    const bytes = Buffer.from(JSON.stringify(subscribe('大', '{ transport }')));
    for (let at = 0; at < bytes.length; at++) {
      const piece = bytes.subarray(at, at + 1);
      tcpOf(socket).write(
        frame(at === 0 ? TEXT : CONTINUATION, piece, { isFinal: at === bytes.length - 1 }),
      );
      if (at % 10 === 0) tcpOf(socket).write(frame(PING, 'now'));
    }
    await until(() => messages.length === 2 && pongs > 0);
    expect(messages).toMatchObject([
      { id: '大', type: 'next' },
      { id: '大', type: 'complete' },
    ]);
  });

  test('hundreds of messages in one packet', async () => {
    const { url } = await serve({ limits: { maxOperationsPerSocket: 1000 } });
    const { socket, messages } = await dial(url);
    const asked = Array.from({ length: 300 }, (_, at) =>
      frame(TEXT, JSON.stringify(subscribe(`${at}`, '{ transport }'))),
    );
    tcpOf(socket).write(frame(TEXT, INIT));
    await until(() => messages.length === 1);
    tcpOf(socket).write(Buffer.concat(asked));
    await until(() => messages.filter(({ type }) => type === 'complete').length === 300);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(301);
  });

  test('O5 a message of 64 KiB is heard, and a larger one closes its socket (1009)', async () => {
    const { url } = await serve();
    const ping = (length: number) => {
      const around = JSON.stringify({ type: 'ping', payload: { text: '' } }).length;
      return JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(length - around) } });
    };
    const { socket, messages, closed } = await dial(url);
    socket.send(ping(65_536));
    await until(() => messages.length === 1);
    expect(messages[0]?.type).toBe('pong');
    socket.send(ping(65_537));
    expect((await closed).code).toBe(1009);
  });

  test('O5 pieces of a message without end close their socket (1008), also empty ones', async () => {
    const { url, ask } = await serve({ limits: { initTimeoutMs: 60_000 } });
    const { socket, closed } = await dial(url);
    const empty = frame(CONTINUATION, '', { isFinal: false });
    tcpOf(socket).write(frame(TEXT, '{', { isFinal: false }));
    tcpOf(socket).write(Buffer.concat(Array.from({ length: 20_000 }, () => empty)));
    expect((await closed).code).toBe(1008);
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('O5 compression is not agreed on, so that nothing small can become large', async () => {
    const { url } = await serve();
    const { socket } = await dial(url); // `ws` offers it
    expect(socket.extensions).toBe('');
  });

  test('a binary message is refused (1003), also where it would be right as text', async () => {
    const { url } = await serve();
    const { socket, closed } = await dial(url);
    tcpOf(socket).write(frame(BINARY, INIT));
    expect(await closed).toEqual({ code: 1003, reason: 'Send text' });
  });

  test('half a frame, and then no more: what it had is freed', async () => {
    const { url, ask } = await serve();
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const { socket, begin, say } = await dial(url);
      await begin();
      say(subscribe('a', 'subscription { silence }'));
      await until(() => open.count === 1);
      tcpOf(socket).write(
        frame(TEXT, JSON.stringify(subscribe('b', '{ transport }'))).subarray(0, 20),
      );
      tcpOf(socket)[leave]();
      await until(() => open.count === 0);
    }
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('a proper close is answered with the same code, and frees what it had', async () => {
    const { url } = await serve();
    for (const code of [1000, 1001, 3000, 4999]) {
      const { socket, begin, say, closed } = await dial(url);
      await begin();
      say(subscribe('a', 'subscription { silence }'));
      await until(() => open.count === 1);
      tcpOf(socket).write(frame(CLOSE, closing(code, 'bye')));
      expect((await closed).code).toBe(code);
      await until(() => open.count === 0);
    }
  });

  test('an upgrade that is none is refused, and the server goes on', async () => {
    const { port, ask, logged } = await serve();
    const heads = [
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 5\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ,,\r\n\r\n',
    ];
    for (const head of heads) {
      const tcp = connect({ port, host: '127.0.0.1' });
      onTestFinished(() => void tcp.destroy());
      tcp.on('error', () => undefined);
      let answer = '';
      tcp.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      tcp.write(head);
      await new Promise((resolve) => tcp.once('close', resolve));
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    expect((await ask('{ transport }')).status).toBe(200);
    expect(logged).toEqual([]);
  });
});
