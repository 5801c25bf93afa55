import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { monotonicMs } from '../load/clock.ts';
import type { AttackTarget } from './attacks.ts';
import type { Tally } from './tally.ts';

/** How many operations are opened in one turn of the event loop. */
const AT_ONCE = 50;
/** More than so many bytes are not left waiting. */
const MOST_WAITING = 1024 * 1024;

const SUBSCRIPTION = `subscription Greedy($id: ID!) {
  jobEvents(jobId: $id) { ... on LogWrittenEvent { message } }
}`;

/** A WebSocket that opens operations as fast as it can, goes on when it is refused, and comes again when it is closed. */
export async function greedySocket(target: AttackTarget, tally: Tally): Promise<void> {
  const endMs = monotonicMs() + target.durationMs;
  while (monotonicMs() < endMs) {
    await openOperations(target, tally, endMs);
    await sleep(10);
  }
}

async function openOperations(
  { port, key, jobId, address }: AttackTarget,
  tally: Tally,
  endMs: number,
): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', {
    localAddress: address,
  });
  const closed = once(socket, 'close');
  const send = (message: object) => socket.send(JSON.stringify(message));
  const payload = { query: SUBSCRIPTION, variables: { id: jobId } };
  let next = 0;
  const pump = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (monotonicMs() >= endMs) return socket.terminate();
    for (let at = 0; at < AT_ONCE && socket.bufferedAmount < MOST_WAITING; at++) {
      tally.count('asked');
      send({ id: String(++next), type: 'subscribe', payload });
    }
    setImmediate(pump);
  };
  socket.on('open', () =>
    send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }),
  );
  socket.on('message', (data) => {
    const text = String(data);
    if (text.includes('"type":"connection_ack"')) pump();
    else if (text.includes('"type":"next"')) tally.count('message');
    else tally.count(/"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 100));
  });
  socket.on('close', (code) => tally.count(`closed with ${code}`));
  socket.on('error', (error) => tally.count(error.message));
  await closed.catch(() => undefined); // an error was counted; `close` has come or comes
}
