import jsep from 'jsep';
import { afterEach, describe, expect, test } from 'vitest';
import { checkExpression, compileExpression } from '../../src/expression/expression.ts';
import { evaluateText, failureOf } from './evaluate-text.ts';

const names = ['item', 'items', 'status', 'a', 'b', 's', 'f'];

describe('what can not be read is refused with place and reason', () => {
  test.each<[text: string, reason: string, position: number, message?: RegExp]>([
    ['', 'SYNTAX', 0, /it ends/],
    ['   ', 'SYNTAX', 3, /it ends/],
    ['a b', 'SYNTAX', 2, /operator or the end .* there is "b"/],
    ['1 2', 'SYNTAX', 2],
    ['a +', 'SYNTAX', 3, /after "\+", but it ends/],
    ['a and', 'SYNTAX', 5],
    ['* 2', 'SYNTAX', 0],
    ['(a', 'SYNTAX', 2, /"\)", but it ends/],
    ['a)', 'SYNTAX', 1],
    ['()', 'SYNTAX', 1],
    ['[1 2]', 'SYNTAX', 3],
    ['[1,,2]', 'SYNTAX', 3],
    ['[1', 'SYNTAX', 2],
    ['len(a b)', 'SYNTAX', 6],
    ['len(a', 'SYNTAX', 5],
    ['{a:1 b:2}', 'SYNTAX', 5, /","/],
    ['{a 1}', 'SYNTAX', 1],
    ['{[a]: 1}', 'SYNTAX', 2],
    ['{(a): 1}', 'SYNTAX', 2],
    ['{a', 'SYNTAX', 2],
    ['a.', 'SYNTAX', 2, /a name after "\."/],
    ['a.5', 'SYNTAX', 2],
    ['a[', 'SYNTAX', 2],
    ['a[]', 'SYNTAX', 2],
    ['a[1', 'SYNTAX', 3],
    ['"abc', 'SYNTAX', 4, /closing quote/],
    ['`abc', 'SYNTAX', 4],
    [`\`\${a`, 'SYNTAX', 4],
    [`\`\${}\``, 'SYNTAX', 3],
    ['a ? b', 'SYNTAX', 5],
    ['a ? : b', 'SYNTAX', 4],
    ['in', 'SYNTAX', 0, /"in" must stand between/],
    ['is None', 'SYNTAX', 0],
    ['a is', 'SYNTAX', 4],
    ['not', 'SYNTAX', 3],
    ['1.2.3', 'SYNTAX', 3],
    ['0x10', 'SYNTAX', 1],
    ['1a', 'SYNTAX', 1],
    ['@', 'SYNTAX', 0],
    ['a = 3', 'NOT_ALLOWED', 2, /write "=="/],
    ['a += 3', 'NOT_ALLOWED', 2],
    ['a; b', 'NOT_ALLOWED', 1],
    ['a & b', 'NOT_ALLOWED', 2, /"and"/],
    ['a | b', 'NOT_ALLOWED', 2],
    ['a << 1', 'NOT_ALLOWED', 2],
    ['~a', 'NOT_ALLOWED', 0],
    ['/x/', 'NOT_ALLOWED', 0, /regular expressions/],
    ['a // b', 'NOT_ALLOWED', 2, /comments/],
    ['// b', 'NOT_ALLOWED', 0, /comments/],
    ['a /* b */', 'NOT_ALLOWED', 2, /comments/],
    ['a + "b\\u00"', 'SYNTAX', 6, /escape/],
    ['{"\\x4": a}', 'SYNTAX', 2, /escape/],
    ['`a\\u{110000}`', 'SYNTAX', 2, /escape/],
    ['"\\1"', 'SYNTAX', 1, /escape/],
    ['1 + 08', 'SYNTAX', 4, /begin with a 0/],
    ['1 ?? 2 and 3', 'SYNTAX', 2, /parentheses/],
    ['1 and 2 ?? 3', 'SYNTAX', 8, /parentheses/],
    ['# b', 'NOT_ALLOWED', 0, /comments/],
    ['x => 1', 'NOT_ALLOWED', 2, /functions/],
    ['() => 1', 'SYNTAX', 1],
    ['[...a]', 'NOT_ALLOWED', 1, /spread/],
    ['{...a}', 'NOT_ALLOWED', 1],
    ['1 if a else 2', 'NOT_ALLOWED', 2, /a \? b : c/],
    ['new a', 'NOT_ALLOWED', 0, /"new"/],
    ['typeof a', 'NOT_ALLOWED', 0],
    ['delete a.b', 'NOT_ALLOWED', 0],
    ['await a', 'NOT_ALLOWED', 0],
    ['lambda x: 1', 'NOT_ALLOWED', 0],
    ['a instanceof b', 'NOT_ALLOWED', 2],
    ['this', 'NOT_ALLOWED', 0],
    ["s.startsWith('a')", 'NOT_ALLOWED', 2, /write startsWith\(value, …\)/],
    ['items.map(f)', 'NOT_ALLOWED', 6],
    ['a["b"]()', 'NOT_ALLOWED', 2],
    ['f()()', 'NOT_ALLOWED', 0],
    ['(a)()', 'UNKNOWN_FUNCTION', 1],
    ['len?.(a)', 'NOT_ALLOWED', 0],
    ['a`x`', 'NOT_ALLOWED', 0, /tag/],
    ['itme.n', 'UNKNOWN_NAME', 0, /Unknown name "itme". Did you mean "item"\?/],
    ['item.n + itms.n', 'UNKNOWN_NAME', 9, /Did you mean "items"/],
    ['zzzzzz', 'UNKNOWN_NAME', 0, /There are: item, items, status/],
    ['len', 'UNKNOWN_NAME', 0, /write len\(value\)/],
    ['length(a)', 'UNKNOWN_FUNCTION', 0, /Unknown function "length"/],
    ['startswith(s, "a")', 'UNKNOWN_FUNCTION', 0, /Did you mean "startsWith"/],
    ['len()', 'ARGUMENTS', 0, /takes more values: len\(value\)/],
    ['1 + len(a, b)', 'ARGUMENTS', 4, /takes fewer values/],
    ['range(1, 2, 3, 4)', 'ARGUMENTS', 0, /range\(start, end\?, step\?\)/],
    ['now(1)', 'ARGUMENTS', 0],
  ])('%s', (text, reason, position, message) => {
    const { problem } = checkExpression(text, names);
    expect([problem?.reason, problem?.position]).toEqual([reason, position]);
    expect(problem?.code).toBe('EXPRESSION_FAILED');
    if (message !== undefined) expect(problem?.message).toMatch(message);
    expect(() => compileExpression(text, names)).toThrow(problem?.message);
  });

  test('line and column are told', () => {
    const { problem } = checkExpression('item.n > 1\n  and itme2 == 3', names);
    expect([problem?.line, problem?.column]).toEqual([2, 7]);
  });

  test.each([
    '('.repeat(5000),
    '!'.repeat(9000),
    '['.repeat(9000),
    '{a:'.repeat(3000),
    '-'.repeat(9000),
    'not '.repeat(2400),
    `\`\${`.repeat(3000),
    'len('.repeat(2000),
    `${'('.repeat(4000)}1${')'.repeat(4000)}`,
    `a${'.b'.repeat(4500)}`,
    `a${'[0]'.repeat(3000)}`,
    `1${'+1'.repeat(4500)}`,
    `1${'**1'.repeat(3000)}`,
    `${'1?2:'.repeat(2400)}3`,
    `${'a?'.repeat(3000)}`,
    `${'('.repeat(101)}1${')'.repeat(101)} + ${'-'.repeat(101)}1`,
  ])('too deep: %#', (text) => {
    expect(checkExpression(text).problem?.reason).toBe('TOO_DEEP');
  });

  test('up to 100 levels are fine, and any number of parentheses that are not too many', () => {
    expect(evaluateText(`1${' + 1'.repeat(99)}`)).toBe(100);
    expect(failureOf(`1${' + 1'.repeat(100)}`).reason).toBe('TOO_DEEP');
    expect(evaluateText(`${'('.repeat(100)}1${')'.repeat(100)}`)).toBe(1);
  });

  test('more than 10,000 characters are too long', () => {
    expect(checkExpression(`"${'x'.repeat(9_998)}"`).problem).toBeUndefined();
    expect(checkExpression(`"${'x'.repeat(9_999)}"`).problem?.reason).toBe('TOO_LONG');
    expect(checkExpression('('.repeat(10_000_000)).problem?.reason).toBe('TOO_LONG');
  });
});

