import { requireNumber } from './number-functions.ts';
import type { Run } from './run.ts';
import type { Arithmetic } from './syntax.ts';
import { allocateText, textAtOnce } from './text-of.ts';
import { aType } from './values.ts';

/** `left + right`: of numbers, or of a text and what can be joined with it. @throws ExpressionError */
export function add(run: Run, at: number, left: unknown, right: unknown): number | string {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left !== 'string' && typeof right !== 'string') {
    const culprit = typeof left === 'number' ? right : left;
    const advice =
      typeof culprit === 'bigint'
        ? ' Make a bigint a number with float(…) or int(…).'
        : ' To join them as texts, write str(…).';
    run.fail('TYPE', at, `Can't add ${aType(right)} to ${aType(left)}.${advice}`);
  }
  const one = joinable(run, at, left);
  const other = joinable(run, at, right);
  allocateText(run, at, one.length + other.length);
  return one + other;
}

/** What can be joined with a text. */
function joinable(run: Run, at: number, value: unknown): string {
  const isPlain = typeof value !== 'object' && typeof value !== 'function';
  if ((isPlain || value === null) && value !== undefined && typeof value !== 'symbol') {
    return textAtOnce(run, at, value) ?? '';
  }
  return run.fail('TYPE', at, `Can't join a text with ${aType(value)}. Write str(…) for its text.`);
}

/** The other operators of numbers, ready to be worked out. */
export function calculate(
  at: number,
  operator: Arithmetic,
  one: (run: Run) => unknown,
  other: (run: Run) => unknown,
): (run: Run) => number {
  const by = `"${operator}"`;
  const left = (run: Run) => requireNumber(run, at, one(run), by);
  const right = (run: Run) => requireNumber(run, at, other(run), by);
  switch (operator) {
    case '-':
      return (run) => left(run) - right(run);
    case '*':
      return (run) => left(run) * right(run);
    case '/':
      return (run) => left(run) / right(run);
    case '%':
      return (run) => left(run) % right(run);
    case '**':
      return (run) => left(run) ** right(run);
  }
}
