import { connect, createServer, type Socket } from 'node:net';
import { type Compilable, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Database, StorageUnavailableError } from '../../src/storage/database.ts';
import { type OpenDatabaseOptions, openDatabase } from '../../src/storage/open-database.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
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

  /** Passes connections on to the server. At the first `commit` it lets that through, and no answer: all ends. */
  async function openLossyUrl(): Promise<string> {
    const sockets = new Set<Socket>();
    const proxy = createServer((client) => {
      const onward = connect(Number(new URL(server.url).port), '127.0.0.1');
      for (const socket of [client, onward]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => sockets.delete(socket));
      }
      let isLost = false;
      client.on('data', (chunk) => {
        onward.write(chunk);
        isLost ||= chunk.includes('commit\0');
      });
      onward.on('data', (chunk) => {
        if (!isLost) client.write(chunk);
        else close();
      });
    });
    const close = () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    };
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(close);
    const address = proxy.address();
    const url = new URL(await makeSchema(server.url));
    // The tables are there by then: making them takes commits too.
    await (await openDatabase(url.href)).close();
    url.port = String(typeof address === 'object' ? address?.port : 0);
    return url.href;
  }

  it('tells that a change may have been stored when no answer came to its commit', async () => {
    const url = await openLossyUrl();
    const database = await openDatabase(url, { closeTimeoutMs: 0 });
    onTestFinished(() => database.close());
    const write = database.write([checkpoint(database, 'a')], { deadlineMs: 500 });
    await expect(write).rejects.toMatchObject({
      mayBeStored: true,
      message: expect.stringMatching(
        /^The change may have been stored: 500 ms are over\. .*can't be reached/,
      ),
    });
    const late = database.write([checkpoint(database, 'b')], { deadlineMs: 100 });
    await expect(late).rejects.toMatchObject({ mayBeStored: false });
    const direct = new URL(url);
    direct.port = new URL(server.url).port;
    const after = await openDatabase(direct.href);
    onTestFinished(() => after.close());
    expect(await readJobIds(after)).toEqual(['a']);
  });

  it('tells that a change was not stored when its connection was lost before its commit', async () => {
    const clock = new ManualClock();
    const database = await open({ clock, closeTimeoutMs: 0 });
    const breaking: Compilable = database.reads.selectNoFrom(
      sql`pg_terminate_backend(pg_backend_pid())`.as('broken'),
    );
    const write = database.write([checkpoint(database, 'a'), breaking], { deadlineMs: 1 });
    const certain = expect(write).rejects.toMatchObject({ mayBeStored: false });
    await untilReady(database, false);
    await settle();
    await clock.advance(1);
    await certain;
    expect(await readJobIds(database)).toEqual([]);
  });

  it('stays ready when a search takes too long, and says so', async () => {
    const database = await open();
    const query = database.scans.selectNoFrom(sql`pg_sleep(60)`.as('slept')).execute();
    const refused = expect(query).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringMatching(
        /^The search took too long for PostgreSQL at .*; narrow it\.$/,
      ),
    });
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
      where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active'`;
    while ((await administer(cancel)).length === 0);
    await refused;
    expect(database.status.isReady).toBe(true);
  });

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
    const losses: string[] = [];
    database.onLost(() => {
      throw new Error('A listener that throws keeps no other from being told.');
    });
    database.onLost((problem) => losses.push(problem));
    database.onLost((problem) => losses.push(problem))();
    const [session] = await administer(`select pid from pg_locks where locktype = 'advisory'`);
    await administer(`update ${schema}.database_owner set token = 'another'`);
    expect(losses).toEqual([]);
    await administer('select pg_terminate_backend($1)', [session.pid]);
    const write = database.write([checkpoint(database, 'a')], { deadlineMs: 2_000 });
    await expect(write).rejects.toThrow(
      /Another Millrace ran on .* Stop this one and start it again/,
    );
    expect(await readJobIds(database)).toEqual([]);
    expect(await administer(`select 1 from pg_locks where locktype = 'advisory'`)).toEqual([]);
    expect(losses).toEqual([expect.stringMatching(/^Another Millrace ran on /)]);
    database.onLost((problem) => losses.push(problem));
    expect(losses).toHaveLength(2);
  });

  it('is lost to a process that holds the lock only once that one has written down its name', async () => {
    const url = await makeSchema(server.url);
    const database = await openDatabase(url);
    onTestFinished(() => database.close());
    const losses: string[] = [];
    database.onLost((problem) => losses.push(problem));
    const [, schema] = /search_path=(\w+)/.exec(decodeURIComponent(url)) ?? [];
    const [lock] = await administer(
      `select pid, classid, objid::int from pg_locks where locktype = 'advisory'`,
    );
    const other = new pg.Client(server.url);
    await other.connect();
    onTestFinished(() => other.end());
    // It is next in line for the lock, so the lost session of the first can't have it again.
    const locked = other.query('select pg_advisory_lock($1, $2)', [lock.classid, lock.objid]);
    await administer('select pg_terminate_backend($1)', [lock.pid]);
    await locked;
    await untilReady(database, false);
    while (!database.status.problem?.startsWith('Another Millrace has taken over')) await settle();
    expect(losses).toEqual([]);
    await administer(`update ${schema}.database_owner set token = 'another'`);
    while (losses.length === 0) await settle();
    expect(losses).toEqual([expect.stringMatching(/^Another Millrace ran on /)]);
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
