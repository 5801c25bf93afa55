import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { ConnectionCounts } from './connection-counters.ts';
import type { ExampleOperation } from './graphiql.ts';
import type { ServerLimits } from './limits.ts';

/** How an operation came in. */
export interface ConnectionInfo {
  readonly transport: 'http' | 'websocket';
  /** Names it: a WebSocket for as long as it is open; over HTTP each request is one of its own. */
  readonly id: string;
  /** Network address of the client; `undefined` if it had gone before anybody could ask. */
  readonly address: string | undefined;
  /** Of the HTTP request; of a WebSocket those of the one it began with. */
  readonly headers: IncomingHttpHeaders;
  /** What a WebSocket client sent when it connected; empty for HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
  /**
   * What its client is told of it: at once, at every heartbeat, and when the server goes away. That is the last message. A
   * slow reader gets the newest only.
   */
  watchStatus(): AsyncIterableIterator<ConnectionStatus>;
}

/** How it is with a connection. */
export interface ConnectionStatus {
  /** The connection's. */
  readonly id: string;
  readonly status: 'CONNECTED' | 'DISCONNECTED';
  /** What the server's clock shows, in milliseconds since the Unix epoch. */
  readonly serverTime: number;
  /** How often the server says that it is there, in milliseconds. */
  readonly heartbeatMs: number;
  /** In the last message: how long the client should wait before it comes back, in milliseconds. */
  readonly comeBackAfterMs: number | undefined;
}

/** What a server is made of. */
export interface ServerOptions {
  /** What operations are validated against and executed on. */
  readonly schema: GraphQLSchema;
  /**
   * Makes what resolvers get as context: called once for each operation, before it is executed. Its own properties
   * are what counts. Each event of a subscription is resolved with an object of its own that inherits from it.
   */
  readonly createContext: (connection: ConnectionInfo) => object | Promise<object>;
  /**
   * Names what a context lets its viewer see. Those who subscribe to the same with contexts of the same name may be given
   * the very same results, worked out once. Default: `undefined`, so that nobody shares with anybody.
   */
  readonly sharingKey?: (context: unknown) => string | undefined;
  /** Where faults of the server itself are written. */
  readonly logger: Logger;
  /**
   * Makes the error that the client sees of one that was thrown, and logs what is unexpected. Called once for each
   * error of a result; errors of the request itself (syntax, validation) come as plain `GraphQLError`s.
   */
  readonly maskError: (error: unknown, message: string) => Error;
  /** Each has a default of its own. */
  readonly limits?: Partial<ServerLimits>;
  /** Names besides addresses and `localhost` that browsers may reach the server by, in lower case. */
  readonly knownHosts?: readonly string[];
  /**
   * Whether requests that need more than this process can be answered, asked for each request of the readiness probe.
   * Default: always.
   */
  readonly readiness?: () => Readiness;
  readonly graphiql?: {
    /** Title of the page. Default `Millrace`. */
    readonly title?: string;
    /** Offered in tabs of their own. */
    readonly operations?: readonly ExampleOperation[];
  };
}

/** Whether a server should be sent requests. */
export interface Readiness {
  readonly isReady: boolean;
  /** Why not. */
  readonly problem: string | undefined;
}

/** Where to listen. */
export interface ListenOptions {
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  /** 0 for any free one. Default 4000. */
  readonly port?: number;
}

/** Where a server listens. */
export interface Listening {
  /** Where GraphQL and GraphiQL are. */
  readonly url: string;
  /** The one that was found when 0 was asked for. */
  readonly port: number;
}

/** Serves one schema over HTTP and WebSocket, from `listen` to `close`. */
export interface Server {
  /** Begins to serve. To be called once. @throws ServerError when it can't listen there */
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Takes no more connections, tells those that are open when to come back, ends subscriptions (WebSocket close code
   * 1001), lets requests that are being answered finish for up to `closeGraceMs`, and is kept when no connection is left.
   * To call it again answers the same promise.
   */
  close(): Promise<void>;
  /** What goes on over its connections, now. */
  countConnections(): ConnectionCounts;
}
