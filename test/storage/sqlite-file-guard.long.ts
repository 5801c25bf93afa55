import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, StorageUnavailableError } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { checkpoint, readJobIds, untilReady } from './checkpoints.ts';

// O1: what happens to the files of a database while it is open, and what is told of it.

function makeDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const directory = join(parent, 'data');
  mkdirSync(directory);
  return directory;
}

async function open(file: string): Promise<Database> {
  const database = await openDatabase(`sqlite:${file}`, { closeTimeoutMs: 0 });
  onTestFinished(() => database.close());
  return database;
}

/** An open database with one row, and nothing under way. */
async function openWithRow(): Promise<{ directory: string; file: string; database: Database }> {
  const directory = makeDirectory();
  const file = join(directory, 'jobs.db');
  const database = await open(file);
  await database.write([checkpoint(database, 'a')]);
  return { directory, file, database };
}

const scan = ({ scans }: Database) => scans.selectFrom('job_checkpoints').selectAll().execute();

const MOVED = /jobs\.db was moved or deleted while it was in use\. Stop this process, put the file/;
const LOG =
  /beside .*jobs\.db \(-wal or -shm\) was moved or deleted .* Stop this process with SIGTERM/;
const LOCK = /The lock file .*jobs\.db-lock was removed or replaced, .* Stop whatever runs on it/;

interface Mishap {
  readonly name: string;
  readonly problem: RegExp;
  readonly happen: (directory: string, file: string) => void;
}

const MISHAPS: readonly Mishap[] = [
  { name: 'the file was deleted', problem: MOVED, happen: (_, file) => unlinkSync(file) },
  {
    name: 'the file was moved',
    problem: MOVED,
    happen: (_, file) => renameSync(file, `${file}.old`),
  },
  {
    name: 'its directory was deleted',
    problem: MOVED,
    happen: (directory) => rmSync(directory, { recursive: true }),
  },
  {
    name: 'its directory was moved, and a new one is there',
    problem: MOVED,
    happen(directory) {
      renameSync(directory, `${directory}.old`);
      mkdirSync(directory);
    },
  },
  {
    name: 'a backup was put in its place',
    problem: MOVED,
    happen(_, file) {
      copyFileSync(file, `${file}.backup`);
      renameSync(`${file}.backup`, file);
    },
  },
  {
    name: 'its write-ahead log was deleted',
    problem: LOG,
    happen: (_, file) => unlinkSync(`${file}-wal`),
  },
  {
    name: 'its shared memory was deleted',
    problem: LOG,
    happen: (_, file) => unlinkSync(`${file}-shm`),
  },
  { name: 'its lock was deleted', problem: LOCK, happen: (_, file) => unlinkSync(`${file}-lock`) },
];

describe.each(MISHAPS)('when $name', ({ problem, happen }) => {
  it('answers no write as stored, and says why', async () => {
    const { directory, file, database } = await openWithRow();
    happen(directory, file);
    const writes = ['b', 'c'].map((id) =>
      database.write([checkpoint(database, id)], { deadlineMs: 1_000 }),
    );
    for (const write of writes) {
      await expect(write).rejects.toThrow(StorageUnavailableError);
      await expect(write).rejects.toThrow(/^The change (was not|may have been) stored: /);
    }
    await untilReady(database, false);
    expect(database.status.problem).toMatch(problem);
    // What comes when it is known is not written to where nobody finds it.
    const late = database.write([checkpoint(database, 'd')], { deadlineMs: 300 });
    await expect(late).rejects.toThrow(problem);
    expect(await readJobIds(database)).not.toContain('d');
  });

  it('finds out though nobody writes, and refuses scans', async () => {
    const { directory, file, database } = await openWithRow();
    happen(directory, file);
    await expect(scan(database)).rejects.toThrow(StorageUnavailableError);
    await untilReady(database, false);
    expect(database.status.problem).toMatch(problem);
    const before = existsSync(directory) ? readdirSync(directory) : [];
    await expect(scan(database)).rejects.toThrow(problem);
    // Above all no file is made where one was deleted.
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual(before);
  });
});

it('refuses scans on a thread that had the file open', async () => {
  const { file, database } = await openWithRow();
  expect(await scan(database)).toHaveLength(1);
  renameSync(file, `${file}.old`);
  await expect(scan(database)).rejects.toThrow(MOVED);
});

it('stays down when another file appears in its place, and goes on when its own is back', async () => {
  const { directory, file, database } = await openWithRow();
  renameSync(directory, `${directory}.old`);
  const write = database.write([checkpoint(database, 'b')]);
  await untilReady(database, false);
  mkdirSync(directory);
  copyFileSync(join(`${directory}.old`, 'jobs.db'), file);
  const late = database.write([checkpoint(database, 'c')], { deadlineMs: 3_000 });
  await expect(late).rejects.toThrow(MOVED);
  expect(database.status.isReady).toBe(false);
  rmSync(directory, { recursive: true });
  renameSync(`${directory}.old`, directory);
  await write;
  expect(database.status).toMatchObject({ isReady: true, problem: undefined });
  expect(await readJobIds(database)).toEqual(['a', 'b']);
});

