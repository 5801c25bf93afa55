import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { DomainError } from '../lib/domain-error.ts';

/** The server answered with errors. */
export class OperationError extends DomainError {
  /** The code of the first error (`NOT_FOUND`, `VALIDATION_FAILED`, …), else `OPERATION_FAILED`. */
  readonly code: string;
  /** All of them, as the server sent them. */
  readonly errors: readonly GraphQLFormattedError[];
  /** What there is besides the errors, as the server sent it. */
  readonly data: FormattedExecutionResult['data'];

  constructor(
    errors: readonly GraphQLFormattedError[],
    data: FormattedExecutionResult['data'] = undefined,
  ) {
    super(errors.map(({ message }) => message).join('; ') || 'The server answered without data.');
    const { code = 'OPERATION_FAILED' } = errors[0]?.extensions ?? {};
    this.code = String(code);
    this.errors = errors;
    this.data = data;
  }
}

/** Who the client is was not proved, or is not any more. */
const FORBIDDEN = 4403;

/**
 * The server ended the connection in a way that coming back can't help, or does not speak the protocol. `closeCode` is 4403
 * when the client's token is not valid, or not any more.
 */
export class ConnectionRefusedError extends DomainError {
  readonly code = 'CONNECTION_REFUSED';
  /** Close code of the WebSocket; `undefined` when something else went wrong. */
  readonly closeCode: number | undefined;
  readonly reason: string;

  constructor(closeCode: number | undefined, reason: string, options?: ErrorOptions) {
    const how = closeCode === undefined ? '' : ` with code ${closeCode}`;
    const why = (reason || 'no reason was given').replace(/\.$/, '');
    const advice = closeCode === FORBIDDEN ? ' Show a token that is valid.' : '';
    super(`The connection was refused${how}: ${why}.${advice}`, options);
    this.closeCode = closeCode;
    this.reason = reason;
  }
}

/** The connection was lost while a mutation was being answered. It may have been done; it is not sent again by itself. */
export class ConnectionLostError extends DomainError {
  readonly code = 'CONNECTION_LOST';

  constructor(reason: string) {
    super(
      `The connection was lost before the answer came (${reason}). Look whether the change was made before you try again.`,
    );
  }
}

/** The client was closed. */
export class ClientClosedError extends DomainError {
  readonly code = 'CLIENT_CLOSED';

  constructor() {
    super('The client was closed. Make another one.');
  }
}
