import {
  type FragmentDefinitionNode,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

const INTROSPECTION_FIELDS: ReadonlySet<string> = new Set(['__schema', '__type']);

/** How long the lists of introspection are on average, by their fields. */
type Lengths = ReadonlyMap<string, number>;

const lengthsOfSchemas = new WeakMap<GraphQLSchema, Lengths>();

/**
 * How many fields the answer to questions about the schema has, as estimated from how much there is in it. The complexity plugin
 * takes each for one field.
 */
export function measureIntrospection(
  schema: GraphQLSchema,
  root: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): number {
  const lengths = lengthsOfSchemas.get(schema) ?? measureLists(schema);
  lengthsOfSchemas.set(schema, lengths);
  const known = new Map<SelectionSetNode, number>();
  const inside = (set: SelectionSetNode): number =>
    sum(set, known, inside, (name, below) => {
      return below === undefined ? 1 : 1 + (lengths.get(name) ?? 1) * inside(below);
    });
  const outside = new Map<SelectionSetNode, number>();
  const atRoot = (set: SelectionSetNode): number =>
    sum(set, outside, atRoot, (name, below) => {
      return below !== undefined && INTROSPECTION_FIELDS.has(name) ? inside(below) : 0;
    });

  /** Fragments are looked into once, however often they are used. */
  function sum(
    set: SelectionSetNode,
    sums: Map<SelectionSetNode, number>,
    ofSet: (set: SelectionSetNode) => number,
    ofField: (name: string, below: SelectionSetNode | undefined) => number,
  ): number {
    const before = sums.get(set);
    if (before !== undefined) return before;
    sums.set(set, 0); // a fragment that holds itself is refused elsewhere
    let total = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        total += ofField(selection.name.value, selection.selectionSet);
        continue;
      }
      const below =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : fragments.get(selection.name.value)?.selectionSet;
      total += below === undefined ? 0 : ofSet(below);
    }
    sums.set(set, total);
    return total;
  }

  return Math.ceil(atRoot(root));
}

function measureLists(schema: GraphQLSchema): Lengths {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
  );
  const args = fields.reduce((count, field) => count + field.args.length, 0);
  const enumValues = types.filter(isEnumType).flatMap((type) => type.getValues());
  const inputFields = types
    .filter(isInputObjectType)
    .flatMap((type) => Object.keys(type.getFields()));
  return new Map([
    ['types', types.length],
    ['directives', schema.getDirectives().length],
    ['fields', fields.length / types.length],
    ['args', Math.max(1, args / Math.max(1, fields.length))],
    ['enumValues', enumValues.length / types.length],
    ['inputFields', inputFields.length / types.length],
  ]);
}
