import { ExpressionError } from './expression-error.ts';

/** Whether a hit counts. `hits` is its number, from 1. */
export type HitCondition = (hits: number) => boolean;

const CONDITIONS: Readonly<Record<string, (hits: number, count: number) => boolean>> = {
  '>=': (hits, count) => hits >= count,
  '>': (hits, count) => hits > count,
  '<=': (hits, count) => hits <= count,
  '<': (hits, count) => hits < count,
  '!=': (hits, count) => hits !== count,
  '==': (hits, count) => hits === count,
  '=': (hits, count) => hits === count,
  '': (hits, count) => hits === count,
  '%': (hits, count) => hits % count === 0,
};

/**
 * Reads which of the hits count: `>= 3`, `> 3`, `== 3`, `= 3`, `3`, `< 3`, `<= 3`, `!= 3`; `% 10` is every tenth.
 * @throws ExpressionError
 */
export function parseHitCondition(text: string): HitCondition {
  const [, spaces = '', operator = '', count = ''] =
    /^(\s{0,100})(>=|>|<=|<|!=|==|=|%|)\s{0,100}(\d{0,15})\s{0,100}$/.exec(text) ?? [];
  const position = spaces.length + operator.length;
  const condition = CONDITIONS[operator];
  if (count === '' || condition === undefined) {
    const message =
      'A hit condition is written ">= 3", "> 3", "== 3", "3", "< 3", "<= 3", "!= 3" or "% 10".';
    throw new ExpressionError('SYNTAX', message, { text, position });
  }
  const number = Number(count);
  if (number === 0 && operator === '%') {
    throw new ExpressionError('SYNTAX', 'Write a number from 1 after "%".', { text, position });
  }
  return (hits) => condition(hits, number);
}
