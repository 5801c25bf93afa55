import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Authenticate, Credentials, Identity } from '../lib/identity.ts';
import type { TrustedDocuments } from './documents/documents.ts';
import type { RateReading } from './documents/rate-limiter.ts';
import type { ConnectionCounts } from './figures/connection-counters.ts';
import type { ExampleOperation } from './graphiql.ts';
import type { ServerLimits } from './limits.ts';

/** How an operation came in. */
export interface ConnectionInfo extends Credentials {
  /** Names it: a WebSocket for as long as it is open; over HTTP each request is one of its own. */
  readonly id: string;
  /** Names its HTTP request, or the one a WebSocket began with: the client's own `x-request-id`, or one it was given. */
  readonly requestId: string;
  /** Who its client is. Of a WebSocket it is known once the client has said `connection_init`. */
  readonly identity: Identity;
  /**
   * What its client is told of it: at once, at every heartbeat, and when the server goes away. That is the last message. A
   * slow reader gets the newest only.
   */
  watchStatus(): AsyncIterableIterator<ConnectionStatus>;
  /** What its client has left of what it may ask for in a minute. */
  readRateLimit(): RateReading;
  /**
   * Has `tell` called once, with the reason, when who its client is does not hold any more: nothing more is to be sent for it
   * then. To stop that, call what it returns.
   */
  onExpelled(tell: (problem: string) => void): () => void;
  /**
   * Goes on with a new token of the same client, as if it had been opened with that one. Only over WebSocket.
   * @returns who the client is by the new token
   * @throws NotRenewableError when the token can't take the old one's place; what it has to do with is as before
   * @throws UnauthenticatedError when the token is not valid; another DomainError when that can't be found out now
   */
  renew(token: string): Promise<Identity>;
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
   * Finds out who a client is: called once for each HTTP request, and each WebSocket when it says `connection_init`. Those
   * who don't prove it are refused. Default: nobody has to, and everybody may do everything.
   */
  readonly authenticate?: Authenticate;
  /**
   * Whether everything is answered to anybody. Then requests must be sent to an address, `localhost` or one of `knownHosts`,
   * also where no web page is named as their origin. Default: whether there is no `authenticate`.
   */
  readonly isOpen?: boolean;
  /** Web pages of other sites that may use the server. Default: those of this machine, at any port. */
  readonly cors?: CorsOptions;
  /** How many proxies stand before the server, each of which can be trusted to add to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number;
  /** Whether the log tells the variables of operations, secrets among them masked. Default false. */
  readonly logVariables?: boolean;
  /** Figures of what is served, for `/metrics`: asked for each time somebody reads them. Default: none. */
  readonly metrics?: () => readonly Figure[];
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
  /**
   * Works out what an operation costs, before it is executed: called once for each that is valid. What it throws refuses the
   * operation, with status 400. Answers `undefined` when that can't be said, as with variables that don't fit. Default: no
   * operation costs anything.
   */
  readonly measureCost?: (args: ExecutionArgs) => OperationCost | undefined;
  /** Whether the schema can be asked for. Default true. */
  readonly introspection?: boolean;
  /** Whether errors tell what of the schema may have been meant. Default true. */
  readonly suggestions?: boolean;
  /** Default: any document is answered. */
  readonly trustedDocuments?: TrustedDocuments;
  /** Names besides addresses and `localhost` that browsers may reach the server by, in lower case. */
  readonly knownHosts?: readonly string[];
  /**
   * Whether requests that need more than this process can be answered, asked for each request of the readiness probe.
   * Default: always.
   */
  readonly readiness?: () => Readiness;
  /** The page for people with a browser; `false` for none. */
  readonly graphiql?:
    | false
    | {
        /** Title of the page. Default `Millrace`. */
        readonly title?: string;
        /** Offered in tabs of their own. */
        readonly operations?: readonly ExampleOperation[];
      };
}

/** What an operation costs, in points. */
export interface OperationCost {
  readonly operation: number;
  /** The most that one may cost. */
  readonly limit: number;
}

/** Web pages of other sites that may use a server. */
export interface CorsOptions {
  /** As browsers name them, such as `https://flows.example:8443`; `*` for all there are. */
  readonly origins: readonly string[] | '*';
  /** Whether browsers may send what they keep for this server, such as cookies. Not with `*`. Default false. */
  readonly credentials?: boolean;
}

/** Whether a server should be sent requests: as long as there is no cause against it. */
export interface Readiness {
  readonly causes: readonly UnreadyCause[];
}

/** Why a server should not be sent requests. */
export interface UnreadyCause {
  /** The part that does not work, such as `database`. Told to anybody. */
  readonly part: string;
  /** What is wrong with it. Told only to those who may know such things. */
  readonly problem: string;
}

/** A figure for `/metrics`. */
export interface Figure {
  /** As Prometheus wants it, such as `millrace_jobs`. Several figures have the same if their labels differ. */
  readonly name: string;
  readonly help: string;
  /** A counter only grows. */
  readonly kind: 'gauge' | 'counter';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
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
