import { describe, expect, onTestFinished, test } from 'vitest';
import type { AppOptions } from '../../src/app.ts';
import type { JobEvent } from '../../src/pubsub/topics.ts';
import { ended, inState, openApp, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate, range } from '../engine/parts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';

const MINUTE_MS = 60_000;

/** An app with a job that stands still before its first number comes to `middle`. */
async function openStopped(debuggerOptions: AppOptions['debugger'] = {}) {
  const clock = new ManualClock();
  const app = await openApp({ flows: [numbers()], clock, debugger: debuggerOptions });
  const jobId = await start(app, 'numbers', { breakpoints: [AT_MIDDLE] });
  await inStatus(app, jobId, 'STOPPED');
  const events: JobEvent[] = [];
  onTestFinished(app.pubsub.subscribe('jobEvent', (event) => events.push(event)));
  const finish = () => app.jobs.cancel(jobId);
  const { debug, breakpoints } = app.createContext();
  const read = async () => (await debug.findMany([jobId]))[0];
  return { app, clock, jobId, events, finish, debug, breakpoints, read };
}

describe('O3 a session has an owner', () => {
  test('the first who changes something, until the lease is over', async () => {
    const { clock, jobId, debug, read, finish } = await openStopped();
    expect(await read()).toMatchObject({ owner: undefined, leaseUntil: undefined });
    const ann = { jobId, actor: 'ann' };
    const bob = { jobId, actor: 'bob' };
    const { stop, ...stepped } = await debug.continue(ann, 'OVER');
    expect(stepped).toMatchObject({ owner: 'ann', leaseUntil: clock.now() + 5 * MINUTE_MS });
    const refusal = { code: 'SESSION_OWNED', owner: 'ann', leaseUntil: stepped.leaseUntil };
    await expect(debug.continue(bob)).rejects.toMatchObject(refusal);
    await expect(debug.release(bob)).rejects.toMatchObject(refusal);
    await expect(debug.injectItem(bob, { routineId: 'middle', slot: 'item' }, 7, {}))
      .rejects //
      .toMatchObject(refusal);
    // What the owner does renews it, but not a command that comes to nothing.
    await clock.advance(4 * MINUTE_MS);
    await debug.injectItem(ann, { routineId: 'middle', slot: 'item' }, 7, {});
    await clock.advance(4 * MINUTE_MS);
    await expect(debug.dropItem(ann, 'no such item')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(debug.continue(bob)).rejects.toMatchObject({ code: 'SESSION_OWNED' });
    await clock.advance(MINUTE_MS);
    expect(await read()).toMatchObject({ owner: undefined, leaseUntil: undefined });
    expect(await debug.continue(bob)).toMatchObject({ owner: 'bob' });
    await finish();
  });

  test('taking over always works, releasing is for the owner', async () => {
    const { clock, jobId, debug, read, finish } = await openStopped({ leaseMs: 1_000 });
    const [ann, bob] = [
      { jobId, actor: 'ann' },
      { jobId, actor: 'bob' },
    ];
    await debug.takeOver(ann, { leaseMs: 10_000 });
    expect(await debug.takeOver(bob, {})).toMatchObject({
      owner: 'bob',
      leaseUntil: clock.now() + 1_000,
    });
    await expect(debug.continue(ann)).rejects.toMatchObject({
      code: 'SESSION_OWNED',
      owner: 'bob',
    });
    expect(await debug.release(bob)).toMatchObject({ owner: undefined, leaseUntil: undefined });
    await debug.takeOver(ann, { leaseMs: 10_000 });
    await debug.continue(ann, 'OVER'); // does not make it shorter
    expect(await read()).toMatchObject({ leaseUntil: clock.now() + 10_000 });
    await expect(debug.takeOver(ann, { leaseMs: 5, pauseTtlMs: -1 })).rejects.toMatchObject({
      issues: [{ path: ['input', 'leaseMs'] }, { path: ['input', 'pauseTtlMs'] }],
    });
    await finish();
  });

  test('all who give no name are one and the same', async () => {
    const { jobId, debug, finish } = await openStopped();
    await debug.continue({ jobId, actor: undefined }, 'OVER');
    expect(await debug.release({ jobId, actor: undefined })).toMatchObject({ owner: undefined });
    await debug.takeOver({ jobId, actor: undefined }, {});
    await expect(debug.continue({ jobId, actor: 'ann' })).rejects.toMatchObject({
      code: 'SESSION_OWNED',
      owner: 'somebody',
    });
    await finish();
  });

  test('others can not change the breakpoints of the job, nor resume it; they can see it, and cancel it', async () => {
    const { app, jobId, debug, breakpoints, events, finish } = await openStopped();
    await debug.takeOver({ jobId, actor: 'ann' }, {});
    const [{ breakpoint } = { breakpoint: undefined }] = await breakpoints.ofJob(jobId);
    const id = breakpoint?.id ?? '';
    const refusal = { code: 'SESSION_OWNED' };
    await expect(breakpoints.update(id, 'bob', {})).rejects.toMatchObject(refusal);
    await expect(breakpoints.remove(id, 'bob')).rejects.toMatchObject(refusal);
    await expect(breakpoints.clear({ jobId, actor: 'bob' })).rejects.toMatchObject(refusal);
    await expect(breakpoints.add({ jobId, actor: 'bob', ...AT_MIDDLE })).rejects.toMatchObject(
      refusal,
    );
    await expect(app.jobs.resume(jobId)).rejects.toMatchObject(refusal);
    await expect(app.jobs.pause(jobId, { actor: 'bob', pauseTtlMs: 5 })).rejects.toMatchObject({
      code: 'INVALID_STATE',
    });
    expect(await debug.readScopes(jobId, { routineId: 'middle' })).not.toHaveLength(0);
    await app.jobs.resume(jobId, 'ann');
    await until(() => events.some(({ type }) => type === 'BREAKPOINT_HIT'));
    await finish();
  });

  test('a job that does not stand still, one that has ended, and one that is not there', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const { debug } = app.createContext();
    const { id: jobId } = await app.jobs.start({ flowId: 'waiting', input: 1 });
    await until(() => gate.waiting === 1);
    const me = { jobId, actor: 'me' };
    await expect(debug.continue(me, 'INTO')).rejects.toMatchObject({
      code: 'INVALID_STATE',
      state: 'RUNNING',
      message: expect.stringContaining("can't be stepped"),
    });
    gate.open();
    await ended(app, jobId);
    await expect(debug.continue(me)).rejects.toMatchObject({ state: 'COMPLETED' });
    await expect(debug.takeOver(me, {})).rejects.toMatchObject({ state: 'COMPLETED' });
    const gone = { ...me, jobId: 'x' };
    await expect(debug.continue(gone)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await debug.findMany(['x', jobId])).toMatchObject([
      undefined,
      { status: 'ENDED', owner: undefined, frames: [] },
    ]);
  });
});

