import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChildren, readVariable } from '../../src/debugger/variables.ts';
import { NotFoundError, ValidationError } from '../../src/lib/domain-error.ts';
import { maskSecrets } from '../../src/lib/mask-secrets.ts';

const ALL = { offset: 0, limit: 1000 };

/** The parts of a value, as `name: type text`. */
function partsOf(value: unknown): string[] {
  return readChildren(value, 'root', [], ALL).map(
    ({ name, type, value: { text } }) => `${name}: ${type} ${text}`,
  );
}

class Article {
  title = 'On rivers';
  #secret = 1;
  get upper() {
    return this.title.toUpperCase() + this.#secret;
  }
}
class Coded extends Error {
  readonly code = 'E_CODE';
  readonly extra = 1;
}
const withGetter = {
  a: 1,
  get b(): never {
    throw new Error('was run');
  },
};

describe('what there is in a value (M8)', () => {
  test.each<[string, unknown, string, string[]]>([
    ['a text', 'abc', 'string', []],
    ['a number', 1, 'number', []],
    ['a boolean', true, 'boolean', []],
    ['null', null, 'null', []],
    ['undefined', undefined, 'undefined', []],
    ['a bigint', 1n, 'bigint', []],
    ['a symbol', Symbol('s'), 'symbol', []],
    ['a function', () => 1, 'function', []],
    ['a date', new Date(0), 'Date', []],
    ['a promise', Promise.resolve(), 'Promise', []],
    ['a boxed text', Object('abc'), 'String', []],
    ['a list', [1, 'b'], 'list', ['0: number 1', '1: string "b"']],
    [
      'a list with a hole',
      Object.assign(new Array(2), [1]),
      'list',
      ['0: number 1', '1: undefined undefined'],
    ],
    ['a typed array', Float32Array.of(1.5, 2), 'Float32Array', ['0: number 1.5', '1: number 2']],
    ['a buffer', Buffer.from('a'), 'Buffer', ['0: number 97']],
    ['an object', { a: { b: 1 }, 2: 'x' }, 'object', ['2: string "x"', 'a: object {"b":1}']],
    [
      'an object without a prototype',
      Object.assign(Object.create(null), { a: 1 }),
      'object',
      ['a: number 1'],
    ],
    [
      'keys that are traps elsewhere',
      JSON.parse('{"__proto__":1,"constructor":2}'),
      'object',
      ['__proto__: number 1', 'constructor: number 2'],
    ],
    ['an instance', new Article(), 'Article', ['title: string "On rivers"']],
    ['a getter', withGetter, 'object', ['a: number 1', 'b: getter [getter]']],
    [
      'symbols and what is hidden',
      Object.defineProperty({ [Symbol('s')]: 1, a: 1 }, 'hidden', { value: 1 }),
      'object',
      ['a: number 1'],
    ],
    [
      'a map',
      new Map<unknown, unknown>([
        ['k', 1],
        [{ id: 7 }, 2],
        [3, 4],
      ]),
      'Map',
      ['k: number 1', '{"id":7}: number 2', '3: number 4'],
    ],
    ['a set', new Set(['a', 1]), 'Set', ['0: string "a"', '1: number 1']],
  ])('%s', (_, value, type, parts) => {
    const whole = readVariable(value, 'root', []);
    expect(whole).toMatchObject({ name: 'root', path: [], type, childCount: parts.length });
    expect(whole).toMatchObject({ isSecret: false, canSet: false });
    expect(partsOf(value)).toEqual(parts);
  });

  test('an error', () => {
    const error = new Coded('bad', { cause: new TypeError('worse') });
    expect(readVariable(error, 'error', []).type).toBe('Coded');
    const parts = readChildren(error, 'error', [], ALL);
    expect(parts.map(({ name }) => name)).toEqual([
      'name',
      'message',
      'code',
      'cause',
      'stack',
      'extra',
    ]);
    expect(parts.map(({ value }) => value.text).slice(0, 4)).toEqual([
      '"Error"',
      '"bad"',
      '"E_CODE"',
      '"TypeError: worse"',
    ]);
    expect(readVariable(error, 'error', ['cause', 'message']).value.text).toBe('"worse"');
    expect(readVariable(error, 'error', []).childCount).toBe(parts.length);
    const both = new AggregateError([1], 'both');
    expect(readVariable(both, 'error', ['errors', 0]).value.text).toBe('1');
  });

  test('a proxy is not looked into', () => {
    let runs = 0;
    const run = () => {
      runs++;
      return undefined;
    };
    const proxy = new Proxy([1], new Proxy({}, { get: run }));
    const reading = readVariable({ proxy }, 'root', ['proxy']);
    expect(reading).toMatchObject({ type: 'proxy', childCount: 0, value: { text: '[proxy]' } });
    expect(readChildren(proxy, 'root', [], ALL)).toEqual([]);
    expect(() => readVariable({ proxy }, 'root', ['proxy', 0])).toThrow('is a proxy, which is not');
    expect(runs).toBe(0);
  });
});

