import { describe, expect, test } from 'vitest';
import { ended, openApp, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { AT_MIDDLE, inStatus, numbers, start } from './debugged.ts';
import { openStopped } from './stopped-job.ts';

/** A job that stands still, with what two people do to it. */
async function openForTwo() {
  const { app, jobId: id } = await openStopped();
  const { debug, breakpoints } = app.createContext();
  const jobId = id.slice(4);
  const ann = { jobId, actor: 'ann' };
  const owner = async () => (await debug.findMany([jobId]))[0]?.owner;
  return { app, jobId, debug, breakpoints, ann, owner };
}

const LINE = { routineId: 'scale', slot: 'line' } as const;

describe('O3 who owns a session', () => {
  test('a command that is refused makes nobody the owner', async () => {
    const { jobId, debug, breakpoints, ann, owner } = await openForTwo();
    await expect(debug.dropItem(ann, 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(debug.removeWatch(ann, 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const wrong = { ...ann, kind: 'ROUTINE', routineId: 'none' } as const;
    await expect(breakpoints.add(wrong)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await owner()).toBeUndefined();
    // Of two at once one is the owner, and the other is refused.
    const both = await Promise.allSettled([
      debug.injectItem(ann, LINE, 7, {}),
      breakpoints.clear({ jobId, actor: 'bob' }),
    ]);
    const refused = both.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'SESSION_OWNED', owner: await owner() } }]);
    expect(await owner()).toBe(both[0].status === 'fulfilled' ? 'ann' : 'bob');
  });

  test('a pause that comes to nothing gives no limit, and makes nobody the owner', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const { id } = await app.jobs.start({ flowId: 'waiting', input: 1 });
    await until(() => gate.waiting === 1);
    await app.jobs.pause(id);
    const refused = app.jobs.pause(id, { actor: 'ann', pauseTtlMs: 5_000 });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_STATE' });
    expect(await app.createContext().debug.findMany([id])).toMatchObject([
      { owner: undefined, pauseTtlMs: undefined },
    ]);
    await app.jobs.cancel(id);
  });

  test('O2 evaluating is looking: it is free to all, and makes nobody the owner', async () => {
    const { jobId, debug, ann, owner } = await openForTwo();
    expect(await debug.evaluate(jobId, 'item + 1', {})).toMatchObject({ json: { value: 2 } });
    expect(await owner()).toBeUndefined();
    await debug.takeOver(ann, {});
    expect(await debug.evaluate(jobId, 'item + 1', {})).toMatchObject({ json: { value: 2 } });
  });

  test('what a refusal says is said once', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const { id: jobId } = await app.jobs.start({ flowId: 'waiting', input: 1 });
    await until(() => gate.waiting === 1);
    await app.jobs.pause(jobId);
    await inStatus(app, jobId, 'STOPPED');
    const stepping = app.createContext().debug.continue({ jobId, actor: undefined }, 'OUT');
    await expect(stepping).rejects.toMatchObject({
      code: 'INVALID_STATE',
      state: 'PAUSED',
      message: `Job ${jobId} is PAUSED and can't be stepped out of: no activation is held.`,
    });
    await app.jobs.cancel(jobId);
  });
});

describe('O3 what is sent twice is done once', () => {
  test('an item under a key, at one stop', async () => {
    const { debug, ann } = await openForTwo();
    const inject = (value: number, idempotencyKey?: string) =>
      debug.injectItem(ann, LINE, value, { idempotencyKey });
    const first = await inject(7, 'a');
    expect(await inject(7, 'a')).toEqual(first);
    await expect(inject(8, 'a')).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    expect((await inject(7, 'b')).itemId).not.toBe(first.itemId);
    expect((await inject(7)).itemId).not.toBe(first.itemId);
  });

  test('a breakpoint under a key, until it is removed', async () => {
    const { breakpoints, ann, jobId } = await openForTwo();
    const wanted = { kind: 'ROUTINE', routineId: 'sum', idempotencyKey: 'a' } as const;
    const [one, other] = await Promise.all([
      breakpoints.add({ ...ann, ...wanted }),
      breakpoints.add({ ...ann, ...wanted }),
    ]);
    expect(other).toEqual(one);
    expect(await breakpoints.count({ jobId })).toBe(2); // the job was started with one
    const elsewhere = breakpoints.add({ flowId: 'orders', actor: 'ann', ...wanted });
    await expect(elsewhere).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    await breakpoints.remove(one.id, 'ann');
    expect((await breakpoints.add({ ...ann, ...wanted })).id).not.toBe(one.id);
  });
});

describe('O3 the breakpoints of a job', () => {
  test('are told in the order they were made, its own and those of its flow', async () => {
    const { breakpoints, ann, jobId } = await openForTwo();
    const made = [];
    for (const of of [
      { flowId: 'orders', actor: 'ann' },
      ann,
      { flowId: 'orders', actor: 'bob' },
    ]) {
      made.push((await breakpoints.add({ ...of, kind: 'ROUTINE', routineId: 'sum' })).id);
    }
    const told = (await breakpoints.ofJob(jobId)).map(({ breakpoint }) => breakpoint.id);
    expect(told.slice(1)).toEqual(made);
  });

  test('can be cleared when it has ended', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints } = app.createContext();
    const jobId = await start(app, 'numbers', { breakpoints: [{ ...AT_MIDDLE, logMessage: 'x' }] });
    await ended(app, jobId);
    expect(await breakpoints.clear({ jobId, actor: 'me' })).toBe(1);
    expect(await breakpoints.ofJob(jobId)).toEqual([]);
    const gone = breakpoints.clear({ jobId: 'x', actor: 'me' });
    await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
