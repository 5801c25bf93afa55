import { type ExecutionArgs, getOperationAST } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { ClientConnection } from '../identity/client-connection.ts';
import type { ConnectionInfo } from '../server.ts';
import { type ClientError, outcomeOf } from './operation-log.ts';

interface ServerContext {
  readonly connection: ConnectionInfo;
}

/**
 * Notes at each HTTP request which operation it was and what came of it, for the log and the metrics. To be the first of the
 * plugins: others may refuse the operation.
 */
export function useOperationNotes(): Plugin<ServerContext, ServerContext> {
  return {
    onExecute: ({ args }) => note(args),
    onSubscribe: ({ args }) => note(args),
    onResultProcess({ result, serverContext: { connection } }) {
      if (Array.isArray(result) || isAsyncIterable(result)) return;
      noteErrors(connection, result.data, result.errors);
    },
  };
}

function note(args: ExecutionArgs): void {
  const { connection } = args.contextValue as ServerContext; // every transport's
  if (connection.transport !== 'http' || !(connection instanceof ClientConnection)) return;
  const operation = getOperationAST(args.document, args.operationName);
  connection.note = {
    type: operation?.operation,
    name: operation?.name?.value,
    variables: args.variableValues,
    outcome: 'ok',
    errors: undefined,
  };
}

/** Notes the errors that the client of an HTTP request is told, if there are some. Without data nothing was executed. */
export function noteErrors(
  connection: ConnectionInfo,
  data: unknown,
  errors: readonly ClientError[] | undefined,
): void {
  if (errors === undefined || !(connection instanceof ClientConnection)) return;
  connection.note ??= {
    type: undefined,
    name: undefined,
    variables: undefined,
    outcome: 'refused',
    errors,
  };
  connection.note.outcome = outcomeOf(data, errors);
  connection.note.errors = errors;
}
