import { types } from 'node:util';
import { mapGet, mapHas } from '../lib/intrinsics.ts';
import { typeName } from '../lib/type-name.ts';
import type { Run } from './run.ts';
import {
  aType,
  countParts,
  isMap,
  isProxy,
  isTypedArray,
  readOwn,
  refuseProxy,
  requireKey,
} from './values.ts';

/**
 * `object.key`, or `object['key']`: an own property that is data, a value of a Map; `undefined` when there is none.
 * @throws ExpressionError
 */
export function readMember(run: Run, at: number, object: unknown, key: string): unknown {
  if (typeof object === 'object' && object !== null) {
    if (isProxy(object)) refuseProxy(run, at, object);
    const value = readOwn(run, at, object, key);
    return value === undefined ? readInner(object, key) : value;
  }
  if (object === null || object === undefined) refuseNothing(run, at, object, `."${key}"`);
  if (typeof object === 'string') return key === 'length' ? object.length : undefined;
  if (typeof object === 'function' || typeof object === 'symbol') {
    run.fail('TYPE', at, `A ${typeof object} has no parts that can be looked at.`);
  }
  return undefined;
}

/** What an object has that is no property of its own: the values of a Map; the name of an error. */
function readInner(object: object, key: string): unknown {
  if (isMap(object)) return mapGet(object, key);
  return key === 'name' && types.isNativeError(object) ? typeName(object) : undefined;
}

/**
 * `object[key]`: the same by a key that is worked out. Lists and texts are indexed by position, from the end when
 * negative.
 * @throws ExpressionError
 */
export function readIndex(run: Run, at: number, object: unknown, key: unknown): unknown {
  if (typeof key === 'string' || typeof key === 'bigint') requireKey(run, at, key);
  if (typeof key === 'string') return readMember(run, at, object, key);
  if (object === null || object === undefined) refuseNothing(run, at, object, '[…]');
  if (typeof object === 'string') return object[readPosition(run, at, key, object)];
  if (typeof object !== 'object') return readMember(run, at, object, '');
  refuseProxy(run, at, object);
  if (isMap(object) && mapHas(object, key)) return mapGet(object, key);
  if (Array.isArray(object) || isTypedArray(object)) {
    return readOwn(run, at, object, readPosition(run, at, key, object));
  }
  if (typeof key === 'number') return readOwn(run, at, object, key);
  if (isMap(object)) return undefined;
  return run.fail('TYPE', at, `${aType(key)} can't be the key of ${aType(object)}.`);
}

function readPosition(run: Run, at: number, key: unknown, of: object | string): number {
  if (typeof key !== 'number' || !Number.isInteger(key)) {
    const given = typeof key === 'number' ? String(key) : aType(key);
    run.fail('TYPE', at, `A ${typeName(of)} is indexed by whole numbers, not by ${given}.`);
  }
  return key < 0 ? key + (countParts(run, at, of) ?? 0) : key;
}

function refuseNothing(run: Run, at: number, object: null | undefined, key: string): never {
  const advice = key === '[…]' ? '?.[…]' : `?.${key.slice(2, -1)}`;
  return run.fail(
    'NO_VALUE',
    at,
    `There is no part ${key} of ${object}. Where that may be, write "${advice}".`,
  );
}
