import { types } from 'node:util';
import {
  byteLengthOf,
  dateText,
  dateTime,
  elementOf,
  entriesOf,
  GETTER,
  hasReadableStack,
  isError,
  isShortBigInt,
  readData,
  valuesOf,
} from './intrinsics.ts';
import { OwnKeys } from './own-keys.ts';
import { typeName } from './type-name.ts';

/** A value as people are shown it: JSON text, cut where it would get long. */
export interface Preview {
  /** JSON, except where `…` stands for what was left out. */
  readonly text: string;
  /** Whether anything was left out. */
  readonly isTruncated: boolean;
}

const MAX_DEPTH = 4;
const MAX_ENTRIES = 20;

const MOST_KEYS = 100_000;

/**
 * Writes a value as text of about `maxLength` characters at most. The work is bounded by the length of the text,
 * however large the value is, save that the keys of objects are listed; nothing of the value is run: neither its
 * getters, its `toJSON` and its iterators, nor what its class has overridden, nor, of a proxy, the handler.
 *
 * @param keys lists them, 100,000 at most unless given; objects beyond are shown as `{…}`. For several values of one answer
 */
export function preview(
  value: unknown,
  maxLength = 300,
  keys: OwnKeys = new OwnKeys(MOST_KEYS),
): Preview {
  let text = '';
  let isTruncated = false;
  const cut = () => {
    isTruncated = true;
    text += '…';
  };

  const writeString = (string: string) => {
    const room = Math.max(0, maxLength - text.length);
    if (string.length <= room) {
      text += JSON.stringify(string);
    } else {
      isTruncated = true;
      text += `${JSON.stringify(string.slice(0, room)).slice(0, -1)}…"`;
    }
  };

  const writeEntries = (
    [open, close]: readonly [string, string],
    entries: Iterable<readonly [key: unknown, value: unknown]>,
    depth: number,
    writeKey: (key: unknown) => void,
  ) => {
    text += open;
    let count = 0;
    for (const [key, entry] of entries) {
      if (count > 0) text += ',';
      if (count === MAX_ENTRIES || depth >= MAX_DEPTH || text.length >= maxLength) {
        cut();
        break;
      }
      count++;
      writeKey(key);
      write(entry, depth + 1);
    }
    text += close;
  };

  const write = (part: unknown, depth: number): void => {
    switch (typeof part) {
      case 'string':
        writeString(part);
        return;
      case 'number':
      case 'boolean':
      case 'undefined':
        text += String(part);
        return;
      case 'bigint':
        writeBigInt(part);
        return;
      case 'symbol':
      case 'function':
        text += `[${typeof part}]`;
        return;
      case 'object':
        if (part === null) text += 'null';
        else writeObject(part, depth);
    }
  };

  const writeBigInt = (part: bigint) => {
    if (isShortBigInt(part)) text += `${part}n`;
    else {
      text += '[bigint]';
      isTruncated = true;
    }
  };

  const writeKeyed = (key: unknown) => {
    if (typeof key === 'string') writeString(key);
    else if (typeof key === 'object' && key !== null) writeString(`[${typeName(key)}]`);
    else if (typeof key === 'function' || typeof key === 'bigint') writeString(`[${typeof key}]`);
    else writeString(String(key));
    text += ':';
  };

  const writeObject = (part: object, depth: number) => {
    if (types.isProxy(part)) {
      text += '[proxy]';
      isTruncated = true;
    } else if (Array.isArray(part)) writeEntries(LIST, elementsOf(part), depth, writeNoKey);
    else if (Object.getPrototypeOf(part) === Object.prototype) {
      writeOwn(part, depth);
    } else writeInstance(part, depth);
  };

  const writeInstance = (part: object, depth: number) => {
    if (types.isMap(part)) writeEntries(RECORD, entriesOf(part), depth, writeKeyed);
    else if (types.isSet(part)) writeEntries(LIST, keyless(valuesOf(part)), depth, writeNoKey);
    else if (types.isDate(part)) {
      text += Number.isNaN(dateTime(part)) ? 'null' : `"${dateText(part)}"`;
    } else if (ArrayBuffer.isView(part)) text += `[${byteLengthOf(part)} bytes]`;
    else if (types.isBoxedPrimitive(part)) text += `[${typeName(part)}]`;
    else if (isError(part)) writeError(part);
    else writeOwn(part, depth);
  };

  const writeOwn = (part: object, depth: number) => {
    // Where no part would be written, none is listed either: whether there are any is not known then.
    const hasRoom = depth < MAX_DEPTH && text.length < maxLength;
    const listed = hasRoom ? keys.list(part) : undefined;
    if (listed !== undefined) writeEntries(RECORD, ownEntriesOf(part, listed), depth, writeKeyed);
    else {
      text += '{';
      cut();
      text += '}';
    }
  };

  const writeError = (error: object) => {
    const read = (key: string, otherwise: string) => {
      const said = readData(error, key);
      return typeof said === 'string' ? said.slice(0, maxLength + 1) : otherwise;
    };
    writeString(`${read('name', 'Error')}: ${read('message', '')}`);
  };

  try {
    write(value, 0);
  } catch {
    // What is built in is asked, so this should not happen; whoever asks is to be answered all the same.
    cut();
  }
  return { text, isTruncated };
}

const LIST = ['[', ']'] as const;
const RECORD = ['{', '}'] as const;

const writeNoKey = () => undefined;

function* ownEntriesOf(
  object: object,
  keys: readonly string[],
): Iterable<readonly [string, unknown]> {
  for (const key of keys) {
    if (key === 'stack' && !hasReadableStack(object)) {
      yield [key, '[getter]'];
      continue;
    }
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property === undefined) continue;
    yield [key, 'value' in property ? property.value : '[getter]'];
  }
}

function* elementsOf(list: readonly unknown[]): Iterable<readonly [undefined, unknown]> {
  for (let at = 0; at < list.length; at++) {
    const element = elementOf(list, at);
    yield [undefined, element === GETTER ? '[getter]' : element];
  }
}

function* keyless(values: Iterable<unknown>): Iterable<readonly [undefined, unknown]> {
  for (const value of values) yield [undefined, value];
}

/** The longest message of an error or a log line that is kept, in characters. */
const LONGEST_TEXT = 10_000;

/** The text, cut where it gets longer than `maxLength` characters. */
export function cutText(text: string, maxLength = LONGEST_TEXT): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
