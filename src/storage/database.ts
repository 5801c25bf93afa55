import type { Compilable, Kysely } from 'kysely';
import { DomainError } from '../lib/domain-error.ts';
import type { Capabilities } from './capabilities.ts';
import type { Tables } from './tables.ts';

/** What one statement of a write did. */
export interface WriteResult {
  /** What it returned, if it has a `returning` clause. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many rows it inserted, changed or deleted. */
  readonly changes: number;
}

export interface WriteOptions {
  /**
   * How long to try when the database can't be written now, in milliseconds. Default: for as long as the database is
   * open. When it is over the write is given up with a `StorageUnavailableError`, whose `mayBeStored` tells whether it
   * may have been committed. With a deadline it is refused at once while too much waits (`maxWaitingCharacters`).
   */
  readonly deadlineMs?: number;
}

/** Whether the database can be used. */
export interface StorageStatus {
  readonly isReady: boolean;
  /** Why it is not, and what to do. */
  readonly problem: string | undefined;
  /** Since when; milliseconds since the Unix epoch. */
  readonly since: number;
}

/**
 * An open database, SQLite or PostgreSQL.
 *
 * Reads see all that was written before they began. Writes go through `write` alone: those that are asked for at
 * the same time are committed together, in the order they were asked for.
 */
export interface Database {
  readonly capabilities: Capabilities;
  /** Whether what is written is still there after `close`. */
  readonly isPersistent: boolean;
  /** For reads that find what they want by an index, and to build the statements of a `write`. */
  readonly reads: Kysely<Tables>;
  /**
   * For reads that may have to look at many rows: they keep nobody else waiting. One that fails with a
   * `StorageUnavailableError`, for it took too long or too many wait, says nothing of `status`.
   */
  readonly scans: Kysely<Tables>;
  /**
   * Commits all of the statements or none. Is kept once they are on disk. While the database can't be written (it is
   * locked, full, gone) it is tried again with back-off; so each statement must bear being run twice.
   * @throws StorageUnavailableError when the deadline is over, or when there is one and too much waits, or after `close`
   * @throws whatever the database says of a statement that it will never accept
   */
  write(statements: readonly Compilable[], options?: WriteOptions): Promise<readonly WriteResult[]>;
  readonly status: StorageStatus;
  /** Calls back when `status.isReady` changes. The answer stops that. */
  onStatusChange(listener: (status: StorageStatus) => void): () => void;
  /**
   * Calls back, once, when this process has lost the database to another one for good: the other may run the same jobs,
   * so this one has to stop them. A listener that comes later is called at once. `problem` says what happened, and what
   * to do. The answer stops that.
   */
  onLost(listener: (problem: string) => void): () => void;
  /** Commits what was asked for, as far as that is possible within a limit, and lets go of all files and sockets. */
  close(): Promise<void>;
}

/** The database can't be used now. */
export class StorageUnavailableError extends DomainError {
  readonly code = 'STORAGE_UNAVAILABLE';
  /** Whether a change that was asked for may have been stored all the same. Default false: it was not. */
  readonly mayBeStored: boolean;

  constructor(message: string, options: ErrorOptions & { readonly mayBeStored?: boolean } = {}) {
    super(message, options);
    this.mayBeStored = options.mayBeStored ?? false;
  }
}

/** A database can't be opened; what is stored in it stays as it is. */
export class StorageOpenError extends DomainError {
  readonly code = 'STORAGE_OPEN_FAILED';
}
