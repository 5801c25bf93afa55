import { type ComplexityResult, complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type ExecutionArgs,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Context, OperationCost } from './context.ts';
import { measureIntrospection } from './introspection-cost.ts';
import { tooCostly } from './too-costly.ts';

/** So many sizes of one operation are remembered; its variables may take any value. */
const MOST_REMEMBERED = 100;

/** Values longer than this, in characters of JSON, are not remembered. */
const LONGEST_REMEMBERED = 200;

/** What is worked out once of an operation. */
interface Plan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  /** The operation comes first: that is the one which is measured. */
  readonly document: DocumentNode;
  /** The variables on which its size depends: those that say how many there are of something. */
  readonly variables: readonly string[];
  readonly introspection: number;
  /** Sizes, by the values of those variables. */
  readonly sizes: Map<string, ComplexityResult>;
}

/** Of documents, by the name of the operation. What is in it follows from the document alone. */
const plans = new WeakMap<DocumentNode, Map<string, Plan>>();

/**
 * Works out what an operation costs: the fields its answer may have. Writes it into the operation's context, so that it is not
 * worked out again when the operation is executed. Answers `undefined` for variables that don't fit.
 * @throws TooCostlyError when it is more than one operation may cost
 */
export function measureCost(args: ExecutionArgs): OperationCost | undefined {
  const plan = planOf(args);
  if (plan === undefined) return undefined;
  const size = sizeOf(plan, args.variableValues ?? {});
  if (size === undefined) return undefined;
  const context = args.contextValue as Context; // what the server makes for the API
  const { limits } = context;
  const name = plan.operation.name?.value;
  if (size.depth > limits.depth) throw tooCostly('Depth', size, limits, name);
  if (size.breadth > limits.breadth) throw tooCostly('Breadth', size, limits, name);
  if (size.complexity > limits.complexity) throw tooCostly('Complexity', size, limits, name);
  const cost: OperationCost = { operation: size.complexity, limit: limits.complexity };
  context.cost = cost;
  return cost;
}

function planOf({ schema, document, operationName }: ExecutionArgs): Plan | undefined {
  const ofDocument = plans.get(document) ?? new Map<string, Plan>();
  plans.set(document, ofDocument);
  const known = ofDocument.get(operationName ?? '');
  if (known?.schema === schema) return known;
  const operation = getOperationAST(document, operationName);
  if (operation == null) return undefined;
  const fragments = document.definitions.filter(
    (each): each is FragmentDefinitionNode => each.kind === Kind.FRAGMENT_DEFINITION,
  );
  const byName = new Map(fragments.map((each) => [each.name.value, each]));
  const own: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] };
  const plan: Plan = {
    schema,
    operation,
    document: own,
    variables: findSizes(schema, own),
    introspection: measureIntrospection(schema, operation.selectionSet, byName),
    sizes: new Map(),
  };
  ofDocument.set(operationName ?? '', plan);
  return plan;
}

/** The variables that stand in arguments of fields whose cost depends on their arguments. */
function findSizes(schema: GraphQLSchema, document: DocumentNode): readonly string[] {
  const found = new Set<string>();
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field(node) {
        const { complexity } = types.getFieldDef()?.extensions ?? {};
        if (typeof complexity !== 'function') return;
        for (const argument of node.arguments ?? []) {
          visit(argument, { Variable: ({ name }) => void found.add(name.value) });
        }
      },
    }),
  );
  return [...found];
}

function sizeOf(
  { schema, document, variables: names, introspection, sizes }: Plan,
  variables: Readonly<Record<string, unknown>>,
): ComplexityResult | undefined {
  const given = names.map((name) => (Object.hasOwn(variables, name) ? [variables[name]] : []));
  const key = names.length === 0 ? '' : JSON.stringify(given);
  const known = sizes.get(key);
  if (known !== undefined) return known;
  try {
    const { complexity, ...size } = complexityFromQuery(document, { schema, variables });
    const measured = { ...size, complexity: complexity + introspection };
    if (sizes.size >= MOST_REMEMBERED) sizes.clear();
    if (key.length <= LONGEST_REMEMBERED) sizes.set(key, measured);
    return measured;
  } catch (error) {
    if (error instanceof GraphQLError) return undefined; // execution says what is wrong with the variables
    throw error;
  }
}
