import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Connections } from '../connections.ts';
import { RATE_LIMITED, rateRefusal } from '../documents/operation-rules.ts';
import { type Outcome, prepareOperation } from '../documents/prepare-operation.ts';
import { showError, showResult } from '../documents/show-result.ts';
import type { Refusal } from '../door/refusal.ts';
import type { OperationLog } from '../figures/operation-log.ts';
import type { Authentication } from '../identity/authentication.ts';
import type { ClientConnection } from '../identity/client-connection.ts';
import { clientName } from '../identity/clients.ts';
import type { ServerLimits } from '../limits.ts';
import { TOO_MANY_SUBSCRIPTIONS } from '../subscriptions/limited-subscriptions.ts';
import type { Subscribers, Yoga } from '../yoga.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { idOf } from './operation-ids.ts';
import { SocketConnection } from './socket-connection.ts';
import { SocketSubscriber } from './socket-subscriber.ts';
import { takeInTurns } from './take-in-turns.ts';

/** So many sockets above the limit are told so; more are cut without a word. */
const MOST_TURNED_AWAY = 1000;

const TOO_MANY_SOCKETS = 'Try again later';

/** Where WebSocket clients come in. */
export interface WebSocketEndpoint {
  /** Makes a WebSocket of an upgrade request. Who its client is, is not known yet. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: ClientConnection): void;
  /** Ends all operations and sockets (1001 going away); one that does not answer in time is cut. */
  close(): Promise<void>;
}

interface WebSocketParts {
  readonly yoga: Yoga;
  readonly subscribers: Subscribers;
  readonly connections: Connections;
  readonly authentication: Authentication;
  readonly operationLog: OperationLog;
  readonly logger: Logger;
  /** Is told of each client that was not let in. */
  readonly onRefused: (client: ClientConnection, refusal: Refusal) => void;
}

/**
 * Serves GraphQL over WebSocket by the graphql-transport-ws protocol. Each operation goes through the same parsing,
 * validation, execution and masking as over HTTP.
 */
