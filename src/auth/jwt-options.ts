import { z } from 'zod';
import { ValidationError } from '../lib/domain-error.ts';
import { isLoopback } from './auth-mode.ts';

/** How JSON Web Tokens are verified. One of `secret` and `jwksUrl` has to be given. */
export interface JwtOptions {
  /** Where the public keys of whoever makes the tokens are: `https://…/jwks.json`, or `http://` on this machine. */
  readonly jwksUrl?: string | undefined;
  /** What tokens are signed with by HS256, HS384 or HS512: at least 32 bytes, text as UTF-8. */
  readonly secret?: string | Uint8Array | undefined;
  /** Who must have made a token (`iss`). Default: anybody who can sign it. */
  readonly issuer?: string | undefined;
  /** Whom a token must be for (`aud`). Default: whoever; so give it where the issuer makes tokens for others too. */
  readonly audience?: string | undefined;
  /** Name of the claim with the scopes: a text with spaces between them, or a list. Default `scope`. */
  readonly scopesClaim?: string | undefined;
  /** Name of the claim with the tenant; a token without it is refused. Default: all are of the tenant `default`. */
  readonly tenantClaim?: string | undefined;
  /** By how much clocks may differ, in seconds, up to 300. Default 5. */
  readonly clockToleranceSec?: number | undefined;
}

/** The same, checked, with defaults. */
export interface JwtConfig {
  readonly source:
    | { readonly jwksUrl: URL }
    | { readonly jwksUrl?: undefined; readonly secret: Uint8Array };
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly scopesClaim: string;
  readonly tenantClaim: string | undefined;
  readonly clockToleranceSec: number;
}

/** As long as the shortest hash that tokens are signed with, as RFC 7518 (3.2) demands. */
const LEAST_SECRET_BYTES = 32;

const name = z.string('must be a text').min(1, 'must not be empty');
const shape = z.strictObject({
  jwksUrl: name
    .refine(isSafeUrl, 'must be an https URL, or an http URL of this machine, without a password')
    .optional(),
  secret: z
    .union([z.string(), z.instanceof(Uint8Array)], 'must be a text or bytes')
    .transform((secret) =>
      typeof secret === 'string' ? new TextEncoder().encode(secret) : secret.slice(),
    )
    .refine(
      ({ length }) => length >= LEAST_SECRET_BYTES,
      `must have at least ${LEAST_SECRET_BYTES} bytes`,
    )
    .optional(),
  issuer: name.optional(),
  audience: name.optional(),
  scopesClaim: name.default('scope'),
  tenantClaim: name.optional(),
  clockToleranceSec: z
    .number('must be a number')
    .min(0, 'must be 0 to 300')
    .max(300, 'must be 0 to 300')
    .default(5),
});

/** @throws ValidationError with all that is wrong; what was given is not in it */
export function readJwtOptions(options: JwtOptions): JwtConfig {
  const { success, data, error } = shape.safeParse(options);
  if (!success) {
    throw new ValidationError(
      error.issues.map(({ path, message }) => ({ path: ['jwt', ...path.map(String)], message })),
    );
  }
  const { jwksUrl, secret, issuer, audience, scopesClaim, tenantClaim, clockToleranceSec } = data;
  const more = { issuer, audience, scopesClaim, tenantClaim, clockToleranceSec };
  if (jwksUrl !== undefined && secret === undefined) {
    return { source: { jwksUrl: new URL(jwksUrl) }, ...more };
  }
  if (secret !== undefined && jwksUrl === undefined) return { source: { secret }, ...more };
  throw new ValidationError([
    { path: ['jwt'], message: 'must have a secret or a jwksUrl, one of the two' },
  ]);
}

/** Whoever can change what comes from there can make tokens of any kind. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
