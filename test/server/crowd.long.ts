import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { range } from '../engine/parts.ts';
import { subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { Board, makeSharedSchema } from './shared-api.ts';

const CROWD = 1000;
const EVENTS = 600;
/** More than the system's own buffers hold, all in all. */
const LARGE = 60_000;

/** A subscriber that reads numbers out of messages, and keeps nothing else. */
async function join(url: string, length: number) {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  const seen = { count: 0, last: 0, isInOrder: true, types: new Set<string>() };
  socket.on('message', (data) => {
    const text = String(data);
    seen.types.add(/"type":"(\w+)"/.exec(text)?.[1] ?? '');
    const number = Number(/"number":(\d+)/.exec(text)?.[1] ?? 0);
    if (number === 0) return;
    seen.count++;
    if (number !== seen.last + 1) seen.isInOrder = false;
    seen.last = number;
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  const query = `subscription { news { number text pad(length: ${length}) } }`;
  await until(() => seen.types.has('connection_ack'));
  socket.send(JSON.stringify(subscribe('n', query)));
  return { socket, seen };
}

test('P5 M9 of a thousand one never reads: the others get all, memory stays flat, the server lives', async () => {
  const board = new Board();
  const { url, ask, server } = await serve({
    schema: makeSharedSchema(board),
    createContext: () => ({ isAdmin: false }),
    sharingKey: () => '',
    limits: { stallMs: 500 },
  });
  const crowd = [];
  for (const at of range(CROWD)) crowd.push(await join(url, at === 0 ? LARGE : 100));
  await until(() => board.subscribed === CROWD);
  expect(board.streams).toBe(2);
  const [sleeper, ...readers] = crowd;
  sleeper?.socket.pause();
  const arrived = () => readers.every(({ seen }) => seen.last === board.told);

  /** Tells so many, as fast as the readers read. */
  const tell = async (count: number) => {
    for (let at = 0; at < count; at += 10) {
      board.tell(...range(10).map(String));
      await until(arrived);
    }
  };
  await tell(100);
  const before = process.memoryUsage();
  await tell(EVENTS - 100);
  const after = process.memoryUsage();

  for (const { seen } of readers) {
    expect(seen).toMatchObject({ count: EVENTS, last: EVENTS, isInOrder: true });
  }
  expect(board.executions).toBeLessThanOrEqual(2 * EVENTS + 1);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
  expect((await ask('{ told }')).body).toEqual({ data: { told: EVENTS } });
  await until(() => server.countConnections().tooSlowTotal === 1);
  expect(server.countConnections()).toMatchObject({ fellBehindTotal: 1, webSockets: CROWD - 1 });
  expect(board.streams).toBe(1);
});
