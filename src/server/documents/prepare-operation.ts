import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql';
import { messageOf } from '../../lib/domain-error.ts';
import type { Params } from '../request-params.ts';
import type { ConnectionInfo } from '../server.ts';
import type { Yoga } from '../yoga.ts';
import { noDocument } from './document-limits.ts';

/** What comes of an operation. Its errors are masked, those of a stream as they come. */
export type Outcome = ExecutionResult | AsyncIterableIterator<ExecutionResult>;

/** An operation that was parsed and validated. */
export interface PreparedOperation {
  readonly args: ExecutionArgs;
  readonly isSubscription: boolean;
  /** Executes it, or subscribes to it. To be called once. */
  readonly perform: () => Promise<Outcome>;
}

/** Parses and validates an operation and makes its context. Answers what is wrong with it where it can't be executed. */
export async function prepareOperation(
  yoga: Yoga,
  connection: ConnectionInfo,
  params: Params,
): Promise<PreparedOperation | readonly GraphQLError[]> {
  const { variables, operationName } = params;
  const query = yoga.documents.find(params);
  if (query === undefined || query instanceof GraphQLError) return [query ?? noDocument()];
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
    const isSubscription = operation.operation === 'subscription';
    const perform = async () => (isSubscription ? subscribe(args) : execute(args));
    return { args, isSubscription, perform };
  } catch (error) {
    // Masked already: by the context's error handler, or it is a fault of the document.
    return [error instanceof GraphQLError ? error : new GraphQLError(messageOf(error))];
  }
}
