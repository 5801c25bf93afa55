import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { completionsAt } from '../../src/expression/completions.ts';
import {
  checkExpression,
  compileExpression,
  SMALL_BUDGET,
  scopeOf,
} from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { FUNCTIONS } from '../../src/expression/functions.ts';
import { compileTemplate } from '../../src/expression/template.ts';
import { LANGUAGE_WORDS } from '../../src/expression/words.ts';

const values: Record<string, unknown> = {
  a: 1,
  b: 'text',
  c: [1, 'two', { three: 3 }],
  d: { a: { b: [true] }, c: null },
  e: new Map([['k', 1]]),
  f: null,
};
const scope = scopeOf(values);
const names = Object.keys(values);

/** Whatever the text is: a value, or an ExpressionError with a place in the text. */
function tryText(text: string): void {
  const { problem } = checkExpression(text, names);
  if (problem !== undefined) {
    expect(problem.position).toBeGreaterThanOrEqual(0);
    expect(problem.position).toBeLessThanOrEqual(text.length);
    return;
  }
  expectOnlyOurErrors(() => compileExpression(text, names).evaluateNow(scope, SMALL_BUDGET));
}

function expectOnlyOurErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ExpressionError);
  }
}

const token = fc.constantFrom(
  ...['a', 'b', 'c', 'd', 'e', 'f', 'zz', '1', '2.5', '"s"', "'t'", '`', '`x${', '}', '{', '('],
  ...[')', '[', ']', '.', '?.', ',', ':', '?', '??', '==', '!=', '===', '<', '>=', '+', '-', '*'],
  ...['/', '%', '**', '!', '&&', '||', '=', ';', '=>', '...', '&', '\\', '\n', ' ', '"', "'", '$'],
  ...LANGUAGE_WORDS,
  ...FUNCTIONS.keys(),
  ...['.constructor', '.__proto__', '.length', '()', '[0]', '["k"]', 'new', 'this', 'typeof'],
);

