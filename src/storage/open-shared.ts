import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Compilable, Kysely } from 'kysely';
import { messageOf } from '../lib/domain-error.ts';
import type { RunStatement } from './backend.ts';
import type { Capabilities } from './capabilities.ts';
import { StorageOpenError, StorageUnavailableError, type WriteResult } from './database.ts';
import { hasTables } from './migrate.ts';
import { migrateDatabase, type OpenDatabaseOptions, toPath } from './open-database.ts';
import { createQueries } from './queries.ts';
import type { Tables } from './tables.ts';

/**
 * A database that another process may have open as its own, which goes on undisturbed: nothing is locked for longer than a
 * statement takes, and nobody's ownership is touched. For what may be written by anybody at any time, keys for one; never
 * for jobs, of which the process that has the database knows more than is in it.
 */
export interface SharedDatabase {
  readonly reads: Kysely<Tables>;
  /**
   * Runs one statement, once. Is kept when it is on disk.
   * @throws StorageUnavailableError when the database can't be used now
   */
  write(statements: readonly [Compilable]): Promise<readonly WriteResult[]>;
  close(): Promise<void>;
}

/** A connection, without knowledge of what is in the database. */
interface Connection {
  readonly dialect: Capabilities['dialect'];
  readonly place: string;
  readonly run: RunStatement;
  /** Why the database can't be used now, and what to do; `undefined` for an error that is the statement's own. */
  explain(error: unknown): string | undefined;
  close(): Promise<void>;
}

/** How long to wait for others that write, in milliseconds. */
const BUSY_MS = 5_000;

/**
 * Opens a database beside the process that has it, if there is one. One without tables is brought up to date first, when
 * nobody has it.
 * @param url `sqlite:<path>` or `postgres://…`
 * @throws StorageOpenError when it can't be opened, is in memory, or has the tables of another version
 */
export async function openShared(
  url: string,
  options: Pick<OpenDatabaseOptions, 'openTimeoutMs' | 'ssl'> = {},
): Promise<SharedDatabase> {
  const found = await openReady(url, options);
  if (found !== undefined) return found;
  // Nobody works with it yet; or somebody makes the tables now, and this waits for them.
  await migrateDatabase(url, options);
  const made = await openReady(url, options);
  if (made === undefined) throw new StorageOpenError('The database was removed. Try again.');
  return made;
}

/** `undefined` when there are no tables yet. */
async function openReady(
  url: string,
  options: Pick<OpenDatabaseOptions, 'ssl'>,
): Promise<SharedDatabase | undefined> {
  const connection = await connect(url, options);
  if (connection === undefined) return undefined;
  const { dialect, place, explain, run } = connection;
  try {
    const queries = createQueries(dialect, run);
    // What is wrong with a statement as plain as this is that the table is not there.
    const isMissing = (error: unknown) => explain(error) === undefined;
    if (await hasTables({ queries, place }, isMissing)) return share(connection);
    await connection.close();
    return undefined;
  } catch (error) {
    await connection.close();
    throw toOpenError(error, connection);
  }
}

function share({ dialect, run, explain, close }: Connection): SharedDatabase {
  let closing: Promise<void> | undefined;
  const guarded: RunStatement = async (statement) => {
    try {
      return await run(statement);
    } catch (error) {
      const problem = explain(error);
      if (problem === undefined) throw error;
      throw new StorageUnavailableError(problem, { cause: error });
    }
  };
  return {
    reads: createQueries(dialect, guarded),
    async write([statement]) {
      const { sql, parameters } = statement.compile();
      return [await guarded({ sql, parameters })];
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** `undefined` when there is nothing to connect to yet; or never, which opening it as its own then tells. */
async function connect(
  url: string,
  options: Pick<OpenDatabaseOptions, 'ssl'>,
): Promise<Connection | undefined> {
  if (url.startsWith('sqlite:')) return connectSqlite(url);
  return /^postgres(ql)?:/.test(url) ? connectPostgres(url, options) : undefined;
}

/** `undefined` when there is no file. */
async function connectSqlite(url: string): Promise<Connection | undefined> {
  const path = toPath(url);
  if (path === ':memory:') {
    throw new StorageOpenError(
      'A database in memory belongs to the process that made it. Name a file, or one of PostgreSQL.',
    );
  }
  const [{ SqliteConnection }, { explainSqliteFault }, { refuseForeignFile }] = await Promise.all([
    import('./sqlite/sqlite-connection.ts'),
    import('./sqlite/sqlite-faults.ts'),
    import('./sqlite/foreign-file.ts'),
  ]);
  const file = findFile(path);
  if (file === undefined) return undefined;
  refuseForeignFile(file);
  const explain = (error: unknown) => explainSqliteFault(error, file);
  try {
    const connection = new SqliteConnection({ file, role: 'writer', busyTimeoutMs: BUSY_MS });
    return {
      dialect: 'sqlite',
      place: file,
      run: async (statement) => connection.run(statement),
      explain,
      close: async () => connection.close(),
    };
  } catch (error) {
    throw toOpenError(error, { place: file, explain });
  }
}

function findFile(path: string): string | undefined {
  try {
    return realpathSync(resolve(path));
  } catch {
    return undefined;
  }
}

async function connectPostgres(
  url: string,
  { ssl }: Pick<OpenDatabaseOptions, 'ssl'>,
): Promise<Connection> {
  const [{ readPostgresUrl }, { PostgresReader }, { explainPostgresFault }] = await Promise.all([
    import('./postgres/postgres-config.ts'),
    import('./postgres/postgres-reader.ts'),
    import('./postgres/postgres-faults.ts'),
  ]);
  const config = readUrl(() => readPostgresUrl(url, ssl));
  const onFault = () => undefined;
  const pool = new PostgresReader({ config, size: 1, keepsPrepared: false, onFault });
  return {
    dialect: 'postgres',
    place: config.place,
    run: (statement) => pool.run(statement),
    explain: (error) => explainPostgresFault(error, config.place),
    close: () => pool.close(),
  };
}

function readUrl<Config>(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    // The URL may hold a password, so it is not shown.
    throw new StorageOpenError(`The URL of PostgreSQL can't be used: ${messageOf(error)}`);
  }
}

function toOpenError(
  error: unknown,
  { place, explain }: Pick<Connection, 'place' | 'explain'>,
): StorageOpenError {
  if (error instanceof StorageOpenError) return error;
  const problem = explain(error) ?? `${place} can't be used: ${messageOf(error)}`;
  return new StorageOpenError(problem, { cause: error });
}