describe('O3 a stop that is forgotten', () => {
  test('ends by itself, and says so', async () => {
    const { app, clock, jobId, events, read, debug } = await openStopped();
    const { stop, resumesAt } = (await read()) ?? {};
    expect(resumesAt).toBe((stop?.at ?? 0) + 15 * MINUTE_MS);
    await clock.advance(14 * MINUTE_MS);
    // A command begins the time anew.
    await debug.addWatch({ jobId, actor: 'me' }, 'item').catch(() => undefined); // evaluation is off
    await debug.takeOver({ jobId, actor: 'me' }, {});
    expect(await read()).toMatchObject({ resumesAt: clock.now() + 15 * MINUTE_MS });
    await clock.advance(14 * MINUTE_MS);
    expect(await read()).toMatchObject({ stop: { number: 1 } });
    await clock.advance(MINUTE_MS);
    expect(events).toContainEqual(
      expect.objectContaining({ jobId, type: 'STOP_EXPIRED', afterMs: 29 * MINUTE_MS }),
    );
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({ stop: { number: 2 } });
    await clock.advance(30 * MINUTE_MS);
    await ended(app, jobId);
    expect(await outputOf(app, jobId)).toEqual(range(3));
  });

  test('or lasts as long as is said for the session', async () => {
    const { clock, jobId, debug, read, finish } = await openStopped({ pauseTtlMs: 0 });
    expect(await read()).toMatchObject({ pauseTtlMs: undefined, resumesAt: undefined });
    const me = { jobId, actor: 'me' };
    const taken = await debug.takeOver(me, { pauseTtlMs: 2_000 });
    expect(taken).toMatchObject({ pauseTtlMs: 2_000, resumesAt: clock.now() + 2_000 });
    await clock.advance(2_000);
    expect(await read()).toMatchObject({ stop: { number: 2 }, resumesAt: clock.now() + 2_000 });
    expect(await debug.takeOver(me, { pauseTtlMs: 0 })).toMatchObject({ resumesAt: undefined });
    await clock.advance(60 * MINUTE_MS);
    expect(await read()).toMatchObject({ stop: { number: 2 } });
    await finish();
  });

  test('a job that somebody paused stays paused, unless a limit was given', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [numbers(3, 'numbers', gate.pass)], clock });
    const { debug } = app.createContext();
    const jobId = await start(app, 'numbers');
    await until(() => gate.waiting === 1);
    await app.jobs.pause(jobId);
    const session = await inStatus(app, jobId, 'STOPPED');
    expect(session).toMatchObject({ stop: { reason: 'PAUSE' }, resumesAt: undefined });
    await clock.advance(60 * MINUTE_MS);
    expect(await debug.findMany([jobId])).toMatchObject([{ status: 'STOPPED' }]);
    await app.jobs.resume(jobId);
    await app.jobs.pause(jobId, { actor: 'me', pauseTtlMs: 1_000 });
    expect(await inStatus(app, jobId, 'STOPPED')).toMatchObject({
      owner: 'me',
      resumesAt: clock.now() + 1_000,
    });
    await clock.advance(1_000);
    await inState(app, jobId, 'RUNNING');
    expect(await debug.findMany([jobId])).toMatchObject([{ status: 'RUNNING' }]);
    const opening = setInterval(gate.openAll.bind(gate));
    await ended(app, jobId);
    clearInterval(opening);
  });

  test('a limit that is no number of milliseconds is refused', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const { id } = await app.jobs.start({ flowId: 'waiting', input: 1 });
    await until(() => gate.waiting === 1);
    await expect(app.jobs.pause(id, { pauseTtlMs: 0.5 })).rejects.toMatchObject({
      issues: [{ path: ['input', 'pauseTtlMs'] }],
    });
    await app.jobs.cancel(id);
  });
});

