import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type { Benchmark } from './harness/benchmark.ts';
import { formatCount, printTable } from './harness/print.ts';
import { measureInTurn, median, spread } from './harness/rounds.ts';
import { JOBS, QUERY } from './query/operation.ts';

const LIMIT = 'JSON.stringify over node:http';
const NAMES = [LIMIT, 'graphql-js over node:http', 'yoga', 'mercurius + jit', 'Millrace'];
/** Shares of the limit that we hold ourselves to. */
const MUST = 0.25;
const AIM = 0.56;
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
      const contenders = servers.map(({ name, port }) => ({ name, run: () => load(port, items) }));
      const measurements = await measureInTurn(contenders, rounds, 1);
      const rates = measurements.map(({ name, timesMs }) => ({
        name,
        perSecond: (items * 1000) / median(timesMs),
        range: spread(timesMs),
      }));
      const limit = rates.find(({ name }) => name === LIMIT)?.perSecond ?? Number.NaN;
      console.log(
        `${formatCount(items)} requests over ${CONNECTIONS} connections, ${rounds} rounds in turn, medians\n`,
      );
      printTable(
        ['contender', 'requests/s', 'spread', 'to limit', 'target'],
        rates.map(({ name, perSecond, range }) => [
          name,
          formatCount(perSecond),
          `±${(range * 100).toFixed(0)} %`,
          (perSecond / limit).toFixed(2),
          name === 'Millrace' ? judge(perSecond / limit) : '',
        ]),
      );
    } finally {
      for (const { child } of servers) child.kill();
    }
  },
};

function judge(share: number): string {
  const met = share >= AIM ? 'aim met' : share >= MUST ? 'must met' : 'NOT met';
  return `must ${MUST}, aim ${AIM}: ${met}`;
}

async function startServer(
  name: string,
): Promise<{ name: string; child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL('./query/server.ts', import.meta.url)), [name]);
  const [message] = await once(child, 'message');
  return { name, child, port: Number(message.port) };
}

/** Sends the query as often as asked; throws unless each answer was the whole page. */
async function load(port: number, amount: number): Promise<void> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const body = JSON.stringify({ query: QUERY });
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
