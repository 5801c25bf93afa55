import { defineFlow, defineRoutine, event, type Flow, slot } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ended, openApp, startJob, subscribeRefusal, until, watch } from '../api/api.ts';
import { Broken, echo, running, waiting } from '../api/flows.ts';
import { Gate, passes, range } from '../engine/parts.ts';
import {
  JobEventsDocument,
  type JobEventsSubscription,
  type JobEventType,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { readAll } from './told-events.ts';

type Told = JobEventsSubscription['jobEvents'];

async function events(
  app: App,
  jobId: string | null,
  more: { types?: JobEventType[]; after?: string | null } = {},
) {
  const { types = null, after = null } = more;
  const stream = await watch(app, JobEventsDocument, { jobId, types, after });
  return {
    ...stream,
    next: async () => (await stream.next())?.jobEvents,
    rest: async () => (await stream.rest()).map(({ jobEvents }) => jobEvents),
  };
}

const typesOf = (told: readonly Told[]) => told.map(({ type }) => type);

/** Emits as many items as the test lets through. */
function stepping(gate: Gate): Flow {
  const source = defineRoutine({
    type: 'steps',
    events: { item: event<number>() },
    run: async (_, ctx) => {
      for (const item of range(6)) {
        await gate.pass();
        await ctx.emit('item', item);
      }
    },
  });
  return defineFlow({ id: 'stepping', onError: 'continue' }, (f) => {
    const check = passes<number>((item) => {
      if (item === 2 || item === 3) throw new Broken(`no ${item}`);
    });
    f.connect(f.add('source', source).events.item, f.add('check', check).slots.item);
  });
}

describe('M8 events of a job', () => {
  test('M8 its life, in order, each with a cursor; the stream ends with it', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock, engine: { maxRunningJobs: 1 } });
    const first = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const id = await startJob(app, { flowId: 'waiting' });
    const types: JobEventType[] = ['JOB_STARTED', 'JOB_PAUSED', 'JOB_RESUMED', 'JOB_COMPLETED'];
    const stream = await events(app, id, { types });
    gate.open();
    await ended(app, first);
    await until(() => gate.waiting === 1);
    await app.jobs.pause(id.slice(4));
    await clock.advance(1500);
    await app.jobs.resume(id.slice(4));
    gate.open();
    const told = await stream.rest();
    expect(typesOf(told)).toEqual(types);
    expect(told).toMatchObject([
      { __typename: 'JobStartedEvent', jobId: id, at: '2026-01-01T00:00:00.000Z' },
      { __typename: 'JobPausedEvent' },
      { __typename: 'JobResumedEvent', at: '2026-01-01T00:00:01.500Z' },
      { __typename: 'JobCompletedEvent', durationMs: 1500, job: { status: 'COMPLETED' } },
    ]);
    expect(new Set(told.map(({ cursor }) => cursor)).size).toBe(4);
  });

  test('M8 tells why a job failed', async () => {
    const gate = new Gate();
    const flow = running(async () => {
      await gate.pass();
      throw new Broken('bad luck');
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'running' });
    const stream = await events(app, id, { types: ['JOB_FAILED'] });
    await until(() => gate.waiting === 1);
    gate.open();
    expect(await stream.rest()).toMatchObject([
      { __typename: 'JobFailedEvent', errorMessage: 'bad luck', errorCode: 'BROKEN' },
    ]);
  });

  test('M8 tells that a job was cancelled, and what it left behind', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, id);
    await app.jobs.cancel(id.slice(4));
    expect((await stream.rest()).at(-1)).toMatchObject({
      __typename: 'JobCancelledEvent',
      unresponsiveRoutineIds: ['wait'],
    });
  });

  test('M8 routine, queue, log and progress events', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const talks = defineRoutine({
      type: 'talks',
      slots: { item: slot<unknown>() },
      run: async (_, ctx) => {
        await gate.pass();
        ctx.log.warning('careful', { n: 1 });
        ctx.progress(3, 10, 'third');
        await gate.pass();
      },
    });
    const flow = defineFlow({ id: 'talking' }, (f) => {
      const first = f.add('first', passes<unknown>(gate.pass));
      f.connect(f.input, first.slots.item);
      f.connect(first.events.item, f.add('talks', talks).slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'talking' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, id);
    gate.open();
    await clock.advance(100);
    gate.open();
    await clock.advance(100);
    gate.open();
    const told = await stream.rest();
    const seen = (type: JobEventType) => told.filter((each) => each.type === type);
    expect(seen('ROUTINE_STARTED')).toMatchObject([{ routineId: 'talks', count: 1 }]);
    expect(seen('ROUTINE_COMPLETED')).toMatchObject([
      { routineId: 'first', count: 1 },
      { routineId: 'talks', count: 1 },
    ]);
    expect(seen('ROUTINE_STATUS_CHANGED')).toMatchObject([
      { routineId: 'first', previousStatus: 'RUNNING', status: 'IDLE' },
      { routineId: 'talks', previousStatus: 'PENDING', status: 'RUNNING' },
      { routineId: 'first', previousStatus: 'IDLE', status: 'COMPLETED' },
      { routineId: 'talks', previousStatus: 'RUNNING', status: 'COMPLETED' },
    ]);
    expect(seen('QUEUE_CHANGED')[0]).toMatchObject({ maxLength: 1000, pressureLevel: 'LOW' });
    expect(seen('LOG_WRITTEN')).toMatchObject([
      { routineId: 'talks', level: 'WARNING', message: 'careful' },
    ]);
    expect(seen('PROGRESS_REPORTED')).toMatchObject([
      { routineId: 'talks', done: 3, total: 10, progressMessage: 'third' },
    ]);
    expect(told.at(-1)?.type).toBe('JOB_COMPLETED');
  });

  test('M8 O1 a routine that counts wrongly, or tells at length, harms nobody who is told', async () => {
    const gate = new Gate();
    const boaster = running(async (_, ctx) => {
      await gate.pass();
      ctx.progress(Number.NaN, 10, 'of nothing');
      await gate.pass();
      ctx.progress(1, Number.POSITIVE_INFINITY, 'x'.repeat(5_000_000));
      await gate.pass();
      const code = 'z'.repeat(5_000_000);
      throw Object.assign(new Error('y'.repeat(5_000_000)), { code });
    }, 'boaster');
    const clock = new ManualClock();
    const app = await openApp({ flows: [boaster], clock });
    const id = await startJob(app, { flowId: 'boaster' });
    const types: JobEventType[] = ['PROGRESS_REPORTED', 'ROUTINE_FAILED', 'JOB_FAILED'];
    const stream = await events(app, id, { types });
    for (const _ of range(3)) {
      await until(() => gate.waiting === 1);
      gate.open();
      await clock.advance(100);
    }
    const told = await stream.rest();
    expect(typesOf(told)).toEqual(types);
    expect(told[0]).toMatchObject({ done: 1, total: null });
    const job = await app.jobs.require(id.slice(4));
    const kept = app.createContext().jobEvents.subscribe({ job, types, since: 0 }, true);
    for (const each of await readAll(kept)) {
      expect(JSON.stringify(each).length).toBeLessThan(20_000);
    }
  });

  test('M8 merges what happens often: ten times a second, with counts that add up', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [stepping(gate)], clock });
    const id = await startJob(app, { flowId: 'stepping' });
    await until(() => gate.waiting === 1);
    const types: JobEventType[] = ['ROUTINE_STARTED', 'ROUTINE_COMPLETED', 'ROUTINE_FAILED'];
    const stream = await events(app, id, { types });
    const step = async (count: number) => {
      for (let at = 0; at < count; at++) {
        await until(() => gate.waiting === 1);
        gate.open();
        await settle();
      }
    };
    await step(2);
    await clock.advance(99);
    await step(2);
    await clock.advance(1);
    expect(await stream.next()).toMatchObject({ type: 'ROUTINE_STARTED', count: 4 });
    expect(await stream.next()).toMatchObject({ type: 'ROUTINE_COMPLETED', count: 2 });
    expect(await stream.next()).toMatchObject({
      type: 'ROUTINE_FAILED',
      count: 2,
      errorMessage: 'no 3',
      errorCode: 'BROKEN',
    });
    await step(2);
    expect(await stream.rest()).toMatchObject([
      { type: 'ROUTINE_COMPLETED', routineId: 'source', count: 1 },
      { type: 'ROUTINE_STARTED', routineId: 'check', count: 2 },
      { type: 'ROUTINE_COMPLETED', routineId: 'check', count: 2 },
    ]);
  });

  test('O4 tells the chosen types only, and all when none is chosen', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const all = await events(app, id);
    const paused = await events(app, id, { types: ['JOB_PAUSED'] });
    const none = await events(app, id, { types: [] });
    await app.jobs.pause(id.slice(4));
    await app.jobs.resume(id.slice(4));
    gate.open();
    expect(typesOf(await paused.rest())).toEqual(['JOB_PAUSED']);
    expect(await none.rest()).toEqual([]);
    expect(typesOf(await all.rest())).toEqual(
      expect.arrayContaining(['JOB_PAUSED', 'JOB_RESUMED', 'JOB_COMPLETED']),
    );
  });

  test('M9 merged events and log lines are made only while somebody wants them', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const timers = clock.timers;
    const cheap = await events(app, id, { types: ['JOB_PAUSED', 'JOB_FAILED'] });
    expect(clock.timers).toBe(timers);
    const costly = await Promise.all([events(app, id), events(app, id)]);
    expect(clock.timers).toBe(timers + 1);
    await costly[0]?.leave();
    expect(clock.timers).toBe(timers + 1);
    await costly[1]?.leave();
    expect(clock.timers).toBe(timers);
    await cheap.leave();
    expect(app.services.jobEvents.counts).toMatchObject({ readers: 0, listening: 0, producing: 0 });
  });
});

