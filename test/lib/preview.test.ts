import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toJsonSchema } from '../../src/lib/json-schema.ts';
import { preview } from '../../src/lib/preview.ts';
import { toJson } from '../../src/lib/to-json.ts';

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
