import { formatCount, printTable } from '../harness/print.ts';
import type { AskedReport } from './asker.ts';
import type { SeenVisits } from './endpoint.ts';
import type { LoopDelays } from './loop-watch.ts';
import type { Memory, ResponseTimes, WatchReport } from './watching-app.ts';

/** What came to the endpoints of all services with the same interval. */
export interface Beat {
  readonly intervalMs: number;
  readonly durationMs: number;
  readonly ports: SeenVisits['ports'];
}

/** What was seen of one app. */
export interface SteadyResult {
  readonly report: WatchReport;
  readonly endpointLoop: LoopDelays;
  readonly before: Memory;
  readonly after: Memory;
  readonly responseTimes: ResponseTimes;
  readonly asked: readonly AskedReport[];
  readonly beats: readonly Beat[];
}

export interface SteadyResults {
  readonly quiet: SteadyResult;
  readonly busy: SteadyResult;
  readonly durationMs: number;
}

/** The share of checks that are due which must be made. */
const LEAST_DONE = 0.99;
/** How long a check on the same machine may take, in milliseconds. */
const LONGEST_CHECK_MS = 200;
/** By how much memory may grow without being said to. */
const MOST_GROWTH = 1.05;

/** Rows of history go by minutes, so memory says something only after one. */
const MINUTE_MS = 60_000;
/** So many of the failures are printed. */
const MOST_FAILURES = 5;

export function printSteadyLoad({ quiet, busy, durationMs }: SteadyResults): void {
  const services = busy.beats.reduce((sum, { ports }) => sum + ports.length, 0);
  console.log(`Steady load: ${services} services for ${(durationMs / 1000).toFixed(0)} s\n`);
  printBeats(busy);
  printResponseTimes(busy);
  console.log('Small queries meanwhile, 20 a second each; milliseconds\n');
  printQueries(quiet, busy);
  console.log(
    "The app's process: how late its timers are beside those of the endpoints', in ms, and its memory without garbage, in MiB\n",
  );
  printProcess(quiet, busy, durationMs);
}

function printBeats({ beats }: SteadyResult): void {
  console.log(
    'Checks as the endpoints saw them; by how much the time between two differs from the interval, in ms\n',
  );
  printTable(
    ['interval ms', 'services', 'due', 'done', 'share', 'p50', 'p99', 'max', 'target'],
    beats.map(({ intervalMs, durationMs, ports }) => {
      const due = (ports.length * durationMs) / intervalMs;
      const done = ports.reduce((sum, { count }) => sum + count, 0);
      const deviations = ports
        .flatMap(({ gapsMs }) => gapsMs.map((gapMs) => Math.abs(gapMs - intervalMs)))
        .sort((a, b) => a - b);
      return [
        String(intervalMs),
        formatCount(ports.length),
        due.toFixed(0),
        done.toFixed(0),
        (done / due).toFixed(3),
        ...spanOf(deviations),
        verdict(`${LEAST_DONE} done`, done / due >= LEAST_DONE),
      ];
    }),
  );
}

function printResponseTimes({ report, responseTimes }: SteadyResult): void {
  const { checkCount, failedCount, p50Ms, p99Ms, maxMs } = responseTimes;
  console.log('What the checks found; response times in milliseconds\n');
  printTable(
    ['checks', 'failed', 'services not HEALTHY', 'p50', 'p99', 'max', 'target'],
    [
      [
        formatCount(checkCount),
        String(failedCount),
        String(report.unhealthyCount),
        ...[p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)),
        verdict(
          `below ${LONGEST_CHECK_MS} ms, none failed`,
          maxMs < LONGEST_CHECK_MS && failedCount === 0,
        ),
      ],
    ],
  );
}

function printQueries(quiet: SteadyResult, busy: SteadyResult): void {
  printTable(
    ['query', 'services', 'asked', 'failed', 'p50', 'p99', 'max'],
    [quiet, busy].flatMap(({ asked, beats }) =>
      asked.map(({ query, timesMs, failures }) => [
        query,
        beats.length === 0 ? 'none' : 'all',
        formatCount(timesMs.length),
        String(Object.values(failures).reduce((sum, count) => sum + count, 0)),
        ...spanOf(timesMs),
      ]),
    ),
  );
  const failures = [...quiet.asked, ...busy.asked].flatMap((each) => Object.entries(each.failures));
  for (const [failure, count] of failures.slice(0, MOST_FAILURES)) {
    console.log(`${count} × ${failure}`);
  }
}

function printProcess(quiet: SteadyResult, busy: SteadyResult, durationMs: number): void {
  printTable(
    [
      'services',
      'busy',
      'loop p99',
      'max',
      "endpoints' p99",
      'max',
      'RSS before',
      'RSS after',
      'live before',
      'live after',
      'grown',
      'target',
    ],
    [quiet, busy].map(({ report, endpointLoop, before, after, beats }) => {
      const growth = after.live / before.live;
      return [
        beats.length === 0 ? 'none' : 'all',
        report.busy.toFixed(2),
        ...[report.loop, endpointLoop].flatMap(({ p99Ms, maxMs }) => [
          p99Ms.toFixed(1),
          maxMs.toFixed(0),
        ]),
        ...[before.rss, after.rss, before.live, after.live].map(formatMiB),
        `× ${growth.toFixed(2)}`,
        durationMs < MINUTE_MS ? '' : verdict(`× ${MOST_GROWTH}`, growth <= MOST_GROWTH),
      ];
    }),
  );
}

function verdict(must: string, isMet: boolean): string {
  return `must ${must}: ${isMet ? 'must met' : 'NOT met'}`;
}

/** The middle, what 99 of 100 stay below, and the worst. */
function spanOf(sorted: readonly number[]): string[] {
  return [0.5, 0.99, 1].map((share) => {
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
    return (sorted[at] ?? Number.NaN).toFixed(1);
  });
}

function formatMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
