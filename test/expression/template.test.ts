import { describe, expect, test } from 'vitest';
import { scopeOf } from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { parseHitCondition } from '../../src/expression/hit-condition.ts';
import { compileTemplate } from '../../src/expression/template.ts';

const values = { item: { name: 'a "b"', list: [1, 2] }, hits: 3, long: 'x'.repeat(5_000) };
const fill = (text: string) =>
  compileTemplate(text, Object.keys(values)).evaluateNow(scopeOf(values));

function failureOf(make: () => unknown): ExpressionError {
  try {
    make();
  } catch (error) {
    if (error instanceof ExpressionError) return error;
  }
  throw new Error('It did not fail.');
}

describe('log messages', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    ['{hits}', '3'],
    ['Got {item.name} {item.list} at {hits}.', 'Got a "b" [1,2] at 3.'],
    ['{{hits}} {{}}', '{hits} {}'],
    ['{ {a: hits}.a }', '3'],
    ['{"}"}{\'{\'}', '}{'],
    [`{\`<\${hits}>\`}`, '<3>'],
    [`{\`<\${\`\${"}"}{\`}>\`}`, '<}{>'],
    ['{item.none}', 'undefined'],
    ['{item}', '{"name":"a \\"b\\"","list":[1,2]}'],
  ])('%s', (text, expected) => {
    expect(fill(text)).toBe(expected);
  });

  test('are cut', () => {
    expect(fill('{long}')).toBe(`${'x'.repeat(2000)}…`);
    expect(fill('{long}{long}{item.x.y}')).toHaveLength(2001);
    const short = compileTemplate('{long}').evaluateNow(scopeOf(values), undefined, 10);
    expect(short).toBe(`${'x'.repeat(10)}…`);
  });

  test('all expressions of one share its budget', () => {
    const ones = Array.from({ length: 4_900 }, () => 1);
    const fill = (count: number) =>
      compileTemplate('{sum(ones)} '.repeat(count)).evaluateNow(scopeOf({ ones }));
    expect(fill(1)).toBe('4900 ');
    expect(failureOf(() => fill(50)).reason).toBe('STEP_LIMIT');
  });

  test('tell what they read', () => {
    expect(compileTemplate('{a.b} {c} {len(a)}').reads).toEqual(['a', 'c']);
  });

  test.each<[string, string, number]>([
    ['a { b', 'SYNTAX', 2],
    ['a } b', 'SYNTAX', 2],
    ['a {}', 'SYNTAX', 3],
    ['a {hits +}', 'SYNTAX', 9],
    ['{hits} {itme}', 'UNKNOWN_NAME', 8],
    ['{hits hits}', 'SYNTAX', 6],
    ['{"', 'SYNTAX', 0],
    ['x'.repeat(10_001), 'TOO_LONG', 0],
  ])('%s is refused', (text, reason, position) => {
    const failure = failureOf(() => fill(text));
    expect([failure.reason, failure.position]).toEqual([reason, position]);
  });

  test('tell the place of what fails', () => {
    expect(failureOf(() => fill('at {item.none.x}')).position).toBe(14);
  });
});

describe('hit conditions', () => {
  const hits = [1, 2, 3, 4, 5, 6];
  test.each([
    ['>= 3', [3, 4, 5, 6]],
    ['> 3', [4, 5, 6]],
    ['== 3', [3]],
    ['= 3', [3]],
    ['3', [3]],
    [' <3 ', [1, 2]],
    ['<= 3', [1, 2, 3]],
    ['!= 3', [1, 2, 4, 5, 6]],
    ['% 3', [3, 6]],
    ['%1', hits],
  ])('%s', (text, expected) => {
    expect(hits.filter(parseHitCondition(text))).toEqual(expected);
  });

  test.each<[string, number]>([
    ['', 0],
    ['abc', 0],
    ['>= x', 0],
    ['>= 3 4', 0],
    ['-1', 0],
    ['1.5', 0],
    ['=== 3', 0],
    ['% 0', 1],
    ['9'.repeat(16), 0],
  ])('"%s" is refused', (text, position) => {
    const failure = failureOf(() => parseHitCondition(text));
    expect([failure.reason, failure.position]).toEqual(['SYNTAX', position]);
  });
});
