/** The code of an error about a thread that ended before it answered. */
export const THREAD_ENDED = 'MILLRACE_THREAD_ENDED';
/** The code of an error about a connection that was closed for good. */
export const CONNECTION_CLOSED = 'MILLRACE_CONNECTION_CLOSED';
/** The code of an error about a database file that its path does not name any more. */
export const FILE_MOVED = 'MILLRACE_FILE_MOVED';
/** The same of its write-ahead log, or of the memory that goes with that. */
export const LOG_REMOVED = 'MILLRACE_LOG_REMOVED';
/** The same of the lock file. */
export const LOCK_REMOVED = 'MILLRACE_LOCK_REMOVED';
/** The code of an error about a database that another process claimed since. */
export const OWNER_CHANGED = 'MILLRACE_OWNER_CHANGED';
/** Ends the code of an error that was found after a commit was done. */
export const AFTER_COMMIT = '_AFTER_COMMIT';

const MOVED = (file: string) =>
  `${file} was moved or deleted while it was in use. Stop this process, put the file back with its -wal file, and start again.`;

/**
 * What SQLite's error codes mean for a database that worked before: why it can't be used now, and what to do. What is
 * not in the table is the statement's own fault. Extended codes (`SQLITE_IOERR_WRITE`) count as their first part.
 */
const PROBLEMS: Readonly<Record<string, (file: string) => string>> = {
  SQLITE_BUSY: (file) =>
    `Another program has locked the database ${file}. Close whatever else has it open.`,
  SQLITE_LOCKED: (file) =>
    `Another program has locked the database ${file}. Close whatever else has it open.`,
  SQLITE_FULL: (file) =>
    `The disk is full: ${file} can't grow. Free space on the disk that holds it.`,
  SQLITE_IOERR: (file) => `The disk that holds ${file} can't be read or written. Look at it.`,
  SQLITE_READONLY: (file) =>
    `${file} can't be written. Let this user write the file, its directory and the files beside it (-wal, -shm).`,
  SQLITE_READONLY_DBMOVED: MOVED,
  [FILE_MOVED]: MOVED,
  SQLITE_PERM: (file) => `This user has no right to ${file}. Give it the right to read and write.`,
  SQLITE_CANTOPEN: (file) =>
    `${file} can't be opened. Let this user read and write the file, its directory and the files beside it (-wal, -shm).`,
  SQLITE_CORRUPT: (file) =>
    `The database ${file} is damaged. Stop whatever uses it, keep a copy of it and the files beside it, and put a backup in its place (or what \`sqlite3 FILE .recover\` saves).`,
  SQLITE_NOTADB: (file) =>
    `${file} is not an SQLite database, or is damaged. Name another file, or put a backup in its place; nothing was changed in it.`,
  SQLITE_NOMEM: (file) => `There is no memory left to work on ${file}. Give the process more.`,
  SQLITE_PROTOCOL: (file) =>
    `The lock of ${file} can't be had. Keep it on a disk of this machine: SQLite can't share files over a network.`,
  SQLITE_NOLFS: (file) => `${file} is too large for its disk. Move it to another one.`,
  [THREAD_ENDED]: (file) =>
    `The thread that works on ${file} ended. It is started again; if this comes back, give the process more memory.`,
  [LOG_REMOVED]: (file) =>
    `A file beside ${file} (-wal or -shm) was moved or deleted while it was in use. Stop this process with SIGTERM, which saves what was in it, and start again.`,
  [LOCK_REMOVED]: (file) =>
    `The lock file ${file}-lock was removed or replaced, so another process may start on ${file}. Stop whatever runs on it, and start one again.`,
  [OWNER_CHANGED]: (file) =>
    `Another Millrace has taken over ${file}, or a backup was written into it. Stop whatever runs on it, and start one again.`,
  [CONNECTION_CLOSED]: (file) => `The database ${file} was closed.`,
};

/** Why a database can't be used now, and what to do; `undefined` for an error that is the statement's own. */
export function explainSqliteFault(error: unknown, file: string): string | undefined {
  const told = codeOf(error);
  if (told === undefined) return undefined;
  const code = told.endsWith(AFTER_COMMIT) ? told.slice(0, -AFTER_COMMIT.length) : told;
  const primary = code.split('_', 2).join('_');
  return (PROBLEMS[code] ?? PROBLEMS[primary])?.(file);
}

/**
 * Whether a commit that failed may have been done all the same. After errors of SQLite it was not, but for those of the
 * disk: what could not be flushed may be there after the next start. And a file that was found to be moved after a
 * commit holds it, wherever it is.
 */
export function isSqliteCommitUncertain(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return false;
  return code === THREAD_ENDED || code.startsWith('SQLITE_IOERR') || code.endsWith(AFTER_COMMIT);
}

/** Whether an error tells that another process claimed the database since. */
export function isOwnerChanged(error: unknown): boolean {
  return codeOf(error) === OWNER_CHANGED;
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
