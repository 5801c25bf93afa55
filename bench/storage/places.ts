import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { findPostgres, makeSchema, startPostgres } from '../../test/support/postgres.ts';

/** A kind of database, and where new ones of it are made. */
export interface Place {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** The URL of a new, empty database. */
  makeUrl(): Promise<string>;
  /** Removes all that was made. */
  remove(): Promise<void>;
}

/** Files in a directory of their own. */
export async function makeSqlitePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  let made = 0;
  return {
    name: 'SQLite',
    makeUrl: async () => `sqlite:${join(directory, `${++made}.db`)}`,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Schemas in a server of their own, as it is set up without being asked for anything; `undefined` without PostgreSQL. */
export async function makePostgresPlace(): Promise<Place | undefined> {
  if (findPostgres() === undefined) return undefined;
  const server = await startPostgres();
  return {
    name: 'PostgreSQL',
    makeUrl: () => makeSchema(server.url),
    remove: () => server.remove(),
  };
}

/** A driver with nothing around it. */
export interface BareDriver {
  query(sql: string, parameters: readonly unknown[]): Promise<Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

/** The driver of a URL, with a connection of its own, reading. */
export async function openBare(url: string): Promise<BareDriver> {
  if (url.startsWith('sqlite:')) {
    const connection = openBareSqlite(url);
    const prepared = new Map<string, Sqlite.Statement>();
    return {
      async query(sql, parameters) {
        const statement = prepared.get(sql) ?? connection.prepare(sql);
        prepared.set(sql, statement);
        return statement.all(...parameters) as Record<string, unknown>[]; // rows are objects unless asked otherwise
      },
      close: async () => void connection.close(),
    };
  }
  const client = new pg.Client(url);
  await client.connect();
  return {
    query: async (sql, parameters) => (await client.query(sql, [...parameters])).rows,
    close: () => client.end(),
  };
}

/** A connection with the same guarantees and as much cache as Millrace's own. */
export function openBareSqlite(url: string): Sqlite.Database {
  const connection = new Sqlite(url.slice('sqlite:'.length));
  connection.pragma('journal_mode = wal');
  connection.pragma('synchronous = full');
  connection.pragma('cache_size = -4096');
  return connection;
}
