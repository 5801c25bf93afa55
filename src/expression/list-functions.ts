import { listElements, listEntries, listKeys } from './elements.ts';
import { type FunctionSpec, long, quick } from './function-spec.ts';
import { readMember } from './members.ts';
import { requireNumber } from './number-functions.ts';
import { sortByKeys } from './ordering.ts';
import type { Run, Work } from './run.ts';
import { textAtOnce } from './text-of.ts';
import { aType, BYTES, countParts, isList, readOwn, refuseProxy, requireKey } from './values.ts';

function countOf(run: Run, at: number, value: unknown): number {
  if (typeof value === 'object' && value !== null) refuseProxy(run, at, value);
  const count = countParts(run, at, value);
  if (count !== undefined) return count;
  const wanted = 'a text, a list, an object, a Map or a Set';
  return run.fail('TYPE', at, `len() needs ${wanted}, not ${aType(value)}.`);
}

function* sorted(
  run: Run,
  at: number,
  list: unknown,
  key: unknown,
  isReverse: unknown = false,
): Work<unknown[]> {
  if (typeof isReverse !== 'boolean') {
    run.fail(
      'TYPE',
      at,
      `The third value of sorted() must be true or false, not ${aType(isReverse)}.`,
    );
  }
  const items = yield* listElements(run, at, list);
  if (key === undefined || key === null) return yield* sortByKeys(run, at, items, items, isReverse);
  if (typeof key !== 'string') {
    const advice = 'the name of the part to sort by, as text';
    return run.fail(
      'TYPE',
      at,
      `The second value of sorted() must be ${advice}, not ${aType(key)}.`,
    );
  }
  requireKey(run, at, key);
  run.allocate(items.length * BYTES.element, at);
  const keys: unknown[] = [];
  for (const item of items) {
    if (run.spend(1, at)) yield;
    keys.push(readMember(run, at, item, key));
  }
  return yield* sortByKeys(run, at, items, keys, isReverse);
}

function* toSet(run: Run, at: number, value: unknown = []): Work<Set<unknown>> {
  const elements = yield* listElements(run, at, value);
  run.allocate(elements.length * BYTES.entry, at);
  const set = new Set<unknown>();
  for (const element of elements) {
    if (run.spend(1, at)) yield;
    requireKey(run, at, element);
    set.add(element);
  }
  return set;
}

function* toObject(run: Run, at: number, value: unknown = []): Work<object> {
  const entries = isList(value)
    ? yield* listPairs(run, at, value)
    : yield* listEntries(run, at, value);
  run.allocate(BYTES.object + entries.length * BYTES.entry, at);
  // Without a prototype, so that `__proto__` is a key as any other.
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, part] of entries) {
    if (run.spend(1, at)) yield;
    const name = typeof key === 'object' ? undefined : textAtOnce(run, at, key);
    if (name === undefined) run.fail('TYPE', at, `The key of an object can't be ${aType(key)}.`);
    requireKey(run, at, name);
    object[name] = part;
  }
  return object;
}

function* listPairs(run: Run, at: number, value: unknown): Work<(readonly [unknown, unknown])[]> {
  const pairs: (readonly [unknown, unknown])[] = [];
  for (const element of yield* listElements(run, at, value)) {
    if (run.spend(1, at)) yield;
    if (!isList(element) || element.length !== 2) {
      return run.fail('TYPE', at, 'dict() needs a list of pairs: [[key, value], …].');
    }
    run.allocate(BYTES.entry, at);
    pairs.push([readOwn(run, at, element, 0), readOwn(run, at, element, 1)]);
  }
  return pairs;
}

function* enumerate(run: Run, at: number, value: unknown, start: unknown = 0): Work<unknown[]> {
  const first = requireNumber(run, at, start, 'enumerate()');
  const elements = yield* listElements(run, at, value);
  run.allocate(elements.length * BYTES.entry, at);
  const pairs: unknown[] = [];
  for (const element of elements) {
    if (run.spend(1, at)) yield;
    pairs.push([first + pairs.length, element]);
  }
  return pairs;
}

function* zip(run: Run, at: number, ...values: readonly unknown[]): Work<unknown[]> {
  const lists: unknown[][] = [];
  for (const value of values) lists.push(yield* listElements(run, at, value));
  const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length));
  run.allocate(length * (BYTES.list + lists.length * BYTES.element), at);
  const rows: unknown[] = [];
  for (let index = 0; index < length; index++) {
    if (run.spend(lists.length, at)) yield;
    rows.push(lists.map((list) => list[index]));
  }
  return rows;
}

function* range(
  run: Run,
  at: number,
  start: unknown,
  end?: unknown,
  step: unknown = 1,
): Work<number[]> {
  const by = 'range()';
  const first = end === undefined ? 0 : requireNumber(run, at, start, by);
  const last = requireNumber(run, at, end === undefined ? start : end, by);
  const width = requireNumber(run, at, step, by);
  const areWhole = [first, last, width].every(Number.isSafeInteger);
  if (!areWhole || width === 0) {
    run.fail('TYPE', at, 'range() needs whole numbers, and a step that is not 0.');
  }
  const length = Math.max(0, Math.ceil((last - first) / width));
  run.allocate(BYTES.list + length * BYTES.element, at);
  run.requireSteps(length, at);
  const numbers: number[] = [];
  for (let index = 0; index < length; index++) {
    if (run.spend(1, at)) yield;
    numbers.push(first + index * width);
  }
  return numbers;
}

function* listOf(run: Run, at: number, value: unknown = []): Work<unknown[]> {
  return yield* listElements(run, at, value);
}

function* listValues(run: Run, at: number, value: unknown): Work<unknown[]> {
  const values: unknown[] = [];
  for (const entry of yield* listEntries(run, at, value)) {
    if (run.spend(1, at)) yield;
    values.push(entry[1]);
  }
  return values;
}

/** The functions that are about lists, objects, Maps and Sets. */
export const LIST_FUNCTIONS: readonly FunctionSpec[] = [
  quick('len', 'value', 'How many elements, keys or characters a value has.', countOf),
  long(
    'list',
    'value?',
    'A list of the elements of a list, a Set or a text, or of the keys of an object.',
    listOf,
  ),
  long('tuple', 'value?', 'The same as list().', listOf),
  long('set', 'value?', 'A Set of the elements: each once.', toSet),
  long('dict', 'value?', 'An object from a list of pairs, a Map or an object.', toObject),
  long(
    'sorted',
    'list, key?, reverse?',
    'A sorted list. With a key its elements are compared by that part: sorted(items, "size").',
    sorted,
  ),
  long(
    'enumerate',
    'list, start?',
    'A list of pairs: the position, from 0 or start, and the element.',
    enumerate,
  ),
  long(
    'zip',
    '...lists',
    'A list of lists: the first elements of each, the second, to the end of the shortest.',
    zip,
  ),
  long(
    'range',
    'start, end?, step?',
    'The whole numbers from start to before end; from 0 with one value.',
    range,
  ),
  long('keys', 'value', 'The keys of an object or a Map.', listKeys),
  long('values', 'value', 'The values of an object or a Map.', listValues),
  long(
    'entries',
    'value',
    'The keys of an object or a Map, each in a pair with its value.',
    listEntries,
  ),
];
