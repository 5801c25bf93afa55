import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { systemClock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import { Connections } from './connections.ts';
import { createDoor } from './door/door.ts';
import { beginExchange } from './door/exchange.ts';
import { ExchangeLog } from './door/exchange-log.ts';
import { createLimitedHttpServer } from './door/http-server.ts';
import { Origins } from './door/origins.ts';
import { refuse } from './door/refusal.ts';
import { createUpgradeDoor } from './door/upgrade-door.ts';
import type { ConnectionCounts } from './figures/connection-counters.ts';
import { createMetrics } from './figures/metrics.ts';
import { OperationLog } from './figures/operation-log.ts';
import { Tallies } from './figures/tallies.ts';
import { createGraphiQL } from './graphiql.ts';
import { Authentication } from './identity/authentication.ts';
import { createJsonPost } from './json-post.ts';
import { DEFAULT_LIMITS, OPEN_LIMITS, type ServerLimits } from './limits.ts';
import type { Listening, Readiness, Server, ServerOptions } from './server.ts';
import { listenError, ServerError } from './server-error.ts';
import { createWebSocketEndpoint } from './socket/websocket.ts';
import { createSseStreams } from './sse/sse-streams.ts';
import { createGraphQLYoga, GRAPHQL_PATH, type Subscribers } from './yoga.ts';

/** How long those who watch their connection may take to read that the server goes away, in milliseconds. */
const FAREWELL_MS = 1_000;

/**
 * Makes a server that answers GraphQL at `/graphql`: over HTTP, over WebSocket (graphql-transport-ws), as
 * server-sent events, and with GraphiQL for browsers.
 * @throws ServerError when the options of cross-origin requests can't be meant so
 */
export function createServer(options: ServerOptions): Server {
  const { logger, maskError, trustProxy = 0, readiness = alwaysReady, cors } = options;
  const { isOpen = options.authenticate === undefined, knownHosts = [] } = options;
  const limits: ServerLimits = {
    ...DEFAULT_LIMITS,
    ...(isOpen ? OPEN_LIMITS : {}),
    ...options.limits,
  };
  const subscribers: Subscribers = new WeakMap();
  const authentication = new Authentication(options.authenticate, limits, logger);
  const origins = new Origins({ cors, knownHosts, isOpen }); // it may fail, so it comes before what has timers
  const connections = new Connections(limits, authentication, trustProxy);
  const tallies = new Tallies();
  const operationLog = new OperationLog(logger, {
    logVariables: options.logVariables ?? false,
    onEnded: (operation, durationMs) => tallies.countOperation(operation, durationMs),
  });
  const exchangeLog = new ExchangeLog({ logger, operationLog, tallies, trustProxy });
  const yoga = createGraphQLYoga(options, limits, subscribers, connections);
  const sseStreams = createSseStreams({ yoga, operationLog, maskError }, limits);
  const graphiQL = createGraphiQL(options.graphiql, GRAPHQL_PATH);
  const webSocket = createWebSocketEndpoint(
    {
      yoga,
      subscribers,
      connections,
      authentication,
      operationLog,
      logger,
      onRefused: (client, refusal) => exchangeLog.refusedClient(client, refusal),
    },
    limits,
  );
  const metrics = createMetrics({
    count: () => countConnections(),
    tallies,
    figures: options.metrics ?? (() => []),
  });
  const door = createDoor({
    limits,
    origins,
    hasCredentials: cors?.credentials === true,
    isOpen,
    connections,
    authentication,
    readiness,
    metrics,
    graphiQL,
    graphqlPath: GRAPHQL_PATH,
    sseStreams,
    answerPost: createJsonPost(yoga, limits, maskError),
  });
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

  const http = createLimitedHttpServer(limits, (request, response) => {
    const exchange = beginExchange(request, response);
    answering.add(response);
    response.once('close', () => {
      answering.delete(response);
      exchangeLog.ended(exchange);
      if (closing !== undefined) setImmediate(cutWhenIdle);
    });
    door(exchange).catch((error: unknown) => {
      if (response.destroyed) return; // the client went away
      logger.error({ err: error }, 'A request could not be answered.');
      if (response.headersSent) response.destroy();
      else refuse(response, FAULT);
    });
  });
  http.on(
    'upgrade',
    createUpgradeDoor({
      limits,
      origins,
      connections,
      exchangeLog,
      graphqlPath: GRAPHQL_PATH,
      isClosing: () => closing !== undefined,
      upgrade: (...upgrade) => webSocket.upgrade(...upgrade),
    }),
  );

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
    graphiQL?.close();
    metrics.close();
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

/** How a fault of the server itself is told. */
const FAULT = { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' };

function alwaysReady(): Readiness {
  return { causes: [] };
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
