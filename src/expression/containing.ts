import { mapHas, setHas } from '../lib/intrinsics.ts';
import { compareContents, equalAtOnce } from './equality.ts';
import type { Run, Work } from './run.ts';
import { LONGEST_TEXT } from './text-of.ts';
import {
  aType,
  countParts,
  isKeyed,
  isMap,
  isSet,
  isTypedArray,
  readOwn,
  refuseProxy,
  requireKey,
} from './values.ts';

/** Lists and texts up to so many elements are searched at once. */
const SHORT = 64;

/**
 * Whether `sought in container`, when that can be told at once; `undefined` when it needs a search.
 * @throws ExpressionError when nothing can be in the container
 */
export function containsAtOnce(
  run: Run,
  at: number,
  sought: unknown,
  container: unknown,
): boolean | undefined {
  if (typeof container === 'string') {
    if (typeof sought !== 'string') {
      return run.fail('TYPE', at, `A text can only contain a text, not ${aType(sought)}.`);
    }
    if (sought.length > container.length) return false;
    return container.length <= SHORT ? container.includes(sought) : undefined;
  }
  if (typeof container !== 'object' || container === null)
    return refuseContainer(run, at, container);
  refuseProxy(run, at, container);
  if (Array.isArray(container)) return searchShortList(run, at, sought, container);
  requireKey(run, at, sought);
  if (isMap(container)) return mapHas(container, sought);
  if (isSet(container)) return setHas(container, sought);
  if (isTypedArray(container)) return undefined;
  if (!isKeyed(container)) return refuseContainer(run, at, container);
  if (typeof sought === 'string' || typeof sought === 'number')
    return Object.hasOwn(container, sought);
  return run.fail('TYPE', at, `The keys of an object are texts; ${aType(sought)} can't be one.`);
}

function refuseContainer(run: Run, at: number, container: unknown): never {
  const containers = 'a list, an object, a Map, a Set or a text';
  return run.fail(
    'TYPE',
    at,
    `Nothing can be in ${aType(container)}. There must be ${containers}.`,
  );
}

function searchShortList(
  run: Run,
  at: number,
  sought: unknown,
  list: readonly unknown[],
): boolean | undefined {
  if (list.length > SHORT) return undefined;
  run.spend(list.length, at);
  for (let index = 0; index < list.length; index++) {
    const element = readOwn(run, at, list, index);
    const isEqual = equalAtOnce(element, sought);
    if (isEqual !== false) return isEqual;
    if (areNaN(element, sought)) return true;
  }
  return false;
}

/** NaN is equal to nothing, but it is found: in a Set as well as in a list. */
function areNaN(one: unknown, other: unknown): boolean {
  return Number.isNaN(one) && Number.isNaN(other);
}

/** Searches a list or a text from its beginning. */
export function* searchFor(
  run: Run,
  at: number,
  sought: unknown,
  container: unknown,
): Work<boolean> {
  if (typeof container === 'string') return yield* searchText(run, at, String(sought), container);
  const list = container as object; // `containsAtOnce` leaves lists only
  const length = countParts(run, at, list) ?? 0;
  for (let index = 0; index < length; index++) {
    if (run.spend(1, at)) yield;
    const element = readOwn(run, at, list, index);
    const isEqual =
      equalAtOnce(element, sought) ?? (yield* compareContents(run, at, element, sought));
    if (isEqual || areNaN(element, sought)) return true;
  }
  return false;
}

const SHORT_SOUGHT = 16;
const WINDOW = 16_384;

/**
 * JavaScript's own search takes the product of both lengths in the worst case: it is used only for short texts, a
 * window at a time. Long ones are searched for by Knuth, Morris and Pratt's method, which takes the sum.
 */
function* searchText(run: Run, at: number, sought: string, text: string): Work<boolean> {
  if (sought.length > LONGEST_TEXT)
    run.fail('TYPE', at, 'The text that is searched for is too long.');
  run.requireSteps((text.length + sought.length) >> 4, at);
  if (sought.length <= SHORT_SOUGHT) {
    for (let from = 0; from < text.length; from += WINDOW) {
      if (run.spend(WINDOW >> 4, at)) yield;
      if (text.slice(from, from + WINDOW + sought.length).includes(sought)) return true;
    }
    return false;
  }
  run.allocate(sought.length * 4, at);
  // borders[n]: the length of the longest beginning of the first n + 1 characters that is also their end.
  const borders = new Uint32Array(sought.length);
  for (let index = 1, border = 0; index < sought.length; index++) {
    if ((index & 15) === 0 && run.spend(1, at)) yield;
    const unit = sought.charCodeAt(index);
    while (border > 0 && unit !== sought.charCodeAt(border)) border = borders[border - 1] ?? 0;
    if (unit === sought.charCodeAt(border)) border++;
    borders[index] = border;
  }
  for (let index = 0, matched = 0; index < text.length; index++) {
    if ((index & 15) === 0 && run.spend(1, at)) yield;
    const unit = text.charCodeAt(index);
    while (matched > 0 && unit !== sought.charCodeAt(matched)) matched = borders[matched - 1] ?? 0;
    if (unit === sought.charCodeAt(matched)) matched++;
    if (matched === sought.length) return true;
  }
  return false;
}
