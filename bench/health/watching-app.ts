/* An app, as it is by default, that watches services: each on a port of its own, and so on a connection of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../../src/app.ts';
import type { ServiceConfig } from '../../src/health/service-definition.ts';
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

/** Of all checks since the app is there. */
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
let endLoopWatch: (() => LoopDelays) | undefined;

const listServices = () => app?.health.list({ kinds: ['HTTP'] }) ?? [];

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
  async readResponseTimes(_request: object): Promise<ResponseTimes> {
    let failedCount = 0;
    const readings: DurationReading[] = [];
    for (const { name } of listServices()) {
      const summary = await app?.health.readSummary(name, {});
      if (summary === undefined) continue;
      failedCount += summary.failedCount;
      readings.push(summary.responseTimes);
    }
    const { count, p50Ms = 0, p99Ms = 0, maxMs = 0 } = mergeDurations(readings);
    return { checkCount: count, failedCount, p50Ms, p99Ms, maxMs };
  },
  /** Closes the app. */
  async close(_request: object): Promise<void> {
    await app?.close();
  },
};

export type WatchingAppTasks = typeof tasks;

answerParent(tasks);
