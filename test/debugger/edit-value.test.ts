import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setInPlace, withReplaced } from '../../src/debugger/edit-value.ts';
import { readChildren, readVariable } from '../../src/debugger/variables.ts';
import { NotFoundError, ValidationError } from '../../src/lib/domain-error.ts';

type Path = (string | number)[];

class Article {
  title = 'On rivers';
}

function makeRoot() {
  let runs = 0;
  const run = (): never => {
    runs++;
    throw new Error('was run');
  };
  const proxied = { a: 1 };
  const root = {
    list: [1, { a: 1 }],
    map: new Map<unknown, unknown>([
      ['k', 1],
      [{ id: 7 }, { x: 1 }],
    ]),
    set: new Set([{ a: 1 }]),
    bytes: Buffer.from('a'),
    article: new Article(),
    articles: [new Article()],
    frozen: Object.freeze({ a: { b: 1 } }),
    getter: Object.defineProperty({ a: 1 }, 'b', { get: run, set: run, enumerable: true }),
    getters: Object.defineProperty([1, 2], 1, { get: run, set: run, enumerable: true }),
    setter: Object.create({
      set inherited(_: unknown) {
        run();
      },
    }),
    error: new Error('bad'),
    proxy: new Proxy(proxied, {
      get: run,
      set: run,
      defineProperty: run,
      ownKeys: run,
      getPrototypeOf: run,
    }),
    bare: Object.assign(Object.create(null), { a: 1 }),
    parsed: JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{"b":1}}}'),
  };
  return { root, runs: () => runs };
}

describe('setInPlace', () => {
  test.each<[Path, string]>([
    [['list'], '[1,{"a":1}]'],
    [['list', 0], '1'],
    [['list', '1', 'a'], '1'],
    [['map', 'k'], '1'],
    [['map', 1, 'x'], '1'],
    [['set', 0, 'a'], '1'],
    [['article', 'title'], '"On rivers"'],
    [['frozen', 'a', 'b'], '1'],
    [['getter', 'a'], '1'],
    [['error', 'message'], '"bad"'],
    [['bare', 'a'], '1'],
    [['parsed', '__proto__', 'a'], '1'],
    [['parsed', '__proto__'], '{"a":1}'],
    [['parsed', 'constructor', 'prototype', 'b'], '1'],
  ])('changes %j where it is', (path, before) => {
    const { root, runs } = makeRoot();
    const whole = path.slice(0, -1).length === 0 ? root : holderOf(root, path);
    const change = setInPlace(root, 'state', path, { new: true });
    expect(change.before?.text).toBe(before);
    expect(change.after?.text).toBe('{"new":true}');
    expect(readVariable(root, 'state', path).value.text).toBe('{"new":true}');
    expect(path.slice(0, -1).length === 0 ? root : holderOf(root, path)).toBe(whole);
    expect(runs()).toBe(0);
    expectNothingPolluted();
  });

  test.each<[Path, new (...args: never[]) => Error, string]>([
    [[], ValidationError, '"state" as a whole can\'t be changed'],
    [['list', 2], NotFoundError, 'its positions go from 0 to 1'],
    [['list', 'length'], NotFoundError, 'its positions go from 0 to 1'],
    [['map', 'new'], NotFoundError, 'is a Map with k'],
    [['map', 0, 'x'], NotFoundError, 'is a number and has no parts'],
    [['set', 0], ValidationError, "part of what can't be edited (a Set)"],
    [['bytes', 0], ValidationError, "part of what can't be edited (a Buffer)"],
    [['frozen', 'a'], ValidationError, '"state.frozen.a" can\'t be changed: it is read-only'],
    [['getter', 'b'], ValidationError, 'it is a getter'],
    [['getters', 1], ValidationError, 'it is a getter'],
    [['setter', 'inherited'], NotFoundError, 'has no parts'],
    [['error', 'name'], ValidationError, 'read-only'],
    [['proxy', 'a'], NotFoundError, 'is a proxy, which is not looked into'],
    [['__proto__', 'polluted'], NotFoundError, 'There is no variable "state.__proto__"'],
    [
      ['constructor', 'prototype', 'polluted'],
      NotFoundError,
      'There is no variable "state.constructor"',
    ],
    [['list', '__proto__', 'polluted'], NotFoundError, 'no variable "state.list.__proto__"'],
    [['bare', '__proto__'], NotFoundError, 'no variable "state.bare.__proto__"'],
    [Array<string>(101).fill('a'), ValidationError, '100 steps at most'],
  ])('leaves %j alone, and says why', (path, kind, message) => {
    const { root, runs } = makeRoot();
    for (const edit of [setInPlace, withReplaced]) {
      if (edit === withReplaced && (path.length === 0 || path[0] === 'frozen')) continue;
      expect(() => edit(root, 'state', path, 1)).toThrow(kind);
      if (kind === NotFoundError || edit === setInPlace) {
        expect(() => edit(root, 'state', path, 1)).toThrow(message);
      }
    }
    expect(runs()).toBe(0);
    expect(write(root)).toBe(write(makeRoot().root));
    expectNothingPolluted();
  });
});

