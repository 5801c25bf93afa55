import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Database, StorageUnavailableError } from '../../src/storage/database.ts';
import { type OpenDatabaseOptions, openDatabase } from '../../src/storage/open-database.ts';
import { makeSchema, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { hasPostgres } from '../support/shared-postgres.ts';
import { checkpoint, readJobIds, untilReady } from './checkpoints.ts';

// O1: what can go wrong with PostgreSQL, and what is told of it. The server is this file's own: it is stopped and killed.
describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server?.remove());

  async function open(options?: OpenDatabaseOptions): Promise<Database> {
    const database = await openDatabase(await makeSchema(server.url), options);
    onTestFinished(() => database.close());
    return database;
  }

  /** Runs a statement as an administrator would. */
  async function administer(sql: string, values: unknown[] = []) {
    const client = new pg.Client(server.url);
    await client.connect();
    try {
      return (await client.query(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  it.each(['stop', 'kill'] as const)(
    'loses nothing when the server is made to %s and started again under writes',
    async (how) => {
      const database = await open();
      const ids = Array.from({ length: 300 }, (_, at) => `job-${String(at).padStart(3, '0')}`);
      let asked = 0;
      const writes: Promise<unknown>[] = [];
      for (const id of ids) {
        writes.push(database.write([checkpoint(database, id)]));
        asked += 1;
        if (asked % 10 === 0) await writes.at(-10);
        if (asked === 150) {
          await server[how]();
          break;
        }
      }
      writes.push(...ids.slice(asked).map((id) => database.write([checkpoint(database, id)])));
      await untilReady(database, false);
      expect(database.status.problem).toMatch(/^PostgreSQL at 127\.0\.0\.1:\d+ can't be reached\./);
      await expect(readJobIds(database)).rejects.toThrow(StorageUnavailableError);
      await expect(
        database.write([checkpoint(database, 'late')], { deadlineMs: 100 }),
      ).rejects.toThrow(/100 ms are over.*can't be reached/);
      await server.start();
      await Promise.all(writes);
      expect(database.status.isReady).toBe(true);
      expect(await readJobIds(database)).toEqual(ids);
    },
  );

  it('notices a lost connection, and its return, while it has nothing to write', async () => {
    const database = await open();
    await server.stop();
    await untilReady(database, false);
    await server.start();
    await untilReady(database, true);
  });

  it('does not write when another process had the database meanwhile', async () => {
    const url = await makeSchema(server.url);
    const database = await openDatabase(url);
    onTestFinished(() => database.close());
    const [, schema] = /search_path=(\w+)/.exec(decodeURIComponent(url)) ?? [];
    const [session] = await administer(`select pid from pg_locks where locktype = 'advisory'`);
    await administer(`update ${schema}.database_owner set token = 'another'`);
    await administer('select pg_terminate_backend($1)', [session.pid]);
    const write = database.write([checkpoint(database, 'a')], { deadlineMs: 2_000 });
    await expect(write).rejects.toThrow(
      /Another Millrace ran on .* Stop this one and start it again/,
    );
    expect(await readJobIds(database)).toEqual([]);
    expect(await administer(`select 1 from pg_locks where locktype = 'advisory'`)).toEqual([]);
  });

  it('commits to disk, also on a server that is set up not to', async () => {
    await administer(`alter role millrace set synchronous_commit = off`);
    onTestFinished(async () => {
      await administer('alter role millrace reset synchronous_commit');
    });
    const database = await open();
    const query = database.reads.selectNoFrom(({ fn, val }) =>
      fn<string>('current_setting', [val('synchronous_commit')]).as('setting'),
    );
    const [result] = await database.write([query]);
    expect(result?.rows).toEqual([{ setting: 'on' }]);
  });

  it.each([
    ['postgres://nobody@HOST/postgres', /refuses this user or database/],
    ['postgres://millrace@HOST/nowhere', /refuses this user or database.*"nowhere" does not exist/],
    ['postgres://millrace@HOST/postgres?options=-c%20search_path%3Dnone', /no schema/],
    ['postgres://millrace@HOST/postgres?sslmode=verify-full', /does not support SSL/],
  ])('refuses %s with the reason', async (pattern, reason) => {
    const url = pattern.replace('HOST', new URL(server.url).host);
    await expect(openDatabase(url, { openTimeoutMs: 0 })).rejects.toMatchObject({
      code: 'STORAGE_OPEN_FAILED',
      message: expect.stringMatching(reason),
    });
  });

  it('refuses a server that does not answer, and shows no password', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => silent.close(resolve));
    const opening = openDatabase(`postgres://a:secret@127.0.0.1:${port}/b`, { openTimeoutMs: 0 });
    await expect(opening).rejects.toThrow(`PostgreSQL at 127.0.0.1:${port} can't be reached.`);
    await expect(opening).rejects.not.toThrow('secret');
  });
});
