import Sqlite from 'better-sqlite3';
import type { Statement, Unit, UnitOutcome } from '../backend.ts';
import type { WriteResult } from '../database.ts';
import { AFTER_COMMIT, explainSqliteFault, OWNER_CHANGED } from './sqlite-faults.ts';
import { checkFiles, type KnownFiles, SqliteGuardError } from './sqlite-file-guard.ts';

/** How a file is opened. */
export interface SqliteConnectionOptions {
  readonly file: string;
  /** A reader refuses every write. */
  readonly role: 'writer' | 'reader';
  /** How long SQLite itself waits for a lock that another has, in milliseconds; the thread does nothing else then. */
  readonly busyTimeoutMs: number;
  /** The files that must be opened, and stay where they are. Default: whatever is there, and nothing is checked. */
  readonly files?: KnownFiles;
  /** What the database must say of its owner whenever a group is committed. Default: it is not checked. */
  readonly ownerToken?: string;
}

/** What SQLite keeps in memory of a file, in KiB, for each connection. */
const CACHE_KIB = 4_096;
/** The write-ahead log is cut back to this many bytes once all of it is in the database file. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const MAX_PREPARED = 200;
const FIND_OWNER = 'select 1 from database_owner where id = 1 and token = ?';

interface Prepared {
  readonly statement: Sqlite.Statement;
  /** Makes a row of its values; `undefined` for a statement that answers no rows. */
  readonly toRow: ((values: readonly unknown[]) => Record<string, unknown>) | undefined;
}

/** One connection to a file or to a database in memory, with its prepared statements. Runs in whichever thread made it. */
export class SqliteConnection {
  readonly #file: string;
  readonly #connection: Sqlite.Database;
  readonly #files: KnownFiles | undefined;
  readonly #ownerToken: string | undefined;
  /** Whether the files were not where they belong when they were looked at last. */
  #isMoved = false;
  /** Least recently used first. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(options: SqliteConnectionOptions) {
    const { file, role, busyTimeoutMs, files, ownerToken } = options;
    this.#file = file;
    this.#files = files;
    this.#ownerToken = ownerToken;
    this.#checkFiles();
    this.#connection = new Sqlite(file, {
      timeout: busyTimeoutMs,
      // SQLite would make a file where one was deleted.
      fileMustExist: role === 'reader' || files !== undefined,
    });
    try {
      // It may have been replaced a moment ago.
      this.#checkFiles();
      this.#connection.pragma(`cache_size = -${CACHE_KIB}`);
      if (role === 'reader') this.#connection.pragma('query_only = on');
      else {
        // With a write-ahead log readers and the writer don't wait for each other. FULL: a commit is on disk when it
        // is told, a power cut included; the default of SQLite in this mode would lose the newest.
        this.#connection.pragma('journal_mode = wal');
        this.#connection.pragma('synchronous = full');
        this.#connection.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
      }
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  /** Runs one statement. @throws SqliteError, or SqliteGuardError when the files are not where they belong */
  run(statement: Statement): WriteResult {
    this.#checkFiles();
    return this.#run(statement);
  }

  #run({ sql, parameters }: Statement): WriteResult {
    const { statement, toRow } = this.#prepare(sql);
    if (toRow === undefined) return { rows: [], changes: statement.run(...parameters).changes };
    const found = statement.all(...parameters) as unknown[][]; // as `prepare` asked for
    return { rows: found.map(toRow), changes: statement.readonly ? 0 : found.length };
  }

  /** See `WriteLane.commit`. */
  commit(units: readonly Unit[], isIsolated: boolean): readonly UnitOutcome[] {
    let committed: readonly UnitOutcome[];
    this.#run({ sql: 'begin immediate', parameters: [] });
    try {
      this.#checkOwner();
      // Each look costs some microseconds: it is the one after the commit that counts.
      if (this.#isMoved) this.#checkFiles();
      const outcomes = units.map((unit) =>
        isIsolated ? this.#runApart(unit) : { results: unit.map((each) => this.#run(each)) },
      );
      this.#run({ sql: 'commit', parameters: [] });
      committed = outcomes;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    this.#checkFiles(AFTER_COMMIT);
    return committed;
  }

  close(): void {
    this.#connection.close();
  }

  #checkFiles(codeEnd = ''): void {
    if (this.#files === undefined) return;
    this.#isMoved = true;
    try {
      checkFiles(this.#files);
    } catch (error) {
      if (!(error instanceof SqliteGuardError)) throw error;
      throw new SqliteGuardError(error.message, error.code + codeEnd);
    }
    this.#isMoved = false;
  }

  #checkOwner(): void {
    if (this.#ownerToken === undefined) return;
    const { rows } = this.#run({ sql: FIND_OWNER, parameters: [this.#ownerToken] });
    if (rows.length === 1) return;
    throw new SqliteGuardError('Another process claimed the database.', OWNER_CHANGED);
  }

  #runApart(unit: Unit): UnitOutcome {
    this.#run({ sql: 'savepoint unit', parameters: [] });
    try {
      const results = unit.map((each) => this.#run(each));
      this.#run({ sql: 'release unit', parameters: [] });
      return { results };
    } catch (error) {
      const isOwnFault = explainSqliteFault(error, this.#file) === undefined;
      if (!isOwnFault || !this.#connection.inTransaction) throw error;
      this.#run({ sql: 'rollback to unit', parameters: [] });
      this.#run({ sql: 'release unit', parameters: [] });
      return { error };
    }
  }

  #rollBack(): void {
    // SQLite itself rolls back after some errors, a full disk for one.
    if (!this.#connection.inTransaction) return;
    try {
      this.#run({ sql: 'rollback', parameters: [] });
    } catch {
      // What went wrong first is what is told.
    }
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) this.#prepared.delete(sql);
    const prepared = known ?? prepare(this.#connection, sql);
    this.#prepared.set(sql, prepared);
    if (this.#prepared.size > MAX_PREPARED) {
      const [oldest] = this.#prepared.keys();
      if (oldest !== undefined) this.#prepared.delete(oldest);
    }
    return prepared;
  }
}

/** Rows come from the driver as arrays: making objects of them here takes a third as long as letting the driver do it. */
function prepare(connection: Sqlite.Database, sql: string): Prepared {
  const statement = connection.prepare(sql);
  if (!statement.reader) return { statement, toRow: undefined };
  const names = statement
    .raw()
    .columns()
    .map(({ name }) => name);
  // Copying an object that has all columns is faster than adding them one after another.
  const empty: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]));
  const toRow = (values: readonly unknown[]) => {
    const row = { ...empty };
    let at = 0;
    for (const name of names) row[name] = values[at++];
    return row;
  };
  return { statement, toRow };
}
