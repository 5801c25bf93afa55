import type { ExpressionFailure } from './expression-error.ts';
import { FOREIGN_WORDS, OPERATOR_WORDS } from './words.ts';

export const NO_COMMENTS = 'There are no comments in expressions.';

/** What people write that the language has not. */
const ADVICE: readonly (readonly [start: RegExp, advice: string])[] = [
  [/^=>/, "An expression can't define functions."],
  [/^(=|[-+*/%]=)/, 'An expression can\'t assign anything. To compare, write "==".'],
  [/^;/, 'An expression has one part only: there is no ";".'],
  [/^(&|\|)/, 'There are no operators for bits. For conditions, write "and" or "or".'],
  [/^(<<|>>|\^|~)/, 'There are no operators for bits.'],
  [/^(\/\/|\/\*|#)/, NO_COMMENTS],
  [/^\/[^/]/, 'There are no regular expressions. See contains, startsWith, endsWith.'],
  [/^\.\.\./, 'Lists and objects can\'t be spread with "...".'],
  [/^(AND|OR|NOT|IN|IS)\b/, 'The operators are in small letters: "and", "or", "not", "in", "is".'],
  [/^(if|else|for|while|lambda)\b/, 'There are no statements. To choose, write a ? b : c.'],
];

interface Explanation {
  readonly reason: ExpressionFailure;
  readonly message: string;
  readonly at: number;
}

/** Why the text can't go on as it does at a place, where something else was expected. */
export function explainUnexpected(text: string, at: number, expected: string): Explanation {
  const before = explainWordBefore(text, at);
  if (before !== undefined) return before;
  const rest = text.slice(at, at + 20);
  const advice = ADVICE.find(([start]) => start.test(rest))?.[1];
  if (advice !== undefined) return { reason: 'NOT_ALLOWED', message: advice, at };
  const word = /^[a-z]+/.exec(rest)?.[0] ?? '';
  if (FOREIGN_WORDS.has(word)) return { ...refuseWord(word), at };
  const found = rest === '' ? 'it ends' : `there is "${/^[\w$]+|^./su.exec(rest)?.[0]}"`;
  return {
    reason: 'SYNTAX',
    message: `The expression can't be read: ${expected}, but ${found}.`,
    at,
  };
}

/** `new x` is no name and another after it. */
function explainWordBefore(text: string, at: number): Explanation | undefined {
  const before = text.slice(Math.max(0, at - 30), at).trimEnd();
  const word = /(?<![\w$.])[a-z]+$/.exec(before)?.[0];
  if (word === undefined) return undefined;
  const place = text.lastIndexOf(word, at - word.length);
  if (FOREIGN_WORDS.has(word)) {
    return { ...refuseWord(word), at: place };
  }
  if (!OPERATOR_WORDS.has(word) || at === text.length) return undefined;
  return { reason: 'SYNTAX', message: `"${word}" must stand between two values.`, at: place };
}

function refuseWord(word: string): Omit<Explanation, 'at'> {
  return { reason: 'NOT_ALLOWED', message: `There is no "${word}" in expressions.` };
}
