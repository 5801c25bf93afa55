/*
 * JavaScript's own methods, taken when this module is loaded. A value's own idea of them (an overridden `get` of a
 * class that extends Map) is code of the flow, and is not run.
 */

function uncurry<Self, Values extends readonly unknown[], Result>(
  method: (this: Self, ...values: Values) => Result,
): (self: Self, ...values: Values) => Result {
  return Function.prototype.call.bind(method) as (self: Self, ...values: Values) => Result; // what `bind` is typed as
}

/** The getter of a property of a prototype. */
function uncurryGetter<Result>(prototype: object, name: PropertyKey): (self: unknown) => Result {
  const getter = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (getter === undefined) throw new TypeError(`There is no getter ${String(name)}.`);
  return uncurry(getter as (this: unknown) => Result); // each is named with its type below
}

type AnyMap = Map<unknown, unknown>;

export const mapGet = uncurry(Map.prototype.get as (this: AnyMap, key: unknown) => unknown);
export const mapHas = uncurry(Map.prototype.has as (this: AnyMap, key: unknown) => boolean);
export const setHas = uncurry(Set.prototype.has as (this: Set<unknown>, value: unknown) => boolean);
export const mapSize = uncurryGetter<number>(Map.prototype, 'size');
export const setSize = uncurryGetter<number>(Set.prototype, 'size');
export const dateTime = uncurry(Date.prototype.getTime);
export const dateText = uncurry(Date.prototype.toISOString);

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
export const typedArrayLength = uncurryGetter<number>(typedArray, 'length');

const mapEntries = uncurry(Map.prototype.entries as (this: AnyMap) => object);
const setValues = uncurry(Set.prototype.values as (this: Set<unknown>) => object);
type Next<Value> = (iterator: object) => IteratorResult<Value, undefined>;
const nextOf = <Value>(iterator: object): Next<Value> =>
  uncurry(
    Object.getPrototypeOf(iterator).next as (this: object) => IteratorResult<Value, undefined>,
  );
const nextEntry = nextOf<[unknown, unknown]>(new Map().entries());
const nextValue = nextOf<unknown>(new Set().values());

/** Answers the next entry of a map each time it is called, and `undefined` after the last. */
export function walkMap(map: AnyMap): () => readonly [unknown, unknown] | undefined {
  const iterator = mapEntries(map);
  return () => nextEntry(iterator).value;
}

/** Answers the next value of a set, in a list of one, each time it is called, and `undefined` after the last. */
export function walkSet(set: Set<unknown>): () => readonly [unknown] | undefined {
  const iterator = setValues(set);
  return () => {
    const { done, value } = nextValue(iterator);
    return done ? undefined : [value];
  };
}
