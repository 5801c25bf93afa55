import { dateTime, mapGet, mapHas, setHas, sizeOf, walkMap, walkSet } from '../lib/intrinsics.ts';
import type { Run, Work } from './run.ts';
import { isSmall, requireSmall } from './text-of.ts';
import {
  BYTES,
  countParts,
  isDate,
  isKeyed,
  isMap,
  isPlain,
  isSet,
  isTypedArray,
  readOwn,
  refuseProxy,
  requireKey,
} from './values.ts';

/** Texts up to this many characters are compared at once. */
const SHORT_TEXT = 1_024;
/** Of longer ones so many at a time. */
const PIECE_OF_TEXT = 65_536;
/** How many characters are compared in about the time of a step, as a power of 2. */
const CHARACTERS_PER_STEP_LOG2 = 7;

/**
 * Whether two values are equal (`==`), when that can be told at once; `undefined` when their parts have to be looked
 * at. Numbers and bigints are equal by value, null is equal to undefined, NaN to nothing.
 */
export function equalAtOnce(left: unknown, right: unknown): boolean | undefined {
  switch (typeof left) {
    case 'string':
      if (typeof right !== 'string' || left.length !== right.length) return false;
      return left.length > SHORT_TEXT ? undefined : left === right;
    case 'number':
      if (typeof right !== 'number' && typeof right !== 'bigint') return false;
      return left <= right && left >= right;
    case 'bigint':
      if (typeof right === 'bigint' && !isSmall(left)) return isSmall(right) ? false : undefined;
      if (typeof right !== 'number' && typeof right !== 'bigint') return false;
      return left <= right && left >= right;
    case 'undefined':
      return right === undefined || right === null;
    case 'object':
      if (left === right) return true;
      if (left === null) return right === undefined;
      return typeof right === 'object' && right !== null ? undefined : false;
    default:
      return left === right;
  }
}

/** The next two parts that have to be equal; `undefined` after the last. */
type PairWalk = () => readonly [unknown, unknown] | undefined;

/** Pairs that have to be equal and are not. */
const UNEQUAL = [0, 1] as const;
const EQUAL = [0, 0] as const;

/** What it takes to begin to go through the parts of two values. */
const STEPS_PER_WALK = 5;
const WALK_BYTES = 200;

/**
 * Whether two values are equal by content. Goes through them without recursion, and takes a pair that is met again
 * for equal: so it ends with cycles too.
 */
export function* compareContents(
  run: Run,
  at: number,
  left: unknown,
  right: unknown,
): Work<boolean> {
  const met = new Map<object, Set<object>>();
  const walks: PairWalk[] = [];
  let pair: readonly [unknown, unknown] | undefined = [left, right];
  for (;;) {
    if (run.spend(1, at)) yield;
    while (pair === undefined) {
      walks.pop();
      const walk = walks.at(-1);
      if (walk === undefined) return true;
      pair = walk();
    }
    const [one, other] = pair;
    const isEqual = equalAtOnce(one, other);
    if (isEqual === false) return false;
    if (isEqual === undefined && typeof one === 'bigint') requireSmall(run, at, one);
    if (isEqual === undefined && typeof one === 'string' && typeof other === 'string') {
      run.requireSteps(one.length >> CHARACTERS_PER_STEP_LOG2, at);
      for (let from = 0; from < one.length; from += PIECE_OF_TEXT) {
        const to = Math.min(from + PIECE_OF_TEXT, one.length);
        if (run.spend((to - from) >> CHARACTERS_PER_STEP_LOG2, at)) yield;
        if (one.slice(from, to) !== other.slice(from, to)) return false;
      }
    } else if (isEqual === undefined && isNewPair(met, one as object, other as object)) {
      run.spend(STEPS_PER_WALK, at);
      run.allocate(WALK_BYTES, at);
      const walk = walkPair(run, at, one as object, other as object); // `equalAtOnce` leaves no others
      if (walk === undefined) return false;
      walks.push(walk);
    }
    pair = walks.at(-1)?.();
  }
}

function isNewPair(met: Map<object, Set<object>>, one: object, other: object): boolean {
  const others = met.get(one);
  if (others?.has(other)) return false;
  if (others === undefined) met.set(one, new Set([other]));
  else others.add(other);
  return true;
}

/** `undefined` when the two are of different kinds or sizes. */
function walkPair(run: Run, at: number, one: object, other: object): PairWalk | undefined {
  refuseProxy(run, at, one);
  refuseProxy(run, at, other);
  if (isMap(one)) {
    if (!isMap(other) || sizeOf(one) !== sizeOf(other)) return undefined;
    const next = walkMap(one);
    return () => {
      const entry = next();
      if (entry === undefined) return undefined;
      const [key, value] = entry;
      requireKey(run, at, key);
      return mapHas(other, key) ? [value, mapGet(other, key)] : UNEQUAL;
    };
  }
  if (isSet(one)) {
    if (!isSet(other) || sizeOf(one) !== sizeOf(other)) return undefined;
    const next = walkSet(one);
    return () => {
      const entry = next();
      if (entry === undefined) return undefined;
      requireKey(run, at, entry[0]);
      return setHas(other, entry[0]) ? EQUAL : UNEQUAL;
    };
  }
  if (isDate(one)) return isDate(other) ? walkOnce(dateTime(one), dateTime(other)) : undefined;
  const isList = Array.isArray(one);
  if (isList || isTypedArray(one)) {
    const isSameKind = isList ? Array.isArray(other) : isTypedArray(other);
    return isSameKind ? walkLists(run, at, one, other) : undefined;
  }
  if (Array.isArray(other) || isMap(other) || isSet(other) || isDate(other)) return undefined;
  return isKeyed(one) && isKeyed(other) ? walkObjects(run, at, one, other) : undefined;
}

function walkOnce(one: unknown, other: unknown): PairWalk {
  let isDone = false;
  return () => {
    if (isDone) return undefined;
    isDone = true;
    return [one, other];
  };
}

function walkLists(run: Run, at: number, one: object, other: object): PairWalk | undefined {
  const length = countParts(run, at, one) ?? 0;
  if (length !== countParts(run, at, other)) return undefined;
  run.requireSteps(length, at);
  let index = 0;
  return () => {
    if (index === length) return undefined;
    return [readOwn(run, at, one, index), readOwn(run, at, other, index++)];
  };
}

/** Two objects are equal when both are plain, or of one class, and their own keys have equal values. */
function walkObjects(run: Run, at: number, one: object, other: object): PairWalk | undefined {
  const arePlain = isPlain(one) && isPlain(other);
  if (!arePlain && Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return undefined;
  const keys = run.listKeys(one, at);
  if (keys.length !== run.countKeys(other, at)) return undefined;
  // What has no keys may still hold something that can't be seen: an error, a promise.
  if (!arePlain && keys.length === 0) return undefined;
  run.requireSteps(keys.length, at);
  run.allocate(keys.length * BYTES.element, at);
  let index = 0;
  return () => {
    const key = keys[index++];
    if (key === undefined) return undefined;
    if (!Object.hasOwn(other, key)) return UNEQUAL;
    return [readOwn(run, at, one, key), readOwn(run, at, other, key)];
  };
}
