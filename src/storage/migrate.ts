import { type Kysely, sql } from 'kysely';
import type { Capabilities } from './capabilities.ts';
import { StorageOpenError } from './database.ts';
import * as first from './migrations/0001-first.ts';
import * as debuggerTables from './migrations/0002-debugger.ts';
import * as eventTables from './migrations/0003-events.ts';
import * as jobTenants from './migrations/0004-job-tenants.ts';
import * as tenants from './migrations/0005-tenants.ts';
import * as apiKeyTables from './migrations/0006-api-keys.ts';
import * as healthTables from './migrations/0007-health.ts';
import * as alertTables from './migrations/0008-alerts.ts';
import { runPlain } from './queries.ts';
import type { Tables } from './tables.ts';

/** One step from one version of the tables to the next. Once released it is never changed. */
export interface Migration {
  readonly name: string;
  up(queries: Kysely<Tables>, capabilities: Capabilities): Promise<void>;
}

/** In the order they are run. */
const MIGRATIONS: readonly Migration[] = [
  { name: '0001-first', up: first.up },
  { name: '0002-debugger', up: debuggerTables.up },
  { name: '0003-events', up: eventTables.up },
  { name: '0004-job-tenants', up: jobTenants.up },
  { name: '0005-tenants', up: tenants.up },
  { name: '0006-api-keys', up: apiKeyTables.up },
  { name: '0007-health', up: healthTables.up },
  { name: '0008-alerts', up: alertTables.up },
];

/** What is migrated. */
export interface MigrateOptions {
  /** Over one connection that may write, to a database that is locked for this process. */
  readonly queries: Kysely<Tables>;
  readonly capabilities: Capabilities;
  /** The database, for people. */
  readonly place: string;
  /** Default: those of this version. */
  readonly migrations?: readonly Migration[];
}

/**
 * Brings the tables up to date. Each migration is run in a transaction of its own: a process that is killed meanwhile
 * leaves the version before it or after it. One that fails is rolled back; those before it stay.
 * @returns the names of what was run, in order
 * @throws StorageOpenError when the database was made by a newer version of the program
 * @throws whatever the database says of a statement
 */
export async function migrate(options: MigrateOptions): Promise<readonly string[]> {
  const { queries, capabilities, place, migrations = MIGRATIONS } = options;
  const applied = await readApplied(queries, capabilities);
  refuseNewer(applied, migrations, place);
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const migration of missing) {
    await runPlain(queries, 'begin');
    try {
      await migration.up(queries, capabilities);
      await sql`insert into millrace_migrations (name, applied_at) values (${migration.name}, ${Date.now()})`.execute(
        queries,
      );
      await runPlain(queries, 'commit');
    } catch (error) {
      await runPlain(queries, 'rollback').catch(() => undefined);
      throw error;
    }
  }
  return missing.map(({ name }) => name);
}

/**
 * Whether a database has the tables of this version, or none yet. Changes nothing.
 * @throws StorageOpenError when they are those of another version
 * @throws whatever the database says of a statement
 */
export async function hasTables(
  options: Omit<MigrateOptions, 'capabilities'>,
  isMissing: (error: unknown) => boolean,
): Promise<boolean> {
  const { queries, place, migrations = MIGRATIONS } = options;
  const applied = await readNames(queries).catch((error: unknown) => {
    if (isMissing(error)) return new Set<string>();
    throw error;
  });
  refuseNewer(applied, migrations, place);
  if (applied.size === 0) return false;
  if (migrations.every(({ name }) => applied.has(name))) return true;
  throw new StorageOpenError(
    `The tables of ${place} are those of an older version of Millrace. Stop whatever runs on it, and bring them up to date with \`millrace migrate\`.`,
  );
}

function refuseNewer(
  applied: ReadonlySet<string>,
  migrations: readonly Migration[],
  place: string,
): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new StorageOpenError(
    `${place} was made by a newer version of Millrace: this one does not know its migration ${unknown
      .map((name) => `"${name}"`)
      .join(', ')}. Run that version or a later one, or name another database.`,
  );
}

async function readApplied(
  queries: Kysely<Tables>,
  { types, tableEnd }: Capabilities,
): Promise<ReadonlySet<string>> {
  await sql`create table if not exists millrace_migrations (
    name ${sql.raw(types.text)} primary key not null,
    applied_at ${sql.raw(types.whole)} not null
  ) ${sql.raw(tableEnd)}`.execute(queries);
  return readNames(queries);
}

async function readNames(queries: Kysely<Tables>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`select name from millrace_migrations`.execute(
    queries,
  );
  return new Set(rows.map(({ name }) => name));
}
