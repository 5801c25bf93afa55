import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/domain-error.ts';
import type { Backend, BackendOptions, RunStatement } from '../backend.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { StorageOpenError, StorageUnavailableError } from '../database.ts';
import { migrate } from '../migrate.ts';
import { createOwnership, describeOwner, type Ownership, readOwnerToken } from '../owner.ts';
import { createQueries } from '../queries.ts';
import { refuseForeignFile } from './foreign-file.ts';
import { makeMemoryTables } from './memory-tables.ts';
import { OwnedLane } from './owned-lane.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { explainSqliteFault, OWNER_CHANGED } from './sqlite-faults.ts';
import { rememberFiles, SqliteGuardError } from './sqlite-file-guard.ts';
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
/** One thread runs all scans, one after another. */
const MAX_WAITING_SCANS = 500;
const LOCK_LOOK_MS = 100;
/** How often a database that nobody writes is looked at. */
const WATCH_MS = 2_000;

/** Opens a database in memory, or a file, which is made if it is not there. @throws StorageOpenError */
export function openSqlite(path: string, options: BackendOptions): Promise<Backend> {
  return path === MEMORY ? openMemory() : openFile(path, options);
}

/** Everything on one connection, in this thread. */
async function openMemory(): Promise<Backend> {
  const connection = new SqliteConnection({ file: MEMORY, role: 'writer', busyTimeoutMs: 0 });
  const run: RunStatement = async (statement) => connection.run(statement);
  const queries = createQueries('sqlite', run);
  const place = 'The database in memory';
  const migrated = await makeMemoryTables(run, () => migrate({ queries, capabilities, place }));
  await queries.executeQuery(createOwnership().claim(queries));
  const explain = (error: unknown) => explainSqliteFault(error, 'in memory');
  return {
    capabilities,
    isPersistent: false,
    migrated,
    runRead: run,
    runScan: run,
    lane: {
      ready: async () => undefined,
      commit: async (units, isIsolated) => connection.commit(units, isIsolated),
    },
    explain,
    explainScan: explain,
    close: async () => connection.close(),
  };
}

async function openFile(path: string, options: BackendOptions): Promise<Backend> {
  const held: { lock?: FileLock } = {};
  try {
    const file = locate(path);
    refuseForeignFile(file);
    held.lock = await waitForLock(file, options.openTimeoutMs);
    const ownership = createOwnership();
    const migrated = await prepareFile(file, ownership);
    // As long as this one is open, the files beside the database stay the same.
    const reader = new SqliteConnection({ file, role: 'reader', busyTimeoutMs: READER_BUSY_MS });
    const files = rememberFiles(file);
    const ownerToken = ownership.token;
    const writer = new ThreadConnection({
      connection: { file, role: 'writer', busyTimeoutMs: WRITER_BUSY_MS, files, ownerToken },
      clock: systemClock,
    });
    const scanner = new ThreadConnection({
      connection: { file, role: 'reader', busyTimeoutMs: WRITER_BUSY_MS, files },
      clock: systemClock,
      idleMs: SCANNER_IDLE_MS,
    });
    const explain = (error: unknown) => explainSqliteFault(error, file);
    const onLost = (error: unknown) => options.onLost(explain(error) ?? messageOf(error));
    const lane = new OwnedLane(writer, onLost);
    const endWatch = watch(async () => {
      const token = await readOwnerToken(createQueries('sqlite', (each) => writer.run(each)));
      if (token === ownerToken) return;
      const error = new SqliteGuardError('Another process claimed the database.', OWNER_CHANGED);
      lane.lose(error);
      throw error;
    }, options.onFault);
    return {
      capabilities,
      isPersistent: true,
      migrated,
      runRead: async (statement) => reader.run(statement),
      async runScan(statement) {
        if (scanner.waiting <= MAX_WAITING_SCANS) return scanner.run(statement);
        throw new StorageUnavailableError(
          `Too many searches wait for the database ${file}. Try again later.`,
        );
      },
      lane,
      explain,
      explainScan: explain,
      async close() {
        endWatch();
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
  makeDirectory(dirname(file));
  try {
    return realpathSync(file);
  } catch {
    // There is no such file yet.
    return join(realpathSync(dirname(file)), basename(file));
  }
}

/**
 * Makes a directory and those above it that are not there. Node's own way of doing so never ends where the system says of
 * a directory that is there that it is not, as it does in `/proc`.
 */
function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let at = directory; !existsSync(at) && at !== dirname(at); at = dirname(at))
    missing.push(at);
  for (const each of missing.reverse()) {
    try {
      // What jobs work on may be private: a directory that is made here is for this user alone.
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      // Another process was faster.
      if (existsSync(each)) continue;
      throw new StorageOpenError(
        `The directory ${each} can't be made: ${messageOf(error)}. Name a database where this user may write.`,
        { cause: error },
      );
    }
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

async function prepareFile(file: string, ownership: Ownership): Promise<readonly string[]> {
  const connection = new SqliteConnection({ file, role: 'writer', busyTimeoutMs: WRITER_BUSY_MS });
  try {
    return await prepare(async (statement) => connection.run(statement), ownership, file);
  } finally {
    connection.close();
  }
}

async function prepare(
  run: RunStatement,
  ownership: Ownership,
  place: string,
): Promise<readonly string[]> {
  const queries = createQueries('sqlite', run);
  const migrated = await migrate({ queries, capabilities, place });
  await queries.executeQuery(ownership.claim(queries));
  return migrated;
}

/** Looks again and again, one look at a time, until the answer is called. Whatever a look finds is told. */
function watch(look: () => Promise<void>, onFault: (error: unknown) => void): () => void {
  let state: 'waiting' | 'looking' | 'ended' = 'waiting';
  const isEnded = () => state === 'ended';
  const timer = setInterval(async () => {
    if (state !== 'waiting') return;
    state = 'looking';
    try {
      await look();
    } catch (error) {
      if (!isEnded()) onFault(error);
    }
    if (!isEnded()) state = 'waiting';
  }, WATCH_MS).unref();
  return () => {
    state = 'ended';
    clearInterval(timer);
  };
}
