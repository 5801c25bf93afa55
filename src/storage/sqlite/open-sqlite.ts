import { mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/domain-error.ts';
import type { Backend, BackendOptions, RunStatement } from '../backend.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { StorageOpenError } from '../database.ts';
import { migrate } from '../migrate.ts';
import { createOwnership, describeOwner } from '../owner.ts';
import { createQueries } from '../queries.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { explainSqliteFault } from './sqlite-faults.ts';
import { type FileLock, takeFileLock } from './sqlite-lock.ts';
import { ThreadConnection } from './thread-connection.ts';

const MEMORY = ':memory:';
const capabilities = CAPABILITIES.sqlite;

/** While it waits, the thread does nothing else; longer than this, the group commit waits instead. */
const WRITER_BUSY_MS = 250;
/** The event loop waits for this one. Readers of a write-ahead log hardly ever have to. */
const READER_BUSY_MS = 100;
/** A thread costs some megabytes. */
const SCANNER_IDLE_MS = 60_000;
const LOCK_LOOK_MS = 100;

/** Opens a database in memory, or a file, which is made if it is not there. @throws StorageOpenError */
export function openSqlite(path: string, options: BackendOptions): Promise<Backend> {
  return path === MEMORY ? openMemory() : openFile(path, options);
}

/** Everything on one connection, in this thread. */
async function openMemory(): Promise<Backend> {
  const connection = new SqliteConnection({ file: MEMORY, role: 'writer', busyTimeoutMs: 0 });
  const run: RunStatement = async (statement) => connection.run(statement);
  const migrated = await prepare(run, 'The database in memory');
  return {
    capabilities,
    isPersistent: false,
    migrated,
    runRead: run,
    runScan: run,
    lane: { commit: async (units, isIsolated) => connection.commit(units, isIsolated) },
    explain: (error) => explainSqliteFault(error, 'in memory'),
    close: async () => connection.close(),
  };
}

async function openFile(path: string, options: BackendOptions): Promise<Backend> {
  const held: { lock?: FileLock } = {};
  try {
    const file = locate(path);
    held.lock = await waitForLock(file, options.openTimeoutMs);
    const migrated = await prepareFile(file);
    const writer = new ThreadConnection({
      connection: { file, role: 'writer', busyTimeoutMs: WRITER_BUSY_MS },
      clock: systemClock,
    });
    const scanner = new ThreadConnection({
      connection: { file, role: 'reader', busyTimeoutMs: WRITER_BUSY_MS },
      clock: systemClock,
      idleMs: SCANNER_IDLE_MS,
    });
    const reader = new SqliteConnection({ file, role: 'reader', busyTimeoutMs: READER_BUSY_MS });
    return {
      capabilities,
      isPersistent: true,
      migrated,
      runRead: async (statement) => reader.run(statement),
      runScan: (statement) => scanner.run(statement),
      lane: writer,
      explain: (error) => explainSqliteFault(error, file),
      async close() {
        // The last to close moves the write-ahead log into the file: let that be the thread that writes.
        reader.close();
        await scanner.close();
        await writer.close();
        held.lock?.release();
      },
    };
  } catch (error) {
    held.lock?.release();
    if (error instanceof StorageOpenError) throw error;
    const problem =
      explainSqliteFault(error, path) ?? `${path} can't be opened: ${messageOf(error)}`;
    throw new StorageOpenError(problem, { cause: error });
  }
}

/** The one true name of a file, so that all who open it meet at the same lock. Its directory is made. */
function locate(path: string): string {
  const file = resolve(path);
  // What jobs work on may be private: a directory that is made here is for this user alone.
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    return realpathSync(file);
  } catch {
    // There is no such file yet.
    return join(realpathSync(dirname(file)), basename(file));
  }
}

async function waitForLock(file: string, limitMs: number): Promise<FileLock> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const lock = takeFileLock(file);
    if (lock !== undefined) return lock;
    if (performance.now() >= endMs) break;
    await delay(LOCK_LOOK_MS);
  }
  throw new StorageOpenError(
    `Another Millrace runs on ${file}${await readOwner(file)}. Stop that one, or name another database.`,
  );
}

async function readOwner(file: string): Promise<string> {
  try {
    const connection = new SqliteConnection({
      file,
      role: 'reader',
      busyTimeoutMs: READER_BUSY_MS,
    });
    try {
      return await describeOwner(
        createQueries('sqlite', async (statement) => connection.run(statement)),
      );
    } finally {
      connection.close();
    }
  } catch {
    return '';
  }
}

async function prepareFile(file: string): Promise<readonly string[]> {
  const connection = new SqliteConnection({ file, role: 'writer', busyTimeoutMs: WRITER_BUSY_MS });
  try {
    return await prepare(async (statement) => connection.run(statement), file);
  } finally {
    connection.close();
  }
}

async function prepare(run: RunStatement, place: string): Promise<readonly string[]> {
  const queries = createQueries('sqlite', run);
  const migrated = await migrate({ queries, capabilities, place });
  await queries.executeQuery(createOwnership().claim(queries));
  return migrated;
}
