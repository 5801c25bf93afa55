import { types } from 'node:util';

/*
 * Reads values of a flow without running code of the flow: a class may have overridden `size` or `entries`, a property
 * may be a getter, and each step of looking at a proxy is a call of its handler. What is built in is not: it is taken when
 * this module is loaded, so that it is the same whatever becomes of the prototypes later.
 */

/** How far up a chain of prototypes is looked; no sensible class is derived that often. */
const MOST_PROTOTYPES = 100;

function uncurry<Self, Values extends readonly unknown[], Result>(
  method: (this: Self, ...values: Values) => Result,
): (self: Self, ...values: Values) => Result {
  return Function.prototype.call.bind(method) as (self: Self, ...values: Values) => Result; // what `bind` is typed as
}

function uncurryGetter(prototype: object, name: string): (self: object) => number {
  const getter = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (getter === undefined) throw new TypeError(`There is no getter ${name}.`);
  return uncurry(getter as (this: object) => number); // all that are asked for here are numbers
}

type AnyMap = ReadonlyMap<unknown, unknown>;
type AnySet = ReadonlySet<unknown>;

/** What a map holds under a key. */
export const mapGet = uncurry(
  Map.prototype.get as (this: AnyMap, key: unknown) => unknown, // of any map
);
/** Whether a map has a key. */
export const mapHas = uncurry(Map.prototype.has as (this: AnyMap, key: unknown) => boolean);
/** Puts a value under a key of a map. */
export const mapSet = uncurry(
  Map.prototype.set as (this: Map<unknown, unknown>, key: unknown, value: unknown) => unknown,
);
/** Whether a set has a value. */
export const setHas = uncurry(Set.prototype.has as (this: AnySet, value: unknown) => boolean);
/** Milliseconds since the Unix epoch; NaN of an invalid date. */
export const dateTime = uncurry(Date.prototype.getTime);
/** A date as ISO 8601 has it. @throws RangeError of an invalid date */
export const dateText = uncurry(Date.prototype.toISOString);

const mapSize = uncurryGetter(Map.prototype, 'size');
const setSize = uncurryGetter(Set.prototype, 'size');
const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayLength = uncurryGetter(typedArray, 'length');
const typedArrayBytes = uncurryGetter(typedArray, 'byteLength');
const dataViewBytes = uncurryGetter(DataView.prototype, 'byteLength');

const mapEntries = uncurry(Map.prototype.entries as (this: AnyMap) => object);
const setValues = uncurry(Set.prototype.values as (this: AnySet) => object);
type Next<Value> = (iterator: object) => IteratorResult<Value, undefined>;
const nextOf = <Value>(iterator: object): Next<Value> =>
  uncurry(
    Object.getPrototypeOf(iterator).next as (this: object) => IteratorResult<Value, undefined>,
  );
const nextEntry = nextOf<[unknown, unknown]>(new Map().entries());
const nextValue = nextOf<unknown>(new Set().values());

/** How many entries a map has, or a set. */
export function sizeOf(value: AnyMap | AnySet): number {
  return types.isMap(value) ? mapSize(value) : setSize(value);
}

/** Answers the next entry of a map each time it is called, and `undefined` after the last. */
export function walkMap(map: AnyMap): () => readonly [unknown, unknown] | undefined {
  const iterator = mapEntries(map);
  return () => nextEntry(iterator).value;
}

/** Answers the next value of a set, in a list of one, each time it is called, and `undefined` after the last. */
export function walkSet(set: AnySet): () => readonly [unknown] | undefined {
  const iterator = setValues(set);
  return () => {
    const { done, value } = nextValue(iterator);
    return done ? undefined : [value];
  };
}

/** The entries of a map, in order. */
export function* entriesOf(map: AnyMap): Iterable<readonly [unknown, unknown]> {
  const next = walkMap(map);
  for (let entry = next(); entry !== undefined; entry = next()) yield entry;
}

/** The values of a set, in order. */
export function* valuesOf(set: AnySet): Iterable<unknown> {
  const next = walkSet(set);
  for (let value = next(); value !== undefined; value = next()) yield value[0];
}

/** How many elements a typed array has. */
export function lengthOf(view: NodeJS.TypedArray): number {
  return typedArrayLength(view);
}

/** How many bytes a typed array or a `DataView` shows. */
export function byteLengthOf(view: ArrayBufferView): number {
  return types.isTypedArray(view) ? typedArrayBytes(view) : dataViewBytes(view);
}

const unbox = {
  text: uncurry(String.prototype.valueOf),
  number: uncurry(Number.prototype.valueOf),
  boolean: uncurry(Boolean.prototype.valueOf),
  bigint: uncurry(BigInt.prototype.valueOf),
  symbol: uncurry(Symbol.prototype.valueOf),
};

/** What an object such as `new String('a')` stands for; `undefined` when it is no such object. */
export function unboxed(object: object): string | number | boolean | bigint | symbol | undefined {
  if (types.isStringObject(object)) return unbox.text(object);
  if (types.isNumberObject(object)) return unbox.number(object);
  if (types.isBooleanObject(object)) return unbox.boolean(object);
  if (types.isBigIntObject(object)) return unbox.bigint(object);
  return types.isSymbolObject(object) ? unbox.symbol(object) : undefined;
}

/** Of larger bigints the time that it takes to write them can be felt: it grows with the square of their length. */
const MOST_BITS = 1024;

/** Whether a bigint has 1,024 bits at most. That takes no time, however large it is. */
export function isShortBigInt(value: bigint): boolean {
  return BigInt.asIntN(MOST_BITS, value) === value;
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
