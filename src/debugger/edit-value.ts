import { types } from 'node:util';
import { ValidationError } from '../lib/domain-error.ts';
import {
  elementOf,
  entriesOf,
  GETTER,
  hasReadableStack,
  isError,
  mapSet,
} from '../lib/intrinsics.ts';
import { preview } from '../lib/preview.ts';
import type { Change } from './debug-host.ts';
import type { Part, Step } from './variable-parts.ts';
import { describeType, nameOfPath, walkPath } from './walk-path.ts';

/**
 * Changes a part of a value where it is: a property of an object's own, an element of a list, or a value of a map. Nothing
 * of the value is run, and no prototype is touched.
 * @param name of the root, for messages
 * @throws NotFoundError when the path leads nowhere: only what is there can be changed
 * @throws ValidationError when what it leads to can't be changed there: the root, a getter, what is read-only or frozen, an
 * element of a set or of a typed array
 */
export function setInPlace(
  root: unknown,
  name: string,
  path: readonly Step[],
  value: unknown,
): Change {
  const { parts, wholes } = walkPath(root, name, path);
  const part = parts.at(-1);
  const whole = wholes.at(-1);
  const isSet = part?.isWritable === true && write(whole, part, value);
  if (!isSet) throw refuse(name, path, part, whole);
  return { before: preview(part.value), after: preview(value) };
}

/**
 * A value with a part replaced. What the part is inside of is copied, and all else shared: the original stays as it is, for
 * others may hold it. The empty path replaces the whole. A copied list loses what properties it has besides its elements.
 * Copying takes time by the length of a list, or the number of keys: some 0.1 s for a million.
 * @param name of the root, for messages
 * @throws NotFoundError when the path leads nowhere: only what is there can be replaced
 * @throws ValidationError when the part is a getter, or in what can't be copied: an instance of a class, a set, a proxy
 */
export function withReplaced(
  root: unknown,
  name: string,
  path: readonly Step[],
  value: unknown,
): unknown {
  const { parts, wholes } = walkPath(root, name, path);
  let replaced = value;
  for (let at = parts.length - 1; at >= 0; at--) {
    const part = parts[at];
    const whole = wholes[at];
    if (part === undefined || part.value === GETTER || !isCopyable(whole)) {
      throw refuse(name, path.slice(0, at + 1), part, whole);
    }
    replaced = copyWith(whole, part, replaced);
  }
  return replaced;
}

/** The longest list that is copied, so that whoever edits an element does not stop the process for seconds. */
const LONGEST_COPIED = 10_000_000;

/** Whether a value can be copied without loss: a plain object, a list or a map, none of a class of its own, and no list of
 * more than ten million elements. */
export function isCopyable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype && value.length <= LONGEST_COPIED;
  if (types.isMap(value)) return prototype === Map.prototype;
  return (prototype === Object.prototype || prototype === null) && !isBuiltIn(value);
}

/** Whether it is more than its properties, whatever its prototype was made to be; or to read one may run code. */
function isBuiltIn(value: object): boolean {
  return (
    (Object.hasOwn(value, 'stack') && !hasReadableStack(value)) ||
    isError(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isBoxedPrimitive(value) ||
    types.isModuleNamespaceObject(value) ||
    ArrayBuffer.isView(value)
  );
}

function write(whole: unknown, { key, value: before }: Part, value: unknown): boolean {
  if (typeof whole !== 'object' || whole === null || before === GETTER) return false;
  if (types.isMap(whole)) {
    mapSet(whole, key, value);
    return true;
  }
  // Not an assignment: that would take `__proto__` for the prototype.
  return Reflect.defineProperty(whole, key as string | number, { value }); // only a map has other keys
}

function copyWith(whole: object, { key }: Part, value: unknown): object {
  if (types.isMap(whole)) return new Map(entriesOf(whole)).set(key, value);
  if (Array.isArray(whole)) return copyList(whole, Number(key), value);
  const copy: object = Object.create(Object.getPrototypeOf(whole));
  for (const each of Reflect.ownKeys(whole)) {
    if (each === key) {
      const property = Object.getOwnPropertyDescriptor(whole, each);
      Object.defineProperty(copy, each, { ...property, value });
    } else copyProperty(whole, each, copy);
  }
  return copy;
}

function copyList(list: readonly unknown[], position: number, value: unknown): unknown[] {
  const copy: unknown[] = new Array(list.length);
  for (let at = 0; at < list.length; at++) {
    const element = at === position ? value : elementOf(list, at);
    if (element === GETTER) copyProperty(list, at, copy);
    else if (element !== undefined || Object.hasOwn(list, at)) copy[at] = element;
  }
  return copy;
}

function copyProperty(from: object, key: string | symbol | number, to: object): void {
  const property = Object.getOwnPropertyDescriptor(from, key);
  if (property !== undefined) Object.defineProperty(to, key, property);
}

function refuse(
  name: string,
  path: readonly Step[],
  part: Part | undefined,
  whole: unknown,
): ValidationError {
  const place = nameOfPath(name, path);
  const message =
    part === undefined
      ? `"${place}" as a whole can't be changed; name a part of it.`
      : part.value === GETTER
        ? `"${place}" can't be changed: it is ${describeType(GETTER)}.`
        : `"${place}" can't be changed: it is read-only, or a part of what can't be edited (${describeType(whole)}).`;
  return new ValidationError([{ path: ['path'], message }]);
}
