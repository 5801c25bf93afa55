import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { App, AppOptions } from '../../src/app.ts';
import { ended, openApp, startJob, subscribeRefusal, until, watch } from '../api/api.ts';
import { echo, queueing, running, waiting } from '../api/flows.ts';
import { Gate, range } from '../engine/parts.ts';
import { JobEventsDocument, type JobEventsSubscriptionVariables } from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

/** A stream of the API; everything but one job's has to be left. */
async function events(app: App, variables: JobEventsSubscriptionVariables) {
  const stream = await watch(app, JobEventsDocument, variables);
  return {
    leave: stream.leave,
    async next(count: number) {
      const told = [];
      for (let at = 0; at < count; at++) told.push((await stream.next())?.jobEvents);
      return told;
    },
    async until(type: string) {
      const told = await stream.nextUntil(({ jobEvents }) => jobEvents.type === type);
      return told.map(({ jobEvents }) => jobEvents);
    },
  };
}

const LIFE = ['JOB_CREATED', 'JOB_STARTED', 'JOB_COMPLETED'] as const;

test('M8 O4 the events of a flow, by id or name, and of all jobs, also of those that are started later', async () => {
  const app = await openApp({ flows: [echo('a'), echo('b')] });
  const types = [...LIFE];
  const streams = await Promise.all(
    [{}, { flowId: 'a' }, { flowId: 'Flow:b' }].map((which) => events(app, { ...which, types })),
  );
  const ids: string[] = [];
  for (const flowId of ['a', 'b', 'a']) {
    const id = await startJob(app, { flowId });
    await ended(app, id);
    ids.push(id);
  }
  const [a, b, again] = ids;
  const life = (jobId: string | undefined, flowId: string) =>
    LIFE.map((type) => ({ type, jobId, flowId, job: { status: 'COMPLETED' } }));
  const [all, ofA, ofB] = streams;
  expect(await all?.next(9)).toMatchObject([
    ...life(a, 'Flow:a'),
    ...life(b, 'Flow:b'),
    ...life(again, 'Flow:a'),
  ]);
  expect(await ofA?.next(6)).toMatchObject([...life(a, 'Flow:a'), ...life(again, 'Flow:a')]);
  expect(await ofB?.next(3)).toMatchObject(life(b, 'Flow:b'));
});

test('M11 a job of another flow, or an unknown flow, is refused at once', async () => {
  const app = await openApp({ flows: [echo('a'), echo('b')] });
  const jobId = await startJob(app, { flowId: 'a' });
  expect(await subscribeRefusal(app, JobEventsDocument, { jobId, flowId: 'b' })).toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringContaining('is of flow "a"'),
  });
  expect(await subscribeRefusal(app, JobEventsDocument, { flowId: 'c' })).toMatchObject({
    code: 'NOT_FOUND',
  });
  const ofBoth = await events(app, { jobId, flowId: 'a', after: 'other-1' });
  expect(await ofBoth.next(1)).toMatchObject([{ type: 'GAP', jobId, flowId: 'Flow:a' }]);
});

test('M8 a gap in a stream of several jobs is of none of them', async () => {
  const app = await openApp({ flows: [echo()] });
  const all = await events(app, { after: 'other-1' });
  const ofFlow = await events(app, { flowId: 'echo', after: 'other-1' });
  expect(await all.next(1)).toMatchObject([{ type: 'GAP', jobId: null, flowId: null, job: null }]);
  expect(await ofFlow.next(1)).toMatchObject([{ jobId: null, flowId: 'Flow:echo', job: null }]);
});

test('M8 M9 merged events and log lines of all jobs of a flow, while somebody wants them', async () => {
  const gate = new Gate();
  const logs = running((_, ctx) => ctx.log.info('here'), 'logs');
  const clock = new ManualClock();
  const app = await openApp({ flows: [waiting(gate), echo(), logs], clock });
  const { jobEvents } = app.services;
  await startJob(app, { flowId: 'waiting' });
  await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 2);
  const timers = clock.timers;
  const cheap = await events(app, { types: [...LIFE] });
  expect(jobEvents.counts.producing).toBe(0);
  const ofFlow = await events(app, { flowId: 'waiting', types: ['ROUTINE_COMPLETED'] });
  expect(jobEvents.counts.producing).toBe(2);
  const types = ['LOG_WRITTEN', 'ROUTINE_STARTED', 'JOB_COMPLETED'] as const;
  const all = await events(app, { types: [...types] });
  expect(jobEvents.counts.producing).toBe(2);
  expect(clock.timers).toBe(timers + 2);

  // Also of a job that is over before anybody could ask for its events.
  const short = await startJob(app, { flowId: 'logs' });
  expect(await all.next(3)).toMatchObject([
    { type: 'LOG_WRITTEN', jobId: short, message: 'here' },
    { type: 'ROUTINE_STARTED', jobId: short, count: 1 },
    { type: 'JOB_COMPLETED', jobId: short },
  ]);
  await until(() => jobEvents.counts.producing === 2);
  await all.leave();
  expect(jobEvents.counts.producing).toBe(2);
  gate.openAll();
  expect(await ofFlow.next(2)).toMatchObject([{ count: 1 }, { count: 1 }]);
  await until(() => jobEvents.counts.producing === 0);
  await startJob(app, { flowId: 'waiting' });
  await until(() => jobEvents.counts.producing === 1);
  await ofFlow.leave();
  expect(jobEvents.counts.producing).toBe(0);
  await cheap.leave();
  expect(jobEvents.counts).toMatchObject({ readers: 0, listening: 0 });
});

