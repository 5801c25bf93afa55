import { z } from 'zod';
import { isLoopback } from '../auth/auth-mode.ts';
import { notEmpty, onOff, text, wholeNumber } from './option.ts';

/** The fewest characters of a secret that signs with HS256: as many as its hash has bytes (RFC 7518, 3.2). */
const LEAST_SECRET = 32;
const SECRET_FORM = `must have at least ${LEAST_SECRET} characters`;

/** Who may use the server. */
export const accessOptions = {
  insecureNoAuth: onOff(
    'let everybody who can reach the server do everything, also from other machines',
    false,
    'switch',
  ),
  jwtSecret: text('secret that JSON Web Tokens are signed with (HS256)', {
    isSecret: true,
    schema: z.string(SECRET_FORM).min(LEAST_SECRET, SECRET_FORM),
    defaultText: 'none',
  }),
  jwtSecretFile: text('file that holds that secret; white space around it does not count', {
    placeholder: 'FILE',
    schema: notEmpty('must name a file'),
    defaultText: 'none',
  }),
  jwksUrl: text('where the public keys are that JSON Web Tokens are signed with', {
    placeholder: 'URL',
    kind: 'url',
    schema: z
      .string('must be a URL')
      .refine(
        isSafeUrl,
        'must be an https URL, or an http URL of this machine, without a password',
      ),
    defaultText: 'none',
  }),
  jwtIssuer: text('who must have issued a token (`iss`)', { defaultText: 'anybody' }),
  jwtAudience: text('whom a token must be meant for (`aud`)', { defaultText: 'anybody' }),
  jwtScopesClaim: text('claim of a token that has its scopes', {
    placeholder: 'NAME',
    default: 'scope',
  }),
  jwtTenantClaim: text('claim of a token that names the tenant', {
    placeholder: 'NAME',
    defaultText: 'none: all tokens are of the tenant "default"',
  }),
  jwtClockToleranceSec: wholeNumber('by how much clocks may differ, in seconds', {
    least: 0,
    most: 300,
    default: 5,
  }),
};

/** Whoever can change what comes from there can make tokens. */
function isSafeUrl(written: string): boolean {
  if (!URL.canParse(written)) return false;
  const { protocol, hostname, username, password } = new URL(written);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
