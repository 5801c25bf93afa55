import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { systemClock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { ConnectionCounts } from './connection-counters.ts';
import { Connections } from './connections.ts';
import { createGraphiQL } from './graphiql.ts';
import { createJsonPost } from './json-post.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { createMetrics, METRICS_PATH } from './metrics.ts';
import { answerProbe } from './probes.ts';
import { isSameOrigin } from './same-origin.ts';
import type { Listening, Readiness, Server, ServerOptions } from './server.ts';
import { listenError, ServerError } from './server-error.ts';
import { createSseStreams } from './sse-streams.ts';
import { createWebSocketEndpoint } from './websocket.ts';
import { createGraphQLYoga, GRAPHQL_PATH, type Subscribers } from './yoga.ts';

/**
 * How long a connection that is idle stays open, in milliseconds. Longer than proxies keep theirs, mostly a minute: else one
 * may send a request just when the connection is being closed.
 */
const KEEP_ALIVE_MS = 65_000;

/** How long those who watch their connection may take to read that the server goes away, in milliseconds. */
const FAREWELL_MS = 1_000;

/**
 * Makes a server that answers GraphQL at `/graphql`: over HTTP, over WebSocket (graphql-transport-ws), as
 * server-sent events, and with GraphiQL for browsers.
 */
export function createServer(options: ServerOptions): Server {
  const { logger, maskError, graphiql: { title = 'Millrace', operations = [] } = {} } = options;
  const limits: ServerLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const subscribers: Subscribers = new WeakMap();
  const connections = new Connections(limits);
  const yoga = createGraphQLYoga(options, limits, subscribers, connections);
  const answerPost = createJsonPost(yoga, limits, maskError);
  const sseStreams = createSseStreams(yoga, limits, maskError);
  const graphiQL = createGraphiQL({ title, operations }, GRAPHQL_PATH);
  const webSocket = createWebSocketEndpoint(yoga, subscribers, connections, limits, logger);
  const answerMetrics = createMetrics(() => countConnections());
  const { readiness = alwaysReady } = options;
  const knownHosts = [...(options.knownHosts ?? [])];
  /** Requests that are being answered. */
  const answering = new Set<ServerResponse>();
  let opening: Promise<Listening> | undefined;
  let closing: Promise<void> | undefined;

  const countConnections = (): ConnectionCounts => {
    let eventStreams = 0;
    for (const response of answering) {
      if (isStream(response) && takes(response, 'text/event-stream')) eventStreams++;
    }
    return { ...connections.counters, eventStreams };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = pathOf(request);
    if (answerProbe(path, response, readiness)) return;
    if (path === METRICS_PATH) return answerMetrics(response);
    if (path === '/') return redirect(response, GRAPHQL_PATH);
    if (path !== GRAPHQL_PATH) {
      const message = `Nothing is at ${path}. GraphQL is at ${GRAPHQL_PATH}.`;
      return refuse(response, 404, 'NOT_FOUND', message);
    }
    if (!isSameOrigin(request, knownHosts)) {
      const message = `Web pages of ${request.headers.origin} may not use this server.`;
      return refuse(response, 403, 'FORBIDDEN_ORIGIN', message);
    }
    if (request.method === 'GET' && request.headers.accept?.includes('text/html') === true) {
      return graphiQL.answer(request, response);
    }
    const connection = connections.add('http', request);
    if (sseStreams.isFor(request)) return sseStreams.answer(request, response, connection);
    return answerPost(request, response, connection);
  };

  const http = createHttpServer((request, response) => {
    answering.add(response);
    response.once('close', () => {
      answering.delete(response);
      if (closing !== undefined) setImmediate(cutWhenIdle);
    });
    answer(request, response).catch((error: unknown) => {
      if (response.destroyed) return; // the client went away
      logger.error({ err: error }, 'A request could not be answered.');
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'INTERNAL_SERVER_ERROR', 'Unexpected error.');
    });
  });
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (closing !== undefined) refuseUpgrade(socket, '503 Service Unavailable');
    else if (pathOf(request) !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found');
    else if (!isSameOrigin(request, knownHosts)) refuseUpgrade(socket, '403 Forbidden');
    else webSocket.upgrade(request, socket, head);
  });

  /** Also connections over which no request ever came, which Node does not count as idle. */
  const cutWhenIdle = () => {
    if (answering.size === 0) http.closeAllConnections();
    else http.closeIdleConnections();
  };

  const open = async (host: string, port: number): Promise<Listening> => {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => reject(listenError(error, host, port));
      http.once('error', fail);
      try {
        http.listen({ host, port }, () => {
          http.off('error', fail);
          http.on('error', (error) => logger.error({ err: error }, 'The HTTP server failed.'));
          resolve();
        });
      } catch (error) {
        fail(error);
      }
    });
    const { address, family, port: actual } = http.address() as AddressInfo; // it listens on TCP
    const shown = family === 'IPv6' ? `[${address}]` : address;
    return { url: `http://${shown}:${actual}${GRAPHQL_PATH}`, port: actual };
  };

  /** Tells those who watch their connection, and lets their operations end. */
  const sayFarewell = async () => {
    const { eventStreams, webSockets } = countConnections();
    const isRead = connections.goAway(eventStreams + webSockets);
    await isKeptWithin(isRead, Math.min(FAREWELL_MS, limits.closeGraceMs), systemClock);
    await turnOfTheLoop(); // in which the ends of their operations are sent
  };

  const close = async () => {
    await opening?.catch(() => undefined); // whoever called `listen` was told
    const isClosed = new Promise<void>((resolve) => {
      if (http.listening) http.close(() => resolve());
      else resolve();
    });
    await sayFarewell();
    sseStreams.close();
    for (const response of answering) if (isStream(response)) response.destroy();
    cutWhenIdle();
    const cut = setTimeout(() => http.closeAllConnections(), limits.closeGraceMs);
    await webSocket.close();
    await isClosed;
    clearTimeout(cut);
    connections.close();
    graphiQL.close();
    await yoga.dispose();
  };

  return {
    async listen({ host = '127.0.0.1', port = 4000 } = {}) {
      if (closing !== undefined) throw new ServerError('SERVER_CLOSED', 'The server was closed.');
      opening = open(host, port);
      return opening;
    },
    close() {
      closing ??= close();
      return closing;
    },
    countConnections,
  };
}

function alwaysReady(): Readiness {
  return { isReady: true, problem: undefined };
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** Whether a response is one that goes on until somebody ends it: begun, not ended, and asked for as a stream. */
function isStream(response: ServerResponse): boolean {
  const isWanted = takes(response, 'text/event-stream') || takes(response, 'multipart/mixed');
  return isWanted && response.headersSent && !response.writableEnded;
}

/** Whether the client of a request named a media type. */
function takes({ req }: ServerResponse, mediaType: string): boolean {
  return req.headers.accept?.includes(mediaType) === true;
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ errors: [{ message, extensions: { code } }] }));
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
