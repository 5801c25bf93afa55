import { describe, expect, test } from 'vitest';
import { ended, openApp } from '../api/api.ts';
import { range } from '../engine/parts.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';

describe('O3 a job can be debugged from its beginning', () => {
  test('it stops before its first activation, and at breakpoints given with it', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { debug, breakpoints } = app.createContext();
    const jobId = await start(app, 'numbers', {
      stopsAtEntry: true,
      pauseTtlMs: 5_000_000,
      breakpoints: [
        { ...AT_MIDDLE, condition: 'item == 1', isOnce: true },
        { kind: 'EVENT', routineId: 'middle', event: 'item', afterIndex: 0 },
      ],
    });
    const me = { jobId, actor: 'me' };
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({
      stop: { number: 1, reason: 'ENTRY' },
      frames: [{ routineId: 'source' }],
      pauseTtlMs: 5_000_000,
    });
    const [first, second] = await breakpoints.ofJob(jobId);
    expect(second?.breakpoint.after).toBe(first?.breakpoint.id);
    await debug.continue(me);
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({
      stop: { number: 2, breakpointIds: [first?.breakpoint.id] },
    });
    await debug.continue(me);
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({
      stop: { number: 3, breakpointIds: [second?.breakpoint.id] },
      frames: [{ outputCount: 1 }],
    });
    await breakpoints.clear({ ...me });
    await debug.continue(me);
    await ended(app, jobId);
    expect(await outputOf(app, jobId)).toEqual(range(3));
  });

  test('all faults are told at once, with those of the rest of the request', async () => {
    const app = await openApp({ flows: [numbers()] });
    const at = ['input', 'debug', 'breakpoints'];
    await expect(
      app.jobs.start({
        flowId: 'numbers',
        input: undefined,
        owner: '',
        debug: {
          pauseTtlMs: -1,
          breakpoints: [
            { kind: 'ROUTINE', routineId: 'midle' },
            { ...AT_MIDDLE, afterIndex: 2 },
            { ...AT_MIDDLE, afterIndex: 1, condition: 'item >' },
            { ...AT_MIDDLE, after: 'x', afterIndex: 0 },
            { ...AT_MIDDLE, after: 'x' },
            { ...AT_MIDDLE, afterIndex: 9 },
          ],
        },
      }),
    ).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [
        { path: ['input', 'owner'] },
        { path: ['input', 'debug', 'pauseTtlMs'] },
        { path: [...at, 0, 'routineId'], message: expect.stringContaining('"middle"') },
        { path: [...at, 1, 'afterIndex'] },
        { path: [...at, 2, 'condition'] },
        { path: [...at, 2, 'afterIndex'] },
        { path: [...at, 3, 'afterIndex'] },
        { path: [...at, 4, 'after'] },
        { path: [...at, 5, 'afterIndex'] },
      ],
    });
    const tooMany = { breakpoints: Array.from({ length: 101 }, () => AT_MIDDLE) };
    await expect(start(app, 'numbers', tooMany)).rejects.toMatchObject({ issues: [{ path: at }] });
    expect(await app.createContext().breakpoints.count({})).toBe(0);
  });

  test('a key that is sent again brings no breakpoints twice', async () => {
    const app = await openApp({ flows: [numbers()] });
    const request = {
      flowId: 'numbers',
      input: undefined,
      idempotencyKey: 'once',
      debug: { breakpoints: [AT_MIDDLE], stopsAtEntry: true },
    };
    const jobs = await Promise.all([app.jobs.start(request), app.jobs.start(request)]);
    jobs.push(await app.jobs.start(request));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    const { breakpoints } = app.createContext();
    await expect.poll(() => breakpoints.count({})).toBe(1);
    const jobId = jobs[0]?.id ?? '';
    expect(await breakpoints.ofJob(jobId)).toHaveLength(1);
    await inStatus(app, jobId, 'STOPPED');
    await app.jobs.cancel(jobId);
  });

  test('a retry has the breakpoints of the flow, not those of the job that failed', async () => {
    const app = await openApp({ flows: [numbers()] });
    const jobId = await start(app, 'numbers', { breakpoints: [AT_MIDDLE] });
    await inStatus(app, jobId, 'STOPPED');
    await app.jobs.cancel(jobId);
    const { id } = await app.jobs.retry(jobId);
    await ended(app, id);
    expect(await app.createContext().breakpoints.ofJob(id)).toEqual([]);
    expect(await app.createContext().breakpoints.ofJob(jobId)).toHaveLength(1);
    await app.jobs.delete(jobId);
    expect(await app.createContext().breakpoints.count({})).toBe(0);
  });

  test('jobs that nobody debugs cost the database nothing', async () => {
    const statements: string[] = [];
    const onStatement = (sql: string) => statements.push(sql);
    const database = { url: 'sqlite::memory:', onStatement };
    const app = await openApp({ flows: [numbers()], database });
    statements.length = 0;
    await ended(app, await start(app, 'numbers'));
    const ofDebugger = statements.filter((sql) => /breakpoints|debug_sessions/.test(sql));
    // As it ends: one session is removed that may be there.
    expect(ofDebugger.filter((sql) => !sql.startsWith('delete'))).toEqual([]);
  });

  test('a breakpoint is stored when it is answered, and what is of a job when that is', async () => {
    const statements: string[] = [];
    const onStatement = (sql: string) => statements.push(sql);
    const database = { url: 'sqlite::memory:', onStatement };
    const app = await openApp({ flows: [numbers()], database });
    const isInsert = (table: string) => (sql: string) => sql.startsWith(`insert into "${table}"`);
    await app.createContext().breakpoints.add({ flowId: 'numbers', actor: 'me', ...AT_MIDDLE });
    expect(statements.filter(isInsert('breakpoints'))).toHaveLength(1);
    statements.length = 0;
    const jobId = await start(app, 'numbers', { breakpoints: [AT_MIDDLE], stopsAtEntry: true });
    const placeOf = (table: string) => statements.findIndex(isInsert(table));
    expect(placeOf('breakpoints')).toBeGreaterThanOrEqual(0);
    expect(placeOf('debug_sessions')).toBeGreaterThanOrEqual(0);
    const { length } = statements.slice(0, placeOf('jobs'));
    expect(Math.max(placeOf('breakpoints'), placeOf('debug_sessions'))).toBeLessThan(length);
    await inStatus(app, jobId, 'STOPPED');
    await app.jobs.cancel(jobId);
  });
});
