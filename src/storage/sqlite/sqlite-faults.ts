/** The code of an error about a thread that ended before it answered. */
export const THREAD_ENDED = 'MILLRACE_THREAD_ENDED';

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
  SQLITE_READONLY_DBMOVED: (file) =>
    `${file} was moved or deleted while it was in use. Stop this process, put the file back with its -wal file, and start again.`,
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
};

/** Why a database can't be used now, and what to do; `undefined` for an error that is the statement's own. */
export function explainSqliteFault(error: unknown, file: string): string | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const primary = code.split('_', 2).join('_');
  return (PROBLEMS[code] ?? PROBLEMS[primary])?.(file);
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
