import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild, type Tasks } from '../harness/child.ts';
import type { AskedReport, AskerTasks } from './asker.ts';
import type { EndpointTasks } from './endpoint.ts';
import { type Beat, printSteadyLoad, type SteadyResult } from './steady-tables.ts';
import type { Memory, WatchedEndpoint, WatchingAppTasks } from './watching-app.ts';

/** What is watched: so many services, each so often. */
const WATCHED = [
  { count: 1000, intervalMs: 1000 },
  { count: 10, intervalMs: 50 },
] as const;
/** Goes on for so long before anything is measured, or a sixth of that in shorter runs, in milliseconds. */
const WARM_UP_MS = 10_000;

/** So long nothing is measured after the app was held up to be looked at, in milliseconds. */
const SETTLE_MS = 2_000;

/** An app that watches nothing, and then one that watches services, each asked small queries meanwhile. */
export async function measureSteadyLoad(durationMs: number): Promise<void> {
  const quiet = await watch([], durationMs / 3);
  const busy = await watch(WATCHED, durationMs);
  printSteadyLoad({ quiet, busy, durationMs });
}

async function watch(
  watched: readonly { readonly count: number; readonly intervalMs: number }[],
  durationMs: number,
): Promise<SteadyResult> {
  const children: Child<Tasks>[] = [];
  const start = async <T extends Tasks>(file: string): Promise<Child<T>> => {
    const child = await startChild<T>(new URL(`./${file}`, import.meta.url));
    children.push(child);
    return child;
  };
  try {
    const endpoint = await start<EndpointTasks>('endpoint.ts');
    const app = await start<WatchingAppTasks>('watching-app.ts');
    const asker = await start<AskerTasks>('asker.ts');

    const intervals = watched.flatMap(({ count, intervalMs }) =>
      Array.from({ length: count }, () => intervalMs),
    );
    const ports = await endpoint.ask('open', { count: intervals.length });
    const endpoints = intervals.map((intervalMs, at): WatchedEndpoint => {
      const port = ports[at] ?? Number.NaN; // as many as were asked for
      return { port, intervalMs };
    });
    const port = await app.ask('start', { endpoints });
    await asker.ask('connect', { port });
    await asker.ask('begin', {});
    await sleep(Math.min(WARM_UP_MS, durationMs / 6));
    await asker.ask('end', {});

    const before: Memory = await app.ask('readMemory', {});
    await sleep(SETTLE_MS);
    await app.ask('beginResponseTimes', {});
    await sleep(SETTLE_MS);
    await app.ask('begin', {});
    await endpoint.ask('begin', {});
    await asker.ask('begin', {});
    await sleep(durationMs);
    const asked: AskedReport[] = await asker.ask('end', {});
    const seen = await endpoint.ask('end', {});
    const report = await app.ask('end', {});
    const responseTimes = await app.ask('endResponseTimes', {});
    const after: Memory = await app.ask('readMemory', {});
    await app.ask('close', {});

    const beats = watched.map(({ intervalMs }): Beat => {
      const ports = seen.ports.filter((_, at) => intervals[at] === intervalMs);
      return { intervalMs, durationMs: seen.durationMs, ports };
    });
    return { report, endpointLoop: seen.loop, before, after, responseTimes, asked, beats };
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}