export function createWebSocketEndpoint(
  parts: WebSocketParts,
  limits: ServerLimits,
): WebSocketEndpoint {
  const { yoga, subscribers, connections, authentication, operationLog, logger } = parts;
  const { maxFrameBytes, maxSockets, maxOperationsPerSocket, initTimeoutMs, closeGraceMs } = limits;
  const { clients, counters, rateLimiter } = connections;
  const socketOptions = {
    noServer: true,
    maxPayload: maxFrameBytes,
    /** How long a client may take to answer a close, in milliseconds. The types don't know it yet. */
    closeTimeout: closeGraceMs,
    handleProtocols,
  };
  const sockets = new WebSocketServer(socketOptions);
  const opened = new Set<SocketConnection>();
  /** Those that were prepared and not performed yet. */
  const prepared = new WeakMap<ExecutionArgs, () => Promise<Outcome>>();
  const perform = (args: ExecutionArgs): Promise<Outcome> => {
    const own = prepared.get(args);
    if (own === undefined) throw new Error('An operation came by another door than onSubscribe.');
    prepared.delete(args);
    return own();
  };

  const protocol = makeServer<Record<string, unknown>, SocketConnection>({
    connectionInitWaitTimeout: initTimeoutMs,
    async onConnect({ extra: connection, connectionParams = {} }) {
      const { client } = connection;
      client.connectionParams = connectionParams;
      const refusal = await authentication.admit(client, connection.initLeftMs);
      if (refusal !== undefined) parts.onRefused(client, refusal);
      if (!connection.isOpen) return false;
      if (refusal !== undefined) {
        connection.close(...farewellOf(refusal));
        return false;
      }
      if (!connection.admit()) {
        connection.close(CLOSE_CODES.tryAgainLater, TOO_MANY_SOCKETS);
        return false;
      }
      const { expiresAt } = client.identity;
      if (expiresAt === undefined) return true;
      const [until, now] = [new Date(expiresAt), new Date()];
      return { expiresAt: until.toISOString(), serverTime: now.toISOString() };
    },
    onPing: ({ extra: connection }) => connection.chatter(),
    onPong: ({ extra: connection }) => connection.chatter(),
    execute: perform,
    subscribe: perform,
    async onSubscribe({ extra: connection }, name, payload) {
      const tell = operationLog.begin(connection.client, 'websocket');
      const refuse = (errors: readonly GraphQLError[]) => {
        tell(undefined, { errors });
        return errors;
      };
      const end = connection.begin();
      if (end === undefined) {
        connection.refused();
        const message = `More than ${maxOperationsPerSocket} operations at once on one WebSocket. Complete some, or open another.`;
        return refuse([new GraphQLError(message, { extensions: { code: 'TOO_MANY_OPERATIONS' } })]);
      }
      const waitMs = rateLimiter.take(connection.client, 'requests', 1);
      if (waitMs !== undefined) {
        end();
        connection.refused();
        return refuse([rateRefusal('requests', waitMs)]);
      }
      const operation = await prepareOperation(yoga, connection.client, payload);
      if (!('perform' in operation)) {
        end();
        return refuse(operation);
      }
      const { args } = operation;
      if (operation.isSubscription) {
        const subscriber = new SocketSubscriber(connection.writer, idOf(name), counters);
        subscriber.onLeft(end);
        subscribers.set(Object(args.contextValue), subscriber);
        prepared.set(args, async () => {
          const outcome = await operation.perform();
          if (isRefusal(outcome)) connection.refused();
          else connection.served();
          if (!(Symbol.asyncIterator in outcome)) {
            tell(args, outcome);
            return outcome;
          }
          if (subscriber.hasLeft) tell(args);
          else subscriber.onLeft(() => tell(args));
          // The protocol holds on to these for as long as the operation goes on, and needs none of them any more.
          args.contextValue = undefined;
          Object.assign(payload, { query: '', variables: null });
          return subscriber;
        });
      } else {
        prepared.set(args, async () => {
          try {
            const outcome = await operation.perform();
            if (isRefusal(outcome)) connection.refused();
            else connection.served();
            tell(args, Symbol.asyncIterator in outcome ? undefined : outcome);
            return outcome;
          } finally {
            end();
          }
        });
      }
      return args;
    },
    onError({ extra: { ids } }, name, _payload, errors) {
      ids.end(name);
      return errors.map(showError);
    },
    onComplete({ extra: { ids } }, name) {
      ids.end(name);
    },
    onNext: (_context, _id, _payload, _args, result) => showResult(result),
  });

  const open = (socket: WebSocket, client: ClientConnection, tcp: Socket) => {
    // Malformed and oversized frames come here; `ws` then closes the socket by itself, with the fitting code.
    socket.on('error', (error) => logger.debug({ err: error }, 'A WebSocket was misused.'));
    // By its network: who it is, is not known yet.
    const giveBack = opened.size < maxSockets ? clients.takeSocket(clientName(client)) : undefined;
    if (giveBack === undefined) {
      counters.tooManyTotal++;
      socket.close(CLOSE_CODES.tryAgainLater, TOO_MANY_SOCKETS);
      return;
    }
    const connection = new SocketConnection(socket, tcp, client, { connections, limits, giveBack });
    opened.add(connection);
    const { ids } = connection;
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve, reject) => {
            if (!connection.isOpen) resolve();
            else {
              socket.send(ids.write(data), (error) => (error == null ? resolve() : reject(error)));
              connection.holdUp();
            }
          }),
        close: (code = 1000, reason = '') => connection.close(code, reason),
        onMessage: (handle) => {
          const take = takeInTurns(connection, (data: RawData, isBinary: boolean) => {
            if (!connection.isOpen) return;
            if (isBinary) return connection.close(CLOSE_CODES.binary, 'Send text');
            const reading = ids.read(String(data));
            if (reading.kind === 'IGNORE') return connection.chatter();
            if (reading.kind === 'CLOSE') return connection.close(reading.code, reading.reason);
            handle(reading.text).catch((error: unknown) => {
              if (!connection.isOpen) return; // there is nobody to fail for
              logger.error({ err: error }, 'A WebSocket operation failed.');
              connection.close(CLOSE_CODES.serverFault, 'Internal server error');
            });
          });
          socket.on('message', take);
        },
      },
      connection,
    );
    socket.on('close', (code, reason) => {
      opened.delete(connection);
      connection.closed();
      closed(code, String(reason)).catch((error: unknown) =>
        logger.error({ err: error }, 'A WebSocket could not be tidied up.'),
      );
    });
  };

  return {
    upgrade(request, socket, head, client) {
      if (sockets.clients.size >= maxSockets + MOST_TURNED_AWAY) {
        socket.destroy();
        return;
      }
      // What the HTTP server hands over is the connection itself, whatever its type says.
      sockets.handleUpgrade(request, socket, head, (made) => open(made, client, socket as Socket));
    },
    async close() {
      for (const connection of opened) connection.goAway();
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, closeGraceMs);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

/** How one who was not let in is told why. */
function farewellOf({ status, message, retryAfterMs }: Refusal): [code: number, reason: string] {
  if (status === 401) return [CLOSE_CODES.forbidden, message];
  if (retryAfterMs === undefined) return [CLOSE_CODES.tryAgainLater, message];
  const waitMs = Math.ceil(retryAfterMs);
  return [CLOSE_CODES.tryAgainLater, `Too many failed attempts, retry in ${waitMs} ms`];
}

function isRefusal(outcome: Outcome): boolean {
  if (Symbol.asyncIterator in outcome) return false;
  const { code } = outcome.errors?.[0]?.extensions ?? {};
  return code === TOO_MANY_SUBSCRIPTIONS || code === RATE_LIMITED;
}
