import { types } from 'node:util';
import { parse, type StringifyOperations, stringify } from 'devalue';

/** The values of a job in a form that JSON can hold. */
export interface WrittenValues {
  /** Those that are JSON as they are. */
  readonly plain: readonly unknown[];
  /** The others, as devalue writes them. */
  readonly odd: readonly string[];
}

/** All values together are larger than they may be; the message says what there may be at most. */
export class TooLargeError extends Error {}

export interface ValueWriterOptions {
  /** About how many characters all values may have together. Default 16 Mi. */
  readonly maxCharacters?: number;
  /** What is written of each value besides itself, in characters. Default 64. */
  readonly weightAround?: number;
}

/** The longest checkpoint, in characters: the event loop is kept for as long as it takes to write. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

/** devalue takes some microseconds for each value. */
const MOST_ODD_PARTS = 100_000;

/** Lists and objects in one another that are still JSON. */
const DEEPEST_PLAIN = 200;

/** And that devalue is given: it can write more than it can read in a process that has just begun. */
const DEEPEST_ODD = 1_000;

/** Characters per byte. */
const BASE64 = 4 / 3;

/** About how much a value weighs, in characters and in the time that it takes: one that is no string, one with parts … */
const WEIGHT = 8;
const WEIGHT_OF_PARTED = 32;
/** … and what a snapshot tells of a value besides. */
const WEIGHT_AROUND = 64;

/**
 * Takes values one by one, and stops at the first with which they are too many. Nothing of theirs is called while what it
 * has written is made into text: what is not plain data through and through is text already.
 */
export class ValueWriter {
  readonly #plain: unknown[] = [];
  readonly #odd: string[] = [];
  /** The numbers of objects, so that one that stands in two places stays one. */
  readonly #numbers = new Map<object, number>();
  readonly #maxCharacters: number;
  readonly #weightAround: number;
  #characters = 0;
  #oddParts = 0;
  /** Made for the first value that is not plain: most have none. */
  #reducers: ReturnType<typeof makeReducers> | undefined = undefined;
  #operations: ReturnType<typeof makeOperations> | undefined = undefined;
  /** How deep the objects stand in the value that devalue is at. */
  readonly #depths = new Map<unknown, number>();
  /** The objects in the value that is looked at. */
  #met: Set<object> | undefined = undefined;

  constructor(options: ValueWriterOptions = {}) {
    this.#maxCharacters = options.maxCharacters ?? MOST_CHARACTERS;
    this.#weightAround = options.weightAround ?? WEIGHT_AROUND;
  }

