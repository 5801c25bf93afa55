import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { checkDocument, type DocumentLimits } from './document-limits.ts';

/** So many faults of a document are told: looking for more costs time, and nobody reads them. */
const MOST_FAULTS = 10;

/** What of the schema clients are told besides what they ask of the system. */
export interface Disclosure {
  /** Whether `__schema` and `__type` may be asked for. `__typename` always may. */
  readonly introspection: boolean;
  /** Whether faults name what may have been meant. */
  readonly suggestions: boolean;
}

/**
 * Makes what validates documents that were parsed; those beyond the limits it does not look at. `charge` is told how many
 * fields there are to be looked at, and may throw instead.
 */
export function validateBy({ introspection, suggestions }: Disclosure, limits: DocumentLimits) {
  const options = { maxErrors: MOST_FAULTS, hideSuggestions: !suggestions };
  const own = introspection ? [] : [NoSchemaIntrospectionCustomRule];
  return (
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: readonly ValidationRule[] = specifiedRules,
    charge: (fields: number) => void = () => undefined,
  ): readonly GraphQLError[] => {
    let fields: number;
    try {
      fields = checkDocument(document, limits);
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
    charge(fields);
    return validate(schema, document, [...own, ...rules], options);
  };
}
