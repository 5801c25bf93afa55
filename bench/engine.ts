import { type ChainKind, makeMillraceContenders, runChain } from './engine/chain.ts';
import { sampleMemory, summariseQuarters } from './engine/memory.ts';
import { LIMIT, makePeers } from './engine/peers.ts';
import { printWatched } from './engine/watchers.ts';
import { STAGES } from './engine/work.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { formatCount, printTable } from './harness/print.ts';
import { type Measurement, measureInTurn, median, spread } from './harness/rounds.ts';

/**
 * What we hold ourselves to, as shares of the limit in the same run: absolute figures move with the machine. They
 * were set where the limit was 20.6M, as 4M with no observer, and 2M, aiming at 4M, with monitoring on.
 */
const TARGETS: readonly {
  readonly contender: RegExp;
  readonly must: number;
  readonly aim?: number;
}[] = [
  { contender: /no observer$/, must: 4 / 20.6 },
  { contender: /monitoring(, subscriber)?$/, must: 2 / 20.6, aim: 4 / 20.6 },
];

/** What the debugger may cost the routines that it is at, as shares of the same run without it. */
const DEBUGGED: readonly { readonly suffix: string; readonly must?: number }[] = [
  { suffix: ', debugger idle' },
  { suffix: ', 10 false conditions', must: 0.75 },
];

const GROWTH_ITEMS = [10_000, 30_000, 100_000, 300_000, 1_000_000] as const;

export const benchmark: Benchmark = {
  description: `a chain of ${STAGES} stages; an item is a small object that runs through all of them`,
  defaults: { rounds: 5, items: 100_000 },
  async run({ rounds, items, only }) {
    const contenders = [...makePeers(items), ...makeMillraceContenders(items)].filter(
      ({ name }) => only === undefined || name.includes(only),
    );
    if (contenders.length > 0) {
      console.log(
        `${formatCount(items)} items, ${rounds} rounds in turn after 2 of warm-up, medians\n`,
      );
      printThroughput(await measureInTurn(contenders, rounds), items);
    }
    await printWatched(rounds, only);
    if (only !== undefined) return;
    for (const kind of ['sync', 'async'] as const) await printGrowth(kind, rounds);
    await printMemory();
  },
};

function printThroughput(measurements: readonly Measurement[], items: number): void {
  const rates = measurements.map(({ name, timesMs }) => ({
    name,
    perSecond: (items * STAGES * 1000) / median(timesMs),
    spread: spread(timesMs),
  }));
  const limit = rates.find(({ name }) => name === LIMIT)?.perSecond ?? Number.NaN;
  const rows = rates.map(({ name, perSecond, spread: range }) => [
    name,
    formatCount(perSecond),
    `±${(range * 100).toFixed(0)} %`,
    (perSecond / limit).toFixed(2),
    judge(name, perSecond / limit),
  ]);
  printTable(['contender', 'activations/s', 'spread', 'to limit', 'target'], rows);
  printDebugged(new Map(rates.map(({ name, perSecond }) => [name, perSecond])));
}

function printDebugged(rates: ReadonlyMap<string, number>): void {
  const rows = [...rates].flatMap(([name, perSecond]) => {
    const debugged = DEBUGGED.find(({ suffix }) => name.endsWith(suffix));
    const without = rates.get(name.slice(0, -(debugged?.suffix.length ?? 0)));
    if (debugged === undefined || without === undefined) return [];
    const share = perSecond / without;
    const { must } = debugged;
    const verdict =
      must === undefined
        ? ''
        : `must ${must.toFixed(2)}: ${share >= must ? 'must met' : 'NOT met'}`;
    return [[name, share.toFixed(2), verdict]];
  });
  if (rows.length === 0) return;
  console.log('The debugger, to the same without it\n');
  printTable(['contender', 'to without', 'target'], rows);
}

function judge(name: string, share: number): string {
  const target = TARGETS.find(({ contender }) => contender.test(name));
  if (target === undefined || Number.isNaN(share)) return '';
  const { must, aim } = target;
  const isAim = aim !== undefined && share >= aim;
  const met = isAim ? 'aim met' : share >= must ? 'must met' : 'NOT met';
  const wanted = aim === undefined ? must.toFixed(2) : `${must.toFixed(2)}, aim ${aim.toFixed(2)}`;
  return `must ${wanted}: ${met}`;
}

async function printGrowth(kind: ChainKind, rounds: number): Promise<void> {
  const contenders = GROWTH_ITEMS.map((items) => ({
    name: formatCount(items),
    // Short jobs are run several times, so that each size is measured for about as long.
    async run() {
      for (let job = 0; job < jobsOf(items); job++) await runChain(kind, items);
    },
  }));
  const measurements = await measureInTurn(contenders, rounds, 1);
  const costs = measurements.map(({ timesMs }, at) => {
    const items = GROWTH_ITEMS[at] ?? Number.NaN;
    const activations = items * jobsOf(items) * STAGES;
    return { nanoseconds: (median(timesMs) * 1e6) / activations, range: spread(timesMs) };
  });
  const base = costs[0]?.nanoseconds ?? Number.NaN;
  console.log(`Growth, ${kind}, no observer: linear when the cost of an activation stays\n`);
  printTable(
    ['items', 'ns/activation', 'spread', 'to 10k'],
    costs.map(({ nanoseconds, range }, at) => [
      formatCount(GROWTH_ITEMS[at] ?? Number.NaN),
      nanoseconds.toFixed(0),
      `±${(range * 100).toFixed(0)} %`,
      (nanoseconds / base).toFixed(2),
    ]),
  );
}

function jobsOf(items: number): number {
  return Math.max(1, Math.round(300_000 / items));
}

async function printMemory(): Promise<void> {
  const runMs = 20_000;
  const quarters = summariseQuarters(await sampleMemory(runMs, 500));
  console.log(`Memory of an endless stream with back-pressure, ${runMs / 1000} s, medians\n`);
  printTable(
    ['quarter', 'items so far', 'RSS MiB', 'live heap MiB'],
    quarters.map(({ items, rssMib, heapMib }, at) => [
      String(at + 1),
      formatCount(items),
      rssMib.toFixed(1),
      heapMib.toFixed(2),
    ]),
  );
}
