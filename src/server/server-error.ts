import { DomainError } from '../lib/domain-error.ts';

/** Why a server can't be made, or can't listen. */
export type ServerErrorCode =
  /** Another program listens there. */
  | 'PORT_IN_USE'
  /** The user may not listen on that port. */
  | 'PORT_FORBIDDEN'
  /** The port is not a whole number from 0 to 65535. */
  | 'INVALID_PORT'
  /** The machine has no such address. */
  | 'HOST_UNAVAILABLE'
  /** `close` was called before. */
  | 'SERVER_CLOSED'
  /** The options of cross-origin requests can't be meant so. */
  | 'INVALID_CORS';

/** The server can't be made as it was told to, or can't listen where. */
export class ServerError extends DomainError {
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What Node reports when a server can't listen, as people can act on it; anything else as it is. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const because = { cause: error };
  switch (code) {
    case 'EADDRINUSE': {
      const message = `Port ${port} on ${host} is in use. Stop the program that uses it, or choose another port, 0 for any free one.`;
      return new ServerError('PORT_IN_USE', message, because);
    }
    case 'EACCES': {
      const message = `Port ${port} on ${host} may not be used by this user. Choose one above 1023.`;
      return new ServerError('PORT_FORBIDDEN', message, because);
    }
    case 'ERR_SOCKET_BAD_PORT': {
      const message = `${port} is not a port. Choose a whole number from 0 (any free port) to 65535.`;
      return new ServerError('INVALID_PORT', message, because);
    }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
    case 'EINVAL': {
      const message = `This machine has no address "${host}". Use 127.0.0.1 for this machine alone, or 0.0.0.0 for all its addresses.`;
      return new ServerError('HOST_UNAVAILABLE', message, because);
    }
    default:
      return error;
  }
}
