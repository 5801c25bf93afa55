import { expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { createWriteBehind, type WriteBehindOptions } from '../../src/storage/write-behind.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

function makeLines(jobId: string, from: number, count: number, message = 'said') {
  return Array.from({ length: count }, (_, at) => ({
    job_id: jobId,
    sequence: from + at,
    at: 1,
    level: 'INFO',
    routine_id: 'r',
    activation_id: 1,
    message,
    facts: null,
  }));
}

async function readLines({ reads }: Database, jobId: string) {
  return await reads
    .selectFrom('job_logs')
    .select(['sequence', 'message'])
    .where('job_id', '=', jobId)
    .orderBy('sequence')
    .execute();
}

async function countLines({ reads }: Database): Promise<number> {
  const { count } = await reads
    .selectFrom('job_logs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

// O1
forEachDatabase(({ open }) => {
  it('writes rows of all tables, in batches', async () => {
    const statements: string[] = [];
    const database = await open({ onStatement: (sql) => statements.push(sql) });
    const buffer = createWriteBehind(database);
    buffer.add('job_logs', makeLines('a', 0, 1_234));
    buffer.add('activations', [
      { job_id: 'a', sequence: 1, routine_id: 'r', outcome: 'COMPLETED', record: '{}' },
    ]);
    expect(buffer.counters).toMatchObject({ waiting: 1_235, written: 0, dropped: 0 });
    await buffer.flush();
    expect(buffer.counters).toMatchObject({ waiting: 0, written: 1_235, dropped: 0 });
    expect(await countLines(database)).toBe(1_234);
    expect(await database.reads.selectFrom('activations').selectAll().execute()).toHaveLength(1);
    expect(statements.filter((sql) => sql.startsWith('insert')).length).toBeLessThan(60);
    await buffer.close();
  });

  it('replaces a row that is there already; of two the later counts', async () => {
    const database = await open();
    const buffer = createWriteBehind(database);
    buffer.add('job_logs', makeLines('a', 0, 3, 'old'));
    await buffer.flush();
    buffer.add('job_logs', makeLines('a', 1, 2, 'newer'));
    buffer.add('job_logs', makeLines('a', 2, 2, 'newest'));
    await buffer.flush();
    expect((await readLines(database, 'a')).map(({ message }) => message)).toEqual([
      'old',
      'newer',
      'newest',
      'newest',
    ]);
    await buffer.close();
  });

  it('gives up the one row that the database does not take', async () => {
    const database = await open();
    const buffer = createWriteBehind(database);
    const lines = makeLines('a', 0, 200);
    const faulty = { ...lines[77], level: null } as never;
    buffer.add('job_logs', lines.with(77, faulty));
    await buffer.flush();
    expect(buffer.counters).toMatchObject({ waiting: 0, written: 199, dropped: 1 });
    expect(await countLines(database)).toBe(199);
    await buffer.close();
  });
});

async function openBuffer(options: WriteBehindOptions) {
  const clock = new ManualClock();
  const database = await openDatabase('sqlite::memory:');
  const buffer = createWriteBehind(database, { clock, ...options });
  onTestFinished(async () => {
    await buffer.close();
    await database.close();
    expect(clock.timers).toBe(0);
  });
  return { clock, database, buffer };
}

it('writes when rows have waited long enough', async () => {
  const { clock, database, buffer } = await openBuffer({ intervalMs: 250 });
  buffer.add('job_logs', makeLines('a', 0, 2));
  await clock.advance(249);
  expect(await countLines(database)).toBe(0);
  await clock.advance(1);
  expect(await countLines(database)).toBe(2);
});

it('writes at once when a batch is there', async () => {
  const { database, buffer } = await openBuffer({ batchRows: 10 });
  buffer.add('job_logs', makeLines('a', 0, 10));
  await settle();
  expect(await countLines(database)).toBe(10);
});

it('drops the oldest rows when there are too many, and counts them', async () => {
  const { database, buffer } = await openBuffer({ maxRows: 100, batchRows: 1_000 });
  buffer.add('job_logs', makeLines('a', 0, 130));
  expect(buffer.counters).toEqual({ waiting: 100, limit: 100, written: 0, dropped: 30 });
  await buffer.flush();
  expect((await readLines(database, 'a'))[0]?.sequence).toBe(30);
});

it('drops the oldest rows when they hold too much text', async () => {
  const { database, buffer } = await openBuffer({ maxCharacters: 10_000 });
  buffer.add('job_logs', makeLines('a', 0, 10, 'x'.repeat(2_000)));
  expect(buffer.counters).toMatchObject({ waiting: 4, dropped: 6 });
  await buffer.flush();
  expect((await readLines(database, 'a')).map(({ sequence }) => sequence)).toEqual([6, 7, 8, 9]);
});

it('flushes when it is closed, and drops what comes afterwards', async () => {
  const { database, buffer } = await openBuffer({});
  buffer.add('job_logs', makeLines('a', 0, 3));
  await buffer.close();
  buffer.add('job_logs', makeLines('a', 3, 2));
  expect(buffer.counters).toMatchObject({ waiting: 0, written: 3, dropped: 2 });
  expect(await countLines(database)).toBe(3);
});
