import {
  type DirectiveNode,
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { ConnectionInfo } from '../server.ts';
import { deferTurns } from './defer-turns.ts';

/** What yoga's context has for operations that came over HTTP. */
interface HttpContext {
  readonly request?: { readonly signal: AbortSignal };
}

/** One part of an answer after the first, as far as errors go. */
interface LaterParts {
  readonly incremental?: readonly { readonly errors?: readonly unknown[] }[];
}

/** Where this stands in text or a comment only, no harm is done: the answer has one part then. */
const PART_DIRECTIVES = /@(defer|stream)\b/;

/**
 * Whether the answer to an operation comes in parts: its document says `@defer` or `@stream`, and the client named a
 * form of answer that has parts. All others get it whole; who takes anything (`*∕*`) most likely expects that, too.
 */
export function comesInParts(document: DocumentNode, { transport, headers }: ConnectionInfo) {
  if (transport !== 'http') return false;
  const { accept = '' } = headers;
  const hasParts = accept.includes('multipart/mixed') || accept.includes('text/event-stream');
  return hasParts && PART_DIRECTIVES.test(document.loc?.source.body ?? '');
}

/**
 * What an answer in parts needs besides an executor for it: the work ends when the client goes away, errors of later
 * parts are masked like all others, and what makes no sense is refused before anything runs.
 */
export function useAnswersInParts(
  maskError: (error: unknown, message: string) => Error,
): Plugin<{ readonly connection: ConnectionInfo }> {
  const copies = new WeakMap<GraphQLSchema, GraphQLSchema>();
  const copyOf = (schema: GraphQLSchema) => {
    const copy = copies.get(schema) ?? deferTurns(schema);
    copies.set(schema, copy);
    return copy;
  };
  return {
    onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      const context = args.contextValue;
      if (!comesInParts(args.document, context.connection)) return;
      const error = findNegativeCount(args);
      if (error !== undefined) return setResultAndStopExecution({ errors: [error] });
      const { request } = context as HttpContext;
      setExecuteFn((operation) =>
        executeFn({
          ...operation,
          ...{ schema: copyOf(operation.schema), signal: request?.signal },
        }),
      );
      return {
        onExecuteDone: () => ({
          onNext({ result, setResult }) {
            const { incremental } = result as LaterParts;
            if (incremental?.some(({ errors }) => errors !== undefined) !== true) return;
            const masked = incremental.map(({ errors, ...part }) =>
              errors === undefined
                ? part
                : { ...part, errors: errors.map((each) => maskError(each, 'Unexpected error.')) },
            );
            setResult({ ...result, incremental: masked } as typeof result); // its type knows no parts
          },
        }),
      };
    },
  };
}

/** The executor would take it for a fault of the server. */
function findNegativeCount({
  schema,
  document,
  operationName,
  variableValues,
}: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>) {
  const directive = schema.getDirective('stream');
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const { coerced } = getVariableValues(schema, definitions, variableValues ?? {});
  if (directive == null || coerced === undefined) return undefined; // the executor says what is wrong
  const nodes: DirectiveNode[] = [];
  visit(document, {
    Directive(node) {
      if (node.name.value !== 'stream') return;
      const { initialCount } = getArgumentValues(directive, node, coerced);
      if (typeof initialCount === 'number' && initialCount < 0) nodes.push(node);
    },
  });
  if (nodes.length === 0) return undefined;
  const extensions = { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } };
  const message = 'The `initialCount` of `@stream` must not be negative.';
  return new GraphQLError(message, { nodes, extensions });
}
