import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql';
import { messageOf } from '../lib/domain-error.ts';
import type { Params } from './request-params.ts';
import type { ConnectionInfo } from './server.ts';
import type { Yoga } from './yoga.ts';

/** Executes an operation that was parsed and validated; once. Its errors are masked, those of a stream as they come. */
export type PreparedOperation = () => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>;

/** Parses and validates an operation and makes its context. Answers what is wrong with it where it can't be executed. */
export async function prepareOperation(
  yoga: Yoga,
  connection: ConnectionInfo,
  { query, variables, operationName }: Params,
): Promise<PreparedOperation | readonly GraphQLError[]> {
  const { schema, parse, validate, contextFactory, execute, subscribe } = yoga.getEnveloped({
    connection,
  });
  try {
    const document: DocumentNode = parse(query);
    const faults = validate(schema, document) as readonly GraphQLError[]; // by the type it could be anything
    if (faults.length > 0) return faults;
    const operation = getOperationAST(document, operationName);
    if (operation == null) {
      const message = 'Could not determine what operation to execute.';
      return [new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })];
    }
    const args: ExecutionArgs = {
      schema,
      document,
      operationName: operationName ?? null,
      variableValues: variables ?? null,
      contextValue: await contextFactory(),
    };
    return async () => (operation.operation === 'subscription' ? subscribe(args) : execute(args));
  } catch (error) {
    // Masked already: by the context's error handler, or it is a fault of the document.
    return [error instanceof GraphQLError ? error : new GraphQLError(messageOf(error))];
  }
}
