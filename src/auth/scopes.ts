import { SCOPES, type Scope } from '../lib/identity.ts';

/** Whether something is the name of a scope. */
export function isScope(value: unknown): value is Scope {
  return (SCOPES as readonly unknown[]).includes(value);
}

/** Those of the values that are scopes, in the order of `SCOPES`. All else is left out. */
export function readScopes(values: Iterable<unknown>): ReadonlySet<Scope> {
  const given = new Set(values);
  return new Set(SCOPES.filter((scope) => given.has(scope)));
}
