import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { ServerLimits } from '../limits.ts';

/**
 * How long a connection that is idle stays open, in milliseconds. Longer than proxies keep theirs, mostly a minute: else one
 * may send a request just when the connection is being closed.
 */
const KEEP_ALIVE_MS = 65_000;

/** How often at least it is looked whether clients send too slowly, in milliseconds. */
const MAX_CHECK_MS = 2_000;

/** A client that has more requests unanswered on one connection is cut. Browsers wait for each. */
const MAX_PIPELINED = 100;

/** Room for WebSockets that are told that there are too many. */
const ROOM_FOR_REFUSED = 1_000;

/**
 * Makes an HTTP server with limits to what a client may send, how slowly, and how much at once. What breaks them before there is
 * a request is answered by Node: 400, 408 for too slow, 431 for a head that is too large. Who takes nothing of an answer that is
 * complete is cut after `stallMs`.
 */
export function createLimitedHttpServer(
  { headersTimeoutMs, requestTimeoutMs, maxHeaderBytes, ...limits }: ServerLimits,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): HttpServer {
  const unanswered = new WeakMap<Socket, number>();
  const headersTimeout = Math.min(headersTimeoutMs, requestTimeoutMs);
  const http = createServer({
    headersTimeout,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(MAX_CHECK_MS, Math.ceil(headersTimeout / 4)),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: maxHeaderBytes,
  });
  http.maxHeadersCount = 0; // those above would be dropped without a word, whatever they are; they are counted later
  http.maxConnections = limits.maxSockets + ROOM_FOR_REFUSED + limits.maxHttpConnections;
  http.on('request', (request, response) => {
    const { socket } = request;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) return void socket.destroy();
    unanswered.set(socket, count);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    // From when there is nothing more to write until all is written. What Node does then with the socket's time-out comes after.
    response.once('prefinish', () => socket.setTimeout(limits.stallMs));
    response.prependOnceListener('finish', () => socket.setTimeout(0));
    answer(request, response);
  });
  return http;
}
