import { formatCount, printTable } from '../harness/print.ts';
import type { GoodClientReport } from './good-client.ts';
import type { ServerReport } from './server.ts';

/** What was seen during one attack. */
export interface Result {
  readonly name: string;
  /** What became of the attacker's tries. */
  readonly became: Readonly<Record<string, number>>;
  readonly seen: GoodClientReport;
  readonly server: ServerReport;
  /** Without garbage, in bytes. */
  readonly memoryBefore: number;
  readonly memoryAfter: number;
}

/** By how many times the 99th percentile may grow. */
const MOST_GROWTH = 10;

/** What the good client saw, and what the server's process did. The first result is of when nobody attacks. */
export function printGoodClient(results: readonly Result[]): void {
  const quietMs = percentile(results[0]?.seen.requestsMs ?? [], 0.99);
  console.log('What a good client asks, 50 times a second, and the events it gets; milliseconds\n');
  printTable(
    [
      'attack',
      'asked',
      'failed',
      'p50',
      'p99',
      'max',
      'bystander p99',
      'events',
      'lost',
      'p50',
      'p99',
      'max',
      'target',
    ],
    results.map(({ name, seen }) => {
      const { requestsMs, bystanderMs, eventsMs, lost } = seen;
      const failed = countFailures(seen);
      const growth = percentile(requestsMs, 0.99) / quietMs;
      const isMet = failed === 0 && lost === 0 && growth <= MOST_GROWTH;
      return [
        name,
        formatCount(requestsMs.length + failed),
        String(failed),
        ...spanOf(requestsMs),
        percentile(bystanderMs, 0.99).toFixed(1),
        formatCount(eventsMs.length),
        String(lost),
        ...spanOf(eventsMs),
        `p99 × ${growth.toFixed(1)}, must ${MOST_GROWTH}, none failed: ${isMet ? 'must met' : 'NOT met'}`,
      ];
    }),
  );
  for (const { name, seen } of results) {
    for (const [failure, count] of Object.entries(seen.failures)) {
      console.log(`${name}: ${count} × ${failure}`);
    }
  }
  console.log("The server's process; memory in MiB\n");
  printTable(
    ['attack', 'busy', 'loop p99 ms', 'loop max ms', 'memory before', 'most', 'after'],
    results.map(({ name, server, memoryBefore, memoryAfter }) => [
      name,
      server.busy.toFixed(2),
      server.loopP99Ms.toFixed(1),
      server.loopMaxMs.toFixed(0),
      formatMiB(memoryBefore),
      formatMiB(server.mostMemory),
      formatMiB(memoryAfter),
    ]),
  );
}

/** What became of the attackers. */
export function printAttackers(results: readonly Result[]): void {
  console.log('What became of the attackers\n');
  printTable(
    ['attack', 'became', 'times'],
    results.flatMap(({ name, became }) =>
      Object.entries(became).map(([what, count]) => [name, what, formatCount(count)]),
    ),
  );
}

function countFailures({ failures }: GoodClientReport): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

/** The middle, what 99 of 100 stay below, and the worst. */
function spanOf(sorted: readonly number[]): string[] {
  return [0.5, 0.99, 1].map((share) => percentile(sorted, share).toFixed(1));
}

function percentile(sorted: readonly number[], share: number): number {
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return sorted[at] ?? Number.NaN;
}

function formatMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
