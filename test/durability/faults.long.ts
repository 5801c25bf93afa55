import { execFileSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { StorageStateDocument } from '../generated/operations.ts';
import { makeSchema, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { hasPostgres } from '../support/shared-postgres.ts';
import { useBuilt } from './built.ts';
import { readEffects } from './effects.ts';
import type { Work } from './flows/work.ts';
import { makeDirectory } from './place.ts';
import { RefusedError, type ServerProcess, startProcess } from './process.ts';
import {
  expectOutcomes,
  requestJob,
  startJob,
  untilAllEnded,
  untilEffects,
  untilReadyIs,
} from './requests.ts';
import { surveyJobs } from './survey.ts';

// O1, "Durable": databases that are full, locked, damaged, read-only or gone while a server runs on them, or is started.

const built = useBuilt();

/** The command line, with checkpoints at its own pace. */
function start(database: string): ServerProcess {
  const where = ['--port', '0', '--flows', built.flows, '--database-url', database];
  return startProcess(built.cli, ['start', ...where]);
}

/** A server that has something to write all the time. */
function startBusy(database: string): ServerProcess {
  const settings = {
    flows: built.flows,
    database,
    checkpointIntervalMs: 50,
    closeGraceMs: 500,
    maxRunningJobs: 64,
    maxCrashes: 1_000,
  };
  return startProcess(built.server, [JSON.stringify(settings)]);
}

/** What jobs are run on that have their effects in a directory. */
function makeWorks(directory: string) {
  const effects = join(directory, 'effects');
  const work = (key: string, count: number, paceMs: number): Work => ({
    key,
    count,
    paceMs,
    effects,
  });
  return { effects, work };
}

/** The probe and the API tell the same problem. */
async function expectProblem(server: ServerProcess, pattern: RegExp): Promise<void> {
  let storage:
    | { readonly isReady: boolean; readonly problem?: string | null | undefined }
    | null
    | undefined;
  do {
    expect(await untilReadyIs(server, 503)).toMatch(pattern);
    // A probe that happens to touch nothing that is damaged finds it ready again, until the next read.
    ({ storage } = (await server.ask(StorageStateDocument, {})).server);
    if (storage?.isReady) await surveyJobs(server).catch(() => undefined);
  } while (storage?.isReady);
  expect(storage).toMatchObject({ isReady: false, problem: expect.stringMatching(pattern) });
}

async function expectReady(server: ServerProcess): Promise<void> {
  await untilReadyIs(server, 200);
  const { storage } = (await server.ask(StorageStateDocument, {})).server;
  expect(storage).toEqual({ isReady: true, problem: null });
}

async function stop(server: ServerProcess): Promise<void> {
  server.send('SIGTERM');
  expect(await server.ended).toEqual({ code: 0, signal: null });
}

/** It does not start, and says why. */
async function expectRefusal(database: string, reason: RegExp): Promise<void> {
  const server = start(database);
  expect(await server.ended).toMatchObject({ code: 1 });
  expect(server.stderr).toMatch(reason);
  // For people: no stack, and one line.
  expect(server.stderr.trimEnd()).not.toContain('\n');
}

/** A disk of a few megabytes; `undefined` where it may not be made. */
function mountSmallDisk(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', directory], { stdio: 'ignore' });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', directory]));
  return true;
}

it('waits while the disk is full, refuses jobs, and goes on when there is room', async ({
  skip,
}) => {
  const [disk, elsewhere] = [await makeDirectory(), await makeDirectory()];
  if (!mountSmallDisk(disk)) skip('Only who may mount a small disk can fill it.');
  const { work, effects } = makeWorks(elsewhere);
  const server = startBusy(`sqlite:${join(disk, 'millrace.db')}`);
  // The first ends while nothing can be written, the second later.
  const works = [work('short', 40, 40), work('long', 250, 60)];
  const [short, long] = works as [Work, Work]; // there are two
  await startJob(server, 'summing', short);
  await startJob(server, 'crowded', long);
  await untilEffects(effects, 'short', 5);

  const filler = join(disk, 'filler');
  const handle = openSync(filler, 'w');
  try {
    for (;;) writeSync(handle, Buffer.alloc(4_096));
  } catch {
    // It is full.
  } finally {
    closeSync(handle);
  }
  await expectProblem(server, /^The disk is full: .*millrace\.db can't grow\. Free space/);
  expect(await requestJob(server, 'summing', work('refused', 3, 1))).toMatchObject({
    __typename: 'StorageUnavailableError',
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringContaining('The disk is full'),
  });
  await untilEffects(effects, 'short', short.count);
  rmSync(filler);
  await expectReady(server);
  expectOutcomes(await untilAllEnded(server), works, true);
  expect(readEffects(effects).has('refused')).toBe(false);
  await stop(server);
});

it('waits while another program has locked the file', async () => {
  const directory = await makeDirectory();
  const file = join(directory, 'millrace.db');
  const { work, effects } = makeWorks(directory);
  const server = startBusy(`sqlite:${file}`);
  const works = [work('a', 60, 30), work('b', 30, 30), work('c', 10, 10)];
  const [a, b, c] = works as [Work, Work, Work]; // there are three
  await startJob(server, 'parallel', a);
  await startJob(server, 'retrying', b);
  await untilEffects(effects, 'a', 3);
  const other = new Sqlite(file);
  onTestFinished(() => void other.close());
  other.exec('begin immediate');
  const waiting = startJob(server, 'summing', c);
  await expectProblem(server, /locked .*millrace\.db\. Close whatever else has it open/);
  // Reads go on.
  expect((await surveyJobs(server)).map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
  await untilEffects(effects, 'a', a.count);
  other.exec('rollback');
  await waiting;
  await expectReady(server);
  expectOutcomes(await untilAllEnded(server), works, true);
  await stop(server);
});

describe('a file that was damaged', () => {
  async function makeUsed() {
    const directory = await makeDirectory();
    const file = join(directory, 'millrace.db');
    const { work } = makeWorks(directory);
    const server = startBusy(`sqlite:${file}`);
    for (let at = 0; at < 20; at++) await startJob(server, 'summing', work(`${at}`, 40, 0));
    await untilAllEnded(server);
    await stop(server);
    return { file, url: `sqlite:${file}` };
  }

  it.each([
    ['is another kind of file', (before: Buffer) => Buffer.alloc(before.length, 'Dear diary, ')],
    ['was cut off', (before: Buffer) => before.subarray(0, Math.floor(before.length / 2))],
    ['has garbage in its middle', (before: Buffer) => fill(before, 4_096)],
    ['has garbage in its first page', (before: Buffer) => fill(before, 100)],
  ])('is refused, and left as it is: %s', async (_, damage) => {
    const { file, url } = await makeUsed();
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    await expectRefusal(url, /millrace\.db is (damaged|not an SQLite database)/);
    expect(readFileSync(file).equals(damaged)).toBe(true);
  });

  /** Garbage from somewhere to the end. */
  function fill(before: Buffer, from: number): Buffer {
    return Buffer.from(before).fill(0xff, from);
  }

  it('is told, when that happens while it is in use', async () => {
    const directory = await makeDirectory();
    const file = join(directory, 'millrace.db');
    const { work } = makeWorks(directory);
    const first = startBusy(`sqlite:${file}`);
    for (let at = 0; at < 20; at++) await startJob(first, 'summing', work(`${at}`, 40, 0));
    await untilAllEnded(first);
    await stop(first);
    const server = startBusy(`sqlite:${file}`);
    await server.url;
    const { size } = statSync(file);
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(size - 4_096, 0xff), 0, size - 4_096, 4_096);
    closeSync(handle);
    const read = surveyJobs(server);
    await expect(read).rejects.toThrow(RefusedError);
    await expect(read).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringMatching(/millrace\.db is damaged\. .*put a backup in its place/),
    });
    await expectProblem(server, /millrace\.db is damaged/);
    expect(await requestJob(server, 'summing', work('refused', 3, 1))).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    await stop(server);
  });
});

