import { types } from 'node:util';

/*
 * Reads values of a flow without running code of the flow: a class may have overridden `size` or `entries`, a property
 * may be a getter, and each step of looking at a proxy is a call of its handler. What is built in is not.
 */

/** How far up a chain of prototypes is looked; no sensible class is derived that often. */
const MOST_PROTOTYPES = 100;

const mapSize = getterOf(Map.prototype, 'size');
const setSize = getterOf(Set.prototype, 'size');
const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayLength = getterOf(typedArray, 'length');
const typedArrayBytes = getterOf(typedArray, 'byteLength');

/** How many entries a map has, or a set. */
export function sizeOf(value: ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>): number {
  return types.isMap(value) ? mapSize(value) : setSize(value);
}

/** The entries of a map, in order. */
export function entriesOf(
  map: ReadonlyMap<unknown, unknown>,
): Iterable<readonly [unknown, unknown]> {
  return Map.prototype.entries.call(map);
}

/** The values of a set, in order. */
export function valuesOf(set: ReadonlySet<unknown>): Iterable<unknown> {
  return Set.prototype.values.call(set);
}

/** How many elements a typed array has. */
export function lengthOf(view: NodeJS.TypedArray): number {
  return typedArrayLength(view);
}

/** How many bytes a typed array or a `DataView` shows. */
export function byteLengthOf(view: ArrayBufferView): number {
  return types.isTypedArray(view)
    ? typedArrayBytes(view)
    : getterOf(DataView.prototype, 'byteLength')(view);
}

/** Stands for what only running code would tell: a getter, or a proxy. */
export const GETTER: unique symbol = Symbol('getter');

/**
 * What a property holds, be it the object's own or inherited; `undefined` where there is none, `GETTER` where code would
 * have to be run for it. The object itself is no proxy.
 */
export function readData(object: object, key: string): unknown {
  for (let at: object | null = object, hops = 0; at !== null; at = Object.getPrototypeOf(at)) {
    if (hops++ > MOST_PROTOTYPES || types.isProxy(at)) return GETTER;
    const property = Object.getOwnPropertyDescriptor(at, key);
    if (property !== undefined) return 'value' in property ? property.value : GETTER;
  }
  return undefined;
}

/**
 * What a list has at a position, of those it has by its length; `GETTER` where that would have to be worked out. Holes are
 * `undefined`.
 */
export function elementOf(list: readonly unknown[], at: number): unknown {
  if (Object.getPrototypeOf(list) === Array.prototype) {
    return lookUpGetter.call(list, at) === undefined ? list[at] : GETTER;
  }
  const property = Object.getOwnPropertyDescriptor(list, at);
  return property === undefined || 'value' in property ? property?.value : GETTER;
}

/** Several times as fast as asking for the whole of a property, which matters for lists. It looks at the prototypes, too. */
const lookUpGetter: (this: object, key: number) => unknown = Reflect.get(
  Object.prototype,
  '__lookupGetter__',
);

/** Whether an object that is no proxy is an error, of whichever class. */
export function isError(object: object): boolean {
  if (types.isNativeError(object)) return true;
  for (let at: object | null = object, hops = 0; at !== null; at = Object.getPrototypeOf(at)) {
    if (at === Error.prototype) return true;
    if (hops++ > MOST_PROTOTYPES || types.isProxy(at)) return false;
  }
  return false;
}

/**
 * Whether `stack` of an object can be read. It is written when it is read first, of what `name` and `message` say then:
 * they must be there as texts. (A hook of the process, `Error.prepareStackTrace`, is no code of the object.)
 */
export function hasReadableStack(object: object): boolean {
  return ['name', 'message'].every((key) => {
    const said = readData(object, key);
    return said === undefined || typeof said === 'string';
  });
}

function getterOf(prototype: object, key: string): (of: object) => number {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  return (of) => (get === undefined ? 0 : Number(Reflect.apply(get, of, [])));
}