  get written(): WrittenValues {
    return { plain: this.#plain, odd: this.#odd };
  }

  /**
   * Takes a value.
   * @returns the number by which it is read again
   * @throws TooLargeError, DevalueError when it can't be written, or what a getter or a proxy in it throws
   */
  put(value: unknown): number {
    const isObject = typeof value === 'object' && value !== null;
    const known = isObject ? this.#numbers.get(value) : undefined;
    this.count(this.#weightAround);
    if (known !== undefined) return known;
    const number = this.#write(value);
    if (isObject) this.#numbers.set(value, number);
    return number;
  }

  #write(value: unknown): number {
    const before = this.#characters;
    this.#met = undefined;
    if (this.#isPlain(value, 1)) return this.#plain.push(value) - 1;
    this.#characters = before;
    this.#depths.clear();
    this.#reducers ??= makeReducers(this);
    this.#operations ??= makeOperations(this);
    const text = stringify(value, this.#reducers, { operations: this.#operations });
    return ~(this.#odd.push(text) - 1);
  }

  /** Adds to the weight of all. @throws TooLargeError */
  count(characters: number): void {
    this.checkRoom(characters);
    this.#characters += characters;
  }

  /** @throws TooLargeError unless there is room for so many characters */
  checkRoom(characters: number): void {
    if (this.#characters + characters <= this.#maxCharacters) return;
    const kibibytes = this.#maxCharacters / 1024;
    throw new TooLargeError(kibibytes < 1024 ? `${kibibytes} KiB` : `${kibibytes / 1024} MiB`);
  }

  /** Adds a part of a value that devalue is at. */
  countOdd(part: unknown): void {
    this.count(typeof part === 'string' ? part.length + WEIGHT : WEIGHT);
    if (++this.#oddParts > MOST_ODD_PARTS) {
      const most = MOST_ODD_PARTS.toLocaleString('en');
      throw new TooLargeError(`${most} values in such that are not JSON`);
    }
  }

  /** Notes that `part` was come to from `owner`. @throws RangeError when that is too deep */
  descend<Part>(owner: unknown, part: Part): Part {
    if (typeof part !== 'object' || part === null || this.#depths.has(part)) return part;
    const depth = (this.#depths.get(owner) ?? 1) + 1;
    if (depth > DEEPEST_ODD)
      throw new RangeError(`it is more than ${DEEPEST_ODD.toLocaleString('en')} levels deep`);
    this.#depths.set(part, depth);
    return part;
  }

  /** Whether JSON gives the value back as it is; then no code of the flow runs when it is written. */
  #isPlain(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.count(value.length);
        return true;
      case 'number':
        this.count(WEIGHT);
        return Number.isFinite(value) && !Object.is(value, -0);
      case 'boolean':
        this.count(WEIGHT);
        return true;
      case 'object':
        if (value !== null) return this.#isPlainObject(value, depth);
        this.count(WEIGHT);
        return true;
      default:
        return false;
    }
  }

  #isPlainObject(value: object, depth: number): boolean {
    this.count(WEIGHT_OF_PARTED);
    if (depth > DEEPEST_PLAIN || !this.#isNew(value) || types.isProxy(value)) return false;
    // A hole reads as `undefined`, which is not plain. What a list has besides its elements is never written.
    if (Array.isArray(value)) {
      if (Object.getPrototypeOf(value) !== Array.prototype) return false;
      for (let at = 0; at < value.length; at++) {
        if (!this.#isPlain(value[at], depth + 1)) return false;
      }
      return true;
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    if (Object.getOwnPropertySymbols(value).length > 0) return false;
    for (const key in value) {
      this.count(key.length);
      // An accessor, or a property of the prototype, has no value here.
      const part = Object.getOwnPropertyDescriptor(value, key)?.value;
      if (!this.#isPlain(part, depth + 1)) return false;
    }
    return true;
  }

  /** Whether an object is met for the first time in the present value. Most values have one object: no set for those. */
  #isNew(value: object): boolean {
    if (this.#met === undefined) {
      this.#met = new Set([value]);
      return true;
    }
    const before = this.#met.size;
    return this.#met.add(value).size > before;
  }
}

/** Gives a function that finds values again by the numbers that `ValueWriter.put` returned. */
export function readValues({ plain, odd }: WrittenValues): (number: number) => unknown {
  const revived = odd.map((text) => parse(text, REVIVERS));
  return (number) => (number < 0 ? revived[~number] : plain[number]);
}

/** What devalue writes, but not as the subclass that a value may be of. */
const BUILT_IN = [Map, Set, Date, Array, RegExp] as const;

/** What devalue does not write by itself, or not as it is. */
function makeReducers(writer: ValueWriter) {
  return {
    Buffer: (value: unknown) => {
      if (!Buffer.isBuffer(value)) return false;
      writer.checkRoom(value.byteLength * BASE64); // before the text is made, which is counted then
      return [value.toString('base64')]; // a reducer that answers an empty text has not answered
    },
    Subclass(value: unknown): false {
      const kind = BUILT_IN.find((each) => value instanceof each);
      if (kind !== undefined && Object.getPrototypeOf(value) !== kind.prototype) {
        const { name } = (value as object).constructor;
        throw new TypeError(`It is a ${name}, which would come back as a plain ${kind.name}`);
      }
      return false;
    },
    Error: (value: unknown) => {
      if (!(value instanceof Error)) return false;
      const { name, message, stack } = value;
      const parts = { name, message, stack, facts: { ...value } };
      return writer.descend(value, parts);
    },
  };
}

const REVIVERS = {
  Buffer: ([text = '']: string[]) => Buffer.from(text, 'base64'),
  Error: ({ name, message, stack, facts }: Error & { facts: object }) => {
    const error = Object.assign(new Error(message), facts);
    Object.defineProperties(error, {
      name: { value: name, configurable: true, writable: true },
      stack: { value: stack, configurable: true, writable: true },
    });
    return error;
  },
};

/** devalue's own steps, counted. */
function makeOperations(writer: ValueWriter): Partial<StringifyOperations> {
  return {
    typeOf(part) {
      writer.countOdd(part);
      return part === null ? 'null' : typeof part;
    },
    get: (owner, key) => writer.descend(owner, owner[key]),
    *valuesOf(set) {
      for (const part of set) yield writer.descend(set, part);
    },
    *entriesOf(map) {
      for (const [key, part] of map) yield [writer.descend(map, key), writer.descend(map, part)];
    },
    toArrayBuffer(buffer) {
      writer.count(buffer.byteLength * BASE64);
      return buffer;
    },
  };
}
