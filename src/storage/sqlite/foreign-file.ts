import Sqlite from 'better-sqlite3';
import { StorageOpenError } from '../database.ts';

/** Who else has the file open may keep it from being read for a moment, in milliseconds. */
const BUSY_MS = 250;
const MAX_TOLD = 3;

/**
 * Sees that a file, if it is there, does not hold the tables of another program, and leaves it as it is. What can't be
 * read now is taken for ours: opening it tells what is wrong with it.
 * @throws StorageOpenError
 */
export function refuseForeignFile(file: string): void {
  const names = readTableNames(file);
  if (names.length === 0 || names.includes('millrace_migrations')) return;
  const told = names.slice(0, MAX_TOLD).map((name) => `"${name}"`);
  if (names.length > MAX_TOLD) told.push('…');
  throw new StorageOpenError(
    `${file} holds tables of another program (${told.join(', ')}). Name another file; nothing was changed in this one.`,
  );
}

function readTableNames(file: string): readonly string[] {
  try {
    const connection = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    try {
      return connection
        .prepare(
          `select name from sqlite_schema where type = 'table' and substr(name, 1, 7) <> 'sqlite_'`,
        )
        .pluck()
        .all() as string[]; // that is what the statement asks for
    } finally {
      connection.close();
    }
  } catch {
    return [];
  }
}