it('saves what was in a write-ahead log that was deleted when it is closed', async () => {
  const { file, database } = await openWithRow();
  unlinkSync(`${file}-wal`);
  await untilReady(database, false);
  await database.close();
  expect(await readJobIds(await open(file))).toEqual(['a']);
});

it('stops for good when a second one got in, and says so once', async () => {
  const { file, database } = await openWithRow();
  const told: string[] = [];
  database.onLost((problem) => told.push(problem));
  unlinkSync(`${file}-lock`);
  const second = await open(file);
  const taken = /Another Millrace has taken over .*jobs\.db, or a backup .* Stop whatever runs on/;
  await new Promise<void>((resolve) => void database.onLost(() => resolve()));
  await expect(
    database.write([checkpoint(database, 'b')], { deadlineMs: 300 }),
  ).rejects.toMatchObject({ mayBeStored: false, message: expect.stringMatching(taken) });
  await second.write([checkpoint(second, 'c')]);
  await second.close();
  // That the lock is gone with the second one may be noticed first.
  await expect(database.write([checkpoint(database, 'd')], { deadlineMs: 300 })).rejects.toThrow(
    /Another Millrace has taken over|lock file .* was removed/,
  );
  expect(told).toEqual([expect.stringMatching(taken)]);
  expect(await readJobIds(await open(file))).toEqual(['a', 'c']);
});

it('writes nothing over what another process claimed', async () => {
  const { file, database } = await openWithRow();
  const other = new Sqlite(file);
  onTestFinished(() => void other.close());
  other.exec(`update database_owner set token = 'another'`);
  const write = expect(database.write([checkpoint(database, 'b')])).rejects.toThrow('was closed');
  await new Promise<void>((resolve) => void database.onLost(() => resolve()));
  await untilReady(database, false);
  expect(database.status.problem).toMatch(/^Another Millrace has taken over/);
  const late = database.write([checkpoint(database, 'c')], { deadlineMs: 300 });
  await expect(late).rejects.toMatchObject({ mayBeStored: false });
  expect(await readJobIds(database)).toEqual(['a']);
  await database.close();
  await write;
});

it('finds out that another process claimed it though nobody writes', async () => {
  const { file, database } = await openWithRow();
  const other = new Sqlite(file);
  onTestFinished(() => void other.close());
  other.exec(`update database_owner set token = 'another'`);
  await new Promise<void>((resolve) => void database.onLost(() => resolve()));
  await untilReady(database, false);
});

it('does not mind that another program reads it, or saves its log into it', async () => {
  const { file, database } = await openWithRow();
  const other = new Sqlite(file);
  other.pragma('wal_checkpoint(truncate)');
  expect(other.prepare('select job_id from job_checkpoints').pluck().all()).toEqual(['a']);
  other.exec('vacuum');
  other.close();
  await database.write([checkpoint(database, 'b')]);
  expect(await scan(database)).toHaveLength(2);
  expect(database.status.isReady).toBe(true);
});

it('makes all directories above the file', async () => {
  const file = join(makeDirectory(), 'a', 'b', 'jobs.db');
  await open(file);
  expect(existsSync(file)).toBe(true);
});

it('refuses a directory that the system will not make, at once', () => {
  // In a process of its own: one that never comes back could not be ended otherwise.
  const start = `import { migrateDatabase } from './src/storage/open-database.ts';
    await migrateDatabase('sqlite:/proc/x/y.db').catch(({ code, message }) => console.log(code, message));`;
  const told = execFileSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', start],
    { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
  );
  expect(told).toMatch(
    /^STORAGE_OPEN_FAILED The directory \/proc\/x can't be made: .* Name a database where this user/,
  );
});

it('refuses the file of another program, and leaves it as it is', async () => {
  const directory = makeDirectory();
  const file = join(directory, 'shop.db');
  const other = new Sqlite(file);
  for (const name of ['orders', 'users', 'goods', 'bills']) other.exec(`create table ${name} (id)`);
  other.close();
  const before = readFileSync(file);
  await expect(openDatabase(`sqlite:${file}`)).rejects.toMatchObject({
    code: 'STORAGE_OPEN_FAILED',
    message: expect.stringMatching(
      /shop\.db holds tables of another program \("orders", "users", "goods", …\)\. Name another/,
    ),
  });
  expect(readFileSync(file)).toEqual(before);
  expect(readdirSync(directory)).toEqual(['shop.db']);
});

it('takes a file that holds no tables, and its own with tables of others besides', async () => {
  const file = join(makeDirectory(), 'jobs.db');
  const other = new Sqlite(file);
  other.pragma('user_version = 7');
  await (await openDatabase(`sqlite:${file}`)).close();
  other.exec('create table of_a_backup_tool (id)');
  other.close();
  expect(await readJobIds(await open(file))).toEqual([]);
});
