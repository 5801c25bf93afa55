import type { Work } from './flows/work.ts';
import type { SurveyedJob } from './survey.ts';

/** What the jobs of a flow come to. */
interface Outcome {
  /** The items that have to be among the effects, each once at least, and no others. */
  readonly items: readonly number[];
  readonly output: { readonly name: string; readonly values: readonly number[] };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

function summed({ count }: Work): Outcome {
  const items = upTo(count);
  const totals: number[] = [];
  let total = 0;
  for (const item of items) {
    total += item * item;
    if (item % 4 === 0 || item === count) totals.push(total);
  }
  return { items, output: { name: 'total', values: totals } };
}

const passed = (name: string, isTaken: (item: number) => boolean) => (work: Work) => {
  const items = upTo(work.count).filter(isTaken);
  return { items, output: { name, values: items } };
};

const OUTCOMES: Readonly<Record<string, (work: Work) => Outcome>> = {
  summing: summed,
  restarting: summed,
  failing: summed,
  parallel: passed('fetched', () => true),
  retrying: passed('done', (item) => item % 7 !== 0),
  crowded: passed('done', () => true),
  unwritable: passed('done', () => true),
};

export const FLOW_IDS = Object.keys(OUTCOMES);

/** Flows whose jobs begin again after a crash. */
export const BEGINNING_AGAIN = new Set(['restarting', 'unwritable']);

/** Flows of which several items are under way at a time, so that they come out in any order. */
const UNORDERED = new Set(['parallel', 'retrying']);

/** What is wrong with a job that has ended, and with its effects: nothing, in the end. */
export function faultsOf(job: SurveyedJob, work: Work, effects: readonly number[]): string[] {
  const { flowId, status, error, outputs } = job;
  const outcomeOf = OUTCOMES[flowId];
  if (outcomeOf === undefined) return [`unknown flow ${flowId}`];
  const { items, output } = outcomeOf(work);
  const faults: string[] = [];
  const unexpected = effects.filter((item) => !items.includes(item));
  if (unexpected.length > 0) faults.push(`effects of ${unexpected}, which are no items`);
  if (flowId === 'failing' && status === 'FAILED' && error?.code === 'CRASHED') return faults;

  if (status !== 'COMPLETED') faults.push(`${status}: ${error?.code} ${error?.message}`);
  const missing = items.filter((item) => !effects.includes(item));
  if (missing.length > 0) faults.push(`no effects of ${missing}`);
  const values = outputs.find(({ name }) => name === output.name)?.values ?? [];
  const inOrder = UNORDERED.has(flowId) ? values.toSorted((a, b) => Number(a) - Number(b)) : values;
  if (String(inOrder) !== String(output.values)) {
    faults.push(`output ${output.name} is ${inOrder}, not ${output.values}`);
  }
  return faults;
}
