import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../lib/domain-error.ts';
import type { Backend, BackendOptions, RunStatement } from '../backend.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { StorageOpenError } from '../database.ts';
import { migrate } from '../migrate.ts';
import { createOwnership, describeOwner, readOwnerToken } from '../owner.ts';
import { createQueries } from '../queries.ts';
import { type PostgresConfig, readPostgresUrl } from './postgres-config.ts';
import {
  explainPostgresFault,
  explainPostgresScanFault,
  isPostgresWorthWaiting,
  LOCK_HELD,
  OWNER_CHANGED,
} from './postgres-faults.ts';
import { PostgresReader } from './postgres-reader.ts';
import { PostgresWriter } from './postgres-writer.ts';

const capabilities = CAPABILITIES.postgres;

const SCAN_CONNECTIONS = 2;
const RETRY_MS = 200;

/** Opens a database of PostgreSQL. @throws StorageOpenError */
export async function openPostgres(url: string, options: BackendOptions): Promise<Backend> {
  const { onFault, onLost, poolSize, ssl } = options;
  const config = readUrl(url, ssl);
  const { place } = config;
  const ownership = createOwnership();
  let isClaimed = false;
  const check = async (run: RunStatement) => {
    if (!isClaimed) return;
    // While this process was cut off, another may have had the lock, and have run this one's jobs.
    const token = await readOwnerToken(createQueries('postgres', run));
    if (token === ownership.token) return;
    throw Object.assign(new Error('Another process had the lock.'), { code: OWNER_CHANGED });
  };
  const writer = new PostgresWriter({
    config,
    onFault,
    check,
    onLost: (error) => onLost(explainPostgresFault(error, place) ?? messageOf(error)),
  });
  const queries = createQueries('postgres', (statement) => writer.run(statement));
  let migrated: readonly string[];
  try {
    await connect(writer, config, options.openTimeoutMs);
    migrated = await migrate({ queries, capabilities, place });
    await queries.executeQuery(ownership.claim(queries));
    isClaimed = true;
  } catch (error) {
    await writer.close();
    throw toOpenError(error, place);
  }
  const reader = new PostgresReader({ config, size: poolSize, keepsPrepared: true, onFault });
  const scanner = new PostgresReader({
    config,
    size: SCAN_CONNECTIONS,
    keepsPrepared: false,
    // Whether the database can be used is found out by the others.
    onFault: () => undefined,
  });
  return {
    capabilities,
    isPersistent: true,
    migrated,
    lane: writer,
    runRead: (statement) => reader.run(statement),
    runScan: (statement) => scanner.run(statement),
    explain: (error) => explainPostgresFault(error, place),
    explainScan: (error) => explainPostgresScanFault(error, place),
    async close() {
      await Promise.all([reader.close(), scanner.close()]);
      await writer.close();
    },
  };
}

function readUrl(url: string, ssl: BackendOptions['ssl']): PostgresConfig {
  try {
    return readPostgresUrl(url, ssl);
  } catch (error) {
    // The URL may hold a password, so it is not shown.
    throw new StorageOpenError(`The URL of PostgreSQL can't be used: ${messageOf(error)}`);
  }
}

/** Waits for a server that starts, and for the lock of a process that was killed. */
async function connect(
  writer: PostgresWriter,
  config: PostgresConfig,
  limitMs: number,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      await writer.run({ sql: 'select 1', parameters: [] });
      return;
    } catch (error) {
      if (!isPostgresWorthWaiting(error) || performance.now() >= endMs) {
        throw isLockHeld(error) ? await tellOwner(config) : error;
      }
      await delay(RETRY_MS);
    }
  }
}

function isLockHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_HELD;
}

async function tellOwner(config: PostgresConfig): Promise<StorageOpenError> {
  const reader = new PostgresReader({
    config,
    size: 1,
    keepsPrepared: false,
    onFault: () => undefined,
  });
  const owner = await describeOwner(
    createQueries('postgres', (statement) => reader.run(statement)),
  );
  await reader.close();
  return new StorageOpenError(
    `Another Millrace runs on ${config.place}${owner}. Stop that one, or name another database or schema.`,
  );
}

function toOpenError(error: unknown, place: string): StorageOpenError {
  if (error instanceof StorageOpenError) return error;
  const problem = explainPostgresFault(error, place) ?? `${place} can't be used`;
  return new StorageOpenError(`${problem} (${messageOf(error)})`, { cause: error });
}
