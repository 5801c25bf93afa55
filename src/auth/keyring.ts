import type { Clock } from '../lib/clock.ts';
import {
  type Issue,
  NotFoundError,
  UnauthenticatedError,
  ValidationError,
} from '../lib/domain-error.ts';
import { DEFAULT_TENANT, type Identity, type Scope } from '../lib/identity.ts';
import {
  type ApiKey,
  formatKey,
  hashSecret,
  isKeyId,
  isSecretOf,
  makeKeyText,
  parseKey,
} from './api-key.ts';
import { KeyLookup } from './key-lookup.ts';
import { createKeyStore, type KeyDatabase } from './key-store.ts';
import { isSubject, isTenant, SUBJECT_FORM, TENANT_FORM } from './names.ts';
import { isScope } from './scopes.ts';

/** A key to be made. */
export interface NewKey {
  /** Who shows it: 1 to 255 visible ASCII characters. */
  readonly subject: string;
  /** Whose things it opens: letters, digits and `.-_`, up to 64. Default `default`. */
  readonly tenant?: string | undefined;
  /** At least one. */
  readonly scopes: Iterable<Scope>;
  /** From when it is not valid any more, in milliseconds since the Unix epoch. Default: never. */
  readonly expiresAt?: number | undefined;
  /** What it is for; up to 200 characters. */
  readonly description?: string | undefined;
}

/** A key that was just made. */
export interface CreatedKey extends ApiKey {
  /** The key itself. It is known now, and never again. */
  readonly text: string;
}

/** The keys of a database. */
export interface Keyring {
  /** Makes a key. @throws ValidationError with all that is wrong with it */
  create(key: NewKey): Promise<CreatedKey>;
  /** All keys there ever were, oldest first. */
  list(): Promise<readonly ApiKey[]>;
  /**
   * Makes a key good for nothing: here at once, in other processes within seconds. Of one that is revoked already nothing
   * is changed.
   * @throws NotFoundError when there is no such key
   */
  revoke(id: string): Promise<ApiKey>;
  /**
   * Who shows a key. Their `recheck` says whether it was revoked since.
   * @throws UnauthenticatedError when it is not valid; with the same words whether its id or its secret is wrong
   * @throws StorageUnavailableError when that can't be found out now
   */
  verify(text: string): Promise<Identity>;
  /** Whether a key was ever made, those that were revoked included. */
  hasAny(): Promise<boolean>;
}

export interface KeyringParts {
  readonly database: KeyDatabase;
  readonly clock: Clock;
}

const MOST_DESCRIBED = 200;
const INVALID = 'This API key is not valid. Ask whoever runs this server for one.';
/** What is compared where there is no key, so that it takes as long. */
const NO_HASH = hashSecret('');

export function createKeyring({ database, clock }: KeyringParts): Keyring {
  const store = createKeyStore(database);
  const lookup = new KeyLookup((ids) => store.getMany(ids), clock);
  /** Whether a key is still there, and was not revoked. */
  const holds = async (id: string): Promise<boolean> => {
    const stored = await lookup.find(id);
    return stored !== undefined && stored.key.revokedAt === undefined;
  };
  return {
    async create({ subject, tenant = DEFAULT_TENANT, scopes, expiresAt, description }) {
      const now = clock.now();
      const given = new Set(scopes);
      check({ subject, tenant, scopes: given, expiresAt, description }, now);
      const text = makeKeyText();
      const key: ApiKey = {
        id: text.id,
        description,
        subject,
        tenant,
        scopes: given,
        createdAt: now,
        expiresAt,
        revokedAt: undefined,
      };
      await store.insert({ key, hash: hashSecret(text.secret) });
      return { ...key, text: formatKey(text) };
    },

    list: () => store.list(),

    async revoke(id) {
      // What is no id may be a whole key, and must not be told.
      if (!isKeyId(id)) {
        const message =
          'must be the id of a key: 12 lower-case letters and digits, as `millrace keys list` shows it';
        throw new ValidationError([{ path: ['id'], message }]);
      }
      await store.revoke(id, clock.now());
      lookup.forget(id);
      const found = await store.getMany([id]);
      const key = found.get(id)?.key;
      if (key === undefined) throw new NotFoundError('API key', id, 'See `millrace keys list`.');
      return key;
    },

    async verify(text) {
      const shown = parseKey(text);
      if (shown === undefined) throw new UnauthenticatedError(INVALID);
      const stored = await lookup.find(shown.id);
      const isRight = isSecretOf(shown.secret, stored?.hash ?? NO_HASH);
      if (stored === undefined || !isRight) throw new UnauthenticatedError(INVALID);
      return { ...identify(stored.key, clock.now()), recheck: () => holds(shown.id) };
    },

    hasAny: () => store.hasAny(),
  };
}

/** Who somebody is who has the secret of a key. That one may hear what became of it. */
function identify(key: ApiKey, now: number): Identity {
  const { subject, tenant, scopes, expiresAt } = key;
  if (key.revokedAt !== undefined) {
    throw new UnauthenticatedError(
      'This API key was revoked. Ask whoever runs this server for another.',
    );
  }
  if (expiresAt !== undefined && expiresAt <= now) {
    throw new UnauthenticatedError(
      'This API key has expired. Ask whoever runs this server for another.',
    );
  }
  return { subject, tenant, scopes, expiresAt };
}

function check({ subject, tenant, scopes, expiresAt, description }: NewKey, now: number): void {
  const issues: Issue[] = [];
  const refuse = (name: string, message: string) => issues.push({ path: [name], message });
  if (!isSubject(subject)) refuse('subject', SUBJECT_FORM);
  if (!isTenant(tenant)) refuse('tenant', TENANT_FORM);
  const given = [...scopes];
  if (given.length === 0 || !given.every(isScope)) refuse('scopes', 'must be at least one scope');
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    refuse('expiresAt', 'must be a time to come, in milliseconds since the Unix epoch');
  }
  if (description !== undefined && !isDescription(description)) {
    refuse('description', `must be 1 to ${MOST_DESCRIBED} characters, without control characters`);
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

function isDescription(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= MOST_DESCRIBED &&
    !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text)
  );
}
