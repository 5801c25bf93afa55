import { describe, expect, test } from 'vitest';
import { FUNCTIONS } from '../../src/expression/functions.ts';
import { evaluateText, failureOf } from './evaluate-text.ts';

const cyclic: unknown[] = [1];
cyclic.push(cyclic);

const values = {
  items: [3, 1, 2],
  people: [
    { name: 'b', age: 2 },
    { name: 'a', age: 2 },
    { name: 'c', age: 1 },
  ],
  object: { b: 1, a: 2 },
  map: new Map<unknown, unknown>([
    ['k', 1],
    [2, 'two'],
  ]),
  numbers: new Set([2, 1]),
  date: new Date(0),
  failure: new RangeError('no'),
  big: 2n ** 70n,
  huge: 2n ** 5000n,
  bytes: new Uint8Array([5, 6]),
  cyclic,
  none: null,
};

describe('O2 functions', () => {
  test.each<[string, unknown]>([
    ['abs(-2)', 2],
    ['min(items)', 1],
    ['min(3, 2)', 2],
    ['max(items)', 3],
    ['max("b", "c", "a")', 'c'],
    ['max(bytes)', 6],
    ['len(items)', 3],
    ['len("abc")', 3],
    ['len(object)', 2],
    ['len(map)', 2],
    ['len(numbers)', 2],
    ['len(bytes)', 2],
    ['len({})', 0],
    ['str(1.5)', '1.5'],
    ['str(None)', 'null'],
    ['str(true)', 'true'],
    ['str("a")', 'a'],
    ['str(items)', '[3,1,2]'],
    ['str({a: ["x", null]})', '{"a":["x",null]}'],
    ['str(map)', '{"k":1,"2":"two"}'],
    ['str(numbers)', '[2,1]'],
    ['str(date)', '"1970-01-01T00:00:00.000Z"'],
    ['str(failure)', '"RangeError: no"'],
    ['str(big)', '1180591620717411303424'],
    ['str(bytes)', '[5,6]'],
    ['str(cyclic)', '[1,[circular]]'],
    ['int("12")', 12],
    ['int(" -3 ")', -3],
    ['int(2.9)', 2],
    ['int(-2.9)', -2],
    ['int(true)', 1],
    ['int(big)', 2 ** 70],
    ['float("1.5e2")', 150],
    ['float(".5")', 0.5],
    ['float(3)', 3],
    ['float("-Infinity") == -float("inf")', true],
    ['float("infinity") > 0', true],
    ['str(float("nan"))', 'NaN'],
    ['zip()', []],
    ['bool("a")', true],
    ['bool([])', false],
    ['list("ab")', ['a', 'b']],
    ['list(numbers)', [2, 1]],
    ['list(object)', ['b', 'a']],
    ['list()', []],
    ['tuple(items)', [3, 1, 2]],
    ['dict([["a", 1], ["b", 2]])', { a: 1, b: 2 }],
    ['dict(map)', { k: 1, 2: 'two' }],
    ['dict()', {}],
    ['set([1, 1, 2])', new Set([1, 2])],
    ['set()', new Set()],
    ['sum(items)', 6],
    ['sum([])', 0],
    ['sorted(items)', [1, 2, 3]],
    ['sorted(items, None, True)', [3, 2, 1]],
    ['sorted("bca")', ['a', 'b', 'c']],
    ['sorted([])', []],
    [
      'sorted(people, "age")',
      [
        { name: 'c', age: 1 },
        { name: 'b', age: 2 },
        { name: 'a', age: 2 },
      ],
    ],
    ['sorted(people, "age", true)[0].name', 'b'],
    [
      'enumerate(["a", "b"])',
      [
        [0, 'a'],
        [1, 'b'],
      ],
    ],
    ['enumerate(["a"], 5)', [[5, 'a']]],
    [
      'zip(items, "ab")',
      [
        [3, 'a'],
        [1, 'b'],
      ],
    ],
    ['range(3)', [0, 1, 2]],
    ['range(1, 3)', [1, 2]],
    ['range(5, 0, -2)', [5, 3, 1]],
    ['range(0)', []],
    ['range(3, 1)', []],
    ['keys(object)', ['b', 'a']],
    ['keys(map)', ['k', 2]],
    ['values(object)', [1, 2]],
    ['values(map)', [1, 'two']],
    [
      'entries(object)',
      [
        ['b', 1],
        ['a', 2],
      ],
    ],
    ['lower("AbÉ")', 'abé'],
    ['upper("ab")', 'AB'],
    ['trim("  a b ")', 'a b'],
    ['startsWith("abc", "ab")', true],
    ['endsWith("abc", "ab")', false],
    ['contains("abc", "bc")', true],
    ['contains(items, 2)', true],
    ['contains(object, "a")', true],
    ['round(2.5)', 3],
    ['str(1 / round(-0.4))', 'Infinity'],
    ['round(-2.5)', -3],
    ['round(1.2345, 2)', 1.23],
    ['round(1234, -2)', 1200],
    ['floor(-1.5)', -2],
    ['ceil(1.2)', 2],
  ])('%s', (text, expected) => {
    expect(evaluateText(text, values)).toEqual(expected);
  });

  test('now() is the time', () => {
    const before = Date.now();
    const now = evaluateText('now()');
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    expect(evaluateText('now() == now()')).toBe(true);
  });

  test.each<[text: string, message: RegExp]>([
    ['abs("1")', /abs\(\) needs a number, not a string/],
    ['min([])', /it is empty/],
    ['max([1, "a"])', /a string with a number/],
    ['max(5)', /not a number/],
    ['len(5)', /not a number/],
    ['len(none)', /not null/],
    ['int("1.5")', /whole number from the text "1.5"/],
    ['int("")', /text ""/],
    ['int(none)', /of null/],
    ['int(1 / 0)', /of Infinity/],
    ['float("abc")', /text "abc"/],
    ['float("1e99999")', /text/],
    ['str(huge)', /4096 bits/],
    ['int(huge)', /4096 bits/],
    ['"" + huge', /4096 bits/],
    ['list(5)', /not a number/],
    ['dict([1])', /pairs/],
    ['dict([[{}, 1]])', /can't be an object/],
    ['sum(["a"])', /not a string/],
    ['sorted([1, "a"])', /by order/],
    ['sorted(items, 5)', /as text/],
    ['sorted(items, "a", 1)', /true or false/],
    ['range("a")', /not a string/],
    ['range(1, 5, 0)', /not 0/],
    ['range(0.5)', /whole numbers/],
    ['keys(items)', /not a list/],
    ['values(5)', /an object or a Map/],
    ['lower(5)', /a text, not a number/],
    ['startsWith("a", 1)', /not a number/],
    ['round(1, 0.5)', /digits/],
    ['round("a")', /not a string/],
  ])('%s fails', (text, message) => {
    const failure = failureOf(text, values);
    expect([failure.reason, failure.position]).toEqual(['TYPE', text.startsWith('""') ? 3 : 0]);
    expect(failure.message).toMatch(message);
  });

  test('sorting is stable, and as JavaScript sorts', () => {
    const rows = Array.from({ length: 500 }, (_, index) => ({ k: (index * 7919) % 13, index }));
    const expected = rows.toSorted((one, other) => one.k - other.k);
    expect(evaluateText('sorted(rows, "k")', { rows })).toEqual(expected);
    const reversed = rows.toSorted((one, other) => other.k - one.k);
    expect(evaluateText('sorted(rows, "k", true)', { rows })).toEqual(reversed);
  });

  test('long texts are searched as JavaScript does', () => {
    const text = 'ab'.repeat(3000);
    for (const sought of [`${'ab'.repeat(30)}`, `${'ab'.repeat(30)}b`, 'ba', 'bb', `b${text}`]) {
      expect(evaluateText('sought in text', { sought, text })).toBe(text.includes(sought));
    }
  });

  test('all have a description that is a sentence', () => {
    expect(FUNCTIONS.size).toBe(30);
    for (const { description } of FUNCTIONS.values()) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
