import { createHash } from 'node:crypto';
import type { FlowRoutine } from '../engine/index.ts';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { RecordedItem } from './recorded-items.ts';

/** How the items of an activation are changed before it runs again. Their numbers are their places, from 0. */
export interface ItemEdits {
  /** Items that get other values. */
  readonly replace: readonly { readonly index: number; readonly value: unknown }[];
  /** Items that are left out. */
  readonly drop: readonly number[];
  /** Items that come behind all others. */
  readonly add: readonly RecordedItem[];
}

/** Names edits by what they are; `undefined` for none. */
export function hashEdits(edits: ItemEdits): string | undefined {
  const { replace, drop, add } = edits;
  if (replace.length + drop.length + add.length === 0) return undefined;
  return createHash('sha256')
    .update(JSON.stringify([replace, drop, add]))
    .digest('hex');
}

/**
 * The items as they are when they were edited.
 * @throws ValidationError with every fault of the edits, or when the routine would not be run on what comes of them
 */
export function editItems(
  items: readonly RecordedItem[],
  edits: ItemEdits,
  routine: Pick<FlowRoutine, 'id' | 'slots' | 'policy'>,
): RecordedItem[] {
  const issues = [...findWrongNumbers(items.length, edits), ...findWrongSlots(edits, routine)];
  if (issues.length > 0) throw new ValidationError(issues);
  const values = new Map(edits.replace.map(({ index, value }) => [index, value]));
  const dropped = new Set(edits.drop);
  const edited = items
    .map(({ slot, value }, at) => ({ slot, value: values.has(at) ? values.get(at) : value }))
    .filter((_, at) => !dropped.has(at));
  const all = [...edited, ...edits.add];
  const fault = findMisfit(all, routine);
  if (fault !== undefined) throw new ValidationError([{ path: ['input'], message: fault }]);
  return all;
}

function findWrongNumbers(count: number, { replace, drop }: ItemEdits): Issue[] {
  const named = [
    ...replace.map(({ index }, at) => ({ index, path: ['input', 'replace', at, 'index'] })),
    ...drop.map((index, at) => ({ index, path: ['input', 'drop', at] })),
  ];
  const met = new Set<number>();
  return named.flatMap(({ index, path }): Issue[] => {
    if (index >= count) {
      const known = count === 0 ? 'no items' : `${count}, numbered from 0`;
      return [{ path, message: `There is no item ${index}: the activation took ${known}.` }];
    }
    if (met.has(index)) return [{ path, message: `Item ${index} is edited twice.` }];
    met.add(index);
    return [];
  });
}

function findWrongSlots(
  { add }: ItemEdits,
  { id, slots }: Pick<FlowRoutine, 'id' | 'slots'>,
): Issue[] {
  const names = slots.map(({ name }) => name);
  return add.flatMap(({ slot }, at): Issue[] => {
    if (names.includes(slot)) return [];
    const near = nearestName(slot, names);
    const known = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`;
    const advice = near === undefined ? known : `Did you mean "${near}"?`;
    const message = `Routine "${id}" has no slot "${slot}". ${advice}`;
    return [{ path: ['input', 'add', at, 'slot'], message }];
  });
}

/** Why the routine can't be run on these items, which its policy would never take; `undefined` when it can. */
function findMisfit(
  items: readonly RecordedItem[],
  { id, slots, policy }: Pick<FlowRoutine, 'id' | 'slots' | 'policy'>,
): string | undefined {
  if (slots.length === 0) return undefined;
  const countOf = (name: string) => items.filter(({ slot }) => slot === name).length;
  const gone = items.find(({ slot }) => slots.every(({ name }) => name !== slot));
  if (gone !== undefined)
    return `Routine "${id}" has no slot "${gone.slot}" any more: its flow was changed. Run the whole job again.`;
  if (items.length === 0)
    return `No item is left to run routine "${id}" on. Leave one, or add one.`;
  if (policy.shape === 'one' && items.length > 1)
    return `Routine "${id}" takes one item at a time (policy ${policy.name}): these are ${items.length}.`;
  const wrong = policy.shape === 'each' && slots.find(({ name }) => countOf(name) !== 1);
  if (wrong)
    return `Routine "${id}" takes one item of each slot (policy ${policy.name}): of "${wrong.name}" there would be ${countOf(wrong.name)}.`;
  return undefined;
}
