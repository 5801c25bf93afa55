import {
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose';
import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { AuthenticationUnavailableError } from './authentication-unavailable-error.ts';

/** Where public keys come from. */
export interface RemoteKeysParts {
  readonly url: URL;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The public keys of whoever makes tokens. */
export interface RemoteKeys {
  /** @throws AuthenticationUnavailableError when the keys can't be had now */
  readonly getKey: JWTVerifyGetKey;
  /** Breaks off what is under way. */
  close(): void;
}

/** How long the keys may take to come, in milliseconds. */
const TIME_OUT_MS = 5_000;
/** After keys came they are not asked for again so soon, whatever tokens name, in milliseconds. */
const COOL_DOWN_MS = 30_000;
/** After they did not come neither, in milliseconds. */
const RETRY_MS = 5_000;
/** How old they may be, in milliseconds: so long is one good for that its owner took back. */
const MOST_AGE_MS = 600_000;
/** A longer answer is no set of keys. */
const MOST_BYTES = 1_000_000;

/**
 * Reads keys from where they are published, when a token is there that needs them, and keeps them. One request is under
 * way at a time. What goes wrong is logged: once for each request, so no flood of tokens makes a flood of lines.
 */
export function createRemoteKeys({ url, clock, logger }: RemoteKeysParts): RemoteKeys {
  const ending = new AbortController();
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  const fetchKeys: FetchImplementation = async (address, options) => {
    if (clock.monotonicMs() < quietUntilMs) throw new AuthenticationUnavailableError();
    try {
      const signal = AbortSignal.any([options.signal, ending.signal]);
      return Response.json(await readKeys(await fetch(address, { ...options, signal })));
    } catch (error) {
      quietUntilMs = clock.monotonicMs() + RETRY_MS;
      const cause =
        error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
      const problem = `${messageOf(error)}${cause}`;
      logger.error(
        { jwksUrl: address, problem },
        'The keys that JSON Web Tokens are verified by can not be read.',
      );
      throw new AuthenticationUnavailableError();
    }
  };
  const getKey = createRemoteJWKSet(url, {
    timeoutDuration: TIME_OUT_MS,
    cooldownDuration: COOL_DOWN_MS,
    cacheMaxAge: MOST_AGE_MS,
    [customFetch]: fetchKeys,
  });
  return { getKey, close: () => ending.abort() };
}

/** @throws when it is not as RFC 7517 has it */
async function readKeys(response: Response): Promise<object> {
  if (response.status !== 200) throw new Error(`It was answered with status ${response.status}.`);
  const found: unknown = JSON.parse(await readText(response));
  const keys = isObject(found) && 'keys' in found ? found.keys : undefined;
  if (!isObject(found) || !Array.isArray(keys) || !keys.every(isObject)) {
    throw new Error('It was answered with something else than a set of keys.');
  }
  return found;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error('It was answered with too much.');
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
