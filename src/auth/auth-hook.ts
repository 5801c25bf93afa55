import type { Logger } from 'pino';
import { messageOf } from '../lib/domain-error.ts';
import { type Credentials, DEFAULT_TENANT, type Identity, type Scope } from '../lib/identity.ts';
import { MASK } from '../lib/secret-names.ts';
import { AuthenticationUnavailableError } from './authentication-unavailable-error.ts';
import { isSubject, isTenant } from './names.ts';
import { isScope } from './scopes.ts';

/** Who somebody is, as a program says that Millrace is part of. */
export interface HookIdentity {
  /** What they may do. */
  readonly scopes: Iterable<Scope>;
  /** Letters, digits and `.-_`, up to 64. Default `default`. */
  readonly tenant?: string | undefined;
  /** 1 to 255 visible ASCII characters. Default: nobody in particular. */
  readonly subject?: string | undefined;
  /** Until when that holds, in milliseconds since the Unix epoch. Default: for as long as they stay connected. */
  readonly expiresAt?: number | undefined;
  /**
   * Whether that still holds: asked at each heartbeat of a connection, so it must be cheap. Rejected when it can't be found out
   * now, which ends nothing. Default: it holds until it expires.
   */
  readonly recheck?: (() => Promise<boolean>) | undefined;
}

/**
 * Says who somebody is, in the way of the program that Millrace is part of: by a cookie, a header of a proxy, … Asked for
 * each HTTP request and each WebSocket, and again when its client renews its token, but never for API keys. `undefined`
 * when it does not know them. When it throws they are refused, and told to try again later.
 */
export type AuthHook = (
  credentials: Credentials,
) => HookIdentity | undefined | Promise<HookIdentity | undefined>;

/**
 * Asks a hook, and checks what it says.
 * @throws AuthenticationUnavailableError when it fails or says what makes no sense; why is logged, and not told
 */
export async function askHook(
  hook: AuthHook,
  credentials: Credentials,
  logger: Logger,
): Promise<Identity | undefined> {
  try {
    const answer = await hook(credentials);
    return answer === undefined ? undefined : checkAnswer(answer);
  } catch (error) {
    const problem = hideShown(messageOf(error), credentials);
    logger.error({ problem }, 'The hook that says who people are failed.');
    throw new AuthenticationUnavailableError();
  }
}

/** What it says is of code that nobody checked, so it is checked, and copied. Each property is read once. */
function checkAnswer(answer: HookIdentity): Identity {
  const { scopes: given, tenant = DEFAULT_TENANT, subject, expiresAt, recheck } = answer;
  if (typeof given !== 'object' || given === null) throw new Error('It answered no scopes.');
  const scopes = new Set(given);
  if (![...scopes].every(isScope)) throw new Error('It answered scopes that there are not.');
  if (!isTenant(tenant)) throw new Error('It answered something else than the name of a tenant.');
  if (subject !== undefined && !isSubject(subject)) {
    throw new Error('It answered a subject that can not be one.');
  }
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) {
    throw new Error('It answered a time of expiry that is none.');
  }
  if (recheck !== undefined && typeof recheck !== 'function') {
    throw new Error('It answered a `recheck` that is no function.');
  }
  return { scopes, tenant, subject, expiresAt, recheck };
}

/** Shorter words are no secrets. */
const SECRET_LENGTH = 8;

/** A message of code that was handed credentials, without those that it may repeat. */
function hideShown(message: string, { headers, connectionParams }: Credentials): string {
  const shown = [headers.authorization, headers.cookie, ...Object.values(connectionParams)];
  const words = shown.flatMap((each) => (typeof each === 'string' ? each.split(/[\s;=,]+/) : []));
  return words
    .filter(({ length }) => length >= SECRET_LENGTH)
    .reduce((text, word) => text.replaceAll(word, MASK), message);
}
