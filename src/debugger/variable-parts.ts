import { types } from 'node:util';
import { ValidationError } from '../lib/domain-error.ts';
import {
  elementOf,
  entriesOf,
  GETTER,
  hasReadableStack,
  isError,
  lengthOf,
  mapGet,
  mapHas,
  readData,
  sizeOf,
  valuesOf,
} from '../lib/intrinsics.ts';
import { OwnKeys } from '../lib/own-keys.ts';
import { cutText, preview } from '../lib/preview.ts';

/** A key of an object or a map, or a position in a list, a map, a set or a typed array. */
export type Step = string | number;

/** A part of a value. */
export interface Part {
  /** Leads to it from what it is part of. */
  readonly step: Step;
  /** As people are shown it. */
  readonly name: string;
  /** What it is under in its whole: position, key of an object, or key of a map, which may be any value. */
  readonly key: unknown;
  /** `GETTER` for what is not to be read. */
  readonly value: unknown;
  /** Whether something else can be put in its place, without more ado. */
  readonly isWritable: boolean;
}

/** The parts of a value. Nothing of the value is run. */
export interface Parts {
  /** How many there are. For an object its keys are listed for that. */
  count(): number;
  /** Those from position `from` up to, and without, `to`; maps and sets are walked up to there. */
  slice(from: number, to: number): Part[];
  /** The one that a step leads to. */
  find(step: Step): Part | undefined;
}

/** Keys that are longer are shown cut, and lead nowhere: an answer must not get as long as a key may be. */
const LONGEST_KEY = 1000;
const LONGEST_NAME = 300;

/** What an error has that is not listed by its keys. */
const OF_ERRORS = ['name', 'message', 'code', 'cause', 'errors', 'stack'];

/**
 * The parts of a value: elements of lists, typed arrays, maps and sets, and of all other objects the properties of their
 * own. Dates, functions, proxies and what is no object have none.
 * @param keys lists the keys of objects, all unless given. What it does not list any more makes `count` and `slice` throw
 * @throws ValidationError not here, but by the parts, when too many keys were listed before
 */
export function partsOf(value: unknown, keys = new OwnKeys(Number.POSITIVE_INFINITY)): Parts {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return NO_PARTS;
  if (Array.isArray(value)) return partsOfList(value);
  if (types.isTypedArray(value)) return partsOfTypedArray(value);
  if (types.isMap(value)) return partsOfMap(value);
  if (types.isSet(value)) return partsOfSet(value);
  if (types.isDate(value) || types.isBoxedPrimitive(value)) return NO_PARTS;
  return isError(value) ? partsOfError(value, keys) : partsOfObject(value, keys);
}

/** Whether a value has its parts by position, and not by key. */
export function hasPositions(value: unknown): boolean {
  return Array.isArray(value) || types.isTypedArray(value) || types.isSet(value);
}

const NO_PARTS: Parts = { count: () => 0, slice: () => [], find: () => undefined };

function partsOfList(list: readonly unknown[]): Parts {
  return byPosition(
    () => list.length,
    (at) => {
      const isWritable = Object.getOwnPropertyDescriptor(list, at)?.writable === true;
      return partAt(at, elementOf(list, at), isWritable);
    },
  );
}

function partsOfTypedArray(view: NodeJS.TypedArray): Parts {
  return byPosition(
    () => lengthOf(view),
    (at) => partAt(at, view[at], false),
  );
}

function byPosition(count: () => number, read: (at: number) => Part): Parts {
  return {
    count,
    slice: (from, to) => {
      const parts: Part[] = [];
      for (let at = from; at < Math.min(to, count()); at++) parts.push(read(at));
      return parts;
    },
    find: (step) => {
      const at = positionOf(step);
      return at !== undefined && at < count() ? read(at) : undefined;
    },
  };
}

