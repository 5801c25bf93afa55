import type { IncomingMessage } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { ExampleOperation } from './graphiql.ts';
import type { ServerLimits } from './limits.ts';

/** How an operation came in. */
export interface ConnectionInfo {
  readonly transport: 'http' | 'websocket';
  /** The HTTP request; of a WebSocket the one it began with. */
  readonly request: IncomingMessage;
  /** What a WebSocket client sent when it connected; empty for HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
}

export interface ServerOptions {
  readonly schema: GraphQLSchema;
  /**
   * Makes what resolvers get as context: called once for each operation, before it is executed. Its own properties
   * are what counts. Each event of a subscription is resolved with an object of its own that inherits from it.
   */
  readonly createContext: (connection: ConnectionInfo) => object | Promise<object>;
  readonly logger: Logger;
  /**
   * Makes the error that the client sees of one that was thrown, and logs what is unexpected. Called once for each
   * error of a result; errors of the request itself (syntax, validation) come as plain `GraphQLError`s.
   */
  readonly maskError: (error: unknown, message: string) => Error;
  readonly limits?: Partial<ServerLimits>;
  readonly graphiql?: {
    /** Title of the page. Default `Millrace`. */
    readonly title?: string;
    /** Offered in tabs of their own. */
    readonly operations?: readonly ExampleOperation[];
  };
}

export interface ListenOptions {
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  /** 0 for any free one. Default 4000. */
  readonly port?: number;
}

export interface Listening {
  /** Where GraphQL and GraphiQL are. */
  readonly url: string;
  readonly port: number;
}

export interface Server {
  /** Begins to serve. To be called once. @throws ServerError when it can't listen there */
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Takes no more connections, ends subscriptions (WebSocket close code 1001), lets requests that are being
   * answered finish for a while, and is kept when no connection is left. To call it again answers the same promise.
   */
  close(): Promise<void>;
}
