import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { compileExpression, scopeOf } from '../../src/expression/expression.ts';
import { evaluateText, failureOf } from './evaluate-text.ts';

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

const ring = { n: 1, self: {} };
ring.self = ring;
const otherRing = { n: 1, self: {} };
otherRing.self = otherRing;

const values = {
  item: { n: 3, name: 'a', none: null, list: [1, 2, 3], deep: { er: [{ x: 1 }] } },
  order: 5,
  index: 7,
  island: 9,
  nothing: 2,
  items: [3, 1, 2],
  status: 'error',
  none: null,
  missing: undefined,
  map: new Map<unknown, unknown>([
    ['k', 1],
    [2, 'two'],
  ]),
  set: new Set([1, 'a']),
  date: new Date(5),
  sameDate: new Date(5),
  laterDate: new Date(6),
  big: 10n,
  point: new Point(1),
  samePoint: new Point(1),
  ring,
  otherRing,
  bytes: new Uint8Array([1, 2, 3]),
  failure: new TypeError('bad'),
  nan: Number.NaN,
};

test.each<[string, unknown]>([
  // literals
  ['1', 1],
  ['.5', 0.5],
  ['1.5e3', 1500],
  ['"a"', 'a'],
  [String.raw`'\u0041\x42\u{43}\n\'\\'`, "ABC\n'\\"],
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['None', null],
  ['undefined', undefined],
  ['[]', []],
  ['[1, [2], "x",]', [1, [2], 'x']],
  ['{}', {}],
  ['{a: 1, "b c": 2, 3: 4, order}', { a: 1, 'b c': 2, 3: 4, order: 5 }],
  ['{a: {b: [1]}}.a.b[0]', 1],
  [`\`n = \${item.n}, \${item.list}!\``, 'n = 3, [1,2,3]!'],
  ['`\\n`', '\n'],
  // members
  ['item.n', 3],
  ['item . n', 3],
  ['item["n"]', 3],
  ['item.list[0]', 1],
  ['item.list[-1]', 3],
  ['item.list[9]', undefined],
  ['item.list[-9]', undefined],
  ['item.list.length', 3],
  ['item.deep.er[0].x', 1],
  ['item.missing', undefined],
  ['status[0]', 'e'],
  ['status[-1]', 'r'],
  ['status.length', 5],
  ['status.foo', undefined],
  ['map.k', 1],
  ['map["k"]', 1],
  ['map[2]', 'two'],
  ['map[3]', undefined],
  ['bytes[1]', 2],
  ['bytes[-1]', 3],
  ['failure.message', 'bad'],
  ['failure.name', 'TypeError'],
  ['[1, 2][1]', 2],
  ['"abc"[1]', 'b'],
  // optional chaining
  ['none?.a', undefined],
  ['none?.a.b.c', undefined],
  ['none?.[0]', undefined],
  ['item?.n', 3],
  ['item.none?.x[none.y]', undefined],
  ['item?.list?.[1]', 2],
  ['(none?.a) ?? 4', 4],
  // unary
  ['-item.n', -3],
  ['- -3', 3],
  ['+3', 3],
  ['!true', false],
  ['!!1', true],
  ['not 1', false],
  ['not not 1', true],
  ['!items', false],
  // `not` binds as in Python
  ['not item.n == 4', true],
  ['not 9 in items', true],
  ['not true or true', true],
  ['not (true or true)', false],
  ['!item.n == 4', false],
  // arithmetic
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['7 - 2 - 1', 4],
  ['8 / 4 / 2', 1],
  ['7 % 4', 3],
  ['-7 % 4', -3],
  ['2 ** 3 ** 2', 512],
  ['(-2) ** 2', 4],
  ['-(2 ** 2)', -4],
  ['2 ** -1', 0.5],
  ['"a" + "b"', 'ab'],
  ['"a" + 1', 'a1'],
  ['1 + "a"', '1a'],
  ['"a" + true', 'atrue'],
  ['"a" + null', 'anull'],
  ['1 + 2 + "a"', '3a'],
  ['"n" + big', 'n10'],
  // comparison
  ['1 < 2', true],
  ['2 <= 2', true],
  ['2 > 2', false],
  ['2 >= 2', true],
  ['"a" < "b"', true],
  ['date < laterDate', true],
  ['date <= sameDate', true],
  ['big > 9', true],
  ['big > 9.5', true],
  ['nan < 1', false],
  ['nan >= 1', false],
  // equality, by content
  ['1 == 1', true],
  ['1 == "1"', false],
  ['0 == false', false],
  ['"" == 0', false],
  ['null == undefined', true],
  ['none == missing', true],
  ['none == 0', false],
  ['nan == nan', false],
  ['nan in [nan] and nan in set([nan]) and [nan] != [nan]', true],
  ['big == 10', true],
  ['big != 10', false],
  ['items == [3, 1, 2]', true],
  ['items == [3, 2, 1]', false],
  ['items != [3, 1]', true],
  ['item.deep == {er: [{x: 1}]}', true],
  ['item.deep == {er: [{x: 2}]}', false],
  ['item.deep == {er: [{x: 1}], more: 1}', false],
  ['[] == {}', false],
  ['date == sameDate', true],
  ['date == laterDate', false],
  ['map == dict(map)', false],
  ['set == set(["a", 1])', true],
  ['set == set([1])', false],
  ['point == samePoint', true],
  ['point == {x: 1}', false],
  ['bytes == bytes', true],
  ['bytes == [1, 2, 3]', false],
  ['ring == otherRing', true],
  ['ring == {n: 1, self: 2}', false],
  // identity
  ['1 === 1', true],
  ['1 === "1"', false],
  ['[1] === [1]', false],
  ['items === items', true],
  ['null === undefined', false],
  ['null !== undefined', true],
  ['none is None', true],
  ['missing is None', true],
  ['item.n is not None', true],
  ['item.nope is None', true],
  ['"a" is "a"', true],
  ['date is sameDate', false],
  ['big === 10', false],
  // in
  ['1 in items', true],
  ['9 in items', false],
  ['9 not in items', true],
  ['9 not \n\t in items', true],
  ['[1] in [[1], [2]]', true],
  ['{x: 1} in item.deep.er', true],
  ['"rr" in status', true],
  ['"" in status', true],
  ['"n" in item', true],
  ['"toString" in item', false],
  ['"k" in map', true],
  ['2 in map', true],
  ['"a" in set', true],
  ['2 in bytes', true],
  ['None in [none]', true],
  // logic answers operands
  ['1 and 2', 2],
  ['0 and 2', 0],
  ['1 && 2', 2],
  ['0 or "x"', 'x'],
  ['5 || 2', 5],
  ['[] or "empty"', 'empty'],
  ['{} or "empty"', 'empty'],
  ['set() or "empty"', 'empty'],
  ['"" or "empty"', 'empty'],
  ['none ?? 1', 1],
  ['0 ?? 1', 0],
  ['true or none.x', true],
  ['false and none.x', false],
  ['1 or 0 and 0', 1],
  // conditional
  ['item.n > 2 ? "big" : "small"', 'big'],
  ['0 ? 1 : 0 ? 2 : 3', 3],
  ['1 ? 2 : none.x', 2],
  // words are not found in names
  ['order', 5],
  ['index + island', 16],
  ['nothing', 2],
  ['not nothing', false],
  ['order or index', 5],
  // binding
  ['1 < 2 and 2 < 3', true],
  ['1 + 1 in [2]', true],
  ['(1 < 2) == true', true],
  ['order == 5 and status == "error" or none.x', true],
])('O3 %s', (text, expected) => {
  const result = evaluateText(text, values);
  expect(result).toEqual(expected);
});

