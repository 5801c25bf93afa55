import { types } from 'node:util';
import {
  dateText,
  dateTime,
  elementOf,
  entriesOf,
  GETTER,
  hasReadableStack,
  isError,
  isShortBigInt,
  lengthOf,
  readData,
  unboxed,
  valuesOf,
} from './intrinsics.ts';

const DEEPEST = 100;

/** The value is larger than allowed, nested too deeply, or contains itself. */
const TOO_MUCH: unique symbol = Symbol('too much');

/**
 * A copy of a value that JSON can write, in at most about `maxCharacters`; `undefined` when it is larger, contains itself,
 * or is nested more than 100 levels deep, and when JSON has no word for it: NaN, Infinity, `undefined`, a function.
 *
 * The work is bounded by that, and nothing of the value is run, unlike in `toJson`: getters and functions are left out,
 * instances of classes are their own properties, maps are lists of pairs, sets lists, bigints texts; one of more than 1,024
 * bits is too large. Inside of lists and objects NaN and Infinity are null.
 */
export function plainJson(value: unknown, maxCharacters: number): { value: unknown } | undefined {
  let room = maxCharacters;
  const outer = new Set<object>();

  const take = (characters: number) => {
    room -= characters;
    if (room < 0) throw TOO_MUCH;
  };

  const copyAll = (parts: Iterable<unknown>): unknown[] => {
    const copied: unknown[] = [];
    for (const part of parts) copied.push(copy(part) ?? null);
    return copied;
  };

  const copyObject = (object: object): unknown => {
    if (Array.isArray(object)) return copyAll(elementsOf(object));
    if (types.isMap(object)) {
      const copied: unknown[] = [];
      for (const [key, part] of entriesOf(object)) copied.push(copyAll([key, part]));
      return copied;
    }
    if (types.isSet(object)) return copyAll(valuesOf(object));
    if (types.isTypedArray(object)) return copyAll(numbersOf(object));
    if (isError(object)) {
      const name = copy(readData(object, 'name'));
      const message = copy(readData(object, 'message'));
      return { name, message, code: copy(readData(object, 'code')) };
    }
    const entries: [string, unknown][] = [];
    for (const key of Object.keys(object)) {
      if (key === 'stack' && !hasReadableStack(object)) continue;
      const part: unknown = Object.getOwnPropertyDescriptor(object, key)?.value;
      take(key.length + 4);
      const copied = copy(part);
      if (copied !== undefined) entries.push([key, copied]);
    }
    return Object.fromEntries(entries);
  };

  const copy = (part: unknown): unknown => {
    take(4);
    switch (typeof part) {
      case 'string':
        take(part.length);
        return part;
      case 'number':
        return Number.isFinite(part) ? part + 0 : null; // -0 is no other number than 0
      case 'boolean':
        return part;
      case 'bigint':
        if (!isShortBigInt(part)) throw TOO_MUCH;
        return part.toString();
      case 'object':
        break;
      default:
        return undefined;
    }
    if (part === null) return null;
    if (types.isProxy(part)) return undefined;
    if (types.isDate(part)) {
      return Number.isNaN(dateTime(part)) ? null : dateText(part);
    }
    const inBox = unboxed(part);
    if (inBox !== undefined) return copy(inBox);
    if (outer.has(part) || outer.size >= DEEPEST) throw TOO_MUCH;
    outer.add(part);
    const copied = copyObject(part);
    outer.delete(part);
    return copied;
  };

  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  try {
    const copied = copy(value);
    return copied === undefined ? undefined : { value: copied };
  } catch (error) {
    if (error === TOO_MUCH) return undefined;
    throw error;
  }
}

function* elementsOf(list: readonly unknown[]): Iterable<unknown> {
  for (let at = 0; at < list.length; at++) {
    const element = elementOf(list, at);
    yield element === GETTER ? undefined : element;
  }
}

function* numbersOf(view: NodeJS.TypedArray): Iterable<unknown> {
  for (let at = 0; at < lengthOf(view); at++) yield view[at];
}
