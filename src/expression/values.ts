import { types } from 'node:util';
import { hasReadableStack, lengthOf, sizeOf, unboxed } from '../lib/intrinsics.ts';
import { typeName } from '../lib/type-name.ts';
import type { Run } from './run.ts';

export const { isProxy, isMap, isSet, isDate, isPromise, isTypedArray } = types;
const { getPrototypeOf } = Object;
const describe = Object.getOwnPropertyDescriptor;

/** Bytes that values are taken to need, about as V8 does, with the room that lists and tables keep for more. */
export const BYTES = {
  list: 48,
  element: 16,
  object: 64,
  /** Of an object, a Map or a Set; or a pair in a list. */
  entry: 96,
  character: 2,
  /** A text of its own, or the joint of two. */
  text: 32,
} as const;

/** `a list`, `an object`: for messages. */
export function aType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = typeName(value);
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** A proxy would run code with whatever is done to it. */
export function refuseProxy(run: Run, at: number, value: object): void {
  if (!isProxy(value)) return;
  run.fail(
    'CODE',
    at,
    'This value is a proxy: what it holds is computed by code, which is not run.',
  );
}

/**
 * Reads an own property that is data; `undefined` when there is none. The object must be no proxy.
 * @throws ExpressionError when it is an accessor
 */
export function readOwn(run: Run, at: number, object: object, key: PropertyKey): unknown {
  if (key === 'stack' && Object.hasOwn(object, key) && !isStackData(object)) {
    return run.fail('CODE', at, 'The "stack" of an error is written by code, which is not run.');
  }
  const property = describe(object, key);
  if (property === undefined) return undefined;
  if (property.get === undefined && property.set === undefined) return property.value;
  return run.fail(
    'CODE',
    at,
    `"${String(key).slice(0, 100)}" is computed by code, which is not run.`,
  );
}

/** A stack is written when it is read first; even to ask for the property does so. */
function isStackData(object: object): boolean {
  return !types.isNativeError(object) && hasReadableStack(object);
}

/** Texts up to this length have hashes of their own; of longer ones JavaScript hashes no more than the length. */
const LONGEST_KEY = 16_383;

/**
 * Refuses what would make looking up a key slow: many texts, or bigints, of one hash.
 * @throws ExpressionError
 */
export function requireKey(run: Run, at: number, key: unknown): void {
  if (typeof key === 'string') {
    if (key.length <= LONGEST_KEY) return;
    const message = `A text of more than ${LONGEST_KEY} characters can't be a key, or an element of a Set.`;
    run.fail('TYPE', at, message);
  }
  // That of a bigint is of its last 64 bits.
  if (typeof key !== 'bigint' || BigInt.asIntN(64, key) === key) return;
  run.fail('TYPE', at, "A bigint of more than 64 bits can't be a key, or an element of a Set.");
}

/** Whether a value is a list, and no proxy of one. */
export function isList(value: unknown): value is readonly unknown[] {
  return typeof value === 'object' && value !== null && !isProxy(value) && Array.isArray(value);
}

/** Whether the object is like one that `{}` makes, also elsewhere, not of a class. It must be no proxy. */
export function isPlain(object: object): boolean {
  const prototype: object | null = getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return true;
  // That of another realm, as of `node:vm`.
  if (isProxy(prototype) || getPrototypeOf(prototype) !== null) return false;
  return ['hasOwnProperty', '__defineGetter__'].every((name) => Object.hasOwn(prototype, name));
}

/**
 * Whether the parts of the object are its own keys: no list of bytes, and no text in an object, whose keys would be
 * its positions. It must be no proxy.
 */
export function isKeyed(object: object): boolean {
  return !ArrayBuffer.isView(object) && !types.isBoxedPrimitive(object);
}

/** Whether a condition takes the value for true: as in JavaScript, but what is empty is false, as in Python. */
export function isTrue(run: Run, at: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value);
  refuseProxy(run, at, value);
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value) || isSet(value)) return sizeOf(value) > 0;
  if (types.isBoxedPrimitive(value)) return Boolean(unboxed(value));
  return !isPlain(value) || run.countKeys(value, at) > 0;
}

/** How many parts a value has, or characters; `undefined` when it has no parts. It must be no proxy. */
export function countParts(run: Run, at: number, value: unknown): number | undefined {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return value.length;
  if (isMap(value) || isSet(value)) return sizeOf(value);
  if (isTypedArray(value)) return lengthOf(value);
  if (isDate(value) || isPromise(value) || !isKeyed(value)) return undefined;
  return run.countKeys(value, at);
}