it('does not start where it may not write, and starts when it may again', async ({ skip }) => {
  const [disk, elsewhere] = [await makeDirectory(), await makeDirectory()];
  if (!mountSmallDisk(disk)) skip('Only who may mount a disk can make it read-only.');
  const url = `sqlite:${join(disk, 'millrace.db')}`;
  const { work, effects } = makeWorks(elsewhere);
  const works = [work('a', 40, 60)];
  const [a] = works as [Work]; // there is one
  const server = start(url);
  await startJob(server, 'parallel', a);
  await untilEffects(effects, 'a', 3);
  await server.kill();
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, disk]);
  remount('ro');
  await expectRefusal(
    url,
    /millrace\.db can't be (opened|written)\. Let this user .*write the file, its directory/,
  );
  remount('rw');
  const next = start(url);
  await next.url;
  expectOutcomes(await untilAllEnded(next), works, false);
  await stop(next);
});

describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  }, 120_000);
  afterAll(() => postgres?.remove());

  it.each(['stop', 'kill'] as const)(
    'may be made to %s and started again while jobs run',
    async (how) => {
      const { work, effects } = makeWorks(await makeDirectory());
      const server = startBusy(await makeSchema(postgres.url));
      // Some end while it is gone, some after; one is paused meanwhile.
      const works = [
        work('a', 60, 30),
        work('b', 40, 30),
        work('c', 30, 20),
        work('d', 260, 60),
        work('patient', 10, 10),
      ];
      const [a, b, c, d, patient] = works as [Work, Work, Work, Work, Work]; // there are five
      await startJob(server, 'parallel', a);
      await startJob(server, 'summing', b);
      await startJob(server, 'retrying', c);
      await startJob(server, 'crowded', d);
      for (const { key } of [a, b, c, d]) await untilEffects(effects, key, 3);

      await postgres[how]();
      const refused = requestJob(server, 'summing', work('refused', 3, 1));
      await expectProblem(server, /^PostgreSQL at 127\.0\.0\.1:\d+ can't be reached\./);
      await expect(surveyJobs(server)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      await untilEffects(effects, 'a', a.count);
      expect(await refused).toMatchObject({
        __typename: 'StorageUnavailableError',
        code: 'STORAGE_UNAVAILABLE',
        message: expect.stringContaining(`can't be reached`),
      });
      const accepted = startJob(server, 'summing', patient);
      await delay(500);
      await postgres.start();
      await accepted;
      await expectReady(server);
      expectOutcomes(await untilAllEnded(server), works, true);
      expect(readEffects(effects).has('refused')).toBe(false);
      await stop(server);
    },
  );

  it('does not keep a server from stopping when it is gone', async () => {
    const { work, effects } = makeWorks(await makeDirectory());
    const url = await makeSchema(postgres.url);
    const server = startBusy(url);
    const works = [work('a', 40, 40), work('b', 80, 100)];
    const [a, b] = works as [Work, Work]; // there are two
    await startJob(server, 'parallel', a);
    await startJob(server, 'crowded', b);
    await untilEffects(effects, 'b', 3);
    await postgres.kill();
    await untilReadyIs(server, 503);
    await untilEffects(effects, 'a', a.count);
    await stop(server);
    await postgres.start();
    const next = startBusy(url);
    await next.url;
    expectOutcomes(await untilAllEnded(next), works, false);
    await stop(next);
  });
});
