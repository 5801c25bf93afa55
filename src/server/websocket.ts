import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type DocumentNode, type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type ServerOptions,
  type Context as SocketContext,
} from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../lib/domain-error.ts';
import type { ServerLimits } from './limits.ts';
import { showError, showResult } from './show-result.ts';
import { SocketSubscriber } from './socket-subscriber.ts';
import { SocketWriter } from './socket-writer.ts';
import type { Subscribers, Yoga } from './yoga.ts';

/** Close code for a client that does not read what it is sent. */
const CLOSE_TOO_SLOW = 4413;

/** Where WebSocket clients come in. */
export interface WebSocketEndpoint {
  /** Makes a WebSocket of an upgrade request. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all operations and sockets (1001 going away); one that does not answer in time is cut. */
  close(): Promise<void>;
}

interface Extra {
  readonly request: IncomingMessage;
  readonly writer: SocketWriter;
}

/**
 * Serves GraphQL over WebSocket by the graphql-transport-ws protocol. Each operation goes through the same parsing,
 * validation, execution and masking as over HTTP.
 */
export function createWebSocketEndpoint(
  yoga: Yoga,
  subscribers: Subscribers,
  limits: ServerLimits,
  logger: Logger,
): WebSocketEndpoint {
  const { maxFrameBytes, maxOperationsPerSocket, heartbeatMs, stallMs, closeGraceMs } = limits;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    handleProtocols,
  });
  const engines = new WeakMap<ExecutionArgs, Engine>();
  const engineOf = (args: ExecutionArgs): Engine => {
    const engine = engines.get(args);
    if (engine === undefined)
      throw new Error('An operation came by another door than onSubscribe.');
    return engine;
  };
  const protocol = makeServer<Record<string, unknown>, Extra>({
    execute: (args) => engineOf(args).execute(args),
    subscribe: (args) => engineOf(args).subscribe(args),
    onSubscribe: async (context, id, payload) => {
      if (Object.keys(context.subscriptions).length > maxOperationsPerSocket) {
        const message = `More than ${maxOperationsPerSocket} operations at once on one WebSocket. Complete some, or open another.`;
        return [new GraphQLError(message, { extensions: { code: 'TOO_MANY_OPERATIONS' } })];
      }
      const prepared = await prepare(yoga, engines, context, payload);
      if ('contextValue' in prepared) {
        const { writer } = context.extra;
        subscribers.set(Object(prepared.contextValue), new SocketSubscriber(writer, id));
      }
      return prepared;
    },
    onError: (_context, _id, _payload, errors) => errors.map(showError),
    onNext: (_context, _id, _payload, _args, result) => showResult(result),
  });

  /** Sockets that have not answered the latest ping. */
  const silent = new Set<WebSocket>();
  const heartbeat = setInterval(() => {
    for (const socket of sockets.clients) {
      if (silent.has(socket)) socket.terminate();
      else {
        silent.add(socket);
        socket.ping();
      }
    }
  }, heartbeatMs);
  heartbeat.unref();

  const open = (socket: WebSocket, request: IncomingMessage, connection: Socket) => {
    const writer = new SocketWriter(socket, connection, {
      stallMs,
      onStalled: () => {
        if (writer.isOpen) socket.close(CLOSE_TOO_SLOW, 'Nothing was read for too long');
        else socket.terminate();
      },
    });
    const fail = (error: unknown) => {
      logger.error({ err: error }, 'A WebSocket operation failed.');
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    };
    socket.on('pong', () => silent.delete(socket));
    // Malformed and oversized frames come here; `ws` then closes the socket by itself, with the fitting code.
    socket.on('error', (error) => logger.debug({ err: error }, 'A WebSocket was misused.'));
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve, reject) => {
            if (socket.readyState !== socket.OPEN) resolve();
            else socket.send(data, (error) => (error == null ? resolve() : reject(error)));
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => {
          socket.on('message', (data) => {
            // A message handled after the socket went away has nobody to fail for.
            handle(String(data)).catch((error: unknown) => {
              if (socket.readyState === socket.OPEN) fail(error);
            });
          });
        },
      },
      { request, writer },
    );
    socket.once('close', (code, reason) => {
      silent.delete(socket);
      closed(code, String(reason)).catch((error: unknown) =>
        logger.error({ err: error }, 'A WebSocket could not be tidied up.'),
      );
    });
  };

  return {
    upgrade(request, socket, head) {
      // What the HTTP server hands over is the connection itself, whatever its type says.
      sockets.handleUpgrade(request, socket, head, (made) => open(made, request, socket as Socket));
    },
    async close() {
      clearInterval(heartbeat);
      for (const socket of sockets.clients) socket.close(1001, 'Going away');
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, closeGraceMs);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

/** What the messages of graphql-ws carry of an operation. */
type Payload = Parameters<NonNullable<ServerOptions['onSubscribe']>>[2];

/** The part of an operation's envelope that executes it. */
type Engine = Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>;

/** Parses and validates an operation and makes its context; `engines` then knows how to execute it. */
async function prepare(
  yoga: Yoga,
  engines: WeakMap<ExecutionArgs, Engine>,
  { extra, connectionParams = {} }: SocketContext<Record<string, unknown>, Extra>,
  { query, variables, operationName }: Payload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const connection = { transport: 'websocket', request: extra.request, connectionParams } as const;
  const { schema, parse, validate, contextFactory, ...engine } = yoga.getEnveloped({ connection });
  try {
    const document: DocumentNode = parse(query);
    const faults = validate(schema, document) as readonly GraphQLError[]; // by the type it could be anything
    if (faults.length > 0) return faults;
    if (getOperationAST(document, operationName) == null) {
      const message = 'Could not determine what operation to execute.';
      const extensions = { code: 'OPERATION_RESOLUTION_FAILURE' };
      return [new GraphQLError(message, { extensions })];
    }
    const args: ExecutionArgs = {
      schema,
      document,
      operationName: operationName ?? null,
      variableValues: variables ?? null,
      contextValue: await contextFactory(),
    };
    engines.set(args, engine);
    return args;
  } catch (error) {
    // Masked already: by the context's error handler, or it is a fault of the document.
    return [error instanceof GraphQLError ? error : new GraphQLError(messageOf(error))];
  }
}
