import type { Benchmark } from './harness/benchmark.ts';
import { CONTENDERS, type ContenderName } from './health/contenders.ts';
import { measureSteadyLoad } from './health/steady-load.ts';
import { measureThroughput } from './health/throughput.ts';

const STEADY_LOAD = 'steady load';
/** So long it lasts for each item, in milliseconds: a minute by default. */
const STEADY_MS_PER_ITEM = 3;

export const benchmark: Benchmark = {
  description: `checks of services over HTTP; an item is a check of a round, and ${STEADY_MS_PER_ITEM} ms of the ${STEADY_LOAD}`,
  defaults: { rounds: 7, items: 20_000 },
  async run({ rounds, items, only }) {
    const isAsked = (name: string) => only === undefined || name.includes(only);
    const all = Object.keys(CONTENDERS) as ContenderName[]; // it has no other keys
    const names = all.filter(isAsked);
    if (names.length > 0) await measureThroughput(names, rounds, items);
    if (isAsked(STEADY_LOAD)) await measureSteadyLoad(items * STEADY_MS_PER_ITEM);
  },
};
