/* What is checked: it answers every request with the same small JSON, as cheaply as a process can. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { answerParent } from '../harness/child.ts';
import { BODY } from './answer.ts';
import { type LoopDelays, NOT_WATCHED, watchLoop } from './loop-watch.ts';

/** With the head that `node:http` writes. */
const ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    'Date: Sun, 22 Nov 2026 00:00:00 GMT',
    'Connection: keep-alive',
    'Keep-Alive: timeout=60',
    `Content-Length: ${BODY.length}`,
    '',
    BODY,
  ].join('\r\n'),
);
const LINE_FEED = 10;

/** What came to one of the ports. */
interface Visits {
  count: number;
  lastMs: number;
  /** How long after the one before each came, in milliseconds. */
  readonly gapsMs: number[];
}

export interface SeenVisits {
  /** How long was noted, in milliseconds. */
  readonly durationMs: number;
  readonly loop: LoopDelays;
  readonly ports: readonly { readonly count: number; readonly gapsMs: readonly number[] }[];
}

const visits: Visits[] = [];
/** `undefined` while nothing is noted. */
let notingSinceMs: number | undefined;
let endLoopWatch: (() => LoopDelays) | undefined;

function note(of: Visits): void {
  const nowMs = performance.now();
  of.count++;
  if (of.lastMs > 0) of.gapsMs.push(nowMs - of.lastMs);
  of.lastMs = nowMs;
}

/** Requests have no body and never come in a row, so an empty line at the end of a chunk ends one. */
function endsRequest(chunk: Buffer): boolean {
  return chunk.at(-1) === LINE_FEED && chunk.at(-3) === LINE_FEED;
}

async function listen(of: Visits): Promise<number> {
  const server: Server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (!endsRequest(chunk)) return;
      if (notingSinceMs !== undefined) note(of);
      socket.write(ANSWER);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port; // it listens on TCP
}

const tasks = {
  /** Listens on so many ports, and answers them. */
  async open({ count }: { readonly count: number }): Promise<number[]> {
    const ports: number[] = [];
    for (let at = 0; at < count; at++) {
      const of: Visits = { count: 0, lastMs: 0, gapsMs: [] };
      visits.push(of);
      ports.push(await listen(of));
    }
    return ports;
  },
  /** Begins to note when requests come. */
  begin(_request: object) {
    endLoopWatch = watchLoop();
    notingSinceMs = performance.now();
  },
  /** What came to each port since then. */
  end(_request: object): SeenVisits {
    const durationMs = performance.now() - (notingSinceMs ?? Number.NaN);
    notingSinceMs = undefined;
    return {
      durationMs,
      loop: endLoopWatch?.() ?? NOT_WATCHED,
      ports: visits.map(({ count, gapsMs }) => ({ count, gapsMs })),
    };
  },
  /** Processor time of this process, in microseconds. */
  readCpu(_request: object): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

export type EndpointTasks = typeof tasks;

answerParent(tasks);
