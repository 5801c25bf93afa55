import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Scope } from '../lib/identity.ts';
import { scopesOfField } from './rules.ts';

/** A field that somebody asks for and may not see. */
export interface ForbiddenField {
  readonly field: string;
  /** The first of those it needs and they lack. */
  readonly scope: Scope;
}

/** The first field below the present one that somebody with these scopes may not see; `undefined` when there is none. */
export function findForbidden(
  { fieldNodes, returnType, schema, fragments, variableValues }: GraphQLResolveInfo,
  scopes: ReadonlySet<Scope>,
): ForbiddenField | undefined {
  const inField = (type: GraphQLNamedType, node: FieldNode) => {
    const field = fieldOf(type, node);
    if (field === undefined) return undefined;
    const scope = scopesOfField(field).find((each) => !scopes.has(each));
    if (scope !== undefined) return { field: field.name, scope };
    return inSelections(getNamedType(field.type), node.selectionSet);
  };
  const inSelections = (
    type: GraphQLNamedType | undefined,
    set: SelectionSetNode | undefined,
  ): ForbiddenField | undefined => {
    if (type === undefined) return undefined;
    for (const node of set?.selections ?? []) {
      if (!isWanted(node, variableValues)) continue;
      let found: ForbiddenField | undefined;
      if (node.kind === Kind.FIELD) found = inField(type, node);
      else {
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments[node.name.value];
        const on = fragment?.typeCondition?.name.value;
        found = inSelections(on === undefined ? type : schema.getType(on), fragment?.selectionSet);
      }
      if (found) return found;
    }
    return undefined;
  };
  for (const { selectionSet } of fieldNodes) {
    const found = inSelections(getNamedType(returnType), selectionSet);
    if (found) return found;
  }
  return undefined;
}

/** `undefined` for `__typename`. */
function fieldOf(type: GraphQLNamedType, { name }: FieldNode) {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  return type.getFields()[name.value];
}

function isWanted(node: SelectionNode, variables: Readonly<Record<string, unknown>>): boolean {
  const { if: isSkipped } = getDirectiveValues(GraphQLSkipDirective, node, variables) ?? {};
  const { if: isIncluded } = getDirectiveValues(GraphQLIncludeDirective, node, variables) ?? {};
  return isSkipped !== true && isIncluded !== false;
}
