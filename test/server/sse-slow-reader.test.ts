import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serve, until } from './serve.ts';
import { flood, open } from './test-api.ts';

/** Characters of each event: some hundred of them fill what the systems on both sides hold back. */
const LENGTH = 64 * 1024;
const FLOOD = `subscription { flood(length: ${LENGTH}) }`;

/** More than what the operating system holds for a connection on both sides together. */
const MOST_HELD = (64 * 1024 * 1024) / LENGTH;

type Begin = (port: number, url: string) => Promise<Socket>;

/** Sends a request over a socket of its own, and reads nothing of the answer before `resume`. */
async function request(port: number, head: string, body = ''): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  const length = Buffer.byteLength(body);
  socket.write(`${head}\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${length}\r\n\r\n${body}`);
  return socket;
}

const MODES: readonly [string, Begin][] = [
  [
    'a connection for one operation',
    (port) =>
      request(
        port,
        'POST /graphql HTTP/1.1\r\naccept: text/event-stream\r\ncontent-type: application/json',
        JSON.stringify({ query: FLOOD }),
      ),
  ],
  [
    'a connection for several operations',
    async (port, url) => {
      const token = await (await fetch(url, { method: 'PUT' })).text();
      const head = `accept: text/event-stream\r\nx-graphql-event-stream-token: ${token}`;
      const socket = await request(port, `GET /graphql HTTP/1.1\r\n${head}`);
      for (const operationId of ['a', 'b']) {
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-graphql-event-stream-token': token },
          body: JSON.stringify({ query: FLOOD, extensions: { operationId } }),
        });
      }
      return socket;
    },
  ],
];

/** Waits until the source has not been asked for long: it would be asked all the time if nothing held it back. */
async function standstill(): Promise<number> {
  for (let still = 0, asked = -1; still < 20; still++) {
    if (asked !== flood.asked) still = 0;
    asked = flood.asked;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return flood.asked;
}

describe.each(MODES)('who stops reading %s', (_name, begin) => {
  test('holds its source back, instead of filling the memory; others are served', async () => {
    const { port, url, ask } = await serve();
    flood.asked = 0;
    const socket = await begin(port, url);
    await until(() => flood.asked > 0);
    const asked = await standstill();
    expect(asked).toBeLessThan(MOST_HELD);
    expect((await ask('{ transport }')).status).toBe(200);
    socket.resume();
    await until(() => flood.asked > asked + 100);
    socket.destroy();
    await until(() => open.count === 0);
  });

  test('frees its source by leaving, also when nothing more can be sent', async () => {
    const { port, url } = await serve();
    const socket = await begin(port, url);
    await standstill();
    expect(open.count).toBeGreaterThan(0);
    socket.destroy();
    await until(() => open.count === 0);
  });

  test('is cut after a while', async () => {
    const { port, url, logged } = await serve({ limits: { stallMs: 300 } });
    const socket = await begin(port, url);
    await until(() => open.count > 0);
    await until(() => open.count === 0);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    expect(logged).toEqual([]);
  });

  test('who reads slowly is not cut', async () => {
    const { port, url } = await serve({ limits: { stallMs: 1000 } });
    const socket = await begin(port, url);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
    socket.resume();
    const before = performance.now();
    await until(() => performance.now() > before + 2500);
    const got = bytes;
    await until(() => bytes > got);
    expect(socket.closed).toBe(false);
    socket.destroy();
    await until(() => open.count === 0);
  });
});
