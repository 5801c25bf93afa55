import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { CAPABILITIES } from '../../src/storage/capabilities.ts';
import { type Migration, migrate } from '../../src/storage/migrate.ts';
import { createQueries } from '../../src/storage/queries.ts';
import { SqliteConnection } from '../../src/storage/sqlite/sqlite-connection.ts';
import { millrace } from '../cli/millrace.ts';
import { forEachDatabase } from '../support/databases.ts';

function makeTable(name: string, thenFail = false): Migration {
  return {
    name,
    async up(queries) {
      await sql`create table ${sql.table(name)} (id integer)`.execute(queries);
      if (thenFail) throw new Error('The power is gone.');
    },
  };
}

// O1
it('has each migration whole or not at all, and goes on where it stopped', async () => {
  const connection = new SqliteConnection({ file: ':memory:', role: 'writer', busyTimeoutMs: 0 });
  onTestFinished(() => connection.close());
  const queries = createQueries('sqlite', async (statement) => connection.run(statement));
  const run = (...migrations: Migration[]) =>
    migrate({ queries, capabilities: CAPABILITIES.sqlite, place: 'here', migrations });
  const tables = async () =>
    (await queries.introspection.getTables()).map(({ name }) => name).sort();

  await expect(run(makeTable('a'), makeTable('b', true))).rejects.toThrow('The power is gone.');
  expect(await tables()).toEqual(['a', 'millrace_migrations']);
  expect(await run(makeTable('a'), makeTable('b'), makeTable('c'))).toEqual(['b', 'c']);
  expect(await tables()).toEqual(['a', 'b', 'c', 'millrace_migrations']);
});

forEachDatabase(({ makeUrl }) => {
  it('is migrated by `millrace migrate`', async () => {
    const url = await makeUrl();
    const { code, stdout, stderr } = await millrace('migrate', '--database-url', url);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Migrated: 0001-first\n/);
    expect(code).toBe(0);
  });
});
