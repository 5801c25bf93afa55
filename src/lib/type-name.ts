import { types } from 'node:util';
import { isError, readData } from './intrinsics.ts';

const LONGEST_NAME = 100;

/**
 * What a value is, in a word: `string number boolean null undefined bigint symbol function list object proxy`, or the
 * name of its class, such as `Map`, `TypeError`, `Uint8Array`, `Article`; at most 100 characters of that. Nothing of the
 * value is run.
 */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object' && typeof value !== 'function') return typeof value;
  if (types.isProxy(value)) return 'proxy';
  if (typeof value === 'function') return 'function';
  if (Array.isArray(value)) return 'list';
  const name = classNameOf(value);
  return name === undefined || name === 'Object' ? builtInNameOf(value) : name;
}

function classNameOf(value: object): string | undefined {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null) return undefined;
  const made = readData(prototype, 'constructor');
  if (typeof made !== 'function' || types.isProxy(made)) return undefined;
  const name: unknown = Object.getOwnPropertyDescriptor(made, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name.slice(0, LONGEST_NAME) : undefined;
}

/** Of those whose class has no name that can be read. */
function builtInNameOf(value: object): string {
  if (types.isMap(value)) return 'Map';
  if (types.isSet(value)) return 'Set';
  if (types.isDate(value)) return 'Date';
  return isError(value) ? 'Error' : 'object';
}