test('M9 for all jobs they are made of a hundred at a time; when one ends the next takes its place', async () => {
  const gates = range(103).map(() => new Gate());
  const flows = gates.map((gate, at) => waiting(gate, `flow-${at}`));
  const app = await openApp({ flows, engine: { maxRunningJobs: 200, endGraceMs: 1 } });
  const { jobEvents } = app.services;
  const start = async (at: number) => {
    const id = await startJob(app, { flowId: `flow-${at}` });
    await until(() => gates[at]?.waiting === 1);
    return id;
  };
  const [firstId = ''] = [await start(0)];
  const all = await events(app, { types: ['ROUTINE_COMPLETED'] });
  for (let at = 1; at < 103; at++) await start(at);
  expect(jobEvents.counts.producing).toBe(100);
  gates[0]?.open();
  await ended(app, firstId);
  gates[100]?.open();
  expect(await all.next(2)).toMatchObject([{ flowId: 'Flow:flow-0' }, { flowId: 'Flow:flow-100' }]);
  await until(() => jobEvents.counts.producing === 100);
  // One that is asked for by itself is made besides.
  const one = await events(app, { flowId: 'flow-102', types: ['ROUTINE_COMPLETED'] });
  expect(jobEvents.counts.producing).toBe(100);
  await all.leave();
  expect(jobEvents.counts.producing).toBe(1);
  gates[102]?.open();
  expect(await one.next(1)).toMatchObject([{ flowId: 'Flow:flow-102' }]);
  for (const gate of gates) gate.openAll();
});

test('M8 what a job that is deleted told goes with it', async () => {
  const app = await openApp({ flows: [echo()], heldEvents: 1 });
  const all = await events(app, { types: [...LIFE] });
  const first = await startJob(app, { flowId: 'echo' });
  await ended(app, first);
  const second = await startJob(app, { flowId: 'echo' });
  await ended(app, second);
  const told = await all.next(6);
  await app.jobs.delete(first.slice(4));
  const after = app.createContext().jobEvents.cursorAt(0);
  const again = await events(app, { types: [...LIFE], after });
  expect(await again.next(3)).toEqual(told.slice(3));
});

/** A database in a file, and the file as it would be if the process were killed now. */
async function makePlace() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-events-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'millrace.db');
  const copy = join(directory, 'copy.db');
  return {
    url: `sqlite:${file}`,
    async crash() {
      for (const suffix of ['', '-wal']) await copyFile(file + suffix, copy + suffix);
      return `sqlite:${copy}`;
    },
  };
}

const open = (database: string, more: Partial<AppOptions> = {}) =>
  openApp({ flows: [echo()], database, ...more });

test('M8 O1 over a restart: every event once, in order', async () => {
  const { url } = await makePlace();
  const first = await open(url, { heldEvents: 2 });
  const types = [...LIFE];
  const all = await events(first, { types });
  const ids = [
    await startJob(first, { flowId: 'echo' }),
    await startJob(first, { flowId: 'echo' }),
  ];
  for (const id of ids) await ended(first, id);
  const told = await all.next(4);
  await first.close();
  const second = await open(url, { heldEvents: 2 });
  const again = await events(second, { types, after: told.at(-1)?.cursor ?? null });
  const third = await startJob(second, { flowId: 'echo' });
  const rest = await again.next(5);
  const seen = [...told, ...rest].map((event) => `${event?.jobId} ${event?.type}`);
  expect(seen.toSorted()).toEqual(
    [...ids, third].flatMap((id) => LIFE.map((type) => `${id} ${type}`)).toSorted(),
  );
  // In the order that all of them have.
  const replay = await events(second, { types, after: told[0]?.cursor ?? null });
  const replayed = (await replay.next(8)).map((event) => `${event?.jobId} ${event?.type}`);
  expect(replayed).toEqual(seen.slice(1));
});

