import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from '../connections.ts';
import { cutWhenStalled } from '../cut-when-stalled.ts';
import { METRICS_PATH, type Metrics } from '../figures/metrics.ts';
import { answerLive, answerReady, PROBE_PATHS } from '../figures/probes.ts';
import type { GraphiQL } from '../graphiql.ts';
import type { Authentication } from '../identity/authentication.ts';
import type { ClientConnection } from '../identity/client-connection.ts';
import type { ServerLimits } from '../limits.ts';
import type { Readiness } from '../server.ts';
import type { SseStreams } from '../sse/sse-streams.ts';
import { CSRF_REFUSAL, isForgeable } from './csrf.ts';
import type { Exchange } from './exchange.ts';
import type { Origins } from './origins.ts';
import { chargeRequest, type Refusal, refuse } from './refusal.ts';
import { findBodyFault, findHeadFault } from './size-and-type.ts';
import {
  allowOrigin,
  answerPreflight,
  isPreflight,
  setStandingHeaders,
} from './standing-headers.ts';

/** What the door opens to. */
export interface DoorParts {
  readonly limits: ServerLimits;
  readonly origins: Origins;
  /** Whether pages of other sites may send what browsers keep for this server. */
  readonly hasCredentials: boolean;
  /** Whether everything is answered to anybody. */
  readonly isOpen: boolean;
  readonly connections: Connections;
  readonly authentication: Authentication;
  readonly readiness: () => Readiness;
  readonly metrics: Metrics;
  /** `undefined` where it is turned off. */
  readonly graphiQL: GraphiQL | undefined;
  readonly graphqlPath: string;
  readonly sseStreams: SseStreams;
  readonly answerPost: (
    request: IncomingMessage,
    response: ServerResponse,
    connection: ClientConnection,
  ) => void | Promise<void>;
}

/** Answers an HTTP request. Rejected when it could not be; then perhaps nothing was answered. */
export type Door = (exchange: Exchange) => Promise<void>;

/**
 * What every HTTP request comes through, in this order. Whoever is refused at one step does not learn what the next would say.
 *
 * 1. every answer has the standing headers
 * 2. no URL that is too long, and not too many headers
 * 3. probes are answered to anybody
 * 4. not from pages that may not use this server, nor by a name that is not its own; what a browser asks before is answered
 * 5. `/metrics`, GraphiQL, and that there is nothing else
 * 6. nothing that a page of another site could have forged
 * 7. a body of a type that is served, and not too large
 * 8. only those who say who they are, where that is needed
 * 9. not from those who ask too often
 */
export function createDoor(parts: DoorParts): Door {
  const { limits, origins, isOpen, connections, authentication, sseStreams, graphqlPath } = parts;

  const turnAway = (exchange: Exchange, refusal: Refusal): void => {
    const { request, response } = exchange;
    exchange.refusedCode = refusal.code;
    if (hasLongBody(request)) response.setHeader('connection', 'close'); // it is not read on
    refuse(response, refusal);
  };

  /** Lets the client in; `undefined` when it was turned away. */
  const admit = async (exchange: Exchange): Promise<ClientConnection | undefined> => {
    const connection = connections.add('http', exchange.request);
    exchange.connection = connection;
    const refusal = await authentication.admit(connection);
    if (refusal === undefined) return connection;
    turnAway(exchange, refusal);
    return undefined;
  };

  const tellReadiness = async ({ request, response }: Exchange): Promise<void> => {
    // A page of another site reads this by a name of its own that was made to point here.
    let mayKnow = isOpen && origins.judge(request).kind !== 'REFUSED';
    if (!isOpen && request.headers.authorization !== undefined) {
      const connection = connections.add('http', request);
      const refusal = await authentication.admit(connection);
      mayKnow = refusal === undefined && isAdmin(connection);
    }
    answerReady(response, parts.readiness(), mayKnow);
  };

  const tellMetrics = async (exchange: Exchange): Promise<void> => {
    const connection = await admit(exchange);
    if (connection === undefined) return;
    if (!isAdmin(connection)) return turnAway(exchange, NOT_ADMIN);
    return parts.metrics.answer(exchange.response);
  };

  return async (exchange) => {
    const { request, response, path, requestId } = exchange;
    setStandingHeaders(response, requestId);

    const headFault = findHeadFault(request, limits);
    if (headFault !== undefined) return turnAway(exchange, headFault);

    if (path === PROBE_PATHS.live) return answerLive(response);
    if (path === PROBE_PATHS.ready) return tellReadiness(exchange);

    const provenance = origins.judge(request);
    if (provenance.kind === 'REFUSED') return turnAway(exchange, provenance.refusal);
    const isPageAllowed = provenance.kind === 'ALLOWED';
    if (isPageAllowed) {
      allowOrigin(response, provenance.origin, parts.hasCredentials);
      if (isPreflight(request)) return answerPreflight(response);
    }

    if (path === METRICS_PATH) return tellMetrics(exchange);
    if (path === '/') return redirect(response, graphqlPath);
    if (path !== graphqlPath) return turnAway(exchange, nothingAt(path, graphqlPath));
    if (request.method === 'GET' && request.headers.accept?.includes('text/html') === true) {
      if (parts.graphiQL === undefined) return turnAway(exchange, NO_GRAPHIQL);
      // It is large, and nobody need say who they are: a request of their network.
      const pageFault = chargeRequest(connections.add('http', request), connections.rateLimiter);
      if (pageFault !== undefined) return turnAway(exchange, pageFault);
      cutWhenStalled(response, limits.stallMs); // anybody may ask for this
      return parts.graphiQL.answer(request, response);
    }

    const isSse = sseStreams.isFor(request);
    const isTokenRead = isSse && request.method === 'GET';
    if (!isPageAllowed && !isTokenRead && isForgeable(request)) {
      return turnAway(exchange, CSRF_REFUSAL);
    }

    const bodyFault = findBodyFault(request, limits);
    if (bodyFault !== undefined) return turnAway(exchange, bodyFault);

    const connection = await admit(exchange);
    if (connection === undefined) return;

    const rateFault = chargeRequest(connection, connections.rateLimiter);
    if (rateFault !== undefined) return turnAway(exchange, rateFault);

    if (isSse) return sseStreams.answer(request, response, connection);
    return parts.answerPost(request, response, connection);
  };
}

function isAdmin({ identity }: ClientConnection): boolean {
  return identity.scopes.has('admin');
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

/** In bytes. */
const MOST_READ_FOR_NOTHING = 64 * 1024;

const NOT_ADMIN: Refusal = {
  status: 403,
  code: 'FORBIDDEN',
  message: 'Only those with the scope "admin" may read the figures of this server.',
};

const NO_GRAPHIQL: Refusal = {
  status: 404,
  code: 'NOT_FOUND',
  message: 'GraphiQL is turned off on this server. Send operations with a client.',
};

function nothingAt(path: string, graphqlPath: string): Refusal {
  const message = `Nothing is at ${path.slice(0, 200)}. GraphQL is at ${graphqlPath}.`;
  return { status: 404, code: 'NOT_FOUND', message };
}

/** Whether more is to come of a body than is worth reading to keep the connection. */
function hasLongBody({ headers }: IncomingMessage): boolean {
  const { 'transfer-encoding': encoding, 'content-length': length = 0 } = headers;
  return encoding !== undefined || Number(length) > MOST_READ_FOR_NOTHING;
}
