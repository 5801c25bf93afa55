import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ConnectionCounters } from '../../src/server/figures/connection-counters.ts';
import { SocketSubscriber } from '../../src/server/socket/socket-subscriber.ts';
import { SocketWriter } from '../../src/server/socket/socket-writer.ts';
import { Frames, Message } from '../../src/server/subscriptions/message.ts';
import { dial } from './dial.ts';

/** A subscriber on a socket of which nothing is sent until it is uncorked. */
async function corked(isTaken = true) {
  const server = new WebSocketServer({ port: 0 });
  onTestFinished(() => server.close());
  const accepted = new Promise<{ webSocket: WebSocket; tcp: Socket }>((keep) => {
    server.once('connection', (webSocket, { socket: tcp }) => keep({ webSocket, tcp }));
  });
  await dial(`http://localhost:${(server.address() as AddressInfo).port}`);
  const { webSocket, tcp } = await accepted;
  const writer = new SocketWriter(webSocket, tcp, { stallMs: 60_000, onStalled: () => undefined });
  webSocket.once('close', () => writer.close());
  const subscriber = new SocketSubscriber(writer, 'a', new ConnectionCounters());
  if (isTaken) void subscriber.next();
  tcp.cork();
  const send = (count: number, pad = '') => {
    for (let at = 0; at < count; at++)
      subscriber.send(new Frames([new Message({ data: { pad } })]));
  };
  return { webSocket, tcp, subscriber, send };
}

/** Whether a promise is kept, once all that can be done now is done. */
async function isKept(promise: Promise<void>): Promise<boolean> {
  const waits = turnOfTheLoop(false);
  return Promise.race([promise.then(() => true), waits]);
}

test('P5 who is behind by the number of its messages is not free, however small they are', async () => {
  const { tcp, subscriber, send } = await corked();
  send(600);
  expect(tcp.writableLength).toBeLessThan(64 * 1024);
  expect(subscriber.load).toBe('BEHIND');
  const freed = subscriber.freed();
  expect(await isKept(freed)).toBe(false);
  tcp.uncork();
  await freed;
  expect(subscriber.load).toBe('FREE');
});

test('P5 to be freed of very little is told, too', async () => {
  const { tcp, subscriber, send } = await corked();
  send(1);
  const freed = subscriber.freed();
  expect(await isKept(freed)).toBe(false);
  tcp.uncork();
  await freed;
});

test('P5 a socket that is being closed is not free before it is closed', async () => {
  const { webSocket, subscriber, send } = await corked();
  send(2, 'x'.repeat(100_000));
  webSocket.close(1001);
  expect(subscriber.load).toBe('FULL');
  const freed = subscriber.freed();
  expect(await isKept(freed)).toBe(false);
  webSocket.terminate();
  await freed;
  expect(subscriber.load).toBe('FREE');
});

test('nothing is sent before the subscription has been taken over', async () => {
  const { tcp, subscriber } = await corked(false);
  tcp.uncork();
  expect(subscriber.load).toBe('FULL');
  const freed = subscriber.freed();
  expect(await isKept(freed)).toBe(false);
  void subscriber.next();
  await freed;
  expect(subscriber.load).toBe('FREE');
});