test('M8 O1 over a kill: a gap where what was told and not stored would be', async () => {
  const { url, crash } = await makePlace();
  const first = await open(url);
  const types = [...LIFE];
  const all = await events(first, { types });
  const stored = await startJob(first, { flowId: 'echo' });
  await ended(first, stored);
  const told = await all.next(3);
  await first.services.jobEvents.flush();
  const copy = await crash();
  const lost = await startJob(first, { flowId: 'echo' });
  await ended(first, lost);
  const unknown = await all.next(3);
  const second = await open(copy);
  const id = await startJob(second, { flowId: 'echo' });
  const from = async (after: string | undefined, count: number) =>
    (await events(second, { types, after: after ?? null })).next(count);
  const cursors = [...told, ...unknown].map((event) => event?.cursor);
  const life = LIFE.map((type) => ({ type, jobId: id }));
  expect(await from(cursors[0], 6)).toMatchObject([
    ...told.slice(1).map((event) => ({ type: event?.type, jobId: stored })),
    { type: 'GAP', lostCount: null },
    ...life,
  ]);
  for (const after of cursors.slice(2)) {
    expect(await from(after, 4)).toMatchObject([{ type: 'GAP', lostCount: null }, ...life]);
  }
});

test('M8 O1 merged events of a job that was taken up again', async () => {
  const { url } = await makePlace();
  const gate = new Gate();
  const flows = [waiting(gate)];
  const first = await openApp({ flows, database: url });
  const id = await startJob(first, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  await first.close();
  const second = await openApp({ flows, database: url });
  const all = await events(second, { types: ['ROUTINE_COMPLETED', 'JOB_COMPLETED'] });
  gate.openAll();
  expect((await all.until('JOB_COMPLETED')).map((event) => event?.type)).toEqual([
    'ROUTINE_COMPLETED',
    'JOB_COMPLETED',
  ]);
  await ended(second, id);
});

test('W4 who comes back within a minute is told, merged, what was made while nobody listened', async () => {
  const gate = new Gate();
  const clock = new ManualClock();
  const app = await openApp({ flows: [queueing(gate, 10)], clock });
  const { jobEvents } = app.services;
  const jobId = await startJob(app, { flowId: 'queueing' });
  await until(() => gate.waiting === 1);
  const types = ['ROUTINE_COMPLETED', 'QUEUE_CHANGED'] as const;
  const pass = async (count: number) => {
    for (let at = 0; at < count; at++) {
      await until(() => gate.waiting === 1);
      gate.open();
      await settle();
    }
    await until(() => gate.waiting === 1);
  };
  const comeBack = async (after: string | undefined) => {
    const stream = await events(app, { jobId, types: [...types], after: after ?? null });
    await clock.advance(100);
    return stream;
  };
  const first = await comeBack(undefined);
  await pass(1);
  await clock.advance(100);
  const seen = await first.next(2);
  expect(seen).toMatchObject([{ count: 1 }, { unconsumedCount: 8 }]);
  await first.leave();
  expect(jobEvents.counts.producing).toBe(0);

  await pass(3);
  await clock.advance(30_000);
  const second = await comeBack(seen.at(-1)?.cursor);
  const missed = await second.next(2);
  expect(missed).toMatchObject([{ count: 3 }, { unconsumedCount: 5 }]);
  await second.leave();

  await pass(3);
  await clock.advance(60_001);
  const third = await comeBack(missed.at(-1)?.cursor);
  await pass(1);
  await clock.advance(100);
  expect(await third.next(2)).toMatchObject([{ count: 1 }, { unconsumedCount: 1 }]);
  await third.leave();
});

test('W4 log lines that nobody was told of are counted', async () => {
  const gate = new Gate();
  const logs = running(async (_, ctx) => {
    for (;;) {
      await gate.pass();
      ctx.log.info('here');
    }
  }, 'logs');
  const clock = new ManualClock();
  const app = await openApp({ flows: [logs], clock });
  const jobId = await startJob(app, { flowId: 'logs' });
  const types = ['LOG_WRITTEN', 'LOGS_SKIPPED'] as const;
  const write = async () => {
    await until(() => gate.waiting === 1);
    gate.open();
    await settle();
  };
  const first = await events(app, { jobId, types: [...types] });
  await write();
  const [line] = await first.next(1);
  await first.leave();
  for (let at = 0; at < 5; at++) await write();
  const again = await events(app, { jobId, types: [...types], after: line?.cursor ?? null });
  await write();
  expect(await again.next(2)).toMatchObject([
    { type: 'LOGS_SKIPPED', count: 5 },
    { message: 'here' },
  ]);
  await again.leave();
});
