import { inspect } from 'node:util';
import type { Logger } from 'pino';
import { systemClock } from '../../lib/clock.ts';
import { DomainError, UnauthenticatedError } from '../../lib/domain-error.ts';
import { ANYBODY, type Authenticate, type Credentials, type Identity } from '../../lib/identity.ts';
import { isKeptWithin } from '../../lib/within.ts';
import type { Refusal } from '../door/refusal.ts';
import type { ServerLimits } from '../limits.ts';
import { isExpired } from './admission.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { KnownTokens } from './known-tokens.ts';
import { networkOf } from './network-of.ts';

/** The latest date there is, in milliseconds since the Unix epoch. */
const LATEST_MS = 8.64e15;

/** A client whose identity is to be found out. */
interface Newcomer extends Credentials {
  identity: Identity;
}

/** From where somebody comes too many others, or they themselves, showed what is not valid. */
class TooManyAttemptsError extends DomainError {
  readonly code = 'TOO_MANY_ATTEMPTS';
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1000);
    super(`Too many tokens that are not valid came from your address. Try again in ${seconds} s.`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whoever finds out who somebody is failed, or took too long. */
class IdentityUnknownError extends DomainError {
  readonly code = 'AUTHENTICATION_UNAVAILABLE';

  constructor() {
    super('It can not be found out now who you are. Try again later.');
  }
}

/**
 * Lets clients in, over whatever transport they come.
 *
 * From where too many tokens came that are not valid, others are refused for up to a minute without a look at them; but those
 * that were good when they were last shown are looked at as ever. So nobody can shut out those who come through the same
 * proxy and were here before, by the token they have; whoever is new there, or comes with a new token, has to wait, unless a
 * socket of theirs is open. Who shows no token guesses none, and is not counted.
 */
export class Authentication {
  readonly #authenticate: Authenticate | undefined;
  readonly #limits: ServerLimits;
  readonly #logger: Logger;
  readonly #failed: FailedAttempts;
  readonly #known = new KnownTokens();

  /** @param authenticate default: everybody is let in, and may do everything */
  constructor(authenticate: Authenticate | undefined, limits: ServerLimits, logger: Logger) {
    this.#authenticate = authenticate;
    this.#limits = limits;
    this.#logger = logger;
    this.#failed = new FailedAttempts(limits.maxFailedAuthPerMinute);
  }

  /**
   * Finds out who a client is, and notes it there; or answers why that can't be, with status 401, 429 or 503. Never fails.
   * @param withinMs how long that may take, in milliseconds. Default: as long as a WebSocket may take to begin
   */
  async admit(client: Newcomer, withinMs?: number): Promise<Refusal | undefined> {
    try {
      client.identity = await this.#identify(client, false, withinMs);
      return undefined;
    } catch (error) {
      const { code, message } = error as DomainError; // nothing else is thrown
      const retryAfterMs = error instanceof TooManyAttemptsError ? error.retryAfterMs : undefined;
      const status = retryAfterMs !== undefined ? 429 : 503;
      return {
        status: error instanceof UnauthenticatedError ? 401 : status,
        code,
        message,
        retryAfterMs,
      };
    }
  }

  /**
   * Who somebody is by a new token, who was let in before: that one is looked at from wherever it comes.
   * @throws UnauthenticatedError when that was not proved; another DomainError when it can't be found out now
   */
  identifyAgain(credentials: Credentials): Promise<Identity> {
    return this.#identify(credentials, true);
  }

  async #identify(
    credentials: Credentials,
    wasLetIn: boolean,
    withinMs = this.#limits.initTimeoutMs,
  ): Promise<Identity> {
    if (this.#authenticate === undefined) return ANYBODY;
    const token = tokenOf(credentials);
    const place = networkOf(credentials.address);
    const waitMs = this.#failed.waitMs(place);
    if (waitMs > 0 && !wasLetIn && token !== undefined && !this.#known.has(token)) {
      throw new TooManyAttemptsError(waitMs);
    }
    try {
      const identifying = this.#authenticate(credentials);
      if (!(await isKeptWithin(identifying, withinMs, systemClock))) {
        throw new Error('It took too long to find out who somebody is.');
      }
      const identity = withinTime(await identifying);
      if (isExpired(identity)) throw new UnauthenticatedError('The token has expired.');
      if (token !== undefined) this.#known.add(token);
      return identity;
    } catch (error) {
      if (error instanceof UnauthenticatedError && token !== undefined) {
        this.#known.delete(token);
        this.#failed.add(place);
      }
      throw this.#explain(error, token);
    }
  }

  /** An error of the domain that does not quote the token, nor anything of the server's insides. */
  #explain(error: unknown, token: string | undefined): DomainError {
    const quotes = (text: string) => token !== undefined && text.includes(token);
    if (error instanceof UnauthenticatedError) {
      return quotes(error.message) ? new UnauthenticatedError('The token is not valid.') : error;
    }
    if (error instanceof TooManyAttemptsError) return error;
    // Such as a database that is away: whoever found that out has logged it.
    if (error instanceof DomainError) return new IdentityUnknownError();
    const logged = quotes(inspect(error))
      ? { detail: 'left out, since it has the token in it' }
      : { err: error };
    this.#logger.error(logged, 'It could not be found out who somebody is.');
    return new IdentityUnknownError();
  }
}

/** A time later than any date can be is never. */
function withinTime(identity: Identity): Identity {
  const { expiresAt = 0 } = identity;
  return expiresAt > LATEST_MS ? { ...identity, expiresAt: undefined } : identity;
}

/** What somebody shows to prove who they are, without the scheme; `undefined` for nothing. */
function tokenOf({ headers, connectionParams }: Credentials): string | undefined {
  const { authorization, Authorization = headers.authorization } = connectionParams;
  const shown = authorization ?? Authorization;
  if (typeof shown !== 'string') return undefined;
  const token = shown.replace(/^bearer +/i, '').trim();
  return token === '' ? undefined : token;
}