describe('O2 watches', () => {
  test('are worked out at each stop, each with its own problem', async () => {
    const { jobId, debug, finish, app } = await openStopped({ evaluation: true });
    const me = { jobId, actor: 'me' };
    const { watch } = await debug.addWatch(me, 'item * 2');
    await debug.addWatch(me, 'item.name.first');
    const readings = async () =>
      (await debug.readWatches(jobId)).map(({ evaluation, problem }) => [
        evaluation?.preview.text,
        problem,
      ]);
    expect(await readings()).toEqual([
      ['0', undefined],
      [undefined, expect.any(String)],
    ]);
    await debug.continue(me);
    await inStatus(app, jobId, 'STOPPED');
    expect((await readings())[0]).toEqual(['2', undefined]);
    expect(await debug.removeWatch(me, watch.id)).toMatchObject({
      watches: [{ expression: 'item.name.first' }],
    });
    await expect(debug.removeWatch(me, watch.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await finish();
  });

  test('are checked when they are added, and are not too many', async () => {
    const { jobId, debug, read, finish } = await openStopped({ evaluation: true });
    const me = { jobId, actor: 'me' };
    await expect(debug.addWatch(me, 'item +')).rejects.toMatchObject({ code: 'EXPRESSION_FAILED' });
    await expect(debug.addWatch(me, `1${' '.repeat(1_000)}`)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    for (const at of range(20)) await debug.addWatch(me, `item + ${at}`);
    await expect(debug.addWatch(me, 'item')).rejects.toMatchObject({
      issues: [{ path: ['input', 'expression'], message: expect.stringContaining('20') }],
    });
    expect((await read())?.watches).toHaveLength(20);
    await finish();
  });

  test('evaluation is off unless it is put on', async () => {
    const { jobId, debug, finish } = await openStopped();
    const me = { jobId, actor: 'me' };
    const off = { code: 'EVALUATION_OFF', message: expect.stringContaining('MILLRACE_EVALUATION') };
    await expect(debug.evaluate(jobId, 'item', {})).rejects.toMatchObject(off);
    await expect(debug.addWatch(me, 'item')).rejects.toMatchObject(off);
    expect(debug.isEvaluationOn).toBe(false);
    await finish();
  });

  test('expressions are checked without running', async () => {
    const { debug, finish } = await openStopped();
    const here = { flowId: 'numbers', routineId: 'middle' };
    expect(debug.validate('item > 1 && hits < 3', { ...here, kind: 'ROUTINE' })).toEqual({
      problem: undefined,
      reads: ['item', 'hits'],
    });
    expect(debug.validate('itm', { ...here, kind: 'ROUTINE' }).problem).toMatchObject({
      reason: 'UNKNOWN_NAME',
      position: 0,
    });
    expect(debug.validate('itm', {})).toEqual({ problem: undefined, reads: ['itm'] });
    expect(() => debug.validate('item', { flowId: 'x' })).toThrow('There is no Flow "x"');
    expect(() => debug.validate('item', { ...here, routineId: 'x' })).toThrow('"numbers/x"');
    await finish();
  });
});

test('M8 a session is told as it is, then as it changes, until the job has ended', async () => {
  const { jobId, debug, app, clock } = await openStopped();
  const sessions = debug.watch(jobId, 1_000);
  const next = async () => {
    await clock.advance(1); // no more than one a millisecond
    return (await sessions.next()).value;
  };
  expect(await next()).toMatchObject({ status: 'STOPPED', stop: { number: 1 }, owner: undefined });
  await debug.takeOver({ jobId, actor: 'me' }, {});
  expect(await next()).toMatchObject({ owner: 'me' });
  await app.jobs.cancel(jobId);
  let session = await next();
  while (session.status !== 'ENDED') session = await next();
  expect(await sessions.next()).toMatchObject({ done: true });
  expect(app.pubsub.listenerCount('debugChanged')).toBe(0);
});
