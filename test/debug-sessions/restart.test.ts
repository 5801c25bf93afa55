import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { DebugSession } from '../../src/debug-sessions/debug-session.ts';
import { ended, openApp } from '../api/api.ts';
import { Gate, range } from '../engine/parts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';

async function makeDatabase(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-debug-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return `sqlite:${join(directory, 'millrace.db')}`;
}

/** The session of a job as soon as it stands still for the n-th time: to go on takes more than time to pass. */
async function inStop(app: App, jobId: string, number: number): Promise<DebugSession> {
  for (;;) {
    const session = await inStatus(app, jobId, 'STOPPED');
    if (session.stop?.number === number) return session;
    await new Promise((keep) => setImmediate(keep));
  }
}

describe('O3 a session survives a restart', () => {
  test('where it stood, its owner, its watches, and what its breakpoints counted', async () => {
    const database = await makeDatabase();
    const debuggerOptions = { evaluation: true };
    const first = await openApp({ flows: [numbers(4)], database, debugger: debuggerOptions });
    const once = { ...AT_MIDDLE, hitCondition: '>= 2' };
    const jobId = await start(first, 'numbers', { breakpoints: [once] });
    const me = { jobId, actor: 'me' };
    const before = await inStatus(first, jobId, 'STOPPED');
    expect(before).toMatchObject({ stop: { number: 1 } });
    await first.createContext().debug.addWatch(me, 'item');
    const [{ leaseUntil } = before] = await first.createContext().debug.findMany([jobId]);
    await first.close();

    const app = await openApp({ flows: [numbers(4)], database, debugger: debuggerOptions });
    const { debug, breakpoints } = app.createContext();
    const session = await inStatus(app, jobId, 'STOPPED');
    expect(session.stop).toEqual(before.stop);
    expect(session).toMatchObject({
      frames: [{ routineId: 'middle', position: 'BEFORE' }],
      owner: 'me',
      leaseUntil,
      watches: [{ expression: 'item' }],
      resumesAt: expect.any(Number),
    });
    await expect(debug.continue({ jobId, actor: 'you' })).rejects.toMatchObject({
      code: 'SESSION_OWNED',
    });
    expect(await breakpoints.ofJob(jobId)).toMatchObject([
      { breakpoint: { hitCount: 2 }, progress: { hitCount: 2 } },
    ]);
    expect(await debug.readWatches(jobId)).toMatchObject([
      { evaluation: { preview: { text: '1' } } },
    ]);
    await debug.continue(me);
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({ stop: { number: 2 } });
    expect(await breakpoints.ofJob(jobId)).toMatchObject([{ progress: { hitCount: 3 } }]);
    await breakpoints.clear(me);
    await debug.continue(me);
    await ended(app, jobId);
    expect(await outputOf(app, jobId)).toEqual(range(4));
  });

  test('breakpoints of a flow, also of one that is not on the server meanwhile', async () => {
    const database = await makeDatabase();
    const first = await openApp({ flows: [numbers()], database });
    const { id } = await first.createContext().breakpoints.add({
      flowId: 'numbers',
      actor: 'me',
      ...AT_MIDDLE,
    });
    const jobId = await start(first, 'numbers');
    const { stop } = await inStatus(first, jobId, 'STOPPED');
    await first.close();

    const without = await openApp({ flows: [], database });
    const me = { jobId, actor: 'me' };
    expect((await inStatus(without, jobId, 'STOPPED')).stop).toEqual(stop);
    await expect(without.createContext().debug.continue(me)).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringContaining('Flow "numbers" is not on this server.'),
    });
    await without.createContext().breakpoints.update(id, 'me', { isEnabled: false });
    await without.close();

    const app = await openApp({ flows: [numbers()], database });
    await inStatus(app, jobId, 'STOPPED');
    await app.createContext().debug.continue(me);
    await ended(app, jobId);
    await ended(app, await start(app, 'numbers'));
    expect(await app.createContext().breakpoints.find([id])).toMatchObject([
      { hitCount: 1, isEnabled: false },
    ]);
  });

  test('a stop that was forgotten ends when its time is over, soon when it is already', async () => {
    const database = await makeDatabase();
    const clock = new ManualClock();
    const first = await openApp({ flows: [numbers()], database, clock });
    const jobId = await start(first, 'numbers', { breakpoints: [AT_MIDDLE] });
    const other = await start(first, 'numbers', { breakpoints: [AT_MIDDLE], pauseTtlMs: 60_000 });
    await inStatus(first, jobId, 'STOPPED');
    await inStatus(first, other, 'STOPPED');
    const closed = first.close();
    await clock.advance(60_000);
    await closed;

    const later = new ManualClock(clock.now() + 60_000);
    const app = await openApp({ flows: [numbers()], database, clock: later });
    const numbersOf = async () =>
      (await app.createContext().debug.findMany([jobId, other])).map(
        (session) => session?.stop?.number,
      );
    expect(await numbersOf()).toEqual([1, 1]);
    await later.advance(999);
    expect(await numbersOf()).toEqual([1, 1]);
    await later.advance(1);
    await inStop(app, other, 2);
    expect(await numbersOf()).toEqual([1, 2]);
    await later.advance(13 * 60_000);
    expect((await inStop(app, jobId, 2)).status).toBe('STOPPED');
    await app.jobs.cancel(jobId);
    await app.jobs.cancel(other).catch(() => undefined); // it may have ended
  });
});

