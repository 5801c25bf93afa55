import Sqlite from 'better-sqlite3';

/** A held lock. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock of a database file for this process, or answers `undefined` when another process, or another opening in
 * this one, has it. It is SQLite's own lock on an empty file beside the database: the system lets go of it when the
 * process ends, however it ends. The file stays; without a process that holds it, it means nothing.
 * @throws SqliteError when the file can't be made
 */
export function takeFileLock(file: string): FileLock | undefined {
  const connection = new Sqlite(`${file}-lock`, { timeout: 0 });
  try {
    connection.exec('begin exclusive');
    return { release: () => connection.close() };
  } catch (error) {
    connection.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      return undefined;
    throw error;
  }
}
