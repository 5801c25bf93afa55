import { CONTENDERS, type ContenderName } from './fanout/contenders.ts';
import { type Pair, type Round, startPair } from './fanout/pair.ts';
import { printLatency, printMemory, printThroughput, type Result } from './fanout/tables.ts';
import type { Benchmark } from './harness/benchmark.ts';

const SUBSCRIBERS = [100, 1000, 5000, 10_000];
/** With how many subscribers latency is measured, and how many messages they get together, a second. */
const LATENCY_SUBSCRIBERS = 1000;
const LATENCY_RATE = 10_000;
/** Files that a process has open besides its sockets. */
const OTHER_FILES = 200;

export const benchmark: Benchmark = {
  description:
    'one publisher, many WebSocket subscribers of the same document; an item is a millisecond of a round (--subscribers 100,5000)',
  defaults: { rounds: 5, items: 1000 },
  async run({ rounds, items, only, subscribers = SUBSCRIBERS }) {
    const all = Object.keys(CONTENDERS) as ContenderName[]; // it has no other keys
    const names = all.filter((name) => only === undefined || name.includes(only));
    const mostFiles = readFileLimit();
    const results: Result[] = [];
    for (const count of subscribers) {
      if (count + OTHER_FILES > mostFiles) {
        console.log(`${count} subscribers left out: a process may open ${mostFiles} files here.\n`);
        continue;
      }
      const measured = await measure(names, count, rounds, items);
      printThroughput(measured, count);
      if (measured.some(({ latencies }) => latencies.length > 0)) printLatency(measured);
      results.push(...measured);
    }
    printMemory(results);
  },
};

/** All contenders with one number of subscribers, in turn; every one has its subscribers all the time. */
async function measure(
  names: readonly ContenderName[],
  subscribers: number,
  rounds: number,
  roundMs: number,
): Promise<Result[]> {
  const pairs = await startPairs(names);
  try {
    const results: Result[] = [];
    for (const pair of pairs) {
      const bytesEach = await pair.connect(subscribers);
      results.push({ name: pair.name, subscribers, bytesEach, rounds: [], latencies: [] });
    }
    const inTurn = async (
      run: (pair: Pair) => Promise<Round>,
      take: (round: Round, of: Result) => void,
    ) => {
      for (let round = -1; round < rounds; round++) {
        for (const [at, pair] of pairs.entries()) {
          const result = results[at];
          const measured = await run(pair);
          if (round >= 0 && result !== undefined) take(measured, result);
        }
      }
    };
    await inTurn(
      (pair) => pair.publishFor(roundMs),
      (round, { rounds }) => rounds.push(round),
    );
    if (subscribers === LATENCY_SUBSCRIBERS) {
      const everyMs = (1000 * subscribers) / LATENCY_RATE;
      const count = Math.max(1, Math.round(roundMs / everyMs));
      await inTurn(
        (pair) => pair.publishSteadily(count, everyMs),
        (round, { latencies }) => latencies.push(round),
      );
    }
    // Those of the first contender have waited longest: they are all there still.
    for (const pair of pairs) await pair.publishSteadily(1, 0);
    return results;
  } finally {
    await Promise.all(pairs.map((pair) => pair.stop()));
  }
}

async function startPairs(names: readonly ContenderName[]): Promise<Pair[]> {
  const started = await Promise.allSettled(names.map(startPair));
  const pairs = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return pairs;
  await Promise.all(pairs.map((pair) => pair.stop()));
  throw failed.reason;
}

/** How many files a process may have open; Node raises its own limit as far as it may. */
function readFileLimit(): number {
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { hard: number | string } };
  }; // as Node documents it, on systems that have limits
  const limit = Number(report.userLimits?.open_files?.hard);
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit;
}
