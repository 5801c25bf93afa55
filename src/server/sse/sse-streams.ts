import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import { cutWhenStalled } from '../cut-when-stalled.ts';
import { prepareOperation } from '../documents/prepare-operation.ts';
import { showError } from '../documents/show-result.ts';
import type { OperationLog } from '../figures/operation-log.ts';
import { clientName } from '../identity/clients.ts';
import type { ServerLimits } from '../limits.ts';
import { readBody, readParams } from '../request-params.ts';
import type { ConnectionInfo } from '../server.ts';
import { expulsion } from '../subscriptions/limited-subscriptions.ts';
import type { Yoga } from '../yoga.ts';
import { SseStream } from './sse-stream.ts';

/** Ids of operations come back with each result. */
const MAX_ID_LENGTH = 256;

/** A stream, and whose it is: to anybody else there is none. */
interface Reserved {
  readonly stream: SseStream;
  readonly owner: string;
  /** Whose limits it counts for. */
  readonly client: string;
}

/** Where the single connection mode of graphql-sse comes in: one stream of server-sent events, several operations. */
export interface SseStreams {
  /** Whether a request is meant for it: it reserves a stream, or names one by its token. */
  isFor(request: IncomingMessage): boolean;
  /** Answers such a request. Rejected when its body can't be read. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    connection: ConnectionInfo,
  ): Promise<void>;
  /** Ends all streams. */
  close(): void;
}

interface SseParts {
  readonly yoga: Yoga;
  readonly operationLog: OperationLog;
  readonly maskError: (error: unknown, message: string) => Error;
}

/**
 * Serves the single connection mode of the graphql-sse protocol: PUT reserves a stream and answers its token, GET opens
 * it, POST begins an operation in it, DELETE ends one. The token is a secret of the client, which can't be guessed, and is no
 * key: each request shows who it is besides, and knows only streams of its own tenant and subject. Each operation has the rights of the
 * request that began it, and ends with them; with those of the request that opened it the stream ends.
 */
