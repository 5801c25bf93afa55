import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientConnection } from '../identity/client-connection.ts';
import { nameRequest } from './request-id.ts';

/** An HTTP request and its answer, with what is told of them when they are over. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query string. */
  readonly path: string;
  readonly requestId: string;
  /** When it came, by `performance.now()`. */
  readonly startedMs: number;
  /** Who asks; `undefined` for what is answered to anybody. */
  connection: ClientConnection | undefined;
  /** The code with which it was refused, if it was before it reached GraphQL. */
  refusedCode: string | undefined;
}

/** Begins an exchange. */
export function beginExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  return {
    request,
    response,
    path: pathOf(request),
    requestId: nameRequest(request),
    startedMs: performance.now(),
    connection: undefined,
    refusedCode: undefined,
  };
}

/** The path of a request, without the query string. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
