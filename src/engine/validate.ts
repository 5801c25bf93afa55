import type { Issue } from '../lib/domain-error.ts';
import type { Schema } from './routine-type.ts';

/** A value that a schema let pass, or all that is wrong with it. */
export type Validated =
  | { readonly value: unknown; readonly issues: readonly [] }
  | { readonly value: undefined; readonly issues: readonly Issue[] };

/** Whoever sends thousands of wrong values is told of the first. */
const MOST_ISSUES = 100;

/**
 * Checks a value by a schema, at once.
 * A schema that can only answer later (an asynchronous check) is told as an issue of its own.
 */
export function validate(schema: Schema, value: unknown): Validated {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    // Libraries also answer later what their own code threw at once; nobody waits for it here.
    result.catch(() => undefined);
    const message = 'This could not be checked: the schema threw, or it is asynchronous.';
    return { value: undefined, issues: [{ path: [], message }] };
  }
  if (result.issues === undefined) return { value: result.value, issues: [] };
  const issues: Issue[] = result.issues.slice(0, MOST_ISSUES).map(({ path = [], message }) => ({
    path: path.map((part) => {
      const key = typeof part === 'object' ? part.key : part;
      return typeof key === 'symbol' ? String(key) : key;
    }),
    message,
  }));
  const more = result.issues.length - issues.length;
  if (more > 0) issues.push({ path: [], message: `There are ${more} more faults.` });
  return { value: undefined, issues };
}
