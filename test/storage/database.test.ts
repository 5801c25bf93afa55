import { expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { StorageUnavailableError } from '../../src/storage/database.ts';
import { forEachDatabase } from '../support/databases.ts';

/** A statement that writes a checkpoint, the simplest row there is. */
function checkpoint({ reads }: Database, jobId: string, takenAt = 1) {
  return reads.insertInto('job_checkpoints').values({
    job_id: jobId,
    taken_at: takenAt,
    is_final: 0,
    data: null,
    hash: null,
    problem: null,
  });
}

function readIds({ reads }: Database): Promise<string[]> {
  return reads
    .selectFrom('job_checkpoints')
    .select('job_id')
    .orderBy('taken_at')
    .execute()
    .then((rows) => rows.map(({ job_id }) => job_id));
}

// O1
forEachDatabase(({ open }) => {
  it('keeps what was written, and reads see it', async () => {
    const database = await open();
    const [result] = await database.write([checkpoint(database, 'a')]);
    expect(result).toEqual({ rows: [], changes: 1 });
    expect(await readIds(database)).toEqual(['a']);
    const scanned = await database.scans.selectFrom('job_checkpoints').selectAll().execute();
    expect(scanned).toEqual([
      { job_id: 'a', taken_at: 1, is_final: 0, data: null, hash: null, problem: null },
    ]);
  });

  it('writes all the statements of a unit or none', async () => {
    const database = await open();
    await expect(
      database.write([checkpoint(database, 'a'), checkpoint(database, 'a')]),
    ).rejects.toThrow();
    expect(await readIds(database)).toEqual([]);
    expect(database.status.isReady).toBe(true);
  });

  it('lets a unit that is at fault fail alone', async () => {
    const database = await open();
    const ids = ['a', 'b', 'a', 'c', 'a', 'd'];
    const settled = await Promise.allSettled(
      ids.map((id, at) => database.write([checkpoint(database, id, at)])),
    );
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(await readIds(database)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('commits in the order it was asked, and many at once in few commits', async () => {
    const statements: string[] = [];
    const database = await open({ onStatement: (sql) => statements.push(sql) });
    statements.length = 0;
    const done: number[] = [];
    const count = 500;
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await database.write([checkpoint(database, `job-${at}`, at)]);
        done.push(at);
      }),
    );
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(await readIds(database)).toHaveLength(count);
    expect(statements.filter((sql) => sql.startsWith('insert'))).toHaveLength(count);
    expect(statements.filter((sql) => sql === 'commit').length).toBeLessThanOrEqual(5);
  });

  it('answers what statements return, and how many rows they changed', async () => {
    const database = await open();
    await database.write([checkpoint(database, 'a'), checkpoint(database, 'b')]);
    const results = await database.write([
      database.reads.updateTable('job_checkpoints').set({ is_final: 1 }),
      database.reads.deleteFrom('job_checkpoints').where('job_id', '=', 'a').returning('job_id'),
    ]);
    expect(results).toEqual([
      { rows: [], changes: 2 },
      { rows: [{ job_id: 'a' }], changes: 1 },
    ]);
  });

  it('gives numbers for counts, sums and times', async () => {
    const database = await open();
    await database.write([checkpoint(database, 'a', 1_790_000_000_123), checkpoint(database, 'b')]);
    const row = await database.scans
      .selectFrom('job_checkpoints')
      .select(({ fn }) => [
        fn.countAll<number>().as('count'),
        fn.sum<number>('taken_at').as('sum'),
        fn.max('taken_at').as('newest'),
      ])
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ count: 2, sum: 1_790_000_000_124, newest: 1_790_000_000_123 });
  });

  it('compares text byte by byte', async () => {
    const database = await open();
    for (const id of ['a', 'B', 'é', '_', 'Z']) await database.write([checkpoint(database, id)]);
    const rows = await database.reads
      .selectFrom('job_checkpoints')
      .select('job_id')
      .orderBy('job_id')
      .execute();
    expect(rows.map(({ job_id }) => job_id)).toEqual(['B', 'Z', '_', 'a', 'é']);
  });

  it('takes text with any character', async () => {
    const database = await open();
    const text = "nul \0, quote ', backslash \\, 😀";
    await database.write([
      database.reads.insertInto('job_checkpoints').values({
        job_id: 'a',
        taken_at: 1,
        is_final: 0,
        data: text,
        hash: null,
        problem: null,
      }),
    ]);
    const row = await database.reads
      .selectFrom('job_checkpoints')
      .select('data')
      .executeTakeFirstOrThrow();
    const holdsNul = database.capabilities.dialect === 'sqlite';
    expect(row.data).toBe(holdsNul ? text : text.replace('\0', '\uFFFD'));
  });

  it('writes what was asked for before it is closed, and nothing afterwards', async () => {
    const database = await open();
    const writes = Array.from({ length: 20 }, (_, at) =>
      database.write([checkpoint(database, `job-${at}`)]),
    );
    const closed = database.close();
    expect(database.close()).toBe(closed);
    await Promise.all([...writes, closed]);
    await expect(database.write([])).rejects.toThrow(StorageUnavailableError);
  });
});