describe('withReplaced', () => {
  test.each<{ path: Path }>([
    { path: ['list'] },
    { path: ['list', 0] },
    { path: ['list', 1, 'a'] },
    { path: ['map', 'k'] },
    { path: ['map', 1, 'x'] },
    { path: ['frozen', 'a'] },
    { path: ['frozen', 'a', 'b'] },
    { path: ['getter', 'a'] },
    { path: ['getters', 0] },
    { path: ['bare', 'a'] },
    { path: ['parsed', '__proto__', 'a'] },
    { path: ['parsed', '__proto__'] },
  ])('replaces $path, and leaves the original as it is', ({ path }) => {
    const { root, runs } = makeRoot();
    const untouched = Object.entries(root).filter(([key]) => key !== path[0]);
    const before = readVariable(root, 'item', path).value.text;
    const copy = withReplaced(root, 'item', path, { new: true });
    expect(copy === root).toBe(false);
    expect(readVariable(copy, 'item', path).value.text).toBe('{"new":true}');
    expect(readVariable(root, 'item', path).value.text).toBe(before);
    for (const [key, value] of untouched) {
      const isShared = Object.getOwnPropertyDescriptor(copy, key)?.value === value;
      expect(isShared).toBe(true);
    }
    expect(runs()).toBe(0);
    expectNothingPolluted();
  });

  test('keeps order, prototype, getters, symbols, what is hidden, and holes', () => {
    const { root, runs } = makeRoot();
    const symbol = Symbol('s');
    const hidden = Object.defineProperty({ a: 1, b: 2, [symbol]: 3 }, 'hidden', { value: 4 });
    const copy = withReplaced(hidden, 'item', ['a'], 0);
    expect(Object.getOwnPropertyDescriptors(copy)).toEqual({
      ...Object.getOwnPropertyDescriptors(hidden),
      a: { value: 0, writable: true, enumerable: true, configurable: true },
    });
    expect(Object.getPrototypeOf(withReplaced(root.bare, 'item', ['a'], 0))).toBeNull();
    const getters = withReplaced(root.getters, 'item', [0], 9);
    expect(
      readChildren(getters, 'item', [], { offset: 0, limit: 9 }).map(({ type }) => type),
    ).toEqual(['number', 'getter']);
    const map = withReplaced(root.map, 'item', ['k'], 9);
    expect(map).toEqual(
      new Map<unknown, unknown>([
        ['k', 9],
        [{ id: 7 }, { x: 1 }],
      ]),
    );
    const holes = withReplaced(Object.assign(new Array(3), [1]), 'item', [0], 2);
    expect(holes).toEqual(Object.assign(new Array(3), [2]));
    expect(1 in (holes as unknown[])).toBe(false);
    expect(runs()).toBe(0);
  });

  test('of the whole is the new value', () => {
    expect(withReplaced({ a: 1 }, 'item', [], 5)).toBe(5);
  });

  test.each<[Path, string]>([
    [
      ['article', 'title'],
      '"item.article.title" can\'t be changed: it is read-only, or a part of what can\'t be edited (an Article).',
    ],
    [['articles', 0, 'title'], 'edited (an Article)'],
    [['set', 0, 'a'], '(a Set)'],
    [['error', 'message'], '(an Error)'],
    [['getter', 'b'], 'a getter'],
  ])('%j can not be replaced: it is in what can not be copied', (path, message) => {
    const { root, runs } = makeRoot();
    expect(() => withReplaced(root, 'item', path, 1)).toThrow(ValidationError);
    expect(() => withReplaced(root, 'item', path, 1)).toThrow(message);
    expect(runs()).toBe(0);
  });

  test('refuses what only looks plain', () => {
    for (const value of [
      new Date(0),
      new Set([1]),
      Buffer.from('a'),
      Object('a'),
      new Error('e'),
    ]) {
      Object.setPrototypeOf(value, Object.prototype);
      const root = Object.assign(value, { a: 1 });
      expect(() => withReplaced(root, 'item', ['a'], 2)).toThrow();
    }
    class Listed extends Array {}
    class Mapped extends Map<unknown, unknown> {}
    expect(() => withReplaced(Listed.of(1), 'item', [0], 2)).toThrow(ValidationError);
    expect(() => withReplaced(new Mapped([['k', 1]]), 'item', ['k'], 2)).toThrow(ValidationError);
    const sparse = Object.assign([1], { length: 4e9 });
    expect(() => withReplaced(sparse, 'item', [0], 2)).toThrow(ValidationError);
  });

  test('of random values changes one part, and nothing of the original', () => {
    const { value: node } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, depthSize: 'medium' },
        fc.jsonValue({ maxDepth: 0 }),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(
          fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')),
          tie('value'),
          { maxKeys: 5 },
        ),
        fc
          .array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('value')), { maxLength: 5 })
          .map((entries) => new Map<unknown, unknown>(entries)),
      ),
    }));
    fc.assert(
      fc.property(node, fc.infiniteStream(fc.nat()), fc.jsonValue(), (root, choices, value) => {
        const path: Path = [];
        for (const choice of choices) {
          const parts = readChildren(root, 'item', path, { offset: 0, limit: 100 });
          const part = parts[choice % (parts.length + 1)];
          const step = part?.path.at(-1);
          if (step === undefined) break;
          path.push(step);
        }
        const before = write(root);
        const copy = withReplaced(root, 'item', path, value);
        expect(write(root)).toBe(before);
        expect(readVariable(copy, 'item', path)).toEqual(
          readVariable(path.length === 0 ? value : copy, 'item', path),
        );
        if (path.length > 0) {
          setInPlace(root, 'item', path, value);
          expect(write(root)).toBe(write(copy));
        }
        expectNothingPolluted();
      }),
      { numRuns: 300 },
    );
  });
});

/** All there is in a value, without running anything of it. */
function write(value: unknown): string {
  return inspect(value, { depth: 50, maxArrayLength: null }).replaceAll(/\n +at .*/g, '');
}

/** What the last step of a path is a part of. */
function holderOf(root: unknown, path: Path): unknown {
  let holder = root;
  for (const step of path.slice(0, -1)) {
    if (holder instanceof Map)
      holder = typeof step === 'number' ? [...holder.values()][step] : holder.get(step);
    else if (holder instanceof Set) holder = [...holder][Number(step)];
    else holder = Object.getOwnPropertyDescriptor(holder, step)?.value;
  }
  return holder;
}

function expectNothingPolluted() {
  expect(Reflect.ownKeys(Object.prototype)).toEqual(OF_OBJECTS);
  expect(Reflect.ownKeys(Array.prototype)).toEqual(OF_LISTS);
  expect(Object.hasOwn({}, 'polluted')).toBe(false);
}
const OF_OBJECTS = Reflect.ownKeys(Object.prototype);
const OF_LISTS = Reflect.ownKeys(Array.prototype);