export function createSseStreams(
  { yoga, operationLog, maskError }: SseParts,
  limits: ServerLimits,
): SseStreams {
  const { maxBodyBytes, maxOperationsPerSocket, sseReservedMs, stallMs } = limits;
  const streams = new Map<string, Reserved>();

  const mayReserve = (name: string) => {
    let all = 0;
    let own = 0;
    for (const { stream, client } of streams.values()) {
      if (stream.state !== 'reserved') continue;
      all++;
      if (client === name) own++;
    }
    return all < limits.maxSseReserved && own < limits.maxSseReservedPerClient;
  };

  const reserve = (response: ServerResponse, connection: ConnectionInfo) => {
    const client = clientName(connection);
    if (!mayReserve(client)) {
      const message = 'Too many streams are reserved that nobody opened. Try again later.';
      return refuse(response, 503, 'TOO_MANY_RESERVATIONS', message);
    }
    const token = randomUUID();
    const stream = new SseStream(sseReservedMs, maskError, () => streams.delete(token));
    streams.set(token, { stream, owner: ownerName(connection), client });
    response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8' }).end(token);
  };

  const open = (
    stream: SseStream,
    { headers }: IncomingMessage,
    response: ServerResponse,
    connection: ConnectionInfo,
  ) => {
    if (headers.accept?.includes('text/event-stream') !== true) {
      const message = 'A stream is opened with Accept: text/event-stream.';
      return refuse(response, 406, 'NOT_ACCEPTABLE', message);
    }
    if (stream.state !== 'reserved') {
      return refuse(response, 409, 'STREAM_ALREADY_OPEN', 'The stream is open already.');
    }
    stream.open(response);
    cutWhenStalled(response, stallMs);
    const stopListening = connection.onExpelled(() => stream.close());
    response.once('close', stopListening);
  };

  const begin = async (
    stream: SseStream,
    request: IncomingMessage,
    response: ServerResponse,
    connection: ConnectionInfo,
  ) => {
    if (request.headers['content-type']?.startsWith('application/json') !== true) {
      const message = 'An operation is sent as application/json.';
      return refuse(response, 415, 'UNSUPPORTED_MEDIA_TYPE', message);
    }
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) {
      response.setHeader('connection', 'close');
      return refuse(response, 413, 'REQUEST_ENTITY_TOO_LARGE', 'Request body too large');
    }
    const params = readParams(body);
    if (params === undefined) {
      const message = 'The body must be a JSON object with a query.';
      return refuse(response, 400, 'BAD_REQUEST', message);
    }
    const { operationId: id } = params.extensions ?? {};
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) {
      const message = `extensions.operationId must be text of 1 to ${MAX_ID_LENGTH} characters.`;
      return refuse(response, 400, 'BAD_REQUEST', message);
    }
    if (stream.has(id)) {
      const message = 'An operation of this id goes on in the stream.';
      return refuse(response, 409, 'OPERATION_EXISTS', message);
    }
    if (stream.size >= maxOperationsPerSocket) {
      const message = `More than ${maxOperationsPerSocket} operations at once in one stream. End some, or open another.`;
      return refuse(response, 429, 'TOO_MANY_OPERATIONS', message);
    }
    if (stream.state === 'closed') return refuseUnknown(response);
    const operation = stream.take(id);
    const tell = operationLog.begin(connection, 'sse');
    const prepared = await prepareOperation(yoga, connection, params);
    if ('perform' in prepared) {
      response.writeHead(202).end();
      const stopListening = connection.onExpelled((problem) =>
        operation.stop({ errors: [expulsion(problem)] }),
      );
      let answered: ExecutionResult | undefined;
      const perform = async () => {
        const outcome = await prepared.perform();
        if (!isAsyncIterable(outcome)) answered = outcome;
        return outcome;
      };
      return operation.run(perform).finally(() => {
        stopListening();
        tell(prepared.args, answered);
      });
    }
    operation.stop();
    tell(undefined, { errors: prepared });
    const errors = prepared.map(showError);
    answerJson(response, 400, { errors });
  };

  const answer: SseStreams['answer'] = async (request, response, connection) => {
    if (request.method === 'PUT') return reserve(response, connection);
    const reserved = streams.get(readToken(request) ?? '');
    if (reserved === undefined || reserved.owner !== ownerName(connection)) {
      return refuseUnknown(response);
    }
    const { stream } = reserved;
    if (request.method === 'GET') return open(stream, request, response, connection);
    if (request.method === 'POST') return begin(stream, request, response, connection);
    const id = readSearch(request).get('operationId');
    if (id === null) {
      const message = 'Say which operation to end: ?operationId=…';
      return refuse(response, 400, 'BAD_REQUEST', message);
    }
    stream.stop(id);
    response.writeHead(200, { 'content-length': 0 }).end();
  };

  return {
    isFor(request) {
      const { method } = request;
      if (method === 'PUT' || method === 'DELETE') return true;
      return (method === 'GET' || method === 'POST') && readToken(request) !== undefined;
    },
    answer,
    close() {
      for (const { stream } of [...streams.values()]) stream.close();
    },
  };
}

/** Names whose a stream is that a request reserves, and who may use it. */
function ownerName({ identity: { tenant, subject } }: ConnectionInfo): string {
  return JSON.stringify([tenant, subject]);
}

function readToken(request: IncomingMessage): string | undefined {
  const token = request.headers['x-graphql-event-stream-token'];
  if (typeof token === 'string') return token;
  if (request.url?.includes('token=') !== true) return undefined;
  return readSearch(request).get('token') ?? undefined;
}

function readSearch({ url = '' }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.slice(url.indexOf('?') + 1));
}

function refuseUnknown(response: ServerResponse): void {
  const message = 'There is no such stream. Reserve one by PUT, and open it soon.';
  refuse(response, 404, 'STREAM_NOT_FOUND', message);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  answerJson(response, status, { errors: [{ message, extensions: { code } }] });
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
