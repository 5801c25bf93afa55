import { CONDITIONS, type Condition, makeContenders } from './expression/contenders.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { formatCount, printTable } from './harness/print.ts';
import { measureInTurn, median, spread } from './harness/rounds.ts';

/** What we hold ourselves to for the first condition, a second, budget counted. */
const MUST = 2e6;
const AIM = 4.2e6;

export const benchmark: Benchmark = {
  description: 'conditions of breakpoints; an item is one evaluation',
  defaults: { rounds: 5, items: 200_000 },
  async run({ rounds, items, only }) {
    console.log(
      `${formatCount(items)} evaluations, ${rounds} rounds in turn after 2 of warm-up, medians; ` +
        'jexl and cel-js do a tenth of them, or a hundredth where each parses\n',
    );
    for (const condition of CONDITIONS) await measure(condition, rounds, items, only);
    console.log(
      `The first has to reach ${formatCount(MUST)}/s, and aims at ${formatCount(AIM)}/s.\n`,
    );
  },
};

async function measure(
  condition: Condition,
  rounds: number,
  items: number,
  only: string | undefined,
): Promise<void> {
  const contenders = makeContenders(condition, items).filter(
    ({ name }) => only === undefined || name.includes(only),
  );
  const rates = (await measureInTurn(contenders, rounds)).map(({ name, timesMs }, at) => {
    const evaluations = contenders[at]?.evaluations ?? Number.NaN;
    return { name, perSecond: (evaluations * 1000) / median(timesMs), range: spread(timesMs) };
  });
  const own = rates.find(({ name }) => name.startsWith('millrace'))?.perSecond ?? Number.NaN;
  console.log(`## ${condition.text}\n`);
  printTable(
    ['contender', 'evaluations/s', 'ns each', 'spread', 'Millrace to it'],
    rates.map(({ name, perSecond, range }) => [
      name,
      formatCount(perSecond),
      (1e9 / perSecond).toFixed(0),
      `±${(range * 100).toFixed(0)} %`,
      (own / perSecond).toFixed(2),
    ]),
  );
}
