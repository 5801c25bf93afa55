import { formatCount, printTable } from '../harness/print.ts';
import { median, spread } from '../harness/rounds.ts';
import type { ContenderName } from './contenders.ts';
import type { BytesEach, Round } from './pair.ts';

/** What was measured of one contender with one number of subscribers. */
export interface Result {
  readonly name: ContenderName;
  readonly subscribers: number;
  /** Memory of a subscriber that is idle. */
  readonly bytesEach: BytesEach | undefined;
  readonly rounds: Round[];
  /** At a steady rate. */
  readonly latencies: Round[];
}

const RAW: ContenderName = 'raw ws';
const YOGA: ContenderName = 'yoga + graphql-ws';
/** Shares of raw, and of yoga, that we hold ourselves to with so many subscribers. */
const MUST_OF_RAW = 0.8;
const AIM_OF_RAW = 1.4;
const MUST_OF_YOGA = 5;
const JUDGED_AT: readonly number[] = [1000, 5000];
/** Bytes of an idle connection; judged where they are most, since what a process takes anyway counts least there. */
const MOST_BYTES = 15_000;

/** Messages delivered, and what one costs. */
export function printThroughput(results: readonly Result[], subscribers: number): void {
  const rates = results.map(({ name, rounds }) => {
    const perSecond = rounds.map(({ count, tookMs }) => (count * subscribers * 1000) / tookMs);
    return { name, rounds, rate: median(perSecond), range: spread(perSecond) };
  });
  const rateOf = (wanted: ContenderName) =>
    rates.find(({ name }) => name === wanted)?.rate ?? Number.NaN;
  const raw = rateOf(RAW);
  const yoga = rateOf(YOGA);
  console.log(`${formatCount(subscribers)} subscribers\n`);
  printTable(
    [
      'contender',
      'messages/s',
      'spread',
      'to raw',
      'to yoga',
      'CPU µs/message',
      'busy: server',
      'load',
      'target',
    ],
    rates.map(({ name, rounds, rate, range }) => [
      name,
      formatCount(rate),
      formatSpread(range),
      formatRatio(rate / raw),
      formatRatio(rate / yoga),
      median(rounds.map(({ count, cpuMicros }) => cpuMicros / count / subscribers)).toFixed(1),
      median(rounds.map(({ cpuMicros, tookMs }) => cpuMicros / tookMs / 1000)).toFixed(2),
      median(rounds.map(({ loadCpuMicros, tookMs }) => loadCpuMicros / tookMs / 1000)).toFixed(2),
      JUDGED_AT.includes(subscribers) ? judge(name, rate / raw, rate / yoga) : '',
    ]),
  );
}

/** From publishing to receipt, at a steady rate. */
export function printLatency(results: readonly Result[]): void {
  const [first] = results;
  const round = first?.latencies[0];
  if (first === undefined || round === undefined) return;
  const { subscribers } = first;
  console.log(
    `From publishing to receipt, ${formatCount(subscribers)} subscribers, ${round.count} messages to each in ${(round.tookMs / 1000).toFixed(1)} s, milliseconds\n`,
  );
  printTable(
    ['contender', 'p50', 'spread', 'p99', 'spread', 'CPU µs/message'],
    results.map(({ name, latencies }) => {
      const p50 = latencies.map(({ p50Ms }) => p50Ms);
      const p99 = latencies.map(({ p99Ms }) => p99Ms);
      const cpu = latencies.map(({ cpuMicros, count }) => cpuMicros / count / subscribers);
      return [
        name,
        median(p50).toFixed(1),
        formatSpread(spread(p50)),
        median(p99).toFixed(1),
        formatSpread(spread(p99)),
        median(cpu).toFixed(1),
      ];
    }),
  );
}

/** What an idle subscriber takes. */
export function printMemory(results: readonly Result[]): void {
  const known = results.filter(({ bytesEach }) => bytesEach !== undefined);
  const most = Math.max(...known.map(({ subscribers }) => subscribers));
  if (known.length === 0) return;
  const sizes = [...new Set(known.map(({ subscribers }) => subscribers))];
  const names = [...new Set(known.map(({ name }) => name))];
  const bytesOf = (name: ContenderName, size: number) =>
    known.find((each) => each.name === name && each.subscribers === size)?.bytesEach;
  console.log('Memory of an idle subscriber, kB of RSS: one of all, and one of the second half\n');
  printTable(
    ['contender', ...sizes.map((size) => `of ${formatCount(size)}`), 'target'],
    names.map((name) => [
      name,
      ...sizes.map((size) => {
        const { all, late } = bytesOf(name, size) ?? { all: Number.NaN, late: Number.NaN };
        return `${(all / 1000).toFixed(1)}, ${(late / 1000).toFixed(1)}`;
      }),
      isOurs(name)
        ? `must ${MOST_BYTES / 1000}: ${isMet(bytesOf(name, most)) ? 'must met' : 'NOT met'}`
        : '',
    ]),
  );
}

function isMet(bytes: BytesEach | undefined): boolean {
  return bytes !== undefined && bytes.all <= MOST_BYTES && bytes.late <= MOST_BYTES;
}

function judge(name: ContenderName, toRaw: number, toYoga: number): string {
  if (!isOurs(name) || Number.isNaN(toRaw) || Number.isNaN(toYoga)) return '';
  const isMust = toRaw >= MUST_OF_RAW && toYoga >= MUST_OF_YOGA;
  const met = !isMust ? 'NOT met' : toRaw >= AIM_OF_RAW ? 'aim met' : 'must met';
  return `must ${MUST_OF_RAW} of raw, ${MUST_OF_YOGA} × yoga, aim ${AIM_OF_RAW} of raw: ${met}`;
}

function isOurs(name: ContenderName): boolean {
  return name.startsWith('millrace');
}

function formatRatio(ratio: number): string {
  return Number.isNaN(ratio) ? '' : ratio.toFixed(2);
}

function formatSpread(share: number): string {
  return `±${(share * 100).toFixed(0)} %`;
}
