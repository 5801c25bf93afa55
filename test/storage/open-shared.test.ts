import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { migrateDatabase } from '../../src/storage/open-database.ts';
import { openShared, type SharedDatabase } from '../../src/storage/open-shared.ts';
import { forEachDatabase } from '../support/databases.ts';
import { checkpoint, readJobIds } from './checkpoints.ts';

async function share(url: string): Promise<SharedDatabase> {
  const shared = await openShared(url, { openTimeoutMs: 300 });
  onTestFinished(() => shared.close());
  return shared;
}

function insertKey({ reads }: Pick<SharedDatabase, 'reads'>, id: string) {
  const row = { id, hash: '', subject: 'ann', tenant: 'default', scopes: 'read', created_at: 1 };
  const rest = { description: null, expires_at: null, revoked_at: null };
  return reads.insertInto('api_keys').values({ ...row, ...rest });
}

async function readKeyIds({ reads }: Pick<SharedDatabase, 'reads'>): Promise<string[]> {
  const rows = await reads.selectFrom('api_keys').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

/** Sees that whoever owns a database still does, and can write. */
async function expectUndisturbed(database: Database, jobId: string): Promise<void> {
  await database.write([checkpoint(database, jobId)], { deadlineMs: 10_000 });
  expect(await readJobIds(database)).toContain(jobId);
  expect(database.status).toMatchObject({ isReady: true, problem: undefined });
}

forEachDatabase(({ name, open, makeUrl }) => {
  if (name === 'SQLite in memory') {
    it('is of its own process alone', async () => {
      await expect(openShared(await makeUrl())).rejects.toThrow(
        'A database in memory belongs to the process that made it.',
      );
    });
    return;
  }

  // O1
  describe('that is shared', () => {
    it('is written beside the process that has it, which goes on undisturbed', async () => {
      const url = await makeUrl();
      const owner = await open({}, url);
      let lost: string | undefined;
      owner.onLost((problem) => {
        lost = problem;
      });
      const owned = await owner.reads.selectFrom('database_owner').select('token').execute();
      for (const id of ['a', 'b', 'c']) {
        const shared = await openShared(url);
        await shared.write([insertKey(shared, id)]);
        await expectUndisturbed(owner, `while ${id}`);
        await shared.close();
        await expectUndisturbed(owner, `after ${id}`);
      }
      expect(await readKeyIds(owner)).toEqual(['a', 'b', 'c']);
      expect(await owner.reads.selectFrom('database_owner').select('token').execute()).toEqual(
        owned,
      );
      expect(lost).toBeUndefined();
    });

    it('takes writes of both at the same time', async () => {
      const url = await makeUrl();
      const owner = await open({}, url);
      const shared = await share(url);
      const ids = Array.from({ length: 50 }, (_, at) => `id-${at}`).sort();
      await Promise.all(
        ids.flatMap((id) => [
          owner.write([checkpoint(owner, id)], { deadlineMs: 10_000 }),
          shared.write([insertKey(shared, id)]),
        ]),
      );
      expect((await readJobIds(owner)).toSorted()).toEqual(ids);
      expect(await readKeyIds(owner)).toEqual(ids);
    });

    it('is brought up to date first when it is new, and belongs to nobody then', async () => {
      const url = await makeUrl();
      const shared = await share(url);
      await shared.write([insertKey(shared, 'a')]);
      const owner = await open({ openTimeoutMs: 0 }, url);
      expect(await readKeyIds(owner)).toEqual(['a']);
      await shared.write([insertKey(shared, 'b')]);
      await shared.close();
      await expectUndisturbed(owner, 'job');
      expect(await readKeyIds(owner)).toEqual(['a', 'b']);
    });

    it.each([
      [`insert into millrace_migrations values ('0099-later', 1)`, /made by a newer version/],
      [
        `delete from millrace_migrations where name > '0005'`,
        /of an older version.*millrace migrate/,
      ],
    ])(
      'is refused, and stays as it is, with the tables of another version: %s',
      async (sql, message) => {
        const url = await makeUrl();
        const owner = await open({}, url);
        await owner.write([{ compile: () => CompiledQuery.raw(sql) }]);
        await expect(openShared(url)).rejects.toMatchObject({
          code: 'STORAGE_OPEN_FAILED',
          message: expect.stringMatching(message),
        });
        await expectUndisturbed(owner, 'job');
      },
    );

    it('says that it can not be used once it was closed', async () => {
      const url = await makeUrl();
      await migrateDatabase(url);
      const shared = await openShared(url);
      await shared.close();
      await expect(shared.write([insertKey(shared, 'a')])).rejects.toThrow();
    });
  });
});

it('leaves a file of another program as it is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-shared-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'other.db');
  const other = new Sqlite(file);
  other.exec('create table notes (text text)');
  other.close();
  const before = await readFile(file);
  await expect(openShared(`sqlite:${file}`)).rejects.toThrow('holds tables of another program');
  expect(await readFile(file)).toEqual(before);
});

it.each([
  ['mysql://localhost/x', /not by a URL of "mysql"/],
  ['postgres://ann:s3cr3t-@127.0.0.1:1/x', /^PostgreSQL at 127\.0\.0\.1:1 can't be reached/],
  ['sqlite:', /names no file/],
])('can not open %s', async (url, message) => {
  const opened = openShared(url, { openTimeoutMs: 0 });
  await expect(opened).rejects.toMatchObject({
    code: 'STORAGE_OPEN_FAILED',
    message: expect.stringMatching(message),
  });
  await expect(opened).rejects.not.toThrow('s3cr3t');
});
