import type { Literal } from './syntax.ts';

/** The words that stand for a value. */
export const WORD_LITERALS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['None', null],
  ['undefined', undefined],
]);
/** The words that are operators, and no names. */
export const OPERATOR_WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'is']);
/** Names that mean something in JavaScript or Python that the language has not. */
export const FOREIGN_WORDS: ReadonlySet<string> = new Set(
  (
    'this new typeof delete void await async yield function class super import export let const var return if else ' +
    'for while do switch throw try with instanceof lambda def del'
  ).split(' '),
);

/** The words of the language that are no names. */
export const LANGUAGE_WORDS: readonly string[] = [...OPERATOR_WORDS, ...WORD_LITERALS.keys()];
