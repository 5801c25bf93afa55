import type { Issue } from '../lib/domain-error.ts';
import type { Schema } from './routine-type.ts';

export type Validated =
  | { readonly value: unknown; readonly issues: readonly [] }
  | { readonly value: undefined; readonly issues: readonly Issue[] };

/**
 * Checks a value by a schema, at once.
 * A schema that can only answer later (an asynchronous check) is told as an issue of its own.
 */
export function validate(schema: Schema, value: unknown): Validated {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    return { value: undefined, issues: [{ path: [], message: 'The schema must be synchronous.' }] };
  }
  if (result.issues === undefined) return { value: result.value, issues: [] };
  const issues = result.issues.map(({ path = [], message }) => ({
    path: path.map((part) => {
      const key = typeof part === 'object' ? part.key : part;
      return typeof key === 'symbol' ? String(key) : key;
    }),
    message,
  }));
  return { value: undefined, issues };
}
