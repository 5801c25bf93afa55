import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type { Benchmark } from './harness/benchmark.ts';
import { formatCount, printTable } from './harness/print.ts';
import { measureInTurn, median, spread } from './harness/rounds.ts';
import type { Served } from './query/millrace.ts';
import { JOBS, QUERY } from './query/operation.ts';

const LIMIT = 'JSON.stringify over node:http';
const UNPROTECTED = 'Millrace, no protection';
const NAMES = [
  LIMIT,
  'graphql-js over node:http',
  'yoga',
  'mercurius + jit',
  'Millrace',
  UNPROTECTED,
  'Millrace, all protections',
  'Millrace, trusted documents too',
];
/** Shares of the limit that we hold ourselves to. */
const MUST = 0.25;
const AIM = 0.56;
/** What is to be left of the rate with protections. */
const PROTECTED_AIM = 0.9;
const CONNECTIONS = 10;
/** Bytes; a page has about 20,000. */
const SMALLEST_PAGE = 15_000;

export const benchmark: Benchmark = {
  description: `a page of ${JOBS} jobs of 8 fields over HTTP; an item is a request`,
  defaults: { rounds: 5, items: 3000 },
  async run({ rounds, items, only }) {
    const names = NAMES.filter((name) => only === undefined || name.includes(only));
    const servers = await Promise.all(names.map(startServer));
    try {
      const contenders = servers.map(({ name, served }) => ({
        name,
        run: () => load(served, items),
      }));
      const measurements = await measureInTurn(contenders, rounds, 1);
      const rates = measurements.map(({ name, timesMs }) => ({
        name,
        timesMs,
        perSecond: (items * 1000) / median(timesMs),
        range: spread(timesMs),
      }));
      const limit = rates.find(({ name }) => name === LIMIT)?.perSecond ?? Number.NaN;
      const unprotected = rates.find(({ name }) => name === UNPROTECTED)?.timesMs ?? [];
      console.log(
        `${formatCount(items)} requests over ${CONNECTIONS} connections, ${rounds} rounds in turn, medians\n`,
      );
      printTable(
        ['contender', 'requests/s', 'spread', 'to limit', 'to no protection', 'target'],
        rates.map(({ name, timesMs, perSecond, range }) => [
          name,
          formatCount(perSecond),
          `±${(range * 100).toFixed(0)} %`,
          formatRatio(perSecond / limit),
          name.startsWith('Millrace') ? formatRatio(compare(timesMs, unprotected)) : '',
          judge(name, perSecond / limit, compare(timesMs, unprotected)),
        ]),
      );
    } finally {
      for (const { child } of servers) child.disconnect(); // which ends it
    }
  },
};

/** The rate to another, of rounds that stood side by side: what disturbs the machine disturbs both. */
function compare(timesMs: readonly number[], others: readonly number[]): number {
  return median(timesMs.map((timeMs, at) => (others[at] ?? Number.NaN) / timeMs));
}

function judge(name: string, toLimit: number, toUnprotected: number): string {
  if (!name.startsWith('Millrace') || Number.isNaN(toLimit)) return '';
  const isMust = toLimit >= MUST;
  if (name === 'Millrace' || name === UNPROTECTED) {
    const met = toLimit >= AIM ? 'aim met' : isMust ? 'must met' : 'NOT met';
    return `must ${MUST}, aim ${AIM}: ${met}`;
  }
  const met = !isMust ? 'NOT met' : toUnprotected >= PROTECTED_AIM ? 'aim met' : 'must met';
  return `must ${MUST}, aim ${PROTECTED_AIM} of no protection: ${met}`;
}

function formatRatio(ratio: number): string {
  return Number.isNaN(ratio) ? '' : ratio.toFixed(2);
}

interface Contending {
  readonly name: string;
  readonly child: ChildProcess;
  readonly served: Served;
}

async function startServer(name: string): Promise<Contending> {
  const child = fork(fileURLToPath(new URL('./query/server.ts', import.meta.url)), [name]);
  const [served] = await once(child, 'message');
  return { name, child, served };
}

/** Sends the query as often as asked; throws unless each answer was the whole page. */
async function load(
  { port, headers: own = {}, body: asked = { query: QUERY } }: Served,
  amount: number,
): Promise<void> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });
  const headers = { 'content-type': 'application/json', accept: 'application/json', ...own };
  const body = JSON.stringify(asked);
  let left = amount;
  const send = async () => {
    while (left-- > 0) {
      const answer = await pool.request({ path: '/graphql', method: 'POST', headers, body });
      const { byteLength } = await answer.body.arrayBuffer();
      if (answer.statusCode !== 200 || byteLength < SMALLEST_PAGE) {
        throw new Error(`Answered ${answer.statusCode} with ${byteLength} bytes.`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  await pool.close();
}