describe('M8 coming back', () => {
  test('M8 `after` tells what came since, then goes on', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const first = await events(app, id, { types: ['JOB_PAUSED'] });
    await app.jobs.pause(id.slice(4));
    const cursor = (await first.next())?.cursor ?? null;
    await first.leave();
    await app.jobs.resume(id.slice(4));
    await app.jobs.pause(id.slice(4));
    const types: JobEventType[] = ['JOB_PAUSED', 'JOB_RESUMED', 'JOB_COMPLETED'];
    const again = await events(app, id, { after: cursor, types });
    await app.jobs.resume(id.slice(4));
    gate.open();
    const told = await again.rest();
    expect(typesOf(told)).toEqual(['JOB_RESUMED', 'JOB_PAUSED', 'JOB_RESUMED', 'JOB_COMPLETED']);
    // Nothing is left after the last one; the stream of a job that has ended ends at once.
    const over = await events(app, id, { after: told.at(-1)?.cursor ?? null });
    expect(await over.rest()).toEqual([]);
    expect(await (await events(app, id)).rest()).toEqual([]);
    // From the first one on all is told again, though the job has ended.
    const replay = await events(app, id, { after: cursor, types });
    expect((await replay.rest()).map((each) => each.cursor)).toEqual(
      told.map((each) => each.cursor),
    );
  });

  test('M8 what is not in memory any more is read from the database', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate), echo()], heldEvents: 4 });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, id, { types: ['JOB_PAUSED'] });
    await app.jobs.pause(id.slice(4));
    const cursor = (await stream.next())?.cursor ?? null;
    await stream.leave();
    for (let at = 0; at < 3; at++) await ended(app, await startJob(app, { flowId: 'echo' }));
    await app.jobs.resume(id.slice(4)); // ten events since the cursor, four of which are in memory
    const types: JobEventType[] = ['JOB_CREATED', 'JOB_COMPLETED', 'JOB_RESUMED'];
    const again = await events(app, null, { after: cursor, types });
    const told: (Told | undefined)[] = [];
    for (let at = 0; at < 7; at++) told.push(await again.next());
    expect(told.map((each) => each?.type)).toEqual([
      ...range(3).flatMap(() => ['JOB_CREATED', 'JOB_COMPLETED']),
      'JOB_RESUMED',
    ]);
    await until(() => app.services.jobEvents.counts.held === 4);
  });

  test('M8 a hole is told, with how much is missing', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({
      flows: [waiting(gate), echo()],
      clock,
      heldEvents: 4,
      retention: { events: 4 },
    });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, id, { types: ['JOB_PAUSED'] });
    await app.jobs.pause(id.slice(4));
    const cursor = (await stream.next())?.cursor ?? null;
    await stream.leave();
    for (let at = 0; at < 3; at++) await ended(app, await startJob(app, { flowId: 'echo' }));
    await app.jobs.resume(id.slice(4)); // ten events since the cursor, four of which are kept
    while (app.services.jobEvents.counts.held > 4) await clock.advance(1000);
    await clock.advance(120_000);
    const again = await events(app, id, { after: cursor, types: ['JOB_RESUMED'] });
    const [gap, resumed] = [await again.next(), await again.next()];
    expect(gap).toMatchObject({ __typename: 'GapEvent', type: 'GAP', from: cursor, lostCount: 6 });
    expect(resumed).toMatchObject({ type: 'JOB_RESUMED' });
    // The cursor of the gap is where what is held begins: from there no gap is told.
    const other = await events(app, id, { after: gap?.cursor ?? null, types: ['JOB_RESUMED'] });
    expect(await other.next()).toMatchObject({ type: 'JOB_RESUMED' });
  });

  test('M8 a cursor of another database tells a gap', async () => {
    const gate = new Gate();
    const earlier = await openApp({ flows: [echo()] });
    const old = await startJob(earlier, { flowId: 'echo' });
    const [last] = await (await events(earlier, old, { types: ['JOB_COMPLETED'] })).rest();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    const after = last?.cursor ?? null;
    const stream = await events(app, id, { after, types: ['JOB_CREATED'] });
    expect(await stream.next()).toMatchObject({ type: 'GAP', from: after, lostCount: null });
    expect(await stream.next()).toMatchObject({ type: 'JOB_CREATED' });
  });

  test('M8 what is no cursor is refused', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const jobId = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, jobId, { types: ['JOB_PAUSED'] });
    await app.jobs.pause(jobId.slice(4));
    const cursor = (await stream.next())?.cursor ?? '';
    const [epoch = '', name = ''] = cursor.split('.');
    const other = name.startsWith('A') ? 'B' : 'A';
    const forged = [
      `${epoch}-1`,
      `${epoch}.${other}${name.slice(1)}`,
      `${epoch}.${'A'.repeat(22)}`,
    ];
    for (const after of ['', 'garbage', '12', '-', `${cursor}x`, ...forged]) {
      expect(await subscribeRefusal(app, JobEventsDocument, { jobId, types: null, after })).toEqual(
        {
          code: 'VALIDATION_FAILED',
          message: expect.stringContaining(`"${after}" is not a cursor`),
        },
      );
    }
  });

  test('M8 a cursor ahead of all there is tells a gap, then goes on', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const types: JobEventType[] = ['JOB_PAUSED'];
    const after = app.createContext().jobEvents.cursorAt(999_999);
    const again = await events(app, id, { types, after });
    expect(await again.next()).toMatchObject({ type: 'GAP', from: after, lostCount: null });
    await app.jobs.pause(id.slice(4));
    expect(await again.next()).toMatchObject({ type: 'JOB_PAUSED' });
  });

  /** Pauses and resumes a job, which makes two events, as often as asked. */
  async function pauseAndResume(app: App, jobId: string, times: number): Promise<void> {
    for (let at = 0; at < times; at++) {
      await app.jobs.pause(jobId.slice(4));
      await app.jobs.resume(jobId.slice(4));
    }
  }

  test('M8 a reader that does not read for long gets everything all the same', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const jobId = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const types: JobEventType[] = ['JOB_PAUSED', 'JOB_RESUMED'];
    const stream = await events(app, jobId, { types });
    await pauseAndResume(app, jobId, 500);
    gate.open();
    const told = await stream.rest();
    expect(typesOf(told)).toEqual(range(500).flatMap(() => types));
    expect(app.services.jobEvents.counts).toMatchObject({ readers: 0, listening: 0 });
  });

  test('M8 what is held is told at once, however much it is', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const types: JobEventType[] = ['JOB_PAUSED', 'JOB_RESUMED'];
    const live = await events(app, id, { types });
    await pauseAndResume(app, id, 1);
    const first = await live.next();
    await live.leave();
    await pauseAndResume(app, id, 1000);
    gate.open();
    await ended(app, id);
    const replay = await events(app, id, { after: first?.cursor ?? null, types });
    expect(await replay.rest()).toHaveLength(2001);
  });

  test('M8 M9 of a burst of log lines the first are told, the others counted', async () => {
    const gate = new Gate();
    const flow = running(async (_, ctx) => {
      await gate.pass();
      for (let at = 0; at < 2000; at++) ctx.log.info('x'.repeat(2000));
    });
    const app = await openApp({ flows: [flow] });
    const jobId = await startJob(app, { flowId: 'running' });
    await until(() => gate.waiting === 1);
    const stream = await events(app, jobId, { types: ['LOG_WRITTEN', 'LOGS_SKIPPED'] });
    gate.open();
    const told = await stream.rest();
    const lines = told.filter((each) => each.__typename === 'LogWrittenEvent');
    const skipped = told.flatMap((each) =>
      each.__typename === 'LogsSkippedEvent' ? [each.count] : [],
    );
    expect(lines).toHaveLength(50);
    expect(lines[0]?.message).toHaveLength(1001);
    expect(skipped).toEqual([1950]);
  });
});

test('M8 of a job that ends while it is subscribed to, the end is told', async () => {
  for (let ticks = 0; ticks < 30; ticks++) {
    const app = await openApp({ flows: [echo()] });
    const id = await startJob(app, { flowId: 'echo' });
    for (let at = 0; at < ticks; at++) await Promise.resolve();
    const state = (await app.jobs.require(id.slice(4))).state;
    const told = await (await events(app, id, { types: ['JOB_COMPLETED'] })).rest();
    if (state !== 'COMPLETED') expect(typesOf(told)).toEqual(['JOB_COMPLETED']);
  }
});

test('M11 an unknown job, or an id of another type, is refused at once', async () => {
  const app = await openApp({ flows: [echo()] });
  const refuse = (jobId: string) =>
    subscribeRefusal(app, JobEventsDocument, { jobId, types: null, after: null });
  expect(await refuse('Job:gone')).toEqual({
    code: 'NOT_FOUND',
    message: 'There is no Job "gone".',
  });
  expect(await refuse('Flow:echo')).toMatchObject({ code: 'VALIDATION_FAILED' });
});
