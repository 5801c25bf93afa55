import { types } from 'node:util';
import { dateText, dateTime, walkMap, walkSet } from '../lib/intrinsics.ts';
import { typeName } from '../lib/type-name.ts';
import type { Run, Work } from './run.ts';
import {
  BYTES,
  countParts,
  isDate,
  isKeyed,
  isMap,
  isSet,
  isTypedArray,
  readOwn,
  refuseProxy,
} from './values.ts';

/** The longest text that is made or searched for, in UTF-16 characters. */
export const LONGEST_TEXT = 1_048_576;

const { stringify } = JSON;
/** Deeper values are not written. */
const DEEPEST_VALUE = 100;
const LARGEST_BIGINT = 2n ** 4096n;

/** The text of a value that has no parts, as `str` gives it; `undefined` for lists, objects and the like. */
export function textAtOnce(run: Run, at: number, value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return requireSmall(run, at, value).toString();
    case 'object':
      return value === null ? 'null' : undefined;
    default:
      return `[${typeof value}]`;
  }
}

/** @throws ExpressionError for a bigint of more than 4,096 bits: what is done with those may take very long */
export function requireSmall(run: Run, at: number, value: bigint): bigint {
  if (!isSmall(value)) run.fail('TYPE', at, 'This bigint has more than 4096 bits.');
  return value;
}

/** Whether a bigint has 4,096 bits at most. That takes no time, however large it is. */
export function isSmall(value: bigint): boolean {
  return value <= LARGEST_BIGINT && value >= -LARGEST_BIGINT;
}

/** @throws ExpressionError */
export function checkTextLength(run: Run, at: number, length: number): void {
  if (length <= LONGEST_TEXT) return;
  run.fail('MEMORY_LIMIT', at, `This makes a text of more than ${LONGEST_TEXT} characters.`);
}

/** Takes the memory of a text, before it is made. */
export function allocateText(run: Run, at: number, length: number): void {
  checkTextLength(run, at, length);
  run.allocate(BYTES.text + length * BYTES.character, at);
}

/** How many characters are written, or made others, in about the time of a step, as a power of 2. */
export const CHARACTERS_PER_STEP_LOG2 = 4;

/** To write a part takes longer than to look at one. */
const STEPS_PER_PART = 3;

/** The parts of a value that is being written. */
interface Frame {
  readonly object: object;
  readonly isKeyed: boolean;
  /** A key with its value, or an element alone; `undefined` after the last. */
  readonly next: () => readonly [unknown, unknown?] | undefined;
  isFirst: boolean;
}

/** The text of any value: that of lists, objects and the like is about their JSON. */
export function* writeText(run: Run, at: number, value: unknown): Work<string> {
  const writer = new Writer(run, at);
  writer.put(value);
  while (writer.isOpen) {
    if (run.spend(STEPS_PER_PART, at)) yield;
    writer.putNext();
  }
  return writer.text;
}

class Writer {
  readonly #run: Run;
  readonly #at: number;
  readonly #open: Frame[] = [];
  /** Those that are open, which must not be opened again. */
  readonly #around = new Set<object>();
  text = '';

  constructor(run: Run, at: number) {
    this.#run = run;
    this.#at = at;
  }

  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** Writes the next part of what was opened last, or closes it. */
  putNext(): void {
    const frame = this.#open.at(-1);
    if (frame === undefined) return;
    const part = frame.next();
    if (part === undefined) {
      this.#open.pop();
      this.#around.delete(frame.object);
      this.#write(frame.isKeyed ? '}' : ']');
      return;
    }
    if (!frame.isFirst) this.#write(',');
    frame.isFirst = false;
    const [one, other] = part;
    if (!frame.isKeyed) {
      this.put(one);
      return;
    }
    const key = textAtOnce(this.#run, this.#at, one) ?? `[${typeName(one)}]`;
    this.#write(`${this.#quote(key)}:`);
    this.put(other);
  }

  /** Writes a value that has no parts, or opens one that has. */
  put(value: unknown): void {
    const text = textAtOnce(this.#run, this.#at, value);
    if (text !== undefined) {
      this.#write(typeof value === 'string' ? this.#quote(text) : text);
      return;
    }
    const object = value as object; // the rest has a text
    refuseProxy(this.#run, this.#at, object);
    if (this.#around.has(object)) {
      this.#write('[circular]');
      return;
    }
    if (this.#open.length === DEEPEST_VALUE) {
      this.#run.fail('TYPE', this.#at, `The value is nested deeper than ${DEEPEST_VALUE} levels.`);
    }
    const frame = this.#frameOf(object);
    if (typeof frame === 'string') {
      this.#write(frame);
      return;
    }
    this.#open.push(frame);
    this.#around.add(object);
    this.#write(frame.isKeyed ? '{' : '[');
  }

  /** The text of an object that is not looked into. */
  #frameOf(object: object): Frame | string {
    if (isDate(object)) return writeDate(object);
    if (isMap(object)) return { object, isKeyed: true, next: walkMap(object), isFirst: true };
    if (isSet(object)) return { object, isKeyed: false, next: walkSet(object), isFirst: true };
    let index = 0;
    if (Array.isArray(object) || isTypedArray(object)) {
      const length = countParts(this.#run, this.#at, object) ?? 0;
      this.#run.requireSteps(length, this.#at);
      const next = () =>
        index < length ? ([readOwn(this.#run, this.#at, object, index++)] as const) : undefined;
      return { object, isKeyed: false, next, isFirst: true };
    }
    if (types.isNativeError(object)) {
      const message = readOwn(this.#run, this.#at, object, 'message');
      const told = typeof message === 'string' ? message : '';
      return this.#quote(`${typeName(object)}: ${told}`);
    }
    const keys = isKeyed(object) ? this.#run.listKeys(object, this.#at) : [];
    if (keys.length === 0 && typeName(object) !== 'object') return `[${typeName(object)}]`;
    const next = () => {
      const key = keys[index++];
      return key === undefined
        ? undefined
        : ([key, readOwn(this.#run, this.#at, object, key)] as const);
    };
    return { object, isKeyed: true, next, isFirst: true };
  }

  #quote(text: string): string {
    this.#checkLength(text);
    this.#run.spend(text.length >> CHARACTERS_PER_STEP_LOG2, this.#at);
    this.#run.allocate(BYTES.text + text.length * BYTES.character, this.#at);
    return stringify(text);
  }

  #write(text: string): void {
    this.#checkLength(text);
    this.#run.allocate(BYTES.text + text.length * BYTES.character, this.#at);
    this.text += text;
  }

  #checkLength(text: string): void {
    checkTextLength(this.#run, this.#at, this.text.length + text.length);
  }
}

function writeDate(date: Date): string {
  return Number.isNaN(dateTime(date)) ? 'Invalid Date' : stringify(dateText(date));
}
