import {
  isCount,
  isNameOfPair,
  isNameOfSecret,
  isSecretName,
  isValueOfPair,
  MASK,
} from '../lib/secret-names.ts';
import { maskText } from './mask-secrets.ts';

/** The most bytes that the arguments of an entry have as JSON in UTF-8. */
export const MOST_BYTES = 65_536;

/** What is written where something was left out takes place itself: at most so much, on all levels together. */
const MARKS_BYTES = 4_096;

/** So many characters are searched for secrets in all: the same long text may be there again and again. */
const MOST_SEARCHED = 16 * MOST_BYTES;

/** Of a path, so many names are looked at. */
const LONGEST_PATH = 1_000;

/** Deeper than this nothing is written. */
const MOST_LEVELS = 30;

/**
 * Writes the arguments of an operation as JSON, with secrets masked, also those in texts that are JSON themselves. What
 * does not fit in `MOST_BYTES`, or is nested more than 30 levels deep, is left out; a text that begins with `…` says where,
 * and how much. The work is bounded, too, nothing of the value is run (no getter, no `toJSON`), and whatever it is, this
 * never throws.
 */
export function writeArguments(value: unknown): string {
  try {
    return JSON.stringify(new Copier(MOST_BYTES - MARKS_BYTES).copy(value, 0));
  } catch {
    return JSON.stringify(NOT_SHOWN);
  }
}

/** What has secrets in it whatever they are called: values of headers, and the key of a TLS connection. */
type SecretPart = 'headers' | 'tls';

function secretPart(key: string): SecretPart | undefined {
  if (key.slice(-7).toLowerCase() === 'headers') return 'headers';
  return key.toLowerCase() === 'tls' ? 'tls' : undefined;
}

const NOT_SHOWN = "… can't be shown";

class Copier {
  /** Bytes that may still be written. */
  #left: number;
  /** Characters that may still be searched for secrets. */
  #searchable: number;
  /** The objects that the one being copied is inside of. */
  readonly #outer = new Set<object>();

  constructor(bytes: number, searchable = MOST_SEARCHED) {
    this.#left = bytes;
    this.#searchable = searchable;
  }

  copy(value: unknown, level: number, part?: SecretPart): unknown {
    if (part === 'headers' && /^(?:string|number|bigint)$/.test(typeof value)) {
      return this.#mark(MASK);
    }
    if (typeof value === 'string') return this.#copyText(value);
    if (typeof value === 'object' && value !== null) {
      try {
        return this.#copyObject(value, level, part);
      } catch {
        return this.#mark(NOT_SHOWN); // a proxy that fights back
      }
    }
    this.#left -= 24; // as long as a number gets
    if (typeof value === 'bigint') return this.#copyText(value.toString());
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
    return value === undefined ? null : `… a ${typeof value}`;
  }

  #copyObject(value: object, level: number, part: SecretPart | undefined): unknown {
    if (this.#outer.has(value)) return this.#mark('… contains itself');
    if (level >= MOST_LEVELS) return this.#mark('… nested too deeply');
    if (value instanceof Date) return this.#copyText(String(Date.prototype.toJSON.call(value)));
    if (ArrayBuffer.isView(value)) return this.#mark(`… ${value.byteLength} bytes`);
    this.#outer.add(value);
    this.#left -= 2;
    const copied = Array.isArray(value)
      ? this.#copyList(value, level, part)
      : this.#copyRecord(value, level, part);
    this.#outer.delete(value);
    return copied;
  }

  #copyList(list: readonly unknown[], level: number, part: SecretPart | undefined): unknown[] {
    const copied: unknown[] = [];
    for (let at = 0; at < list.length; at++) {
      if (this.#left <= 0) return [...copied, `… ${list.length - at} more`];
      this.#left -= 1;
      copied.push(
        isNamed(list, at) ? this.#mark(MASK) : this.copy(read(list, at), level + 1, part),
      );
    }
    return copied;
  }

