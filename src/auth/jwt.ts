import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import { UnauthenticatedError } from '../lib/domain-error.ts';
import { DEFAULT_TENANT, type Identity, type Scope } from '../lib/identity.ts';
import { AuthenticationUnavailableError } from './authentication-unavailable-error.ts';
import { type JwtConfig, type JwtOptions, readJwtOptions } from './jwt-options.ts';
import { isSubject, isTenant } from './names.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { readScopes } from './scopes.ts';

/** Finds out who shows a JSON Web Token. */
export interface JwtVerifier {
  /**
   * @throws UnauthenticatedError when the token is not valid; nothing of it is in the message
   * @throws AuthenticationUnavailableError when the keys that it is signed with can't be had now
   */
  verify(token: string): Promise<Identity>;
  /** Lets go of sockets. */
  close(): void;
}

export interface JwtParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a secret can sign by, and what keys that are published can. None is in both: that would let anybody sign. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const PUBLIC_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** The last moment that a date can be, in milliseconds since the Unix epoch. */
const END_OF_TIME_MS = 8.64e15;

/** May stand before a scope, so that one issuer can name scopes of several programs. */
const SCOPE_PREFIX = 'millrace:';

const INVALID = 'This token is not valid here. Get a new one from whoever makes them.';

/** @throws ValidationError when the options are not as they must be */
export function createJwtVerifier(options: JwtOptions, { clock, logger }: JwtParts): JwtVerifier {
  const config = readJwtOptions(options);
  const { source, issuer, audience, clockToleranceSec } = config;
  const { algorithms, getKey, close } = keysOf(source, { clock, logger });
  if (source.jwksUrl !== undefined && audience === undefined) {
    logger.warn(
      'No audience of JSON Web Tokens is set: those that were made for other programs are good here too.',
    );
  }
  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, getKey, {
          algorithms,
          requiredClaims: ['exp', 'sub'],
          ...(issuer === undefined ? {} : { issuer }),
          ...(audience === undefined ? {} : { audience }),
          clockTolerance: clockToleranceSec,
          currentDate: new Date(clock.now()),
        });
        return identify(payload, config);
      } catch (error) {
        throw explain(error, logger);
      }
    },
    close,
  };
}

interface Keys {
  readonly algorithms: string[];
  readonly getKey: JWTVerifyGetKey;
  close(): void;
}

function keysOf(source: JwtConfig['source'], parts: JwtParts): Keys {
  if (source.jwksUrl !== undefined) {
    return {
      algorithms: PUBLIC_ALGORITHMS,
      ...createRemoteKeys({ url: source.jwksUrl, ...parts }),
    };
  }
  const { secret } = source;
  return { algorithms: SECRET_ALGORITHMS, getKey: async () => secret, close: () => undefined };
}

function identify(payload: JWTPayload, config: JwtConfig): Identity {
  const { scopesClaim, tenantClaim, clockToleranceSec } = config;
  const { sub: subject, exp = 0 } = payload; // it is there: it was required
  if (!isSubject(subject)) {
    throw new UnauthenticatedError(
      'The token names nobody that can be named here: see its claim "sub".',
    );
  }
  const tenant = tenantClaim === undefined ? DEFAULT_TENANT : claimOf(payload, tenantClaim);
  if (!isTenant(tenant)) {
    throw new UnauthenticatedError(`The token names no tenant: see its claim "${tenantClaim}".`);
  }
  return {
    subject,
    tenant,
    scopes: toScopes(claimOf(payload, scopesClaim)),
    expiresAt: Math.min((exp + clockToleranceSec) * 1_000, END_OF_TIME_MS),
  };
}

function claimOf(payload: JWTPayload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined;
}

/** Those that are known here, of a text or a list. */
function toScopes(claim: unknown): ReadonlySet<Scope> {
  const names: readonly unknown[] =
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return readScopes(
    names.map((name) =>
      typeof name === 'string' && name.startsWith(SCOPE_PREFIX)
        ? name.slice(SCOPE_PREFIX.length)
        : name,
    ),
  );
}

/** What is told of an error. Those of the library say what is in the token, so they are not told, nor their cause. */
function explain(error: unknown, logger: Logger): Error {
  if (error instanceof UnauthenticatedError || error instanceof AuthenticationUnavailableError)
    return error;
  if (error instanceof errors.JWTExpired)
    return new UnauthenticatedError('This token has expired. Get a new one.');
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) {
    logger.error(
      { problem: error.code },
      'The keys that JSON Web Tokens are verified by can not be read.',
    );
    return new AuthenticationUnavailableError();
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    // Of the claims that are looked at, each of which has a name that is no secret.
    return new UnauthenticatedError(
      `This token is not valid here: see its claim "${error.claim}".`,
    );
  }
  if (!(error instanceof errors.JOSEError)) {
    // A published key that is not as it says, for one.
    logger.debug(
      { kind: error instanceof Error ? error.name : typeof error },
      'A JSON Web Token could not be verified.',
    );
  }
  return new UnauthenticatedError(INVALID);
}