describe('a path', () => {
  const root = {
    list: [{ a: 1 }],
    map: new Map<unknown, unknown>([
      ['k', { x: 1 }],
      [{ id: 7 }, 'by position'],
      ['0', 'by key'],
    ]),
    set: new Set([['in a set']]),
    '': 'empty',
    5: 'five',
  };

  test.each<[(string | number)[], string, string]>([
    [['list', 0, 'a'], 'a', '1'],
    [['list', '0', 'a'], 'a', '1'],
    [['map', 'k', 'x'], 'x', '1'],
    [['map', 1], '{"id":7}', '"by position"'],
    [['map', '1'], '{"id":7}', '"by position"'],
    [['map', '0'], '0', '"by key"'],
    [['map', 0, 'x'], 'x', '1'],
    [['set', 0, 0], '0', '"in a set"'],
    [[''], '', '"empty"'],
    [[5], '5', '"five"'],
  ])('%j leads to %s', (path, name, text) => {
    expect(readVariable(root, 'root', path)).toMatchObject({ name, path, value: { text } });
  });

  test('leads to each part by the path that the part has', () => {
    for (const key of ['list', 'map', 'set']) {
      for (const part of readChildren(root, 'root', [key], ALL)) {
        expect(readVariable(root, 'root', part.path)).toEqual(part);
      }
    }
  });

  test.each<[(string | number)[], string]>([
    [['lst'], 'There is no variable "root.lst". Did you mean "list"?'],
    [['what'], '"root" is an object with 5, list, map, set, .'],
    [
      ['list', 1],
      'no variable "root.list[1]". "root.list" is a list; its positions go from 0 to 0.',
    ],
    [['list', -1], 'its positions go from 0 to 0.'],
    [['list', 0.5], 'its positions go from 0 to 0.'],
    [['list', 'length'], 'its positions go from 0 to 0.'],
    [['list', 'push'], 'its positions go from 0 to 0.'],
    [['list', 0, 'a', 'b'], '"root.list[0].a" is a number and has no parts.'],
    [['map', 'size'], '"root.map" is a Map with k, {"id":7}, 0.'],
    [['map', 3], '"root.map" is a Map with'],
    [['set', 1], 'its positions go from 0 to 0.'],
    [['__proto__'], '"root" is an object with'],
    [['constructor', 'prototype'], '"root" is an object with'],
    [['', 'length'], 'is a string and has no parts.'],
  ])('%j leads nowhere, and what is there is told', (path, message) => {
    expect(() => readVariable(root, 'root', path)).toThrow(NotFoundError);
    expect(() => readVariable(root, 'root', path)).toThrow(message);
    expect(() => readChildren(root, 'root', path, ALL)).toThrow(message);
  });

  test('does not run a getter', () => {
    expect(() => readVariable(withGetter, 'root', ['b', 'c'])).toThrow(
      'a getter, which is not run',
    );
    expect(readVariable(withGetter, 'root', ['b']).type).toBe('getter');
  });

  test('has 100 steps at most, also around a cycle', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const path = Array<string>(100).fill('self');
    expect(readVariable(cycle, 'root', path).childCount).toBe(1);
    expect(() => readVariable(cycle, 'root', [...path, 'self'])).toThrow(ValidationError);
  });

  test('is told briefly, however long its steps and the keys are', () => {
    const wide = { ['k'.repeat(1e6)]: 1 };
    for (const step of ['x'.repeat(1e6), 'k'.repeat(1e6 - 1)]) {
      try {
        readVariable(wide, 'root', [step]);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(NotFoundError);
        expect(String(error).length).toBeLessThan(1000);
      }
    }
    const [part] = readChildren(wide, 'root', [], ALL);
    expect(JSON.stringify(part).length).toBeLessThan(1500);
    const [entry] = readChildren(new Map([['k'.repeat(1e6), 1]]), 'root', [], ALL);
    expect(entry?.path).toEqual([0]);
    expect(JSON.stringify(entry).length).toBeLessThan(500);
  });
});

