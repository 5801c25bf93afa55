import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute as executeByWalking,
  type FieldNode,
  GraphQLError,
  locatedError,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';

/** How often an operation is walked before it is compiled: one that is asked once is not worth compiling. */
const WALKS_BEFORE_COMPILING = 1;

type Plan = { readonly walks: number } | CompiledQuery | 'uncompilable';

/** Executes a query or mutation, or resolves one event of a subscription. Given arguments that were validated before. */
export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;

export interface ExecutorOptions {
  /** Whether faults of variables don't name what may have been meant. Default false. */
  readonly hideSuggestions?: boolean;
}

/**
 * Executes operations: the first time by walking the document (graphql-js), from the second time compiled to
 * JavaScript (graphql-jit), which is several times as fast. What can't be compiled is walked always.
 *
 * What is compiled is remembered for as long as the document is, by identity. So whoever parses decides, by what it
 * keeps, how much that is.
 */
export function createExecutor({ hideSuggestions = false }: ExecutorOptions = {}): Execute {
  const plans = new WeakMap<DocumentNode, Map<string, Plan>>();

  const compiled = ({ schema, document, operationName }: ExecutionArgs) => {
    let ofDocument = plans.get(document);
    if (ofDocument === undefined) {
      ofDocument = new Map();
      plans.set(document, ofDocument);
    }
    const name = operationName ?? '';
    let plan = ofDocument.get(name) ?? { walks: 0 };
    if (plan === 'uncompilable') return undefined;
    if ('walks' in plan) {
      plan =
        plan.walks < WALKS_BEFORE_COMPILING
          ? { walks: plan.walks + 1 }
          : compile(schema, document, operationName ?? undefined);
      ofDocument.set(name, plan);
    }
    return typeof plan === 'object' && 'query' in plan ? plan : undefined;
  };

  return (given) => {
    const args = { ...given, hideSuggestions };
    const plan = compiled(args);
    if (plan === undefined) return executeByWalking(args);
    const result = plan.query(args.rootValue, args.contextValue, args.variableValues);
    return result instanceof Promise
      ? result.then((settled) => finish(settled, args))
      : finish(result, args);
  };
}

function compile(
  schema: ExecutionArgs['schema'],
  document: DocumentNode,
  operationName: string | undefined,
): Plan {
  try {
    const plan = compileQuery(schema, document, operationName, {
      disablingCapturingStackErrors: true,
      useExperimentalPathBasedSkipInclude: true,
    });
    return isCompiledQuery(plan) ? plan : 'uncompilable';
  } catch {
    return 'uncompilable';
  }
}

/** Makes of a compiled operation's result what graphql-js would have answered. */
function finish(
  result: ExecutionResult,
  args: ExecutionArgs,
): ExecutionResult | Promise<ExecutionResult> {
  // Nothing ran: the variables don't fit. graphql-js says so in its own words.
  if (result.data === undefined) return executeByWalking(args);
  if (result.errors === undefined) return result;
  const errors = result.errors.map((error) => relocate(error, args.document));
  return { ...result, errors };
}

/** graphql-jit knows lines and columns only; later stages want the nodes of the document. */
function relocate(error: GraphQLError, document: DocumentNode): GraphQLError {
  const { path, locations = [], originalError } = error;
  const wanted = locations[0];
  const nodes: FieldNode[] = [];
  visit(document, {
    Field(node) {
      const start = node.loc?.startToken;
      if (start?.line === wanted?.line && start?.column === wanted?.column) nodes.push(node);
    },
  });
  return originalError === undefined
    ? new GraphQLError(error.message, { nodes, path: path ?? null })
    : locatedError(originalError, nodes, path);
}