test.each<[text: string, reason: string, position: number, message: RegExp]>([
  ['1 < 2 < 3', 'NOT_ALLOWED', 6, /write 1 < x and x < 3/],
  ['item.n == 3 == true', 'NOT_ALLOWED', 12, /chained/],
  ['1 in items in items', 'NOT_ALLOWED', 11, /chained/],
  ['1 < "a"', 'TYPE', 2, /a number with a string/],
  ['items < 3', 'TYPE', 6, /a list with a number/],
  ['none > 3', 'TYPE', 5, /null with a number/],
  ['"a" + items', 'TYPE', 4, /str\(…\)/],
  ['1 + true', 'TYPE', 2, /a boolean to a number/],
  ['1 + none', 'TYPE', 2, /Can't add null/],
  ['"a" + missing', 'TYPE', 4, /undefined/],
  ['"a" - 1', 'TYPE', 4, /"-" needs a number, not a string/],
  ['big + 1', 'TYPE', 4, /float/],
  ['big * 2', 'TYPE', 4, /float\(…\) or int/],
  ['-big', 'TYPE', 0, /bigint/],
  ['-"1"', 'TYPE', 0, /a string/],
  ['none.a', 'NO_VALUE', 5, /write "\?\.a"/],
  ['none[0]', 'NO_VALUE', 5, /\?\.\[…\]/],
  ['item.nope.x.y', 'NO_VALUE', 10, /"x" of undefined/],
  ['(none?.a).b', 'NO_VALUE', 10, /"b" of undefined/],
  ['items[0.5]', 'TYPE', 6, /whole numbers, not by 0.5/],
  ['items[true]', 'TYPE', 6, /a boolean/],
  ['items[items]', 'TYPE', 6, /a list/],
  ['item[true]', 'TYPE', 5, /can't be the key/],
  ['1 in 2', 'TYPE', 2, /Nothing can be in a number/],
  ['1 in none', 'TYPE', 2, /in null/],
  ['1 in "1"', 'TYPE', 2, /only contain a text/],
  ['items in item', 'TYPE', 6, /keys of an object/],
  ['a ?? b or c', 'SYNTAX', 7, /parentheses/],
  ['a and b ?? c', 'SYNTAX', 8, /parentheses/],
  ['-2 ** 2', 'SYNTAX', 3, /\(-a\) \*\* b/],
  ['1 + not 2', 'SYNTAX', 4, /parentheses/],
])('O3 %s fails', (text, reason, position, message) => {
  const failure = failureOf(text, { ...values, a: 1, b: 1, c: 1 });
  expect([failure.reason, failure.position]).toEqual([reason, position]);
  expect(failure.message).toMatch(message);
});

describe('truth of a condition', () => {
  test.each<[string, boolean]>([
    ['0', false],
    ['nan', false],
    ['""', false],
    ['none', false],
    ['[]', false],
    ['{}', false],
    ['set()', false],
    ['map', true],
    ['point', true],
    ['date', true],
    ['[0]', true],
    ['"0"', true],
    ['big', true],
  ])('%s is %s', (text, expected) => {
    expect(compileExpression(text).isTrueNow(scopeOf(values))).toBe(expected);
    expect(evaluateText(`bool(${text})`, values)).toBe(expected);
  });
});

test('an object of another realm is as plain as ours', () => {
  const o: unknown = runInNewContext('({a: {}})');
  expect(evaluateText('o == {a: {}} and not o.a', { o })).toBe(true);
});
