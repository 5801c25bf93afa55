import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql';
import { processRegularResult } from 'graphql-yoga';
import { cutWhenStalled } from './cut-when-stalled.ts';
import { comesInParts } from './documents/defer-stream.ts';
import { sendText } from './door/compression.ts';
import { refuse } from './door/refusal.ts';
import { bodyTooLarge } from './door/size-and-type.ts';
import { noteErrors } from './figures/note-operations.ts';
import type { ServerLimits } from './limits.ts';
import { readBody, readParams } from './request-params.ts';
import type { ConnectionInfo } from './server.ts';
import { GRAPHQL_PATH, type Yoga } from './yoga.ts';

/** What yoga works with as the body when it was read before. */
type RequestWithBody = IncomingMessage & { body?: string };

/**
 * Answers the common request with no detour over Fetch API objects, which would cost about as much as all the rest:
 * a query or mutation as JSON in a POST, to be answered as JSON. It answers what is well-formed. Everything else
 * it hands to yoga, with the body as far as it was read, and yoga says what is wrong: there is one place that knows
 * how to refuse.
 */
export function createJsonPost(
  yoga: Yoga,
  { maxBodyBytes, stallMs }: ServerLimits,
  maskError: (error: unknown, message: string) => Error,
) {
  const handOver = (
    request: IncomingMessage,
    response: ServerResponse,
    connection: ConnectionInfo,
  ) => {
    cutWhenStalled(response, stallMs);
    return yoga(request, response, { connection });
  };

  const answer = async (
    request: RequestWithBody,
    response: ServerResponse,
    connection: ConnectionInfo,
    mediaType: string,
  ): Promise<void> => {
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) {
      const refusal = bodyTooLarge(maxBodyBytes);
      noteErrors(connection, undefined, [{ extensions: { code: refusal.code } }]);
      response.setHeader('connection', 'close');
      return refuse(response, refusal);
    }
    request.body = body;
    const params = readParams(body);
    const query = params && yoga.documents.find(params);
    const enveloped = yoga.getEnveloped({ connection });
    const document = typeof query === 'string' ? parseAndValidate(enveloped, query) : undefined;
    const operation = document && getOperationAST(document, params?.operationName);
    if (
      document === undefined ||
      operation == null ||
      operation.operation === 'subscription' ||
      comesInParts(document, connection)
    ) {
      return handOver(request, response, connection);
    }
    let result: ExecutionResult;
    try {
      const args = {
        schema: enveloped.schema,
        document,
        contextValue: await enveloped.contextFactory(),
        variableValues: params?.variables,
        operationName: params?.operationName,
      } satisfies ExecutionArgs;
      result = await enveloped.execute(args);
    } catch (error) {
      result = { errors: [asGraphQLError(error, maskError)] };
    }
    noteErrors(connection, result.data, result.errors);
    if (response.destroyed) return;
    if (result.errors !== undefined) return sendByYoga(yoga, response, mediaType, result);
    return sendText(response, 200, `${mediaType}; charset=utf-8`, JSON.stringify(result));
  };

  return (request: IncomingMessage, response: ServerResponse, connection: ConnectionInfo) => {
    const mediaType = answerType(request, maxBodyBytes);
    if (mediaType === undefined) return handOver(request, response, connection);
    return answer(request, response, connection, mediaType);
  };
}

/** The media type to answer with; `undefined` when the request is not one for this fast way. */
function answerType({ method, url, headers }: IncomingMessage, maxBodyBytes: number) {
  if (method !== 'POST' || url !== GRAPHQL_PATH) return undefined;
  const { accept = '*/*', 'content-type': contentType, 'content-length': length } = headers;
  if (contentType !== 'application/json' && contentType !== 'application/json; charset=utf-8') {
    return undefined;
  }
  if (headers['content-encoding'] !== undefined || accept.includes('charset')) return undefined;
  if (length !== undefined && !(Number(length) <= maxBodyBytes)) return undefined;
  // As yoga does: what the client names first is preferred.
  for (const range of accept.toLowerCase().split(',')) {
    const name = range.split(';', 1)[0]?.trim();
    if (name === '*/*' || name === 'application/*' || name === 'application/json') {
      return 'application/json';
    }
    if (name === 'application/graphql-response+json') return name;
  }
  return undefined;
}

/** The document when it can be executed, else `undefined`. Faults are remembered, so that yoga finds them again. */
function parseAndValidate(
  { parse, validate, schema }: ReturnType<Yoga['getEnveloped']>,
  query: string,
): DocumentNode | undefined {
  try {
    const document: DocumentNode = parse(query);
    const faults = validate(schema, document) as readonly GraphQLError[]; // by the type it could be anything
    return faults.length === 0 ? document : undefined;
  } catch {
    return undefined;
  }
}

/** Answers with a result that has errors: they decide status and headers, and lose what is internal. */
async function sendByYoga(
  yoga: Yoga,
  response: ServerResponse,
  mediaType: string,
  result: ExecutionResult,
): Promise<void> {
  const made = processRegularResult(result, yoga.fetchAPI, mediaType);
  for (const [name, value] of made.headers) response.setHeader(name, value);
  return sendText(response, made.status, `${mediaType}; charset=utf-8`, await made.text());
}

function asGraphQLError(
  error: unknown,
  maskError: (error: unknown, message: string) => Error,
): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const masked = maskError(error, 'Unexpected error.');
  return masked instanceof GraphQLError ? masked : new GraphQLError(masked.message);
}
