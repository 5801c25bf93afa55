import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../load/clock.ts';
import type { AttackTarget } from './attacks.ts';
import type { Tally } from './tally.ts';

const SENDERS = 200;
/** How often each sends a byte, in milliseconds. */
const DRIP_MS = 250;

/** Connections that send a request byte by byte: half of them its head, the others its body. Who is cut comes again. */
export async function slowSenders(target: AttackTarget, tally: Tally): Promise<void> {
  const endMs = monotonicMs() + target.durationMs;
  const head = 'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  const withBody = `${head}Authorization: Bearer ${target.key}\r\nContent-Length: 100000\r\n\r\n{`;
  const send = async (at: number) => {
    await sleep((at / SENDERS) * DRIP_MS);
    const isBody = at % 2 === 0;
    while (monotonicMs() < endMs) {
      const became = await drip(target, isBody ? withBody : `${head}X-Slow: `, endMs);
      tally.count(`${isBody ? 'body' : 'head'}: ${became}`);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, (_, at) => send(at)));
}

/** One request. Answers what became of it. */
function drip({ port, address }: AttackTarget, begin: string, endMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: address });
    let answer: string | undefined;
    const timer = setInterval(() => {
      if (monotonicMs() < endMs) return void socket.write(' ');
      clearInterval(timer);
      socket.removeAllListeners('close').destroy();
      resolve('still there at the end');
    }, DRIP_MS);
    socket.on('error', () => undefined); // `close` follows
    socket.on('data', (data) => {
      answer ??= `answered ${data.toString('latin1').slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3)}`;
    });
    socket.on('close', () => {
      clearInterval(timer);
      resolve(answer ?? 'cut');
    });
    socket.write(begin);
  });
}