describe('pages', () => {
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '0', '7'));
  const value = fc.oneof(
    fc.array(fc.jsonValue(), { maxLength: 30 }),
    fc.dictionary(key, fc.jsonValue(), { maxKeys: 30 }),
    fc
      .array(fc.tuple(fc.oneof(key, fc.integer(), fc.object()), fc.jsonValue()))
      .map((entries) => new Map<unknown, unknown>(entries)),
    fc.array(fc.anything()).map((values) => new Set(values)),
    fc.uint8Array(),
    fc.string().map((message) => Object.assign(new Error(message), { at: 1 })),
  );

  test('joined are the whole, and each part is found by its path', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 7 }), (whole, limit) => {
        const { childCount } = readVariable(whole, 'root', []);
        const all = readChildren(whole, 'root', [], ALL);
        expect(all).toHaveLength(childCount);
        const joined = [];
        for (let offset = 0; offset < childCount; offset += limit) {
          joined.push(...readChildren(whole, 'root', [], { offset, limit }));
        }
        expect(joined).toEqual(all);
        for (const part of all) expect(readVariable(whole, 'root', part.path)).toEqual(part);
        expect(readChildren(whole, 'root', [], { offset: childCount, limit })).toEqual([]);
        expect(readChildren(whole, 'root', [], { offset: 0, limit: 0 })).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test.each<[string, number, () => unknown]>([
    ['a list of ten million', 1e7, () => new Array(1e7).fill(1)],
    ['a sparse list', 4e9, () => Object.assign([], { length: 4e9 })],
    ['100 MB of bytes', 1e8, () => Buffer.alloc(1e8)],
    [
      'a map of a hundred thousand',
      1e5,
      () => new Map(Array.from({ length: 1e5 }, (_, at) => [at, at])),
    ],
    [
      'an object of a hundred thousand keys',
      1e5,
      () => Object.fromEntries(Array.from({ length: 1e5 }, (_, at) => [`k${at}`, at])),
    ],
  ])('of %s are read from anywhere', (_, count, make) => {
    const root = { large: make() };
    const large = readVariable(root, 'root', ['large']);
    expect(large.childCount).toBe(count);
    expect(JSON.stringify(large).length).toBeLessThan(1000);
    const last = readChildren(root, 'root', ['large'], { offset: count - 2, limit: 100 });
    expect(last).toHaveLength(2);
  });

  test('never hold a large text', () => {
    const text = 'x'.repeat(1e8);
    const root = {
      text,
      list: [text],
      map: new Map([[text, text]]),
      error: new Error(text),
      [text]: text,
    };
    for (const path of [[], ['list'], ['map'], ['error']]) {
      const parts = readChildren(root, 'root', path, ALL);
      expect(JSON.stringify(parts).length).toBeLessThan(6000);
    }
    expect(readVariable(root, 'root', ['text'])).toMatchObject({ type: 'string', childCount: 0 });
  });
});

describe('what a class overrides is not run', () => {
  let runs = 0;
  const run = (): never => {
    runs++;
    throw new Error('was run');
  };
  class HostileMap extends Map {
    override get size() {
      return run();
    }
    override get = run;
    override has = run;
    override entries = run;
    override keys = run;
    override [Symbol.iterator] = run;
  }
  class HostileSet extends Set {
    override get size() {
      return run();
    }
    override values = run;
    override [Symbol.iterator] = run;
  }
  class HostileList extends Array {
    override entries = run;
    override slice = run;
    override [Symbol.iterator] = run;
  }
  class HostileBytes extends Uint8Array<ArrayBuffer> {
    override get length() {
      return run();
    }
  }
  class HostileError extends Error {
    override get message() {
      return run();
    }
  }

  test('of maps, sets, lists, bytes and errors', () => {
    const map = new HostileMap();
    Map.prototype.set.call(map, 'k', 1);
    const set = new HostileSet();
    Set.prototype.add.call(set, 1);
    const list = new HostileList(1);
    list[0] = 1;
    for (const [value, type, step] of [
      [map, 'HostileMap', 'k'],
      [set, 'HostileSet', 0],
      [list, 'list', 0],
      [new HostileBytes(Uint8Array.of(1).buffer), 'HostileBytes', 0],
    ] as const) {
      // The class fields of a map are properties of its own; what it holds comes first.
      expect(readVariable(value, 'root', [])).toMatchObject({ type, childCount: 1 });
      expect(readVariable(value, 'root', [step]).value.text).toBe('1');
      expect(readChildren(value, 'root', [], ALL)).toHaveLength(1);
    }
    // Nor is its stack, which is written only when it is asked for, and then of its message.
    const error = new HostileError();
    expect(partsOf(error)).toEqual(['name: string "Error"', 'message: getter [getter]']);
    expect(() => readVariable(error, 'root', ['stack'])).toThrow(NotFoundError);
    const captured = Object.defineProperty({}, 'message', { get: run });
    Error.captureStackTrace(captured);
    expect(partsOf(captured)).toEqual([]);
    expect(() => readVariable(captured, 'root', ['stack'])).toThrow(NotFoundError);
    expect(runs).toBe(0);
  });
});

