/* An app, as it is by default, that watches services: each on a port of its own, and so on a connection of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../../src/app.ts';
import type { ServiceConfig } from '../../src/health/service-definition.ts';
import { Histogram, type HistogramSnapshot } from '../../src/lib/histogram.ts';
import { mergeDurations } from '../../src/monitoring/durations.ts';
import type { DurationReading } from '../../src/monitoring/readings.ts';
import { answerParent } from '../harness/child.ts';
import { collectGarbage } from '../harness/rounds.ts';
import { type LoopDelays, NOT_WATCHED, watchLoop } from './loop-watch.ts';

export interface WatchedEndpoint {
  readonly port: number;
  readonly intervalMs: number;
}

/** What the process has without garbage, in bytes. */
export interface Memory {
  readonly rss: number;
  /** The heap, and what belongs to its objects outside of it. */
  readonly live: number;
}

export interface WatchReport {
  /** Processor time by the time that passed. */
  readonly busy: number;
  readonly loop: LoopDelays;
  /** Services that are not HEALTHY. */
  readonly unhealthyCount: number;
}

/** Response times in milliseconds, to within 3 %. */
export interface ResponseTimes {
  readonly checkCount: number;
  readonly failedCount: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-health-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

const configure = ({ port, intervalMs }: WatchedEndpoint): ServiceConfig => ({
  name: `service-${port}`,
  url: `http://127.0.0.1:${port}/health`,
  intervalMs,
  conditions: ['body.status == "ok"'],
  degradedAboveMs: 1000,
});

let app: App | undefined;
let cpu = process.cpuUsage();
let startMs = performance.now();
let historyBefore = { failedCount: 0, responseTimes: new Histogram().toSnapshot() };
let endLoopWatch: (() => LoopDelays) | undefined;

const listServices = () => app?.health.list({ kinds: ['HTTP'] }) ?? [];

/** What the history has of all services together. */
async function readHistory() {
  let failedCount = 0;
  const readings: DurationReading[] = [];
  for (const { name } of listServices()) {
    const summary = await app?.health.readSummary(name, {});
    if (summary === undefined) continue;
    failedCount += summary.failedCount;
    readings.push(summary.responseTimes);
  }
  return { failedCount, responseTimes: mergeDurations(readings).histogram };
}

/** What was counted after the first and up to the second. */
function subtract(before: HistogramSnapshot, after: HistogramSnapshot): Histogram {
  const buckets = Object.entries(after.buckets).map(
    ([bucket, count]) => [bucket, count - (before.buckets[Number(bucket)] ?? 0)] as const,
  );
  return Histogram.fromSnapshot({
    ...after,
    count: after.count - before.count,
    buckets: Object.fromEntries(buckets),
  });
}

const tasks = {
  /** Begins to watch; answers where queries are to be asked. */
  async start({ endpoints }: { readonly endpoints: readonly WatchedEndpoint[] }): Promise<number> {
    app = await createApp({
      flows: [],
      database: `sqlite:${join(directory, 'app.db')}`,
      health: { services: endpoints.map(configure) },
    });
    return (await app.listen({ port: 0 })).port;
  },
  readMemory(_request: object): Memory {
    collectGarbage();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, live: heapUsed + external };
  },
  /** Begins to note how the process is. */
  begin(_request: object) {
    endLoopWatch = watchLoop();
    cpu = process.cpuUsage();
    startMs = performance.now();
  },
  /** How it was since then. */
  end(_request: object): WatchReport {
    const { user, system } = process.cpuUsage(cpu);
    const busy = (user + system) / 1000 / (performance.now() - startMs);
    const unhealthyCount = listServices().filter(({ status }) => status !== 'HEALTHY').length;
    return { busy, loop: endLoopWatch?.() ?? NOT_WATCHED, unhealthyCount };
  },
  /** What checks find is noted from here on. Holds the process up a little. */
  async beginResponseTimes(_request: object) {
    historyBefore = await readHistory();
  },
  async endResponseTimes(_request: object): Promise<ResponseTimes> {
    const { failedCount, responseTimes } = await readHistory();
    const times = subtract(historyBefore.responseTimes, responseTimes);
    const percentile = (share: number) => times.percentileMs(share) ?? Number.NaN;
    return {
      checkCount: times.count,
      failedCount: failedCount - historyBefore.failedCount,
      p50Ms: percentile(0.5),
      p99Ms: percentile(0.99),
      maxMs: percentile(1),
    };
  },
  /** Closes the app. */
  async close(_request: object): Promise<void> {
    await app?.close();
  },
};

export type WatchingAppTasks = typeof tasks;

answerParent(tasks);
