import type { ConnectionOptions } from 'node:tls';
import { messageOf } from '../lib/domain-error.ts';
import type { Capabilities } from './capabilities.ts';
import type { WriteResult } from './database.ts';

/** A statement as the drivers take it. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Statements that are committed together or not at all. */
export type Unit = readonly Statement[];

/** What became of one unit of a group that was committed: the results of its statements, or why it is not in it. */
export type UnitOutcome =
  | { readonly results: readonly WriteResult[] }
  | { readonly results?: undefined; readonly error: unknown };

/** Runs one statement. */
export type RunStatement = (statement: Statement) => Promise<WriteResult>;

/** A group was to be committed and no answer came: it was, or it was not. The cause says what went wrong. */
export class UncertainCommitError extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'UncertainCommitError';
  }
}

/** The one connection that writes. One group at a time is handed to it. */
export interface WriteLane {
  /** Is kept when a group can be handed over: until then nothing that waits is on its way. */
  ready(): Promise<void>;
  /**
   * Commits a group in one transaction, and is kept once it is on disk.
   * @param isIsolated with false the group is rejected as a whole for the first statement that fails. With true a unit
   * that fails is left out, at the price of a savepoint for each.
   * @throws UncertainCommitError when the group may have been committed; after any other error nothing of it was
   */
  commit(units: readonly Unit[], isIsolated: boolean): Promise<readonly UnitOutcome[]>;
}

/** An open SQLite or PostgreSQL, locked for this process, with its tables up to date. */
export interface Backend {
  readonly capabilities: Capabilities;
  /** Whether what is written is still there after `close`. */
  readonly isPersistent: boolean;
  readonly lane: WriteLane;
  readonly runRead: RunStatement;
  readonly runScan: RunStatement;
  /** Why the database can't be used now, and what to do; `undefined` for an error that is the statement's own. */
  explain(error: unknown): string | undefined;
  /** The same for an error of `runScan`. */
  explainScan(error: unknown): string | undefined;
  /** Names of the migrations that were run when it was opened. */
  readonly migrated: readonly string[];
  /** Lets go of all files, sockets and threads; what is under way is broken off. */
  close(): Promise<void>;
}

/** What a back end is opened with. */
export interface BackendOptions {
  /** To be told when the database is found to be gone while nobody asks for anything. */
  readonly onFault: (error: unknown) => void;
  /** To be told, once, that another process has the database, or had it since; `problem` is for people. */
  readonly onLost: (problem: string) => void;
  /** How long to wait for a database that can't be reached or belongs to another process, in milliseconds. */
  readonly openTimeoutMs: number;
  /** For PostgreSQL: see `OpenDatabaseOptions`. */
  readonly poolSize: number;
  readonly ssl: boolean | ConnectionOptions | undefined;
}
