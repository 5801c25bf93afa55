import { DomainError } from '../lib/domain-error.ts';

/**
 * Why an expression was refused, or could not be worked out.
 *
 * When it is checked:
 * - `SYNTAX`: it can't be read.
 * - `NOT_ALLOWED`: JavaScript or Python has this, the expression language does not.
 * - `UNKNOWN_NAME`, `UNKNOWN_FUNCTION`: nothing goes by this name here.
 * - `ARGUMENTS`: a function is given too few arguments, or too many.
 * - `TOO_LONG`, `TOO_DEEP`: more text, or more levels, than an expression may have.
 *
 * When it is worked out:
 * - `TYPE`: a value is not of a kind that the operator or function takes.
 * - `NO_VALUE`: a part of null or undefined was asked for.
 * - `CODE`: a value would have to be computed by code of the flow: an accessor, or a proxy. Such code is never run.
 * - `STEP_LIMIT`, `MEMORY_LIMIT`, `DEADLINE`: it would take more than its budget.
 * - `CANCELLED`: its signal was aborted.
 * - `FAILED`: a value of its scope could not be read.
 */
export type ExpressionFailure =
  | 'SYNTAX'
  | 'NOT_ALLOWED'
  | 'UNKNOWN_NAME'
  | 'UNKNOWN_FUNCTION'
  | 'ARGUMENTS'
  | 'TOO_LONG'
  | 'TOO_DEEP'
  | 'TYPE'
  | 'NO_VALUE'
  | 'CODE'
  | 'STEP_LIMIT'
  | 'MEMORY_LIMIT'
  | 'DEADLINE'
  | 'CANCELLED'
  | 'FAILED';

/** An expression was refused, or could not be worked out. The message is a sentence without the place. */
export class ExpressionError extends DomainError {
  readonly code = 'EXPRESSION_FAILED';
  readonly reason: ExpressionFailure;
  /** In the text, in UTF-16 characters from 0. */
  readonly position: number;
  /** From 1. */
  readonly line: number;
  /** In its line, in UTF-16 characters from 1. */
  readonly column: number;

  constructor(
    reason: ExpressionFailure,
    message: string,
    at: { readonly text: string; readonly position: number },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.position = Math.min(at.position, at.text.length);
    const before = at.text.slice(0, this.position).split('\n');
    this.line = before.length;
    this.column = (before.at(-1)?.length ?? 0) + 1;
  }
}
