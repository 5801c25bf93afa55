import type { AttackerTasks } from './abuse/attacker.ts';
import { ATTACKS } from './abuse/attacks.ts';
import type { BystanderTasks } from './abuse/bystander.ts';
import type { GoodClientTasks } from './abuse/good-client.ts';
import type { AttackedTasks } from './abuse/server.ts';
import { printAttackers, printGoodClient, type Result } from './abuse/tables.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { type Child, startChild, type Tasks } from './harness/child.ts';

/** For how long the good client asks before anything is measured, in milliseconds. */
const WARM_UP_MS = 3000;
const QUIET = 'nobody';

interface Parts {
  readonly server: Child<AttackedTasks>;
  readonly goodClient: Child<GoodClientTasks>;
}

export const benchmark: Benchmark = {
  description:
    'a good client of a server while others attack it; an item is a millisecond of an attack',
  defaults: { rounds: 1, items: 8000 },
  async run({ rounds, items, only }) {
    const names = Object.keys(ATTACKS).filter((name) => only === undefined || name.includes(only));
    const children: Child<Tasks>[] = [];
    const start = async <T extends Tasks>(file: string): Promise<Child<T>> => {
      const child = await startChild<T>(new URL(`./abuse/${file}`, import.meta.url));
      children.push(child);
      return child;
    };
    try {
      const server = await start<AttackedTasks>('server.ts');
      const bystander = await start<BystanderTasks>('bystander.ts');
      const goodClient = await start<GoodClientTasks>('good-client.ts');
      const attacker = await start<AttackerTasks>('attacker.ts');
      const { port, jobId, goodKey, attackerKey } = await server.ask('describe', {});
      const { port: bystanderPort } = await bystander.ask('describe', {});
      await goodClient.ask('connect', { port, bystanderPort, key: goodKey, jobId });
      const parts = { server, goodClient };
      const rest = (durationMs: number) => async () => {
        await new Promise((resolve) => setTimeout(resolve, durationMs));
        return {};
      };
      await measure(parts, QUIET, rest(WARM_UP_MS));
      let attacks = 0;
      for (let round = 0; round < rounds; round++) {
        const results = [await measure(parts, QUIET, rest(items))];
        for (const name of names) {
          // One of its own for each, so that none pays for what the one before it asked for.
          const address = `127.0.0.${2 + (attacks++ % 250)}`;
          const durationMs = items * (ATTACKS[name]?.patience ?? 1);
          const target = { port, jobId, key: attackerKey, address, durationMs };
          results.push(await measure(parts, name, () => attacker.ask('attack', { name, target })));
        }
        printGoodClient(results);
        printAttackers(results);
      }
    } finally {
      await Promise.all(children.map((child) => child.stop()));
    }
  },
};

/** How the good client and the server fare during an attack. */
async function measure(
  { server, goodClient }: Parts,
  name: string,
  attack: () => Promise<Readonly<Record<string, number>>>,
): Promise<Result> {
  const memoryBefore = await server.ask('readMemory', {});
  await server.ask('watch', {});
  await goodClient.ask('begin', {});
  const became = await attack();
  const report = await server.ask('report', {});
  const seen = await goodClient.ask('end', { lastSequence: report.lastSequence });
  const memoryAfter = await server.ask('readMemory', {});
  return { name, became, seen, server: report, memoryBefore, memoryAfter };
}
