import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs } from 'graphql';
import { handleProtocols } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { pino } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { createApp } from '../../src/app.ts';
import { defineFlow, defineRoutine } from '../../src/engine/index.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { createServer } from '../../src/server/create-server.ts';
import type { Operation } from '../load/raw-client.ts';
import { type Message, makeMessage, SUBSCRIPTION, TEXT, TYPES, writeFrameText } from './message.ts';
import { MessageTopic } from './message-stream.ts';

/** A server that is ready, and how to publish with it. */
export interface Contender {
  readonly port: number;
  readonly operation: Operation;
  /** Publishes one message to every subscriber. Numbers follow on each other. */
  readonly publish: (sequence: number) => void;
}

const OPERATION: Operation = { query: SUBSCRIPTION, variables: {} };

/** No contender pings: an hour is longer than any run. */
const NO_PINGS_MS = 3_600_000;

/** Of each contender, what makes it. */
export const CONTENDERS = {
  'raw ws': async () => {
    const subscribers = new Set<WebSocket>();
    const port = await serveRaw((webSocket) => subscribers.add(webSocket));
    const publish = (sequence: number) => {
      const text = writeFrameText(makeMessage(sequence));
      for (const webSocket of subscribers) webSocket.send(text);
    };
    return { port, operation: OPERATION, publish };
  },
  'raw, one frame': async () => {
    const subscribers = new Set<Duplex>();
    const port = await serveRaw((_webSocket, socket) => subscribers.add(socket));
    const publish = (sequence: number) => {
      const frame = makeFrame(writeFrameText(makeMessage(sequence)));
      for (const socket of subscribers) socket.write(frame);
    };
    return { port, operation: OPERATION, publish };
  },
  'yoga + graphql-ws': serveYoga,
  millrace: async () => {
    const messages = new MessageTopic();
    const server = createServer({
      schema: createSchema({
        typeDefs: TYPES,
        resolvers: { Subscription: { jobEvents: { subscribe: () => messages.open(), resolve } } },
      }),
      createContext: () => ({}),
      sharingKey: () => '',
      logger: pino({ level: 'silent' }),
      maskError: (_error, message) => new Error(message),
      limits: { heartbeatMs: NO_PINGS_MS },
    });
    const { port } = await server.listen({ port: 0 });
    const publish = (sequence: number) => messages.publish(makeMessage(sequence));
    return { port, operation: OPERATION, publish };
  },
  'millrace app, jobEvents': serveApp,
} satisfies Record<string, () => Promise<Contender>>;

export type ContenderName = keyof typeof CONTENDERS;

function resolve(message: Message): Message {
  return message;
}

async function listen(http: Server): Promise<number> {
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  return (http.address() as AddressInfo).port; // it listens on TCP
}

/** WebSockets with nothing behind them but the two messages that a subscription begins with. */
async function serveRaw(subscribe: (webSocket: WebSocket, socket: Duplex) => void) {
  const http = createHttpServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('message', (data) => {
        const { type } = JSON.parse(String(data)) as { type: string }; // the load's own messages
        if (type === 'connection_init') webSocket.send('{"type":"connection_ack"}');
        if (type === 'subscribe') subscribe(webSocket, socket);
      });
    });
  });
  return listen(http);
}

/** A frame with text of 126 to 65,535 bytes, as a server sends it. */
function makeFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(4 + length);
  frame[0] = 0x81; // a whole text
  frame[1] = 126; // two bytes of length follow
  frame.writeUInt16BE(length, 2);
  frame.write(text, 4);
  return frame;
}

/** As the documentation of both sets it up. */
async function serveYoga(): Promise<Contender> {
  const pubSub = createPubSub<{ message: [Message] }>();
  const yoga = createYoga({
    schema: createSchema({
      typeDefs: TYPES,
      resolvers: {
        Subscription: { jobEvents: { subscribe: () => pubSub.subscribe('message'), resolve } },
      },
    }),
  });
  const http = createHttpServer((request, response) => void yoga(request, response));
  const sockets = new WebSocketServer({ server: http, path: yoga.graphqlEndpoint });
  type Envelope = ReturnType<typeof yoga.getEnveloped>;
  const envelopes = new WeakMap<object, Envelope>();
  const envelopeOf = (args: ExecutionArgs) => envelopes.get(Object(args.rootValue)) as Envelope; // set below
  useServer(
    {
      execute: (args) => envelopeOf(args).execute(args),
      subscribe: (args) => envelopeOf(args).subscribe(args),
      onSubscribe: async ({ extra }, _id, params) => {
        const envelope = yoga.getEnveloped({ req: extra.request, socket: extra.socket, params });
        const rootValue = {};
        envelopes.set(rootValue, envelope);
        const { schema, parse, validate, contextFactory } = envelope;
        const document = parse(params.query);
        const errors = validate(schema, document);
        if (errors.length > 0) return errors;
        const variableValues = params.variables;
        return {
          schema,
          document,
          variableValues,
          contextValue: await contextFactory(),
          rootValue,
        };
      },
    },
    sockets,
    0, // no pings
  );
  const publish = (sequence: number) => pubSub.publish('message', makeMessage(sequence));
  return { port: await listen(http), operation: OPERATION, publish };
}

/** The whole application: events of a job that runs, and does nothing. */
async function serveApp(): Promise<Contender> {
  const waiting = defineRoutine({
    type: 'waiting',
    run: (_, { signal }) =>
      new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true })),
  });
  const flow = defineFlow({ id: 'waiting' }, (f) => void f.add('clean', waiting));
  const app = await createApp({ flows: [flow] });
  const { id } = await app.jobs.start({ flowId: flow.id, input: {} });
  const { port } = await app.listen({ port: 0, limits: { heartbeatMs: NO_PINGS_MS } });
  const query = `subscription Events($jobId: ID!) {
    jobEvents(jobId: $jobId, types: [LOG_WRITTEN]) {
      type cursor at jobId
      ... on LogWrittenEvent { routineId level message }
    }
  }`;
  const line = { type: 'LOG_WRITTEN', routineId: 'clean', level: 'INFO', message: TEXT } as const;
  const of = { jobId: id, tenant: DEFAULT_TENANT, flowId: flow.id };
  return {
    port,
    operation: { query, variables: { jobId: `Job:${id}` } },
    publish: () => app.services.jobEvents.record(of, Date.now(), line),
  };
}
