/* Asks an app small queries at a steady rate, whatever else it does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SteadyRequests } from '../abuse/steady-requests.ts';
import { answerParent } from '../harness/child.ts';

/** How often each query is asked, in milliseconds. */
const EVERY_MS = 50;

/** Queries, and what their answers have to have in them. */
const QUERIES = {
  '{ server { version } }': '"version"',
  '{ clusterHealth { status } }': '"status"',
} as const;

/** How one query fared. */
export interface AskedReport {
  readonly query: string;
  /** Sorted, in milliseconds, from when each was due. */
  readonly timesMs: readonly number[];
  /** What failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

let asking: { readonly query: string; readonly requests: SteadyRequests }[] = [];

const tasks = {
  connect({ port }: { readonly port: number }) {
    asking = Object.entries(QUERIES).map(([query, expected]) => {
      const headers = { 'content-type': 'application/json' };
      const target = { port, headers, body: JSON.stringify({ query }), expected };
      return { query, requests: new SteadyRequests(target, EVERY_MS) };
    });
  },
  async begin(_request: object) {
    for (const { requests } of asking) {
      requests.begin();
      await sleep(EVERY_MS / asking.length); // so that they are not asked all at the same time
    }
  },
  async end(_request: object): Promise<AskedReport[]> {
    return Promise.all(
      asking.map(async ({ query, requests }) => {
        const { timesMs, failures } = await requests.end();
        return { query, timesMs: [...timesMs].sort((a, b) => a - b), failures };
      }),
    );
  },
};

export type AskerTasks = typeof tasks;

answerParent(tasks);