  #copyRecord(record: object, level: number, part: SecretPart | undefined): unknown {
    const entries: [string, unknown][] = [];
    const keys = Object.keys(record);
    const isPair = keys.some(isNameOfPair) && keys.some(isValueOfPair);
    const isPairSecret =
      (isPair && part === 'headers') ||
      keys.some((key) =>
        key === 'path'
          ? isPathOfSecret(read(record, key))
          : isNameOfPair(key) && isNameOfSecret(read(record, key)),
      );
    const partOf = (key: string) => (part === 'headers' && !isPair ? part : secretPart(key));
    for (const [at, key] of keys.entries()) {
      if (this.#left <= 0) {
        entries.push(['…', `${keys.length - at} more`]);
        break;
      }
      this.#left -= 2 + MASK.length + 2;
      const name = this.#copyText(key);
      const value = read(record, key);
      const isSecret =
        (isSecretName(key) && !(typeof value === 'number' && isCount(key, value))) ||
        (isPairSecret && isValueOfPair(key)) ||
        (part === 'tls' && key === 'key');
      entries.push([name, isSecret ? MASK : this.copy(value, level + 1, partOf(key))]);
    }
    return Object.fromEntries(entries); // own properties all, `__proto__` too
  }

  #mark(text: string): string {
    this.#left -= sizeOf(text);
    return text;
  }

  #copyText(text: string): string {
    // More than is kept, and without what is near the edge: what is cut in the middle could not be seen to be a secret.
    const looked = text.slice(0, 2 * MOST_BYTES);
    if (looked.length > this.#searchable) return this.#mark(`… ${text.length} characters`);
    this.#searchable -= looked.length;
    const masked = this.#maskJson(looked) ?? maskText(looked);
    const room = Math.max(this.#left, 0);
    const size = sizeOf(masked);
    if (size <= room && looked.length === text.length) {
      this.#left -= size;
      return masked;
    }
    // A character has six bytes at most (`\\u0000`), so what is kept fits for certain.
    const edge = looked.length === text.length ? 0 : MOST_BYTES;
    const kept = masked.slice(0, Math.max(0, Math.min(Math.floor(room / 6), masked.length - edge)));
    this.#left = 0;
    return `${kept}… cut, ${text.length} characters in all`;
  }

  /** A text that is JSON, with the secrets in it masked; `undefined` when it is no JSON, or none are seen in it. */
  #maskJson(text: string): string | undefined {
    if (!/^\s*[[{"]/.test(text)) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
    // Each level of JSON in JSON has less text: what is in quotes. All of it is kept here; it is cut by who asked.
    const inner = new Copier(Number.POSITIVE_INFINITY, this.#searchable);
    const masked = JSON.stringify(inner.copy(value, 0));
    this.#searchable = inner.#searchable;
    return masked === tryToWrite(value) ? undefined : masked; // it may have had a key twice
  }
}

/** JSON; `undefined` for what is nested too deeply for that. */
function tryToWrite(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Whether a path leads to a secret, or to a part of one: one of its names is that of a secret. */
function isPathOfSecret(path: unknown): boolean {
  if (!Array.isArray(path)) return isNameOfSecret(path);
  for (let at = 0; at < Math.min(path.length, LONGEST_PATH); at++) {
    const name = read(path, at);
    if (typeof name === 'string' && isSecretName(name)) return true;
  }
  return false;
}

/** Whether the one before says that this is a secret: in `['password', …]`, also several pairs, and `['--token', …]`. */
function isNamed(list: readonly unknown[], at: number): boolean {
  if (at === 0) return false;
  const before = read(list, at - 1);
  const isPair = at % 2 === 1 && list.length % 2 === 0;
  return isNameOfSecret(before) && (isPair || String(before).startsWith('--'));
}

function sizeOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** What a property holds; `undefined` when that would have to be worked out. */
function read(of: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(of, key)?.value;
}
