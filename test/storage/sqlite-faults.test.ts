import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { type Database, StorageUnavailableError } from '../../src/storage/database.ts';
import { type OpenDatabaseOptions, openDatabase } from '../../src/storage/open-database.ts';
import { createWriteBehind } from '../../src/storage/write-behind.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { checkpoint, readJobIds, untilReady } from './checkpoints.ts';

// O1: what can go wrong with a database file, and what is told of it.

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(file: string, options?: OpenDatabaseOptions): Promise<Database> {
  const database = await openDatabase(`sqlite:${file}`, options);
  onTestFinished(() => database.close());
  return database;
}

/** Another program that has the file open. */
function openElsewhere(file: string): Sqlite.Database {
  const connection = new Sqlite(file);
  onTestFinished(() => void connection.close());
  return connection;
}

it('is flushed to disk with each commit', async () => {
  const database = await open(join(makeDirectory(), 'jobs.db'));
  const ask = (sql: string) => ({ compile: () => CompiledQuery.raw(sql) });
  const [journal, synchronous] = await database.write([
    ask('pragma journal_mode'),
    ask('pragma synchronous'),
  ]);
  const full = 2;
  expect(journal?.rows).toEqual([{ journal_mode: 'wal' }]);
  expect(synchronous?.rows).toEqual([{ synchronous: full }]);
});

it('waits for a locked file, says so, and writes once it is free', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const database = await open(file);
  const other = openElsewhere(file);
  other.exec('begin immediate');
  const writes = ['a', 'b', 'c'].map((id) => database.write([checkpoint(database, id)]));
  await untilReady(database, false);
  expect(database.status.problem).toMatch(/locked .*jobs\.db\. Close whatever else has it open/);
  expect(await readJobIds(database)).toEqual([]);
  other.exec('rollback');
  await Promise.all(writes);
  expect(database.status).toMatchObject({ isReady: true, problem: undefined });
  expect(await readJobIds(database)).toEqual(['a', 'b', 'c']);
});

it('gives up a write whose deadline is over, and finds out by itself that the file is free', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const database = await open(file);
  await database.write([checkpoint(database, 'a')]);
  const other = openElsewhere(file);
  other.exec('begin immediate');
  const write = database.write([checkpoint(database, 'b')], { deadlineMs: 2_000 });
  await expect(write).rejects.toThrow(StorageUnavailableError);
  await expect(write).rejects.toThrow(/2000 ms are over.*Another program has locked/);
  const { mayBeStored } = await write.catch((error) => error);
  other.exec('rollback');
  await untilReady(database, true);
  // SQLite may be waiting for the lock at the very moment when the deadline is over, and get it then.
  const ids = await readJobIds(database);
  expect(mayBeStored ? ids.filter((id) => id !== 'b') : ids).toEqual(['a']);
});

it('tells of a write that was given up whether it may have been stored', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const clock = new ManualClock();
  const database = await open(file, { clock });
  const other = openElsewhere(file);
  other.exec('begin immediate');
  const onItsWay = database.write([checkpoint(database, 'a')], { deadlineMs: 1 });
  const uncertain = expect(onItsWay).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    mayBeStored: true,
    message: expect.stringMatching(/^The change may have been stored: 1 ms are over\./),
  });
  await settle(1);
  await clock.advance(1);
  await uncertain;
  // It waits for the next try now, which comes when the clock moves.
  await untilReady(database, false);
  const waiting = database.write([checkpoint(database, 'b')], { deadlineMs: 1 });
  const certain = expect(waiting).rejects.toMatchObject({
    mayBeStored: false,
    message: expect.stringMatching(/^The change was not stored: 1 ms are over\. .*has locked/),
  });
  await clock.advance(1);
  await certain;
  other.exec('rollback');
  await clock.advance(2_000);
  await untilReady(database, true);
  expect(await readJobIds(database)).toEqual([]);
});

it('refuses what has a deadline while too much waits, and takes all else', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const database = await open(file, { maxWaitingCharacters: 2_000 });
  const other = openElsewhere(file);
  other.exec('begin immediate');
  const write = (id: string, deadlineMs?: number) =>
    database.write(
      [checkpoint(database, id, 'x'.repeat(600))],
      deadlineMs === undefined ? {} : { deadlineMs },
    );
  const taken = [write('a', 60_000), write('b', 60_000)];
  await expect(write('c', 60_000)).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    mayBeStored: false,
    message: expect.stringMatching(/^The change was not stored: Too many changes wait/),
  });
  taken.push(write('d'));
  other.exec('rollback');
  await Promise.all(taken);
  await write('e', 60_000);
  expect(await readJobIds(database)).toEqual(['a', 'b', 'd', 'e']);
});

it('refuses scans when hundreds wait already, and stays ready', async () => {
  const database = await open(join(makeDirectory(), 'jobs.db'));
  const scans = Array.from({ length: 600 }, () =>
    database.scans.selectFrom('jobs').select('id').execute(),
  );
  const settled = await Promise.allSettled(scans);
  const refused = settled.filter((scan) => scan.status === 'rejected');
  expect(refused).toHaveLength(99);
  expect(refused[0]?.reason).toBeInstanceOf(StorageUnavailableError);
  expect(refused[0]?.reason.message).toMatch(/^Too many searches wait .* Try again later\.$/);
  expect(database.status.isReady).toBe(true);
  await database.scans.selectFrom('jobs').select('id').execute();
});

