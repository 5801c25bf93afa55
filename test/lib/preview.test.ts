import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toJsonSchema } from '../../src/lib/json-schema.ts';
import { preview } from '../../src/lib/preview.ts';
import { toJson } from '../../src/lib/to-json.ts';

/** By what is built in, as the methods of the map may be traps. */
function fill<T extends Map<unknown, unknown>>(map: T, entries: [unknown, unknown][]): T {
  for (const [key, value] of entries) Map.prototype.set.call(map, key, value);
  return map;
}

function addAll<T extends Set<unknown>>(set: T, values: unknown[]): T {
  for (const value of values) Set.prototype.add.call(set, value);
  return set;
}

describe('preview', () => {
  test.each([
    [{ a: [1, 'two', true, null] }, '{"a":[1,"two",true,null]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [new Date(Number.NaN), 'null'],
    [new Map([['k', 1]]), '{"k":1}'],
    [new Set([1, 2]), '[1,2]'],
    [new TypeError('bad'), '"TypeError: bad"'],
    [new Uint8Array(9), '[9 bytes]'],
    [12n, '12n'],
    [undefined, 'undefined'],
    [() => 1, '[function]'],
    [Symbol('s'), '[symbol]'],
  ])('%o', (value, text) => {
    expect(preview(value)).toEqual({ text, isTruncated: false });
  });

  test('cuts long texts, long lists and deep nesting, and says so', () => {
    let deep: unknown = 'bottom';
    for (let at = 0; at < 50; at++) deep = { deep };
    for (const value of ['x'.repeat(1000), Array(1000).fill(1), deep]) {
      const { text, isTruncated } = preview(value);
      expect(isTruncated).toBe(true);
      expect(text).toContain('…');
      expect(text.length).toBeLessThan(350);
    }
    expect(preview(Array(21).fill(1)).text.match(/1/g)).toHaveLength(20);
  });

  test('runs nothing of the value', () => {
    const value = {
      get trap(): never {
        throw new Error('was run');
      },
      toJSON: () => 'was run',
    };
    expect(preview(value).text).toBe('{"trap":"[getter]","toJSON":[function]}');
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('fights back');
        },
      },
    );
    expect(preview(proxy).isTruncated).toBe(true);
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(preview(cycle).isTruncated).toBe(true);
  });

  describe('runs nothing of what fights back', () => {
    let runs = 0;
    const run = (): never => {
      runs++;
      throw new Error('was run');
    };
    const trapped = { get: run };
    /** Answers to everything that is built in, by running code. */
    const hostile = <T extends object>(value: T, ...keys: PropertyKey[]): T => {
      for (const key of [...keys, 'toString', 'valueOf', 'toJSON', 'constructor']) {
        Object.defineProperty(value, key, trapped);
      }
      for (const key of [Symbol.iterator, Symbol.toPrimitive, Symbol.toStringTag]) {
        Object.defineProperty(value, key, trapped);
      }
      return value;
    };
    class HostileMap extends Map<unknown, unknown> {
      override get size() {
        return run();
      }
      override entries = run;
      override [Symbol.iterator] = run;
    }
    class HostileSet extends Set<unknown> {
      override values = run;
      override entries = run;
      override [Symbol.iterator] = run;
    }
    class HostileDate extends Date {
      override toISOString = run;
      override getTime = run;
      override [Symbol.toPrimitive] = run;
    }
    class HostileError extends Error {
      override get name() {
        return run();
      }
    }
    class HostileBytes extends Uint8Array<ArrayBuffer> {
      override get byteLength() {
        return run();
      }
    }
    const proxy = new Proxy({}, new Proxy({}, trapped));
    const messenger = { [Symbol.toPrimitive]: run, toString: run };

    // In functions, for the test runner looks at what it is handed.
    test.each<[string, () => unknown, string]>([
      ['a map', () => fill(new HostileMap(), [['k', 1]]), '{"k":1}'],
      [
        'a map with its own traps',
        () => hostile(new Map([['k', 1]]), 'size', 'entries'),
        '{"k":1}',
      ],
      ['keys of a map', () => new Map<unknown, unknown>([[messenger, 1]]), '{"[object]":1}'],
      ['a proxy as a key', () => new Map([[proxy, 1]]), '{"[proxy]":1}'],
      ['a set', () => addAll(new HostileSet(), [1, 2]), '[1,2]'],
      ['a list', () => hostile([1, 2], 'entries', 'values', 'keys'), '[1,2]'],
      ['a list with a getter', () => Object.defineProperty([1, 2], 1, trapped), '[1,"[getter]"]'],
      ['a list with a hole', () => Object.assign(new Array(3), [1]), '[1,undefined,undefined]'],
      ['a list of a class', () => Object.setPrototypeOf([1], proxy), '[1]'],
      ['a date', () => new HostileDate(0), '"1970-01-01T00:00:00.000Z"'],
      ['an error', () => new HostileError('bad'), '"Error: bad"'],
      ['the message of an error', () => hostile(new Error('bad'), 'message', 'name'), '"Error: "'],
      [
        'a message that is no text',
        () => Object.assign(new Error(), { message: proxy }),
        '"Error: "',
      ],
      ['an error without a slot', () => Object.create(TypeError.prototype), '"TypeError: "'],
      ['bytes', () => new HostileBytes(new ArrayBuffer(9)), '[9 bytes]'],
      ['an object', () => hostile({ a: 1 }), '{"a":1}'],
      ['a proxy as a prototype', () => Object.setPrototypeOf({ a: 1 }, proxy), '{"a":1}'],
      ['a boxed text', () => hostile(Object('x'.repeat(1000))), '[String]'],
    ])('%s', (_, make, text) => {
      const value = make();
      runs = 0;
      expect(preview(value)).toEqual({ text, isTruncated: false });
      expect(runs).toBe(0);
    });

    test('a proxy, wherever it is', () => {
      for (const value of [proxy, new Proxy([], trapped), [proxy], { proxy }]) {
        runs = 0;
        const shown = preview(value);
        expect(runs).toBe(0);
        expect(shown.text).toContain('[proxy]');
        expect(shown.isTruncated).toBe(true);
      }
    });
  });

  test('takes no longer for what is large', () => {
    const text = 'x'.repeat(100_000_000);
    for (const value of [text, [text], { text }, new Error(text), new Map([[text, 1]])]) {
      expect(preview(value).text.length).toBeLessThan(350);
    }
    expect(preview(1n << 1_000_000n)).toEqual({ text: '[bigint]', isTruncated: true });
  });

  test('is short for any value, and JSON where nothing was cut', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { text, isTruncated } = preview(value);
        expect(text.length).toBeLessThan(2500);
        if (!isTruncated) expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('toJson', () => {
  test('copies what JSON can write, and says what it can not', () => {
    const value = { a: [1, { b: null }], d: new Date(0) };
    expect(toJson(value)).toEqual({ a: [1, { b: null }], d: '1970-01-01T00:00:00.000Z' });
    expect(toJson(undefined)).toBeNull();
    expect(toJson(() => 1)).toBe('[function]');
    expect(toJson(1n)).toMatch(/^\[can't be shown as JSON: /);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(toJson(cycle)).toMatch(/^\[can't be shown as JSON: /);
  });
});

test('keys of objects are not listed where they are not shown, nor without end', () => {
  const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, at]));
  expect(preview([[[[wide]]]]).text).toBe('[[[[{…}]]]]');
  const twins = [{ ...wide }, { ...wide }, { ...wide }];
  expect(preview(twins, 2_000).text).toMatch(/^\[\{"k0":0,.*,…\},\{"k0":0,.*,…\},\{…\}\]$/);
});

describe('toJsonSchema', () => {
  test('tells what a schema takes in, or nothing when it can not', () => {
    expect(toJsonSchema(z.object({ n: z.number().default(1) }))).toMatchObject({
      properties: { n: { type: 'number', default: 1 } },
    });
    expect(toJsonSchema(undefined)).toBeUndefined();
    expect(toJsonSchema(z.date())).toBeUndefined();
    expect(toJsonSchema({ '~standard': { version: 1 } })).toBeUndefined();
  });
});
