import { ValidationError } from '../lib/domain-error.ts';
import { jsonDepth } from '../lib/json-size.ts';

/** As deep as a job's input may be. */
const DEEPEST = 100;

/**
 * Checks a value that a person puts in a job: it has to be stored with the job.
 * @throws ValidationError
 */
export function checkValue(value: unknown): void {
  const refuse = (message: string) => {
    throw new ValidationError([{ path: ['input', 'value'], message }]);
  };
  if (jsonDepth(value) > DEEPEST) refuse(`Is nested more than ${DEEPEST} levels deep.`);
  if (hasPrototypeKey(value)) refuse('Has a key "__proto__", with which it could not be stored.');
}

function hasPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototypeKey);
}
