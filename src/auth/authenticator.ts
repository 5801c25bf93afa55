import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import { UnauthenticatedError } from '../lib/domain-error.ts';
import type { Credentials, Identity } from '../lib/identity.ts';
import { KEY_PREFIX } from './api-key.ts';
import { type AuthHook, askHook } from './auth-hook.ts';
import { findToken } from './find-token.ts';
import type { JwtVerifier } from './jwt.ts';
import type { Keyring } from './keyring.ts';

/** Finds out who somebody is, in the same way over HTTP, server-sent events and WebSocket. */
export interface Authenticator {
  /**
   * Who somebody is by what they show.
   * @throws UnauthenticatedError when they show nothing, or what is not valid; what they showed is not in the message
   * @throws AuthenticationUnavailableError or StorageUnavailableError when that can't be found out now
   */
  authenticate(credentials: Credentials): Promise<Identity>;
  /**
   * Who somebody is who shows a new token over a socket that is open: as if it had been opened with that one.
   * @throws as `authenticate`
   */
  authenticateToken(token: string, credentials: Credentials): Promise<Identity>;
  /** Lets go of sockets. */
  close(): void;
}

/** Ways to find out. API keys are always one. */
export interface AuthenticatorParts {
  readonly keyring: Pick<Keyring, 'verify'>;
  readonly jwt?: JwtVerifier | undefined;
  readonly hook?: AuthHook | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What begins as an API key is one. All else is shown to the hook first, if there is one: it may go by other things than a
 * token. What it does not know is a JSON Web Token, if those are set up. There is no second try of what was refused.
 */
export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { keyring, jwt, hook, clock, logger } = parts;
  const kinds = jwt === undefined ? 'an API key' : 'an API key or a token';
  const authenticate = async (credentials: Credentials): Promise<Identity> => {
    const found = findToken(credentials);
    if (found.kind === 'TOKEN' && found.token.startsWith(KEY_PREFIX)) {
      return keyring.verify(found.token);
    }
    const known = hook === undefined ? undefined : await askHook(hook, credentials, logger);
    if (known !== undefined) return checkExpiry(known, clock.now());
    if (found.kind === 'MALFORMED') throw new UnauthenticatedError(found.message);
    if (found.kind === 'TOKEN' && jwt !== undefined) return jwt.verify(found.token);
    throw new UnauthenticatedError(
      found.kind === 'NONE'
        ? `${adviseOn(credentials)}, with ${kinds}.`
        : `This is not ${kinds} that is good here.`,
    );
  };
  return {
    authenticate,
    authenticateToken: (token, credentials) =>
      authenticate({
        // One by one: what a connection has need not be properties of its own.
        transport: 'websocket',
        headers: credentials.headers,
        connectionParams: { authorization: `Bearer ${token}` },
        address: credentials.address,
      }),
    close: () => jwt?.close(),
  };
}

function checkExpiry(identity: Identity, now: number): Identity {
  if (identity.expiresAt === undefined || identity.expiresAt > now) return identity;
  throw new UnauthenticatedError('What says who you are has expired. Sign in again.');
}

function adviseOn({ transport }: Credentials): string {
  return transport === 'http'
    ? 'Say who you are: send the header `authorization: Bearer …`'
    : 'Say who you are: send `authorization: "Bearer …"` in the connection parameters';
}
