import { hostname } from 'node:os';
import type { Compilable, Kysely } from 'kysely';
import { newId } from '../lib/ids.ts';
import type { Tables } from './tables.ts';

/** Says in the database which process has it. The lock alone decides; this is for people, and for a lock that was lost. */
export interface Ownership {
  /** Names this opening of the database. */
  readonly token: string;
  /** Writes it down. */
  claim(queries: Kysely<Tables>): Compilable;
}

/** The ownership of this process, from now on. */
export function createOwnership(): Ownership {
  const token = newId();
  return {
    token,
    claim(queries) {
      const now = Date.now();
      const row = {
        token,
        host: hostname(),
        process_id: process.pid,
        opened_at: now,
        probed_at: now,
      };
      return queries
        .insertInto('database_owner')
        .values({ id: 1, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row));
    },
  };
}

/** Writes something without meaning, to find out whether that is possible. */
export function touch(queries: Kysely<Tables>): Compilable {
  return queries.updateTable('database_owner').set({ probed_at: Date.now() }).where('id', '=', 1);
}

/** The process that has a database, or had it last, for people: ` (process 12 on host "a", since 2026-…)`. */
export async function describeOwner(queries: Kysely<Tables>): Promise<string> {
  try {
    const owner = await queries.selectFrom('database_owner').selectAll().executeTakeFirst();
    if (owner === undefined) return '';
    const since = new Date(owner.opened_at).toISOString();
    return ` (process ${owner.process_id} on host "${owner.host}", since ${since})`;
  } catch {
    // No such table yet, or it can't be read: then it is not told.
    return '';
  }
}

/** The token of the process that has the database, or had it last. */
export async function readOwnerToken(queries: Kysely<Tables>): Promise<string | undefined> {
  const owner = await queries.selectFrom('database_owner').select('token').executeTakeFirst();
  return owner?.token;
}
