import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { createAuditStore } from '../../src/audit/audit-store.ts';
import { createBreakpointStore } from '../../src/debug-sessions/breakpoint-store.ts';
import { createSessionStore } from '../../src/debug-sessions/session-store.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { CAPABILITIES } from '../../src/storage/capabilities.ts';
import { type Migration, migrate } from '../../src/storage/migrate.ts';
import * as first from '../../src/storage/migrations/0001-first.ts';
import { migrateDatabase } from '../../src/storage/open-database.ts';
import { createQueries } from '../../src/storage/queries.ts';
import { SqliteConnection } from '../../src/storage/sqlite/sqlite-connection.ts';
import { millrace } from '../cli/millrace.ts';
import { makeBreakpoint, makeSession } from '../debug-sessions/kept.ts';
import { makeJob } from '../jobs/stored-jobs.ts';
import { forEachDatabase } from '../support/databases.ts';
import { openPlain } from './plain-database.ts';

/** All there are, in order. */
const ALL = [
  ...['0001-first', '0002-debugger', '0003-events', '0004-job-tenants', '0005-tenants'],
  ...['0006-api-keys', '0007-health', '0008-alerts'],
];

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

/** Makes a database of version 0.1, in which a job has ended and another runs, with an audit entry. */
async function makeFirst(url: string): Promise<void> {
  const { queries, capabilities, insert, close } = openPlain(url);
  const migrations = [{ name: '0001-first', up: first.up }];
  await migrate({ queries, capabilities, place: 'here', migrations });
  const job = {
    flow_id: 'echo',
    priority: 1,
    created_at: 1,
    started_at: 2,
    recovery_count: 0,
    crash_count: 0,
    metadata: '{"a":1}',
    search_text: '',
    input: '[1]',
  };
  await insert('jobs', { ...job, id: 'runs', state: 'RUNNING', is_rolled_up: 0 });
  await insert('jobs', {
    ...job,
    id: 'ended',
    state: 'COMPLETED',
    finished_at: 5,
    duration_ms: 3,
    is_rolled_up: 1,
  });
  await insert('audit_entries', {
    id: 'entry',
    at: 1,
    operation: 'startJob',
    outcome: 'SUCCEEDED',
    target: 'Job:runs',
    duration_ms: 1.5,
    arguments: '{}',
  });
  await close();
}

forEachDatabase(({ name, open, makeUrl }) => {
  if (name === 'SQLite in memory') {
    it('is always new', async () => {
      const applied = await migrateDatabase(await makeUrl());
      expect(applied).toEqual(ALL);
    });
    return;
  }

  // O1
  it('is brought up to date from the first version, with all that is in it', async () => {
    const url = await makeUrl();
    await makeFirst(url);
    expect(await migrateDatabase(url)).toEqual(ALL.slice(1));
    const database = await open({}, url);

    const jobs = createJobStore(database);
    const runs = makeJob({
      id: 'runs',
      state: 'RUNNING',
      priority: 1,
      createdAt: 1,
      startedAt: 2,
      metadata: { a: 1 },
      input: [1],
    });
    expect(await jobs.get('runs')).toEqual(runs);
    expect(await jobs.get('ended')).toMatchObject({ state: 'COMPLETED', finishedAt: 5 });
    const audit = createAuditStore(database);
    const [entry] = await audit.getMany(DEFAULT_TENANT, ['entry']);
    expect(entry).toMatchObject({ target: 'Job:runs', durationMs: 1.5, changes: undefined });

    await jobs.insert(makeJob({ id: 'new' }));
    expect(await jobs.get('new')).toEqual(makeJob({ id: 'new' }));
    const breakpoints = createBreakpointStore(database);
    await breakpoints.insert([makeBreakpoint({ id: 'x', jobId: 'runs' })]);
    const sessions = createSessionStore(database);
    await sessions.save('runs', makeSession({ owner: 'ann' }));
    expect(await sessions.find('runs')).toEqual(makeSession({ owner: 'ann' }));
    await jobs.finish('runs', { state: 'FAILED', finishedAt: 9 }, undefined);
    expect(await sessions.find('runs')).toBeUndefined();
    expect(await jobs.delete('runs')).toBe(true);
    expect(await breakpoints.count(DEFAULT_TENANT, {})).toBe(0);
  });

  it('is migrated by `millrace migrate`', async () => {
    const url = await makeUrl();
    const { code, stdout, stderr } = await millrace('migrate', '--database-url', url);
    expect(stderr).toBe('');
    expect(stdout).toBe(ALL.map((name) => `Migrated: ${name}\n`).join(''));
    expect(code).toBe(0);
  });
});
