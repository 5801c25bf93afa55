import type { ConnectionOptions } from 'node:tls';
import type { Compilable } from 'kysely';
import { type Clock, systemClock } from '../lib/clock.ts';
import {
  type Backend,
  type BackendOptions,
  type RunStatement,
  UncertainCommitError,
  type WriteLane,
} from './backend.ts';
import { type Database, StorageOpenError, StorageUnavailableError } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { touch } from './owner.ts';
import { OwnershipLoss } from './ownership-loss.ts';
import { createQueries } from './queries.ts';
import { StorageHealth } from './storage-health.ts';

/** How a database is opened. */
export interface OpenDatabaseOptions {
  /**
   * Told of each statement before it is run, on whatever connection, once the database is open. A group of writes brings
   * a `begin` and a `commit`, each time it is tried.
   */
  readonly onStatement?: (sql: string) => void;
  /** For deadlines, for when to try again, and for `status.since`. Default: the machine's. */
  readonly clock?: Clock;
  /**
   * How long to wait for a database that can't be reached, or that another process has, in milliseconds. Default 10,000:
   * the session of a process that was killed may linger that long.
   */
  readonly openTimeoutMs?: number;
  /** How long `close` may take to write what waits, in milliseconds. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /**
   * With more characters than this in the writes that wait, those with a deadline are refused at once; those without one
   * are always taken. Default 32,000,000.
   */
  readonly maxWaitingCharacters?: number;
  /** PostgreSQL: the most connections that read, at once. Default 8; one that writes and 2 for scans come besides. */
  readonly poolSize?: number;
  /** PostgreSQL: whether and how to encrypt. Default: what the URL says (`sslmode=…`). */
  readonly ssl?: boolean | ConnectionOptions;
}

const OPEN_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;
const POOL_SIZE = 8;

/**
 * Opens a database for this process alone, and brings its tables up to date.
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`
 * @throws StorageOpenError when it can't be opened or brought up to date, belongs to another process, or was made by a
 * newer version
 */
export async function openDatabase(
  url: string,
  options: OpenDatabaseOptions = {},
): Promise<Database> {
  const { clock = systemClock, closeTimeoutMs = CLOSE_TIMEOUT_MS, onStatement } = options;
  const { maxWaitingCharacters } = options;
  const health = new StorageHealth(clock);
  const told: { explain?: Backend['explain'] } = {};
  const onFault = (error: unknown) => {
    const problem = told.explain?.(error);
    if (problem !== undefined) health.fail(problem);
  };
  const loss = new OwnershipLoss();
  const backend = await openBackend(url, options, {
    onFault,
    onLost: (problem) => loss.tell(problem),
  });
  told.explain = backend.explain;
  const { capabilities } = backend;
  const lane = tellGroups(backend.lane, onStatement);

  const explain = (error: unknown) => {
    if (error instanceof StorageUnavailableError) return error.message;
    return backend.explain(error instanceof UncertainCommitError ? error.cause : error);
  };
  let closing: Promise<void> | undefined;
  const guard =
    (run: RunStatement, toProblem: (error: unknown) => string | undefined): RunStatement =>
    async (statement) => {
      if (closing !== undefined) throw new StorageUnavailableError('The database was closed.');
      onStatement?.(statement.sql);
      try {
        return await run(statement);
      } catch (error) {
        const problem = toProblem(error);
        if (problem === undefined) throw error;
        throw new StorageUnavailableError(problem, { cause: error });
      }
    };
  const failRead = (error: unknown) => {
    const problem = backend.explain(error);
    if (problem !== undefined) health.fail(problem);
    return problem;
  };
  const reads = createQueries(capabilities.dialect, guard(backend.runRead, failRead));
  // A search that is too much for the database says nothing of the rest: what is down is found by reads and writes.
  const scans = createQueries(capabilities.dialect, guard(backend.runScan, backend.explainScan));
  const compile = (statement: Compilable) => {
    const { sql, parameters } = statement.compile();
    return { sql, parameters };
  };
  const commits = new GroupCommit({
    lane,
    health,
    clock,
    explain,
    ...(maxWaitingCharacters === undefined ? {} : { maxWaitingCharacters }),
    async probe() {
      await lane.commit([[compile(touch(reads))]], false);
      await reads.selectFrom('database_owner').select('id').execute();
    },
  });
  return {
    capabilities,
    isPersistent: backend.isPersistent,
    reads,
    scans,
    write: async (statements, { deadlineMs } = {}) =>
      commits.write(statements.map(compile), deadlineMs),
    get status() {
      return health.status;
    },
    onStatusChange: (listener) => health.onChange(listener),
    onLost: (listener) => loss.onTold(listener),
    close() {
      closing ??= commits.close(closeTimeoutMs).then(() => backend.close());
      return closing;
    },
  };
}

/**
 * Brings the tables of a database up to date, and closes it again.
 * @returns the names of the migrations that were run, none when it was up to date
 * @throws StorageOpenError as `openDatabase` does
 */
export async function migrateDatabase(
  url: string,
  options: OpenDatabaseOptions = {},
): Promise<readonly string[]> {
  const ignore = () => undefined;
  const backend = await openBackend(url, options, { onFault: ignore, onLost: ignore });
  await backend.close();
  return backend.migrated;
}

/** The lane, with its statements told. */
function tellGroups(lane: WriteLane, onStatement: OpenDatabaseOptions['onStatement']): WriteLane {
  if (onStatement === undefined) return lane;
  return {
    ready: () => lane.ready(),
    commit(units, isIsolated) {
      onStatement('begin');
      for (const { sql } of units.flat()) onStatement(sql);
      onStatement('commit');
      return lane.commit(units, isIsolated);
    },
  };
}

/** The driver is loaded when it is asked for: each costs megabytes. */
async function openBackend(
  url: string,
  options: OpenDatabaseOptions,
  listeners: Pick<BackendOptions, 'onFault' | 'onLost'>,
): Promise<Backend> {
  const backendOptions = {
    openTimeoutMs: options.openTimeoutMs ?? OPEN_TIMEOUT_MS,
    poolSize: options.poolSize ?? POOL_SIZE,
    ssl: options.ssl,
    ...listeners,
  };
  const [scheme = ''] = url.split(':', 1);
  if (scheme === 'sqlite') {
    const { openSqlite } = await import('./sqlite/open-sqlite.ts');
    return openSqlite(toPath(url), backendOptions);
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const { openPostgres } = await import('./postgres/open-postgres.ts');
    return openPostgres(url, backendOptions);
  }
  throw new StorageOpenError(
    `A database is named by sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME, not by a URL of "${scheme}".`,
  );
}

/**
 * The path in a URL of SQLite: `sqlite:jobs.db`, `sqlite:/var/jobs.db` and `sqlite:///var/jobs.db` name files; `sqlite://…`
 * else names a host.
 * @throws StorageOpenError when it names no file
 */
export function toPath(url: string): string {
  const path = url.slice('sqlite:'.length);
  const isHost = path.startsWith('//') && !path.startsWith('///');
  if (path === '' || isHost) {
    throw new StorageOpenError(
      `"${url}" names no file. Write sqlite:PATH, such as sqlite:./millrace-data/millrace.db.`,
    );
  }
  return path.startsWith('///') ? path.slice(2) : path;
}
