import type { GraphQLField, GraphQLSchema } from 'graphql';
import type { Scope } from '../lib/identity.ts';

/** The scopes that somebody must have, all of them, to use a field or see a type. */
export type Rule = Readonly<Partial<Record<Scope, boolean>>>;

/** A rule that depends on the arguments of a field. */
export type RuleOfArguments = (root: unknown, args: never, ...more: never[]) => Rule;

/** The rule for what everybody may use who is let in. It has to be written, so that nothing is open by omission. */
export const LET_IN: Partial<Record<Scope, boolean>> = Object.freeze({});

/** Under what a type of the schema that was built has the scopes of its rule. */
export const TYPE_SCOPES = 'scopes';

/** The scopes that a type asks for where it is answered: none for a type without a rule. */
export function scopesOfType(schema: GraphQLSchema, typeName: string): readonly Scope[] {
  const { [TYPE_SCOPES]: scopes = [] } = schema.getType(typeName)?.extensions ?? {};
  return scopes as readonly Scope[]; // set when the schema was built
}

/**
 * The scopes that a field asks for, those of the type it answers included.
 * @param args what is asked; without, a rule that depends on it counts as none
 */
export function scopesOfField(
  { extensions }: GraphQLField<unknown, unknown>,
  args?: Readonly<Record<string, unknown>>,
): readonly Scope[] {
  const { pothosOptions = {} } = extensions; // set by the builder
  const { authScopes = {} } = pothosOptions as { readonly authScopes?: Rule | RuleOfArguments };
  if (typeof authScopes !== 'function') return Object.keys(authScopes) as Scope[]; // no other names are taken
  return args === undefined ? [] : (Object.keys(authScopes(undefined, args as never)) as Scope[]);
}
