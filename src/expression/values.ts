import { types } from 'node:util';
import { mapSize, setSize, typedArrayLength } from './intrinsics.ts';
import type { Run } from './run.ts';

export const { isProxy, isMap, isSet, isDate, isPromise, isTypedArray } = types;
const { getPrototypeOf } = Object;
const describe = Object.getOwnPropertyDescriptor;

/** Bytes that values are taken to need, about as V8 does. */
export const BYTES = { list: 16, element: 8, object: 64, entry: 48, character: 2 } as const;

/**
 * The name of a value's type, as messages have it: `string number boolean null undefined bigint symbol function list
 * object Map Set Date Promise proxy`, else the name of its class. Runs nothing of the value.
 */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (isProxy(value)) return 'proxy';
  if (Array.isArray(value)) return 'list';
  if (isMap(value)) return 'Map';
  if (isSet(value)) return 'Set';
  if (isDate(value)) return 'Date';
  if (isPromise(value)) return 'Promise';
  return classNameOf(value) ?? 'object';
}

const LONGEST_CLASS_NAME = 60;

function classNameOf(value: object): string | undefined {
  const prototype: unknown = getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || isProxy(prototype)) return undefined;
  const made: unknown = describe(prototype, 'constructor')?.value;
  if (typeof made !== 'function' || isProxy(made)) return undefined;
  const name: unknown = describe(made, 'name')?.value;
  if (typeof name !== 'string' || name === '' || name === 'Object') return undefined;
  return name.slice(0, LONGEST_CLASS_NAME);
}

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
  const property = describe(object, key);
  if (property === undefined) return undefined;
  if (property.get === undefined && property.set === undefined) return property.value;
  return run.fail(
    'CODE',
    at,
    `"${String(key).slice(0, 100)}" is computed by code, which is not run.`,
  );
}

/** Whether a value is a list, and no proxy of one. */
export function isList(value: unknown): value is readonly unknown[] {
  return typeof value === 'object' && value !== null && !isProxy(value) && Array.isArray(value);
}

/** Whether the object is like one that `{}` makes, not of a class. It must be no proxy. */
export function isPlain(object: object): boolean {
  const prototype: unknown = getPrototypeOf(object);
  return prototype === null || prototype === Object.prototype;
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
  if (isMap(value)) return mapSize(value) > 0;
  if (isSet(value)) return setSize(value) > 0;
  return !isPlain(value) || Object.keys(value).length > 0;
}

/** How many parts a value has, or characters; `undefined` when it has no parts. It must be no proxy. */
export function countParts(value: unknown): number | undefined {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return mapSize(value);
  if (isSet(value)) return setSize(value);
  if (isTypedArray(value)) return typedArrayLength(value);
  if (isDate(value) || isPromise(value) || !isKeyed(value)) return undefined;
  return Object.keys(value).length;
}
