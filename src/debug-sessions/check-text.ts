import { type CheckedExpression, checkExpression } from '../expression/expression.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { parseHitCondition } from '../expression/hit-condition.ts';
import { compileTemplate } from '../expression/template.ts';

/** What a text is that has to do with expressions. */
export type ExpressionUse = 'EXPRESSION' | 'LOG_MESSAGE' | 'HIT_CONDITION';

/** What can be said of it without running it. */
export type ExpressionCheck = Pick<CheckedExpression, 'problem' | 'reads'>;

/** Checks a text that stands where an expression can. */
export function checkText(
  text: string,
  use: ExpressionUse,
  names: readonly string[] | undefined,
): ExpressionCheck {
  if (use === 'EXPRESSION') {
    const { problem, reads } = checkExpression(text, names);
    return { problem, reads };
  }
  let reads: readonly string[] = [];
  try {
    if (use === 'HIT_CONDITION') parseHitCondition(text);
    else {
      reads = compileTemplate(text).reads;
      compileTemplate(text, names);
    }
    return { problem: undefined, reads };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { problem: error, reads };
  }
}