it('keeps trace and log lines within bounds while the file is locked', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const database = await open(file);
  const buffer = createWriteBehind(database, { maxRows: 50, batchRows: 10 });
  const other = openElsewhere(file);
  other.exec('begin immediate');
  for (let sequence = 0; sequence < 200; sequence++) {
    const line = {
      at: 1,
      level: 'INFO',
      routine_id: 'r',
      activation_id: 1,
      message: '',
      facts: null,
    };
    buffer.add('job_logs', [{ job_id: 'a', sequence, ...line }]);
  }
  expect(buffer.counters.waiting).toBeLessThanOrEqual(50);
  await untilReady(database, false);
  other.exec('rollback');
  await buffer.flush();
  const { written, dropped, waiting } = buffer.counters;
  expect([written + dropped, waiting]).toEqual([200, 0]);
  expect(dropped).toBeGreaterThanOrEqual(150);
  const rows = await database.reads.selectFrom('job_logs').select('sequence').execute();
  expect(rows).toHaveLength(written);
  expect(rows.at(-1)?.sequence).toBe(199);
  await buffer.close();
});

it('keeps what does not fit on a full disk until there is room', async ({ skip }) => {
  const directory = makeDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', directory], { stdio: 'ignore' });
  } catch {
    skip('Only who may mount a small disk can fill it.');
  }
  const database = await openDatabase(`sqlite:${join(directory, 'jobs.db')}`);
  onTestFinished(async () => {
    await database.close();
    execFileSync('umount', [directory]);
  });
  await database.write([checkpoint(database, 'a')]);
  const filler = join(directory, 'filler');
  const handle = openSync(filler, 'w');
  try {
    for (;;) writeSync(handle, Buffer.alloc(4_096));
  } catch {
    // It is full.
  } finally {
    closeSync(handle);
  }
  const writes = ['b', 'c'].map((id) =>
    database.write([checkpoint(database, id, 'x'.repeat(100_000))]),
  );
  await untilReady(database, false);
  expect(database.status.problem).toMatch(/^The disk is full: .*jobs\.db can't grow\. Free space/);
  expect(await readJobIds(database)).toEqual(['a']);
  rmSync(filler);
  await Promise.all(writes);
  expect(database.status.isReady).toBe(true);
  expect(await readJobIds(database)).toEqual(['a', 'b', 'c']);
});

it('refuses a file that is no database, and leaves it as it is', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  writeFileSync(file, 'Dear diary, '.repeat(1_000));
  await expect(openDatabase(`sqlite:${file}`)).rejects.toMatchObject({
    code: 'STORAGE_OPEN_FAILED',
    message: expect.stringMatching(
      /jobs\.db is not an SQLite database, or is damaged\. Name another/,
    ),
  });
  expect(readFileSync(file, 'utf8')).toMatch(/^Dear diary, /);
});

it('refuses a damaged database, and leaves it as it is', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  await (await openDatabase(`sqlite:${file}`)).close();
  const damaged = readFileSync(file);
  damaged.fill(0xff, 100, 4_096);
  writeFileSync(file, damaged);
  await expect(openDatabase(`sqlite:${file}`)).rejects.toMatchObject({
    code: 'STORAGE_OPEN_FAILED',
    message: expect.stringMatching(/jobs\.db is damaged\. Stop whatever uses it, keep a copy/),
  });
  expect(readFileSync(file)).toEqual(damaged);
});

it('says that a file was damaged while it was in use', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const before = await openDatabase(`sqlite:${file}`);
  const wide = Array.from({ length: 50 }, (_, at) =>
    checkpoint(before, `${at}`, 'x'.repeat(9_000)),
  );
  await before.write(wide);
  await before.close();
  const database = await open(file);
  const size = readFileSync(file).length;
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(size - 4_096, 0xff), 0, size - 4_096, 4_096);
  closeSync(handle);
  const read = database.reads.selectFrom('job_checkpoints').selectAll().execute();
  await expect(read).rejects.toThrow(StorageUnavailableError);
  await expect(read).rejects.toThrow(/jobs\.db is damaged\. .*put a backup in its place/);
  expect(database.status.isReady).toBe(false);
});

it('refuses what can not be a file', async () => {
  const directory = makeDirectory();
  writeFileSync(join(directory, 'file'), '');
  mkdirSync(join(directory, 'sub.db'));
  for (const url of [
    `sqlite:${join(directory, 'file', 'jobs.db')}`,
    `sqlite:${join(directory, 'sub.db')}`,
    'sqlite:',
    'sqlite://host/jobs.db',
    'mysql://host/jobs',
  ]) {
    await expect(openDatabase(url), url).rejects.toMatchObject({ code: 'STORAGE_OPEN_FAILED' });
  }
});

it('refuses a directory that it may not write, and says what is needed', async () => {
  const directory = makeDirectory();
  const file = join(directory, 'jobs.db');
  await (await openDatabase(`sqlite:${file}`)).close();
  execFileSync('chmod', ['-R', 'a+rX,a-w', directory]);
  // Whoever runs as root may write everywhere: then another user has to try.
  const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'migrate', '--database-url', `sqlite:${file}`],
    { ...account, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  expect(await text(child.stderr)).toMatch(
    /^millrace: .*jobs\.db can't be (opened|written)\. Let this user .*write the file, its directory/,
  );
});

it('knows a file by whatever name', async () => {
  const directory = makeDirectory();
  const file = join(directory, 'jobs.db');
  await open(file);
  symlinkSync(file, join(directory, 'link.db'));
  await expect(
    openDatabase(`sqlite:${join(directory, 'link.db')}`, { openTimeoutMs: 0 }),
  ).rejects.toThrow('Another Millrace runs on');
});
