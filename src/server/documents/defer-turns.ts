import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isObjectType,
  Kind,
  lexicographicSortSchema,
  type SelectionSetNode,
  visit,
} from 'graphql';

/**
 * A copy of a schema in which fields of deferred fragments are resolved in a later turn of the event loop. The executor
 * resolves them at once, and what needs no waiting, such as a read from memory, would hold up the part before.
 */
export function deferTurns(schema: GraphQLSchema): GraphQLSchema {
  const deferredFields = new WeakMap<DocumentNode['definitions'][number], ReadonlySet<FieldNode>>();
  const isDeferred: IsDeferred = (field, operation, fragments) => {
    let found = deferredFields.get(operation);
    if (found === undefined) {
      found = findDeferred([operation, ...Object.values(fragments)], fragments);
      deferredFields.set(operation, found);
    }
    return field !== undefined && found.has(field);
  };
  const copy = lexicographicSortSchema(schema); // graphql-js has no other way to copy one
  for (const type of Object.values(copy.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.resolve !== undefined) field.resolve = inTurn(field.resolve, isDeferred);
    }
  }
  return copy;
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;
type IsDeferred = (
  field: FieldNode | undefined,
  operation: DocumentNode['definitions'][number],
  fragments: Fragments,
) => boolean;
type Resolver = GraphQLFieldResolver<unknown, unknown>;

function inTurn(resolve: Resolver, isDeferred: IsDeferred): Resolver {
  return (source, args, context, info) =>
    isDeferred(info.fieldNodes[0], info.operation, info.fragments)
      ? afterTurns().then(() => resolve(source, args, context, info))
      : resolve(source, args, context, info);
}

/** In the first turn the part before is written, in the next what came in meanwhile has had its chance. */
async function afterTurns(): Promise<void> {
  await turnOfTheLoop();
  await turnOfTheLoop();
}

/** The fields that stand in deferred fragments, not those below them. */
function findDeferred(
  definitions: readonly DocumentNode['definitions'][number][],
  fragments: Fragments,
): ReadonlySet<FieldNode> {
  const found = new Set<FieldNode>();
  const visited = new Set<SelectionSetNode>();
  const take = (selections: SelectionSetNode | undefined) => {
    if (selections === undefined || visited.has(selections)) return;
    visited.add(selections);
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) found.add(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) take(selection.selectionSet);
      else take(fragments[selection.name.value]?.selectionSet);
    }
  };
  for (const definition of definitions) {
    visit(definition, {
      InlineFragment({ directives, selectionSet }) {
        if (directives?.some(({ name }) => name.value === 'defer') === true) take(selectionSet);
      },
      FragmentSpread({ directives, name }) {
        if (directives?.some((each) => each.name.value === 'defer') !== true) return;
        take(fragments[name.value]?.selectionSet);
      },
    });
  }
  return found;
}
