import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES } from './close-codes.ts';
import type { Connections } from './connections.ts';
import { TOO_MANY_SUBSCRIPTIONS } from './limited-subscriptions.ts';
import type { ServerLimits } from './limits.ts';
import { idOf } from './operation-ids.ts';
import { type Outcome, prepareOperation } from './prepare-operation.ts';
import { showError, showResult } from './show-result.ts';
import { SocketConnection } from './socket-connection.ts';
import { SocketSubscriber } from './socket-subscriber.ts';
import type { Subscribers, Yoga } from './yoga.ts';

/** So many sockets above the limit are told so; more are cut without a word. */
const MOST_TURNED_AWAY = 1000;

/** Where WebSocket clients come in. */
export interface WebSocketEndpoint {
  /** Makes a WebSocket of an upgrade request. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all operations and sockets (1001 going away); one that does not answer in time is cut. */
  close(): Promise<void>;
}

/**
 * Serves GraphQL over WebSocket by the graphql-transport-ws protocol. Each operation goes through the same parsing,
 * validation, execution and masking as over HTTP.
 */
export function createWebSocketEndpoint(
  yoga: Yoga,
  subscribers: Subscribers,
  connections: Connections,
  limits: ServerLimits,
  logger: Logger,
): WebSocketEndpoint {
  const { maxFrameBytes, maxSockets, maxOperationsPerSocket, initTimeoutMs, closeGraceMs } = limits;
  const { clients, counters } = connections;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    handleProtocols,
  });
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
    onConnect({ extra: { client }, connectionParams = {} }) {
      client.connectionParams = connectionParams;
    },
    execute: perform,
    subscribe: perform,
    async onSubscribe({ extra: connection }, name, payload) {
      const end = connection.begin();
      if (end === undefined) {
        connection.refused();
        const message = `More than ${maxOperationsPerSocket} operations at once on one WebSocket. Complete some, or open another.`;
        return [new GraphQLError(message, { extensions: { code: 'TOO_MANY_OPERATIONS' } })];
      }
      const operation = await prepareOperation(yoga, connection.client, payload);
      if (!('perform' in operation)) {
        end();
        return operation;
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
          if (!(Symbol.asyncIterator in outcome)) return outcome;
          // The protocol holds on to these for as long as the operation goes on, and needs none of them any more.
          args.contextValue = undefined;
          Object.assign(payload, { query: '', variables: null });
          return subscriber;
        });
      } else {
        prepared.set(args, async () => {
          connection.served();
          try {
            return await operation.perform();
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

  const open = (socket: WebSocket, request: IncomingMessage, tcp: Socket) => {
    // Malformed and oversized frames come here; `ws` then closes the socket by itself, with the fitting code.
    socket.on('error', (error) => logger.debug({ err: error }, 'A WebSocket was misused.'));
    const client = connections.add('websocket', request);
    const giveBack = opened.size < maxSockets ? clients.takeSocket(client.address) : undefined;
    if (giveBack === undefined) {
      counters.tooManyTotal++;
      socket.close(CLOSE_CODES.tryAgainLater, 'Try again later');
      return;
    }
    const connection = new SocketConnection(socket, tcp, client, { connections, limits });
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
          socket.on('message', (data) => {
            if (!connection.isOpen) return;
            const reading = ids.read(String(data));
            if (reading.kind === 'IGNORE') return;
            if (reading.kind === 'CLOSE') return connection.close(reading.code, reading.reason);
            handle(reading.text).catch((error: unknown) => {
              if (!connection.isOpen) return; // there is nobody to fail for
              logger.error({ err: error }, 'A WebSocket operation failed.');
              connection.close(CLOSE_CODES.serverFault, 'Internal server error');
            });
          });
        },
      },
      connection,
    );
    socket.on('close', (code, reason) => {
      opened.delete(connection);
      connection.closed();
      giveBack();
      closed(code, String(reason)).catch((error: unknown) =>
        logger.error({ err: error }, 'A WebSocket could not be tidied up.'),
      );
    });
  };

  return {
    upgrade(request, socket, head) {
      if (sockets.clients.size >= maxSockets + MOST_TURNED_AWAY) {
        socket.destroy();
        return;
      }
      // What the HTTP server hands over is the connection itself, whatever its type says.
      sockets.handleUpgrade(request, socket, head, (made) => open(made, request, socket as Socket));
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

function isRefusal(outcome: Outcome): boolean {
  if (Symbol.asyncIterator in outcome) return false;
  const { code } = outcome.errors?.[0]?.extensions ?? {};
  return code === TOO_MANY_SUBSCRIPTIONS;
}