describe('nothing but an ExpressionError is thrown', () => {
  test('for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), tryText), { numRuns: 300 });
  });

  test('for any tokens', () => {
    const soup = fc
      .tuple(fc.array(token, { maxLength: 14 }), fc.constantFrom('', ' '))
      .map(([tokens, between]) => tokens.join(between));
    fc.assert(fc.property(soup, tryText), { numRuns: 2_000 });
  });

  test('for any call of any function', () => {
    const argument = fc.constantFrom(
      ...names,
      ...[
        '-1',
        '0.5',
        '1e9',
        '"ab"',
        '[]',
        '[[1,2]]',
        '{x: 1}',
        'true',
        'None',
        'range(20)',
        'set(c)',
      ],
    );
    const call = fc
      .tuple(fc.constantFrom(...FUNCTIONS.keys()), fc.array(argument, { maxLength: 4 }))
      .map(([name, given]) => `${name}(${given.join(', ')})`);
    fc.assert(fc.property(call, tryText), { numRuns: 2_000 });
  });

  test('for any template and any place to complete', () => {
    const soup = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(' '));
    const described = names.map((name) => ({ name, description: '' }));
    fc.assert(
      fc.property(soup, fc.nat(60), (text, position) => {
        expectOnlyOurErrors(() => compileTemplate(text, names).evaluateNow(scope));
        completionsAt(text, position, described, (name) => values[name]);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** An expression of what JavaScript and the language have in common, whose value is what JavaScript says. */
interface Sample {
  readonly text: string;
  readonly value: unknown;
}

const SAMPLES = fc.letrec<{ number: Sample; boolean: Sample; text: Sample; list: Sample }>(
  (tie) => {
    const depth = { maxDepth: 5, withCrossShrink: true };
    const pair = (key: 'number' | 'boolean' | 'text' | 'list') => fc.tuple(tie(key), tie(key));
    const binary = (
      key: 'number' | 'text' | 'boolean',
      operators: Record<string, (one: never, other: never) => unknown>,
    ) =>
      fc
        .tuple(fc.constantFrom(...Object.keys(operators)), pair(key))
        .map(([operator, [one, other]]) => ({
          text: `(${one.text} ${operator} ${other.text})`,
          value: operators[operator]?.(one.value as never, other.value as never),
        }));
    const choose = (key: 'number' | 'boolean' | 'text' | 'list') =>
      fc.tuple(tie('boolean'), pair(key)).map(([test, [one, other]]) => ({
        text: `(${test.text} ? ${one.text} : ${other.text})`,
        value: test.value ? one.value : other.value,
      }));
    return {
      number: fc.oneof(
        depth,
        fc.nat(1000).map((value) => ({ text: String(value), value })),
        fc.constant({ text: 'a', value: 1 }),
        binary('number', {
          '+': (one: number, other: number) => one + other,
          '-': (one: number, other: number) => one - other,
          '*': (one: number, other: number) => one * other,
          '/': (one: number, other: number) => one / other,
          '%': (one: number, other: number) => one % other,
          or: (one: number, other: number) => one || other,
          '&&': (one: number, other: number) => one && other,
          '??': (one: number, other: number) => one ?? other,
        }),
        tie('number').map(({ text, value }) => ({ text: `-(${text})`, value: -(value as number) })),
        tie('list').map(({ text, value }) => ({
          text: `len(${text})`,
          value: (value as unknown[]).length,
        })),
        tie('list').map(({ text, value }) => ({
          text: `(${text}[0] ?? 7)`,
          value: (value as unknown[])[0] ?? 7,
        })),
        choose('number'),
      ),
      boolean: fc.oneof(
        depth,
        fc.boolean().map((value) => ({ text: value ? 'True' : 'false', value })),
        binary('number', {
          '<': (one: number, other: number) => one < other,
          '>=': (one: number, other: number) => one >= other,
          '==': (one: number, other: number) => one === other,
          'is not': (one: number, other: number) => one !== other,
        }),
        binary('text', {
          '<': (one: string, other: string) => one < other,
          '!=': (one: string, other: string) => one !== other,
          in: (one: string, other: string) => other.includes(one),
          'not  in': (one: string, other: string) => !other.includes(one),
        }),
        binary('boolean', {
          and: (one: boolean, other: boolean) => one && other,
          '||': (one: boolean, other: boolean) => one || other,
          '===': (one: boolean, other: boolean) => one === other,
        }),
        fc.tuple(tie('number'), tie('list')).map(([one, list]) => ({
          text: `(${one.text} in ${list.text})`,
          value: (list.value as unknown[]).some((element) => element === one.value),
        })),
        tie('boolean')
          .map(({ text, value }) => ({ text: `not ${text}`, value: !value }))
          .map(group),
        tie('boolean').map(({ text, value }) => ({ text: `!${text}`, value: !value })),
      ),
      text: fc.oneof(
        depth,
        fc.string({ maxLength: 5 }).map((value) => ({ text: JSON.stringify(value), value })),
        fc.constant({ text: 'b', value: 'text' }),
        binary('text', { '+': (one: string, other: string) => one + other }),
        fc.tuple(tie('text'), tie('number')).map(([one, other]) => ({
          text: `\`<\${${one.text}}\\n\${${other.text}}>\``,
          value: `<${one.value as string}\n${other.value as number}>`,
        })),
        choose('text'),
      ),
      list: fc.oneof(
        depth,
        fc
          .array(fc.nat(9), { maxLength: 4 })
          .map((value) => ({ text: JSON.stringify(value), value })),
        fc.array(tie('number'), { maxLength: 3 }).map((parts) => ({
          text: `[${parts.map(({ text }) => text).join(', ')}]`,
          value: parts.map(({ value }) => value),
        })),
        tie('list').map(({ text, value }) => ({ text: `{k: ${text}}.k`, value })),
        choose('list'),
      ),
    };
  },
);

function group({ text, value }: Sample): Sample {
  return { text: `(${text})`, value };
}

test('what JavaScript has too has the value that JavaScript gives it', () => {
  const any = fc.oneof(SAMPLES.number, SAMPLES.boolean, SAMPLES.text, SAMPLES.list);
  fc.assert(
    fc.property(any, ({ text, value }) => {
      const { problem } = checkExpression(text, names);
      if (problem !== undefined) {
        expect(['TOO_DEEP', 'TOO_LONG']).toContain(problem.reason);
        return;
      }
      expect(compileExpression(text, names).evaluateNow(scope)).toEqual(value);
    }),
    { numRuns: 1_000 },
  );
});
