import type { ComplexityErrorKind, ComplexityResult } from '@pothos/plugin-complexity';
import { TooCostlyError } from '../lib/domain-error.ts';
import type { OperationLimits } from './context.ts';

const WORDS: Readonly<Record<`${ComplexityErrorKind}`, string>> = {
  Complexity: 'is too costly',
  Depth: 'is nested too deeply',
  Breadth: 'has too many fields',
};

/** Why an operation is not executed, with all the numbers. */
export function tooCostly(
  kind: `${ComplexityErrorKind}`,
  { complexity, depth, breadth }: ComplexityResult,
  limits: Partial<OperationLimits>,
  operationName: string | undefined,
): TooCostlyError {
  return new TooCostlyError(
    `The operation${operationName === undefined ? '' : ` "${operationName}"`} ${WORDS[kind]}: ` +
      `cost ${complexity} of ${limits.complexity}, depth ${depth} of ${limits.depth}, ` +
      `fields ${breadth} of ${limits.breadth}. Ask for smaller pages or fewer fields.`,
  );
}
