import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CompiledQuery } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrateDatabase, openDatabase } from '../../src/storage/open-database.ts';
import { forEachDatabase } from '../support/databases.ts';
import { checkpoint, readJobIds } from './checkpoints.ts';

const HOLD = fileURLToPath(new URL('./hold-database.ts', import.meta.url));

// O1
forEachDatabase(({ name, open, makeUrl }) => {
  it('is migrated when it is opened', async () => {
    const { reads } = await open();
    const tables = await reads.introspection.getTables();
    expect(tables.map((table) => table.name)).toContain('jobs');
  });

  if (name === 'SQLite in memory') return;

  describe('that outlives its process', () => {
    it('is migrated once', async () => {
      const url = await makeUrl();
      const first = await migrateDatabase(url);
      expect(first[0]).toBe('0001-first');
      expect(await migrateDatabase(url)).toEqual([]);
    });

    it('is migrated once by two at the same time', async () => {
      const url = await makeUrl();
      const applied = await Promise.all([migrateDatabase(url), migrateDatabase(url)]);
      const all = await migrateDatabase(await makeUrl());
      expect(applied.sort((a, b) => a.length - b.length)).toEqual([[], all]);
    });

    it('keeps what was written', async () => {
      const url = await makeUrl();
      const before = await open({}, url);
      await before.write([checkpoint(before, 'a')]);
      await before.close();
      expect(await readJobIds(await open({}, url))).toEqual(['a']);
    });

    it('is refused when a newer version made it, and stays as it is', async () => {
      const url = await makeUrl();
      const newer = await open({}, url);
      const later = CompiledQuery.raw(`insert into millrace_migrations values ('0099-later', 1)`);
      await newer.write([{ compile: () => later }]);
      await newer.close();
      await expect(openDatabase(url)).rejects.toMatchObject({
        code: 'STORAGE_OPEN_FAILED',
        message: expect.stringMatching(/made by a newer version.*"0099-later".*Run that version/),
      });
    });

    it('is refused to a second one, which is told who has it', async () => {
      const url = await makeUrl();
      const first = await open({}, url);
      await expect(openDatabase(url, { openTimeoutMs: 300 })).rejects.toMatchObject({
        code: 'STORAGE_OPEN_FAILED',
        message: expect.stringMatching(
          new RegExp(
            `^Another Millrace runs on .*\\(process ${process.pid} on host .*Stop that one`,
          ),
        ),
      });
      await first.close();
      await open({}, url);
    });

    it('can be opened again after its process was killed', async () => {
      const url = await makeUrl();
      const child = spawn(process.execPath, ['--import', 'tsx', HOLD, url], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      await expect(openDatabase(url, { openTimeoutMs: 0 })).rejects.toThrow(`process ${child.pid}`);
      child.kill('SIGKILL');
      await open({}, url);
    });
  });
});
