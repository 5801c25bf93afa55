import type { StandardJSONSchemaV1 } from '@standard-schema/spec';

/** JSON Schema (draft 2020-12) of what a schema takes in; `undefined` when its library can't tell. */
export function toJsonSchema(schema: { readonly '~standard': object } | undefined): unknown {
  if (schema === undefined) return undefined;
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' });
  } catch {
    return undefined; // the schema holds something that JSON Schema has no word for
  }
}
