import Sqlite from 'better-sqlite3';
import type { Statement, Unit, UnitOutcome } from '../backend.ts';
import type { WriteResult } from '../database.ts';
import { explainSqliteFault } from './sqlite-faults.ts';

/** How a file is opened. */
export interface SqliteConnectionOptions {
  readonly file: string;
  /** A reader refuses every write. */
  readonly role: 'writer' | 'reader';
  /** How long SQLite itself waits for a lock that another has, in milliseconds; the thread does nothing else then. */
  readonly busyTimeoutMs: number;
}

/** What SQLite keeps in memory of a file, in KiB, for each connection. */
const CACHE_KIB = 4_096;
/** The write-ahead log is cut back to this many bytes once all of it is in the database file. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const MAX_PREPARED = 200;

/** One connection to a file or to a database in memory, with its prepared statements. Runs in whichever thread made it. */
export class SqliteConnection {
  readonly #file: string;
  readonly #connection: Sqlite.Database;
  /** Least recently used first. */
  readonly #prepared = new Map<string, Sqlite.Statement>();

  constructor({ file, role, busyTimeoutMs }: SqliteConnectionOptions) {
    this.#file = file;
    this.#connection = new Sqlite(file, { timeout: busyTimeoutMs });
    try {
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

  /** Runs one statement. @throws SqliteError */
  run({ sql, parameters }: Statement): WriteResult {
    const prepared = this.#prepare(sql);
    if (prepared.reader) {
      const rows = prepared.all(...parameters) as Record<string, unknown>[]; // rows are objects unless asked otherwise
      return { rows, changes: prepared.readonly ? 0 : rows.length };
    }
    return { rows: [], changes: prepared.run(...parameters).changes };
  }

  /** See `WriteLane.commit`. */
  commit(units: readonly Unit[], isIsolated: boolean): readonly UnitOutcome[] {
    this.run({ sql: 'begin immediate', parameters: [] });
    try {
      const outcomes = units.map((unit) =>
        isIsolated ? this.#runApart(unit) : { results: unit.map((each) => this.run(each)) },
      );
      this.run({ sql: 'commit', parameters: [] });
      return outcomes;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #runApart(unit: Unit): UnitOutcome {
    this.run({ sql: 'savepoint unit', parameters: [] });
    try {
      const results = unit.map((each) => this.run(each));
      this.run({ sql: 'release unit', parameters: [] });
      return { results };
    } catch (error) {
      const isOwnFault = explainSqliteFault(error, this.#file) === undefined;
      if (!isOwnFault || !this.#connection.inTransaction) throw error;
      this.run({ sql: 'rollback to unit', parameters: [] });
      this.run({ sql: 'release unit', parameters: [] });
      return { error };
    }
  }

  #rollBack(): void {
    // SQLite itself rolls back after some errors, a full disk for one.
    if (!this.#connection.inTransaction) return;
    try {
      this.run({ sql: 'rollback', parameters: [] });
    } catch {
      // What went wrong first is what is told.
    }
  }

  #prepare(sql: string): Sqlite.Statement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) this.#prepared.delete(sql);
    const prepared = known ?? this.#connection.prepare(sql);
    this.#prepared.set(sql, prepared);
    if (this.#prepared.size > MAX_PREPARED) {
      const [oldest] = this.#prepared.keys();
      if (oldest !== undefined) this.#prepared.delete(oldest);
    }
    return prepared;
  }
}