test('O3 what a breakpoint counted just before the server ended is kept', async () => {
  const database = await makeDatabase();
  const clock = new ManualClock();
  const gate = new Gate();
  const flow = numbers(2, 'numbers', (item) => (item === 1 ? gate.pass() : undefined));
  const first = await openApp({ flows: [flow], database, clock });
  const jobId = await start(first, 'numbers', {
    breakpoints: [{ ...AT_MIDDLE, logMessage: 'saw {item}' }],
  });
  while (gate.waiting === 0) await new Promise((keep) => setImmediate(keep));
  const closed = first.close();
  await clock.advance(1);
  await closed;
  expect(clock.timers).toBe(0);

  const app = await openApp({ flows: [numbers(2)], database });
  await ended(app, jobId);
  // The activation that was cut off ran again: it does not count twice.
  expect((await app.createContext().breakpoints.ofJob(jobId))[0]?.breakpoint.hitCount).toBe(2);
});

describe('O3 a session survives a crash', () => {
  /** What would be on disk if the process were killed now. */
  async function crash(database: string): Promise<string> {
    for (const suffix of ['', '-wal']) {
      const file = database.replace('sqlite:', '') + suffix;
      await copyFile(file, file.replace('millrace.db', 'copy.db'));
    }
    return database.replace('millrace.db', 'copy.db');
  }

  test('a job that was accepted a moment ago stops where it was asked to', async () => {
    const database = await makeDatabase();
    const first = await openApp({ flows: [numbers()], database });
    const jobId = await start(first, 'numbers', { breakpoints: [AT_MIDDLE], stopsAtEntry: true });
    const copy = await crash(database);
    await first.jobs.cancel(jobId);

    const app = await openApp({ flows: [numbers()], database: copy });
    const me = { jobId, actor: 'me' };
    expect((await inStatus(app, jobId, 'STOPPED')).frames.length).toBeLessThan(2);
    const { debug, breakpoints } = app.createContext();
    let { stop } = await inStatus(app, jobId, 'STOPPED');
    while (stop?.reason !== 'BREAKPOINT') {
      expect(await outputOf(app, jobId)).toBeUndefined();
      await debug.continue(me);
      ({ stop } = await inStatus(app, jobId, 'STOPPED'));
    }
    await breakpoints.clear(me);
    await debug.continue(me);
    await ended(app, jobId);
    expect(await outputOf(app, jobId)).toEqual(range(3));
  });
});
