import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure, createSecureContext, type SecureContext } from 'node:tls';
import { Client, type Dispatcher, errors } from 'undici';
import { AddressDeniedError, type AddressRules } from './address-rules.ts';
import type { TlsOptions } from './service.ts';

/** The largest head of an answer, in bytes. */
export const LARGEST_HEAD = 16_384;

/** A fault of TLS, before a request could be sent. */
export class TlsFault extends Error {
  override readonly name = 'TlsFault';
}

/**
 * Connections for checks, kept open between them. Services at the same origin with the same TLS options share theirs; a
 * connection serves one check at a time, so that a service that hangs keeps no other waiting.
 */
export interface HttpPools {
  /** Connections to an origin, until `leave`. @throws Error when the TLS options can't be used */
  join(origin: string, tls: TlsOptions | undefined): HttpPool;
  /** Closes all connections at once, those in use as well. Calling it again does nothing. */
  close(): void;
  /** Sockets that are open or opening. For tests and metrics. */
  readonly openSockets: number;
}

/** Connections to one origin, for one service. */
export interface HttpPool {
  /** For whom the certificate must be. */
  readonly serverName: string;
  /** A connection that nobody uses; that was used last, if there is one. It is opened by the first request. */
  take(): HttpConnection;
  /** Says that the answer has ended and the connection may be used again. */
  giveBack(connection: HttpConnection): void;
  /** The service is gone. When it is the last, idle connections are closed. Calling it again does nothing. */
  leave(): void;
}

/** A connection that is opened when it is needed, and opened anew when the other side closed it. */
export class HttpConnection {
  readonly #client: Client;
  #socket: Socket | undefined;
  #hasAnswered = false;
  #isDropped = false;

  constructor(origin: string, open: OpenSocket) {
    this.#client = new Client(origin, {
      pipelining: 1,
      maxHeaderSize: LARGEST_HEAD,
      // Who checks has a time limit for the whole.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, callback) => {
        this.#hasAnswered = false;
        this.#socket = open((fault, socket) => {
          if (socket === undefined) callback(fault, null);
          else callback(null, socket);
        });
      },
    });
  }

  /** Whether the present socket, or the last one, has brought an answer before; it may have been closed since. */
  get isReused(): boolean {
    return this.#hasAnswered;
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Sends a request; everything else is told to the handler. */
  dispatch(request: HttpRequest, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(request, handler);
  }

  /** The answer has come whole. */
  markAnswered(): void {
    this.#hasAnswered = true;
  }

  /** Closes the connection for good, whatever goes on. Calling it again does nothing. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#client.destroy(null, () => {});
    this.#socket?.destroy();
  }
}

export interface HttpRequest {
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Record<string, string>;
  /**
   * `HttpPool.serverName`: one for all who share a connection. Without, undici takes that of a `host` header, and begins a
   * new connection for each.
   */
  readonly servername: string;
}

type OpenSocket = (
  done: (...found: [fault: Error, socket: undefined] | [fault: null, socket: Socket]) => void,
) => Socket | undefined;

/** The connections to one origin. */
class Origin {
  members = 0;
  readonly serverName: string;
  readonly #create: () => HttpConnection;
  readonly #idle: HttpConnection[] = [];
  readonly #all = new Set<HttpConnection>();

  constructor(serverName: string, create: () => HttpConnection) {
    this.serverName = serverName;
    this.#create = create;
  }

  take(): HttpConnection {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = this.#create();
    this.#all.add(connection);
    return connection;
  }

  /** More connections than services are not kept. */
  giveBack(connection: HttpConnection): void {
    if (connection.isDropped) this.#all.delete(connection);
    else if (this.#all.size > this.members) this.#drop(connection);
    else this.#idle.push(connection);
  }

  /** Closes what is idle beyond the number of services. */
  trim(): void {
    while (this.#all.size > this.members) {
      const idle = this.#idle.shift();
      if (idle === undefined) return;
      this.#drop(idle);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.drop();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #drop(connection: HttpConnection): void {
    connection.drop();
    this.#all.delete(connection);
  }
}

/** @param rules what may be connected to; asked at each new connection */
export function createHttpPools(rules: AddressRules): HttpPools {
  const origins = new Map<string, Origin>();
  const sockets = new Set<Socket>();
  let isClosed = false;

  const createOrigin = (url: URL, tls: TlsOptions | undefined): Origin => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const target = { host, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) };
    const secure = url.protocol === 'https:' ? readTls(host, tls) : undefined;
    const open: OpenSocket = (done) => {
      const denied = rules.check(host);
      if (isClosed || denied !== undefined) {
        const fault = isClosed ? new errors.ClientClosedError() : new AddressDeniedError(denied);
        queueMicrotask(() => done(fault, undefined));
        return undefined;
      }
      const socket = openSocket({ ...target, lookup: rules.lookup }, secure, done);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    };
    return new Origin(tls?.serverName ?? host, () => new HttpConnection(url.origin, open));
  };

  return {
    join: (written, tls) => {
      const url = new URL(written);
      const key = keyOf(url.origin, tls);
      const origin = origins.get(key) ?? createOrigin(url, tls);
      origins.set(key, origin);
      origin.members++;
      let isMember = true;
      return {
        serverName: origin.serverName,
        take: () => origin.take(),
        giveBack: (connection) => origin.giveBack(connection),
        leave: () => {
          if (!isMember) return;
          isMember = false;
          origin.members--;
          origin.trim();
          if (origin.members === 0 && origins.get(key) === origin) origins.delete(key);
        },
      };
    },
    close: () => {
      isClosed = true;
      for (const origin of origins.values()) origin.close();
      origins.clear();
      for (const socket of sockets) socket.destroy();
    },
    get openSockets() {
      return sockets.size;
    },
  };
}

/** All that makes connections different from others. */
function keyOf(
  origin: string,
  { ca, serverName, verify = true, cert, key }: TlsOptions = {},
): string {
  return JSON.stringify([origin, ca, serverName, verify, cert, key]);
}

interface SecureOptions {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

function readTls(
  host: string,
  { ca, cert, key, serverName, verify = true }: TlsOptions = {},
): SecureOptions {
  const secureContext = createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  // Of an address no name is sent; Node looks for it in the certificate all the same.
  const name = serverName ?? (isIP(host) === 0 ? host.replace(/\.$/, '') : undefined);
  return {
    secureContext,
    rejectUnauthorized: verify,
    ...(name === undefined ? {} : { servername: name }),
  };
}

/** Sessions are not taken up again: each new connection is to show its certificate. */
function openSocket(
  target: { readonly host: string; readonly port: number; readonly lookup: AddressRules['lookup'] },
  secure: SecureOptions | undefined,
  done: Parameters<OpenSocket>[0],
): Socket {
  const socket =
    secure === undefined
      ? connectPlain(target)
      : connectSecure({ ...target, ...secure, ALPNProtocols: ['http/1.1'] });
  let isConnected = false;
  let isDone = false;
  socket.setNoDelay(true);
  socket.once('connect', () => {
    isConnected = true;
  });
  socket.once(secure === undefined ? 'connect' : 'secureConnect', () => {
    isDone = true;
    done(null, socket);
  });
  socket.on('error', (error) => {
    if (isDone) return;
    isDone = true;
    done(secure && isConnected ? new TlsFault(error.message, { cause: error }) : error, undefined);
  });
  return socket;
}
