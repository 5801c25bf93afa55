import type { Compilable, Kysely } from 'kysely';
import type { WriteOptions, WriteResult } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { ApiKeysTable, Tables } from '../storage/tables.ts';
import type { ApiKey } from './api-key.ts';
import { readScopes } from './scopes.ts';

/** What keys need of a database. Each change is one statement, so that it can be made beside the process that has it. */
export interface KeyDatabase {
  readonly reads: Kysely<Tables>;
  write(statements: readonly [Compilable], options?: WriteOptions): Promise<readonly WriteResult[]>;
}

/** A key with the hash of its secret. */
export interface StoredKey {
  readonly key: ApiKey;
  readonly hash: string;
}

/** Keeps keys. A key that was made once is never removed. */
export interface KeyStore {
  insert(stored: StoredKey): Promise<void>;
  /** By id. What is not there is left out. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, StoredKey>>;
  /** Oldest first. */
  list(): Promise<ApiKey[]>;
  /** Of one that is revoked already nothing is changed. */
  revoke(id: string, at: number): Promise<void>;
  hasAny(): Promise<boolean>;
}

/** How long a change may take, in milliseconds: somebody waits for it. */
const WRITE_LIMIT_MS = 10_000;

export function createKeyStore(database: KeyDatabase): KeyStore {
  const { reads } = database;
  const change = (statement: Compilable) =>
    database.write([statement], { deadlineMs: WRITE_LIMIT_MS });
  return {
    async insert(stored) {
      // A row of this id was written by an earlier try.
      await change(
        reads
          .insertInto('api_keys')
          .values(toRow(stored))
          .onConflict((conflict) => conflict.column('id').doNothing()),
      );
    },

    async getMany(ids) {
      if (ids.length === 0) return new Map();
      const rows = await reads
        .selectFrom('api_keys')
        .selectAll()
        .where('id', 'in', [...ids])
        .execute();
      return new Map(rows.map((row) => [row.id, { key: toKey(row), hash: row.hash }]));
    },

    async list() {
      const rows = await reads
        .selectFrom('api_keys')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(toKey);
    },

    async revoke(id, at) {
      await change(
        reads
          .updateTable('api_keys')
          .set({ revoked_at: at })
          .where('id', '=', id)
          .where('revoked_at', 'is', null),
      );
    },

    async hasAny() {
      const row = await reads.selectFrom('api_keys').select('id').limit(1).executeTakeFirst();
      return row !== undefined;
    },
  };
}

function toRow({ key, hash }: StoredKey): ApiKeysTable {
  return {
    id: key.id,
    hash,
    description: key.description === undefined ? null : toStoredText(key.description),
    subject: key.subject,
    tenant: key.tenant,
    scopes: [...key.scopes].join(' '),
    created_at: key.createdAt,
    expires_at: key.expiresAt ?? null,
    revoked_at: key.revokedAt ?? null,
  };
}

function toKey(row: ApiKeysTable): ApiKey {
  return {
    id: row.id,
    description: row.description === null ? undefined : fromStoredText(row.description),
    subject: row.subject,
    tenant: row.tenant,
    scopes: readScopes(row.scopes.split(' ')),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
