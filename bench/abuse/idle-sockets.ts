import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../load/clock.ts';
import { RawClient } from '../load/raw-client.ts';
import type { AttackTarget } from './attacks.ts';
import type { Tally } from './tally.ts';

/** WebSockets that are let in. */
const ADMITTED = 5000;
/** Besides: half of them with a head that never ends, the others never say who they are. */
const HALF_OPEN = 2500;
const CONNECT_AT_ONCE = 50;
/** After how long one that was cut comes again, in milliseconds. */
const COME_BACK_MS = 1000;

/** The head of an upgrade, all but its end. */
const HEAD =
  'GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWlsbHJhY2UgbG9hZCAxNg==\r\n' +
  'Sec-WebSocket-Protocol: graphql-transport-ws\r\n';

/** Sockets that do nothing: let in and with no operation, or never let in. */
export async function idleSockets(target: AttackTarget, tally: Tally): Promise<void> {
  const { port, address: localAddress, key, durationMs } = target;
  const endMs = monotonicMs() + durationMs;
  const clients: RawClient[] = [];
  let opened = 0;
  const open = async () => {
    while (opened < ADMITTED && monotonicMs() < endMs) {
      opened++;
      const options = {
        port,
        localAddress,
        connectionParams: { authorization: `Bearer ${key}` },
        operations: [],
        onMessages: () => undefined,
        onComplete: () => undefined,
        onProblem: (problem: string) => tally.count(`let in: ${problem}`),
      };
      const client = await RawClient.open(options).catch(() => undefined);
      if (client === undefined) continue;
      tally.count('let in');
      clients.push(client);
    }
  };
  const halfOpen = async (at: number) => {
    await sleep((at / HALF_OPEN) * COME_BACK_MS);
    const isWhole = at % 2 === 0;
    while (monotonicMs() < endMs) {
      const became = await wait(target, isWhole ? `${HEAD}\r\n` : HEAD, endMs);
      tally.count(`${isWhole ? 'no init' : 'half a head'}: ${became}`);
      await sleep(Math.min(COME_BACK_MS, Math.max(0, endMs - monotonicMs())));
    }
  };
  await Promise.all([
    ...Array.from({ length: CONNECT_AT_ONCE }, open),
    ...Array.from({ length: HALF_OPEN }, (_, at) => halfOpen(at)),
  ]);
  await sleep(Math.max(0, endMs - monotonicMs()));
  for (const client of clients) client.leave();
}

/** Sends the beginning and no more. Answers what became of it. */
function wait({ port, address }: AttackTarget, begin: string, endMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: address });
    let read = '';
    const leave = setTimeout(
      () => {
        socket.removeAllListeners('close').destroy();
        resolve('still there at the end');
      },
      Math.max(0, endMs - monotonicMs()),
    );
    socket.on('error', () => undefined); // `close` follows
    socket.on('data', (data) => {
      read += data.toString('latin1');
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(leave);
      resolve(describe(read));
    });
    socket.write(begin);
  });
}

/** The status of the answer, and the code of a close frame after it. */
function describe(read: string): string {
  if (read === '') return 'cut';
  const status = read.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3);
  const frames = Buffer.from(read.slice(read.indexOf('\r\n\r\n') + 4), 'latin1');
  if (status !== '101') return `answered ${status}`;
  return frames[0] === 0x88 && frames.length >= 4 ? `closed with ${frames.readUInt16BE(2)}` : 'cut';
}
