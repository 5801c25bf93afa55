import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Benchmark } from './harness/benchmark.ts';
import { describeMachine } from './harness/print.ts';

/**
 * `npm run bench` runs every benchmark, `npm run bench -- engine` one, `npm run bench -- --list` none.
 * A benchmark is a file `bench/<name>.ts` that exports `benchmark`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    items: { type: 'string' },
    only: { type: 'string' },
    subscribers: { type: 'string' },
  },
});

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

async function load(name: string): Promise<Benchmark> {
  const module = (await import(`./${name}.ts`)) as { readonly benchmark: Benchmark }; // the rule above
  return module.benchmark;
}

function readCount(option: 'rounds' | 'items' | 'subscribers', text = values[option]) {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  console.error(`--${option} is "${text}", must be a whole number from 1.`);
  process.exit(2);
}

const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No benchmark "${unknown.join('", "')}". There are: ${names.join(', ')}.`);
  process.exit(2);
}

console.log(`Benchmarks: ${names.join(', ')}`);
console.log(`${describeMachine()}\n`);
for (const name of positionals.length > 0 ? positionals : names) {
  const { description, defaults, run } = await load(name);
  console.log(`# ${name}: ${description}\n`);
  if (values.list) continue;
  const rounds = readCount('rounds') ?? defaults.rounds;
  const items = readCount('items') ?? defaults.items;
  const subscribers = values.subscribers
    ?.split(',')
    .flatMap((text) => readCount('subscribers', text) ?? []);
  await run({ rounds, items, only: values.only, subscribers });
}
