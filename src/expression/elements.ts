import { walkMap, walkSet } from '../lib/intrinsics.ts';
import type { Run, Work } from './run.ts';
import {
  aType,
  BYTES,
  countParts,
  isDate,
  isKeyed,
  isMap,
  isPromise,
  isSet,
  isTypedArray,
  readOwn,
  refuseProxy,
} from './values.ts';

const KEYED = 'an object or a Map';

/** Goes through the parts of a value, in order. */
interface Walk<Part> {
  readonly size: number;
  /** `undefined` after the last. */
  readonly next: () => Part | undefined;
}

/**
 * The elements of a value in a new list: those of a list or a Set, the characters of a text, the keys of a Map or an
 * object.
 * @throws ExpressionError when it has none
 */
export function* listElements(run: Run, at: number, value: unknown): Work<unknown[]> {
  const bytes = typeof value === 'string' ? BYTES.element + BYTES.text : BYTES.element;
  return yield* listFirsts(run, at, walkElements(run, at, value), bytes);
}

/** The keys of an object or a Map, in a new list. @throws ExpressionError when it has none */
export function* listKeys(run: Run, at: number, value: unknown): Work<unknown[]> {
  return yield* listFirsts(run, at, walkKeys(run, at, value, KEYED));
}

function* listFirsts(
  run: Run,
  at: number,
  { size, next }: Walk<readonly [unknown, unknown?]>,
  bytes: number = BYTES.element,
): Work<unknown[]> {
  run.requireSteps(size, at);
  run.allocate(BYTES.list + size * bytes, at);
  const elements: unknown[] = [];
  for (let part = next(); part !== undefined; part = next()) {
    if (run.spend(1, at)) yield;
    elements.push(part[0]);
  }
  return elements;
}

/**
 * The keys of an object or a Map with their values, in a new list.
 * @throws ExpressionError when it has none
 */
export function* listEntries(
  run: Run,
  at: number,
  value: unknown,
): Work<(readonly [unknown, unknown])[]> {
  const { size, next } = walkEntries(run, at, value);
  run.requireSteps(size, at);
  run.allocate(BYTES.list + size * BYTES.entry, at);
  const entries: (readonly [unknown, unknown])[] = [];
  for (let entry = next(); entry !== undefined; entry = next()) {
    if (run.spend(1, at)) yield;
    entries.push(entry);
  }
  return entries;
}

function walkElements(run: Run, at: number, value: unknown): Walk<readonly [unknown, unknown?]> {
  if (typeof value === 'string') return walkIndexes(value.length, (index) => [value[index]]);
  const elements = 'a list, a Set, a text, an object or a Map';
  const object = requireObject(run, at, value, elements);
  if (isSet(object)) return { size: countParts(run, at, object) ?? 0, next: walkSet(object) };
  if (Array.isArray(object) || isTypedArray(object)) {
    return walkIndexes(countParts(run, at, object) ?? 0, (index) => [
      readOwn(run, at, object, index),
    ]);
  }
  return walkKeys(run, at, object, elements);
}

function walkKeys(
  run: Run,
  at: number,
  value: unknown,
  wanted: string,
): Walk<readonly [unknown, unknown?]> {
  const object = requireKeyed(run, at, value, wanted);
  if (isMap(object)) return { size: countParts(run, at, object) ?? 0, next: walkMap(object) };
  const keys = run.listKeys(object, at);
  return walkIndexes(keys.length, (index) => [keys[index]]);
}

function walkEntries(run: Run, at: number, value: unknown): Walk<readonly [unknown, unknown]> {
  const object = requireKeyed(run, at, value, KEYED);
  if (isMap(object)) return { size: countParts(run, at, object) ?? 0, next: walkMap(object) };
  const keys = run.listKeys(object, at);
  return walkIndexes(keys.length, (index) => {
    const key = keys[index] ?? '';
    return [key, readOwn(run, at, object, key)];
  });
}

function walkIndexes<Part>(size: number, read: (index: number) => Part): Walk<Part> {
  let index = 0;
  return { size, next: () => (index < size ? read(index++) : undefined) };
}

/** Whether the parts of a value are named by keys. */
function requireKeyed(run: Run, at: number, value: unknown, wanted: string): object {
  const object = requireObject(run, at, value, wanted);
  const isOther = Array.isArray(object) || isSet(object) || isDate(object) || isPromise(object);
  return isOther || !isKeyed(object) ? refuse(run, at, value, wanted) : object;
}

function requireObject(run: Run, at: number, value: unknown, wanted: string): object {
  if (typeof value !== 'object' || value === null) return refuse(run, at, value, wanted);
  refuseProxy(run, at, value);
  return value;
}

function refuse(run: Run, at: number, value: unknown, wanted: string): never {
  return run.fail('TYPE', at, `There must be ${wanted} here, not ${aType(value)}.`);
}