test('a check tells what is read and called', () => {
  const text = 'len(items) > 3 and status == item.status or max(items) in {a: b} and a?.items';
  expect(checkExpression(text, names)).toEqual({
    problem: undefined,
    reads: ['items', 'status', 'item', 'b', 'a'],
    functions: ['len', 'max'],
  });
  expect(checkExpression('items[unknown]', names).reads).toEqual(['items', 'unknown']);
  expect(checkExpression('items[', names)).toMatchObject({ reads: [], functions: [] });
});

test('without a list of names any may be read', () => {
  expect(compileExpression('whatever.else').reads).toEqual(['whatever']);
});

describe('jsep, which other code of the process may use', () => {
  afterEach(() => {
    jsep.removeBinaryOp('@');
    jsep.removeIdentifierChar('#');
    jsep.removeLiteral('item');
  });

  test('knows nothing of our words', () => {
    evaluateText('not 1 in [2]');
    checkExpression('a is not (');
    const shape = (text: string) => jsep(text);
    expect(shape('a || b ? 1 : 2').type).toBe('ConditionalExpression');
    expect(shape('a in b').type).toBe('Compound');
    expect(shape('~a | 1 << 2')).toMatchObject({ operator: '|' });
    expect(shape('this').type).toBe('ThisExpression');
    expect(() => shape('{a: 1}')).toThrow('Unexpected "{"');
    expect(() => shape('`a`')).toThrow('Unexpected "`"');
  });

  test('has no say in ours', () => {
    jsep.addBinaryOp('@', 10);
    jsep.addIdentifierChar('#');
    jsep.addLiteral('item', 'taken');
    jsep.hooks.add('gobble-token', function () {
      if (this.expr === 'item.hooked') throw new Error('The hook of others was run.');
    });
    expect(evaluateText('item', { item: 1 })).toBe(1);
    expect(checkExpression('item @ 2').problem?.reason).toBe('SYNTAX');
    expect(checkExpression('a#').problem?.reason).toBe('NOT_ALLOWED');
    expect(checkExpression('item.hooked').problem).toBeUndefined();
    expect(jsep('1 @ 2')).toMatchObject({ operator: '@' });
  });
});
