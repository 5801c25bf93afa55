import { statSync } from 'node:fs';
import { FILE_MOVED, LOCK_REMOVED, LOG_REMOVED } from './sqlite-faults.ts';

/** The file that is open, as the system knows it, whatever its name is by now. */
interface KnownFile {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** Of the error when the path names another file, or none. */
  readonly code: string;
}

/** The database file and those beside it, as they were when they were opened. Passes between threads. */
export type KnownFiles = readonly KnownFile[];

/** What lies at a path besides the database itself, and what it means when it is gone. The worst comes first. */
const CODES: readonly (readonly [suffix: string, code: string])[] = [
  ['', FILE_MOVED],
  ['-lock', LOCK_REMOVED],
  ['-wal', LOG_REMOVED],
  ['-shm', LOG_REMOVED],
];

/** An error of this process about its files; its code says which. */
export class SqliteGuardError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = 'SqliteGuardError';
    this.code = code;
  }
}

/**
 * Remembers which files a database is in. Called while a connection is open that has read: until the last one closes,
 * SQLite keeps the files beside the database. What is not there is not remembered: without a write-ahead log (on a disk
 * that can't have one) there are none.
 */
export function rememberFiles(file: string): KnownFiles {
  return CODES.flatMap(([suffix, code]) => {
    const path = file + suffix;
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [{ path, device: found.dev, inode: found.ino, code }];
  });
}

/**
 * Sees that the paths still name the files that are open. SQLite itself does not: it goes on in files that have no name
 * any more, and what it stores there is gone with the process.
 * @throws SqliteGuardError for the first that is not the one that is open
 */
export function checkFiles(files: KnownFiles): void {
  for (const { path, device, inode, code } of files) {
    const found = look(path);
    if (found === undefined || found.ino !== inode || found.dev !== device) {
      throw new SqliteGuardError(`${path} is not the file that is open.`, code);
    }
  }
}

function look(path: string): { readonly dev: number; readonly ino: number } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new SqliteGuardError(`${path} can't be looked at: ${String(error)}`, 'SQLITE_CANTOPEN');
  }
}
