import { type Child, startChild } from '../harness/child.ts';
import { formatCount, printTable } from '../harness/print.ts';
import { type Contender, measureInTurn, median, spread } from '../harness/rounds.ts';
import { judge, type Target } from '../storage/verdict.ts';
import { type Checker, CONCURRENCY, CONTENDERS, type ContenderName } from './contenders.ts';
import type { EndpointTasks } from './endpoint.ts';

const REFERENCE: ContenderName = 'Pool.request + text';
/** Shares of the reference's rate that we hold ourselves to. */
const TARGET: Target = { must: 0.6, aim: 0.8, isShare: true };
const WARM_UPS = 2;

/** Processor time that a round took, in microseconds. */
interface Cost {
  readonly own: number;
  readonly endpoint: number;
}

/** Checks made as fast as it goes, fifty at a time, all contenders in this process. */
export async function measureThroughput(
  names: readonly ContenderName[],
  rounds: number,
  checks: number,
): Promise<void> {
  const endpoint = await startChild<EndpointTasks>(new URL('./endpoint.ts', import.meta.url));
  const checkers: Checker[] = [];
  try {
    const [port] = await endpoint.ask('open', { count: 1 });
    const costs = new Map<string, Cost[]>();
    const contenders: Contender[] = [];
    for (const name of names) {
      const checker = await CONTENDERS[name](`http://127.0.0.1:${port}`);
      checkers.push(checker);
      const own: Cost[] = [];
      costs.set(name, own);
      contenders.push({
        name,
        run: async () => void own.push(await measureCost(checker, checks, endpoint)),
      });
    }
    const measurements = await measureInTurn(contenders, rounds, WARM_UPS);
    const results = measurements.map(({ name, timesMs }) => ({
      name,
      timesMs,
      costs: costs.get(name)?.slice(WARM_UPS) ?? [],
    }));
    print(results, rounds, checks);
  } finally {
    for (const checker of checkers) await checker.close();
    await endpoint.stop();
  }
}

interface Result {
  readonly name: string;
  readonly timesMs: readonly number[];
  readonly costs: readonly Cost[];
}

async function measureCost(
  checker: Checker,
  checks: number,
  endpoint: Child<EndpointTasks>,
): Promise<Cost> {
  const endpointBefore = await endpoint.ask('readCpu', {});
  const before = process.cpuUsage();
  let left = checks;
  const checkOn = async (lane: number) => {
    while (left-- > 0) await checker.check(lane);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, (_, lane) => checkOn(lane)));
  const { user, system } = process.cpuUsage(before);
  return { own: user + system, endpoint: (await endpoint.ask('readCpu', {})) - endpointBefore };
}

function print(results: readonly Result[], rounds: number, checks: number): void {
  const reference = results.find(({ name }) => name === REFERENCE);
  console.log(
    `${formatCount(checks)} checks, ${CONCURRENCY} at a time, ${rounds} rounds in turn, medians\n`,
  );
  printTable(
    [
      'contender',
      'checks/s',
      'spread',
      'to reference',
      'CPU µs/check',
      'busy',
      'endpoint',
      'target',
    ],
    results.map(({ name, timesMs, costs }) => {
      const busy = (of: keyof Cost) =>
        median(costs.map((cost, at) => cost[of] / 1000 / (timesMs[at] ?? Number.NaN))).toFixed(2);
      // Of rounds that stood side by side: what disturbs the machine disturbs both.
      const ratio = median(
        timesMs.map((timeMs, at) => (reference?.timesMs[at] ?? Number.NaN) / timeMs),
      );
      return [
        name,
        formatCount((checks * 1000) / median(timesMs)),
        `±${(spread(timesMs) * 100).toFixed(0)} %`,
        Number.isNaN(ratio) ? '' : ratio.toFixed(2),
        median(costs.map(({ own }) => own / checks)).toFixed(1),
        busy('own'),
        busy('endpoint'),
        name.startsWith('Millrace') && !Number.isNaN(ratio) ? judge(ratio, TARGET) : '',
      ];
    }),
  );
}
