import { DomainError } from './domain-error.ts';

/** A token can't take the place of the one that a connection was opened with. */
export class NotRenewableError extends DomainError {
  readonly code = 'NOT_RENEWABLE';
}
