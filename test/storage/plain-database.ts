import { type Kysely, sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { CAPABILITIES, type Capabilities } from '../../src/storage/capabilities.ts';
import { readPostgresUrl } from '../../src/storage/postgres/postgres-config.ts';
import { PostgresWriter } from '../../src/storage/postgres/postgres-writer.ts';
import { createQueries } from '../../src/storage/queries.ts';
import { SqliteConnection } from '../../src/storage/sqlite/sqlite-connection.ts';
import type { Tables } from '../../src/storage/tables.ts';

/** A database whose tables are as they are: nothing is migrated. */
export interface PlainDatabase {
  readonly queries: Kysely<Tables>;
  readonly capabilities: Capabilities;
  /** Puts a row in a table of whichever version. */
  insert(table: string, row: Readonly<Record<string, string | number>>): Promise<void>;
  close(): Promise<void>;
}

/** A connection to a database, closed at the latest when the test ends. */
export function openPlain(url: string): PlainDatabase {
  const plain = url.startsWith('sqlite:') ? openSqlite(url) : openPostgres(url);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= plain.close();
    return closing;
  };
  onTestFinished(close);
  return {
    ...plain,
    close,
    async insert(table, row) {
      const columns = sql.join(Object.keys(row).map((name) => sql.ref(name)));
      const values = sql.join(Object.values(row));
      await sql`insert into ${sql.table(table)} (${columns}) values (${values})`.execute(
        plain.queries,
      );
    },
  };
}

type Opened = Omit<PlainDatabase, 'insert'>;

function openSqlite(url: string): Opened {
  const file = url.slice('sqlite:'.length);
  const connection = new SqliteConnection({ file, role: 'writer', busyTimeoutMs: 0 });
  return {
    queries: createQueries('sqlite', async (statement) => connection.run(statement)),
    capabilities: CAPABILITIES.sqlite,
    close: async () => connection.close(),
  };
}

function openPostgres(url: string): Opened {
  const writer = new PostgresWriter({
    config: readPostgresUrl(url, undefined),
    onFault: () => undefined,
    check: async () => undefined,
    onLost: () => undefined,
  });
  return {
    queries: createQueries('postgres', (statement) => writer.run(statement)),
    capabilities: CAPABILITIES.postgres,
    close: () => writer.close(),
  };
}
