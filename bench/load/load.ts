/* The load, in a process of its own: a crowd that connects to a server, counts what it gets, and says what it found. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { answerParent } from '../harness/child.ts';
import { Crowd, type CrowdTarget } from './crowd.ts';

export interface AimRequest extends CrowdTarget {
  /** Where to say how many messages came; default: nowhere. */
  readonly acknowledgementPort?: number;
}

/** What was found at a check. */
export interface LoadReport {
  /** Processor time of this process since the mark, in microseconds. */
  readonly loadCpuMicros: number;
  /** In milliseconds; 0 where no times were noted. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

let crowd: Crowd | undefined;
let cpuAtMark = process.cpuUsage();

function current(): Crowd {
  if (crowd === undefined) throw new Error('The load was not told where to connect.');
  return crowd;
}

const tasks = {
  /** Chooses the server of the clients to come. */
  async aim({ acknowledgementPort, ...target }: AimRequest) {
    if (acknowledgementPort === undefined) {
      crowd = new Crowd(target);
      return;
    }
    const socket = connect({ host: '127.0.0.1', port: acknowledgementPort, noDelay: true });
    await once(socket, 'connect');
    crowd = new Crowd(target, socket);
  },
  growTo: ({ size }: { readonly size: number }) => current().growTo(size),
  mark({ receipts }: { readonly receipts: number }) {
    current().mark(receipts);
    cpuAtMark = process.cpuUsage();
  },
  /** @throws when something came that was not expected */
  requireHealth: (_request: object) => current().requireHealth(),
  /** @throws unless each client got exactly the expected messages since the mark */
  check({
    expected,
    publishedAt,
  }: {
    readonly expected: number;
    readonly publishedAt?: readonly number[];
  }): LoadReport {
    const { user, system } = process.cpuUsage(cpuAtMark);
    current().check(expected);
    const latencies = publishedAt === undefined ? undefined : current().latencies(publishedAt);
    const percentile = (share: number) => latencies?.[Math.floor(latencies.length * share)] ?? 0;
    return { loadCpuMicros: user + system, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
  },
  /** Kept when each client has got so many messages. */
  reached: ({ messages }: { readonly messages: number }) => current().reached(messages),
  /** Cuts all sockets, when all operations have ended. Answers how many messages came since the mark. */
  async end(_request: object) {
    await current().ended();
    current().leave();
    return { messages: current().sinceMark };
  },
};

export type LoadTasks = typeof tasks;

answerParent(tasks);
