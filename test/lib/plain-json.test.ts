import { describe, expect, test } from 'vitest';
import { plainJson } from '../../src/lib/plain-json.ts';

const traced = Object.defineProperty(
  {
    get message() {
      return expect.unreachable();
    },
  },
  'stack',
  { value: 1, enumerable: true },
);

describe('plainJson', () => {
  test.each<[string, unknown, unknown]>([
    ['0 without a sign', -0, 0],
    ['null', null, null],
    [
      'numbers that JSON has not, inside',
      [Number.NaN, { a: Number.POSITIVE_INFINITY }],
      [null, { a: null }],
    ],
    ['a bigint', 5n, '5'],
    ['what is in an object of JavaScript', [Object('text'), Object(1)], ['text', 1]],
    ['a map', new Map([['a', 1]]), [['a', 1]]],
    ['a stack that code would write', traced, {}],
  ])('copies %s', (_, value, copy) => {
    expect(plainJson(value, 1_000)).toStrictEqual({ value: copy });
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => 1],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a large bigint', 1n << 4_000_000n],
    ['a long text', Object('x'.repeat(10_000_000))],
    ['many keys', Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`key${at}`, at]))],
  ])('has nothing for %s', (_, value) => {
    expect(plainJson(value, 1_000)).toBeUndefined();
  });
});
