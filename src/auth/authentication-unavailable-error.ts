import { DomainError } from '../lib/domain-error.ts';

/** Who somebody is can't be found out now, for what would have to be asked can't be. It says nothing of what they showed. */
export class AuthenticationUnavailableError extends DomainError {
  readonly code = 'AUTHENTICATION_UNAVAILABLE';

  constructor() {
    super('It can not be found out now who you are. Try again later.');
  }
}