function partsOfMap(map: ReadonlyMap<unknown, unknown>): Parts {
  const slice = (from: number, to: number) =>
    takeFrom(entriesOf(map), from, to).map(([key, value], at): Part => {
      const isText = typeof key === 'string';
      const name = isText ? cutText(key, LONGEST_NAME) : preview(key, LONGEST_NAME).text;
      const step = isText && key.length <= LONGEST_KEY ? key : from + at;
      return { step, name, key, value, isWritable: true };
    });
  return {
    count: () => sizeOf(map),
    slice,
    find: (step) => {
      if (typeof step === 'string' && mapHas(map, step)) {
        const name = cutText(step, LONGEST_NAME);
        const value = mapGet(map, step);
        return { step, name, key: step, value, isWritable: true };
      }
      const at = positionOf(step);
      return at === undefined ? undefined : slice(at, at + 1)[0];
    },
  };
}

function partsOfSet(set: ReadonlySet<unknown>): Parts {
  const slice = (from: number, to: number) =>
    takeFrom(valuesOf(set), from, to).map((value, at) => partAt(from + at, value, false));
  return {
    count: () => sizeOf(set),
    slice,
    find: (step) => {
      const at = positionOf(step);
      return at === undefined ? undefined : slice(at, at + 1)[0];
    },
  };
}

/** @throws ValidationError */
function listKeys(object: object, keys: OwnKeys): readonly string[] {
  const listed = keys.list(object);
  if (listed !== undefined) return listed;
  const message =
    'The objects of this page have too many keys to be counted at once. Ask for a smaller page.';
  throw new ValidationError([{ path: ['limit'], message }]);
}

function partsOfObject(object: object, keys: OwnKeys): Parts {
  return byKey(
    () => listKeys(object, keys),
    (key) => {
      // Looked at first: even to ask for what is hidden may run code, as with `stack`.
      if (!Object.prototype.propertyIsEnumerable.call(object, key)) return undefined;
      if (key === 'stack' && !hasReadableStack(object)) return unreadable(key);
      const property = Object.getOwnPropertyDescriptor(object, key);
      return property && partOfProperty(key, property);
    },
  );
}

function partsOfError(error: object, keys: OwnKeys): Parts {
  const read = (key: string): Part | undefined => {
    if (key === 'stack' && !hasReadableStack(error)) return undefined;
    const property = Object.getOwnPropertyDescriptor(error, key);
    if (property?.enumerable === true || (property && OF_ERRORS.includes(key))) {
      return partOfProperty(key, property);
    }
    const inherited = key === 'name' || key === 'message' ? readData(error, key) : undefined;
    if (inherited === undefined) return undefined;
    return { step: key, name: key, key, value: inherited, isWritable: false };
  };
  const list = () => [
    ...OF_ERRORS.filter((key) => read(key) !== undefined),
    ...listKeys(error, keys).filter((key) => !OF_ERRORS.includes(key)),
  ];
  return byKey(list, read);
}

function byKey(list: () => readonly string[], read: (key: string) => Part | undefined): Parts {
  return {
    count: () => list().length,
    slice: (from, to) =>
      list()
        .slice(from, to)
        .flatMap((key) => read(key) ?? []),
    find: (step) => read(String(step)),
  };
}

function unreadable(key: string): Part {
  return { step: key, name: key, key, value: GETTER, isWritable: false };
}

function partOfProperty(key: string, property: PropertyDescriptor): Part {
  return {
    step: cutText(key, LONGEST_KEY),
    name: cutText(key, LONGEST_NAME),
    key,
    value: 'value' in property ? property.value : GETTER,
    isWritable: property.writable === true,
  };
}

function partAt(at: number, value: unknown, isWritable: boolean): Part {
  return { step: at, name: String(at), key: at, value, isWritable };
}

/** What a sequence gives from one position up to another. */
function takeFrom<T>(sequence: Iterable<T>, from: number, to: number): T[] {
  const taken: T[] = [];
  let at = 0;
  if (to <= from) return taken;
  for (const each of sequence) {
    if (at >= from) taken.push(each);
    at++;
    if (at >= to) break;
  }
  return taken;
}

/** The position that a step names; `undefined` when it names none. */
function positionOf(step: Step): number | undefined {
  const position = typeof step === 'string' && /^(?:0|[1-9]\d{0,14})$/.test(step) ? +step : step;
  return typeof position === 'number' && Number.isSafeInteger(position) && position >= 0
    ? position
    : undefined;
}