describe('what can be set', () => {
  const frozen = Object.freeze({ a: 1 });
  const root = {
    list: [1],
    frozen,
    map: new Map([['k', 1]]),
    set: new Set([{ a: 1 }]),
    bytes: Buffer.from('a'),
    article: new Article(),
    withGetter,
    error: new Error('bad'),
  };

  test.each<[(string | number)[], { inPlace: boolean; byCopy: boolean }]>([
    [[], { inPlace: false, byCopy: false }],
    [['list'], { inPlace: true, byCopy: true }],
    [['list', 0], { inPlace: true, byCopy: true }],
    [['frozen', 'a'], { inPlace: false, byCopy: true }],
    [['map', 'k'], { inPlace: true, byCopy: true }],
    [['set', 0], { inPlace: false, byCopy: false }],
    [['set', 0, 'a'], { inPlace: true, byCopy: false }],
    [['bytes', 0], { inPlace: false, byCopy: false }],
    [['article', 'title'], { inPlace: true, byCopy: false }],
    [['withGetter', 'a'], { inPlace: true, byCopy: true }],
    [['withGetter', 'b'], { inPlace: false, byCopy: false }],
    [['error', 'message'], { inPlace: true, byCopy: false }],
    [['error', 'name'], { inPlace: false, byCopy: false }],
  ])('%j: %j', (path, { inPlace, byCopy }) => {
    expect(readVariable(root, 'root', path).canSet).toBe(false);
    expect(readVariable(root, 'root', path, { editing: 'IN_PLACE' }).canSet).toBe(inPlace);
    expect(readVariable(root, 'root', path, { editing: 'BY_COPY' }).canSet).toBe(byCopy);
    if (path.length === 0) return;
    const siblings = readChildren(root, 'root', path.slice(0, -1), ALL, { editing: 'IN_PLACE' });
    const same = siblings.find(({ path: each }) => each.at(-1) === path.at(-1));
    expect(same?.canSet).toBe(inPlace);
  });
});

test('a secret is told to be one, has no parts, and can not be set', () => {
  const masked = maskSecrets({ url: 'x', auth: { user: 'u', token: ['t'] } }, ['auth.token']);
  const options = { isMasked: true, editing: 'IN_PLACE' } as const;
  const secret = {
    name: 'token',
    path: ['auth', 'token'],
    value: { text: '"***"' },
    childCount: 0,
  };
  expect(readVariable(masked, 'config', ['auth', 'token'], options)).toMatchObject({
    ...secret,
    isSecret: true,
    canSet: false,
  });
  expect(readChildren(masked, 'config', ['auth'], ALL, options)).toMatchObject([
    { name: 'user', isSecret: false, canSet: true },
    { ...secret, isSecret: true },
  ]);
  expect(() => readVariable(masked, 'config', ['auth', 'token', 0], options)).toThrow(
    NotFoundError,
  );
  expect(readVariable({ stars: '***' }, 'state', ['stars']).isSecret).toBe(false);
});

test('a page of objects with very many keys is refused; a smaller one is not', () => {
  const wide = () => Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, at]));
  const list = Array.from({ length: 12 }, wide);
  expect(() => readChildren(list, 'list', [], ALL)).toThrow(/smaller page/);
  const page = readChildren(list, 'list', [], { offset: 4, limit: 3 });
  expect(page.map(({ childCount }) => childCount)).toEqual([60_000, 60_000, 60_000]);
  const [same] = list;
  expect(readChildren(Array(1000).fill(same), 'list', [], ALL)).toHaveLength(1000);
});
