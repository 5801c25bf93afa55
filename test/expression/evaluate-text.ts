import { compileExpression, scopeOf } from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';

type Values = Readonly<Record<string, unknown>>;

/** What an expression comes to at once. */
export function evaluateText(text: string, values: Values = {}): unknown {
  return compileExpression(text, Object.keys(values)).evaluateNow(scopeOf(values));
}

/** Why an expression is refused or fails. */
export function failureOf(text: string, values: Values = {}): ExpressionError {
  try {
    evaluateText(text, values);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`It did not fail: ${text}`);
}
