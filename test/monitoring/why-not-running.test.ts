import {
  type Activation,
  allSlotsReady,
  batchSize,
  custom,
  defineFlow,
  defineRoutine,
  event,
  type Flow,
  type JobRun,
  retry,
  slot,
  timeInterval,
} from 'millrace/engine';
import { expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { createEngine } from '../../src/engine/index.ts';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import { ask, ended, openApp, startJob, until } from '../api/api.ts';
import { Broken, waiting } from '../api/flows.ts';
import { emitsAtOnce, Gate, inspecting, keeps, passes, range } from '../engine/parts.ts';
import { GetRoutinesDocument } from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

async function why(app: App, id: string, routineId: string) {
  const { job } = await ask(app, GetRoutinesDocument, { id });
  return job?.routines.find((each) => each.routineId === routineId)?.whyNotRunning;
}

/** A source that emits what it is told to, and a routine that gathers it. */
function gathering(policy: ReturnType<typeof batchSize>, gate: Gate, count: number): Flow {
  const source = defineRoutine({
    type: 'lasts',
    events: { item: event<number>() },
    run: async (_, ctx) => {
      for (const item of range(count)) await ctx.emit('item', item);
      await gate.pass();
    },
  });
  const gather = defineRoutine({
    type: 'gathers',
    slots: { item: slot<number>() },
    policy,
    run: () => undefined,
  });
  return defineFlow({ id: 'gathering' }, (f) => {
    f.connect(f.add('source', source).events.item, f.add('gather', gather).slots.item);
  });
}

test('JobNotStarted: the job waits for a place', async () => {
  const gate = new Gate();
  const app = await openApp({
    flows: [waiting(gate)],
    engine: { maxRunningJobs: 1, endGraceMs: 1 },
  });
  await startJob(app, { flowId: 'waiting' });
  const id = await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  expect(await why(app, id, 'wait')).toMatchObject({ __typename: 'JobNotStarted' });
});

test('JobIsPaused: the job is paused; a routine whose code goes on is running', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'paused' }, (f) => {
    const first = f.add('first', passes<unknown>(gate.pass));
    f.connect(f.input, first.slots.item);
    f.connect(first.events.item, f.add('second', keeps<unknown>([])).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'paused' });
  await until(() => gate.waiting === 1);
  await app.jobs.pause(id.slice(4));
  expect(await why(app, id, 'first')).toBeNull();
  expect(await why(app, id, 'second')).toEqual({
    __typename: 'JobIsPaused',
    message: 'The job is paused.',
  });
});

test('JobIsEnding: another routine failed, and running code is waited for', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'ending' }, (f) => {
    f.connect(f.input, f.add('slow', passes<unknown>(gate.pass)).slots.item);
    const fails = passes<unknown>(() => Promise.reject(new Broken('no')));
    f.connect(f.input, f.add('fails', fails).slots.item);
  });
  const app = await openApp({ flows: [flow], engine: { endGraceMs: 1e6 } });
  const id = await startJob(app, { flowId: 'ending' });
  await until(() => gate.waiting === 1);
  await settle();
  expect(await why(app, id, 'fails')).toMatchObject({ __typename: 'JobIsEnding' });
  expect(await why(app, id, 'slow')).toBeNull();
  gate.open();
  await ended(app, id);
});

test('RoutineIsDone: a source that has run, and every routine of a job that has ended', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'done' }, (f) => {
    const source = f.add('source', emitsAtOnce([1]));
    f.connect(source.events.item, f.add('slow', passes<unknown>(gate.pass)).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'done' });
  await until(() => gate.waiting === 1);
  expect(await why(app, id, 'source')).toMatchObject({ __typename: 'RoutineIsDone' });
  expect(await why(app, id, 'slow')).toBeNull();
  gate.open();
  await ended(app, id);
  expect(await why(app, id, 'slow')).toEqual({
    __typename: 'RoutineIsDone',
    message: 'The job is COMPLETED.',
  });
});

test('WaitingForData: which slots, how many of how many', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [gathering(batchSize(5), gate, 3)] });
  const id = await startJob(app, { flowId: 'gathering' });
  await until(() => gate.waiting === 1);
  await settle();
  expect(await why(app, id, 'gather')).toEqual({
    __typename: 'WaitingForData',
    message: 'Waits for data: item has 3 of 5.',
    slots: [{ slot: 'item', has: 3, needs: 5 }],
  });
});

test('WaitingForData: every slot of a routine that wants all of them', async () => {
  const gate = new Gate();
  const both = defineRoutine({
    type: 'both',
    slots: { left: slot<unknown>(), right: slot<unknown>() },
    policy: allSlotsReady(),
    run: () => undefined,
  });
  const flow = defineFlow({ id: 'pairing' }, (f) => {
    const pair = f.add('pair', both);
    const slow = f.add('slow', passes<unknown>(gate.pass));
    f.connect(f.input, pair.slots.left);
    f.connect(f.input, slow.slots.item);
    f.connect(slow.events.item, pair.slots.right);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'pairing' });
  await until(() => gate.waiting === 1);
  expect(await why(app, id, 'pair')).toMatchObject({
    slots: [
      { slot: 'left', has: 1, needs: 1 },
      { slot: 'right', has: 0, needs: 1 },
    ],
  });
});

test('WaitingForData: a custom policy that does not say what it needs', async () => {
  const gate = new Gate();
  const policy = custom(() => ({}), { name: 'never', description: 'Never.', flush: false });
  const app = await openApp({ flows: [gathering(policy, gate, 2)] });
  const id = await startJob(app, { flowId: 'gathering' });
  await until(() => gate.waiting === 1);
  await settle();
  expect(await why(app, id, 'gather')).toEqual({
    __typename: 'WaitingForData',
    message: 'Waits for data: item has 2.',
    slots: [{ slot: 'item', has: 2, needs: null }],
  });
});

test('WaitingForTime: until when', async () => {
  const gate = new Gate();
  const clock = new ManualClock();
  const app = await openApp({ flows: [gathering(timeInterval(5000), gate, 2)], clock });
  await clock.advance(1000);
  const id = await startJob(app, { flowId: 'gathering' });
  await until(() => gate.waiting === 1);
  await settle();
  const until5 = '2026-01-01T00:00:06.000Z';
  const reason = { __typename: 'WaitingForTime', until: until5, message: `Waits until ${until5}.` };
  expect(await why(app, id, 'gather')).toEqual(reason);
  await clock.advance(4999);
  expect(await why(app, id, 'gather')).toEqual(reason);
  await clock.advance(1);
  expect(await why(app, id, 'gather')).toMatchObject({ __typename: 'WaitingForData' });
});

test('WaitingForRetry: when, and which attempt', async () => {
  const clock = new ManualClock();
  const onError = retry({ maxAttempts: 3, delayMs: 2000, backoff: 'exponential' });
  const flow = defineFlow({ id: 'retrying', onError }, (f) => {
    const fails = passes<unknown>(() => Promise.reject(new Broken('no')));
    f.connect(f.input, f.add('fails', fails).slots.item);
  });
  const app = await openApp({ flows: [flow], clock });
  const id = await startJob(app, { flowId: 'retrying' });
  await settle();
  expect(await why(app, id, 'fails')).toMatchObject({
    __typename: 'WaitingForRetry',
    until: '2026-01-01T00:00:02.000Z',
    attempt: 2,
  });
  await clock.advance(2000);
  expect(await why(app, id, 'fails')).toMatchObject({
    until: '2026-01-01T00:00:06.000Z',
    attempt: 3,
  });
});

test('BlockedByFullQueue: which queue', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'blocked' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(4)));
    const slow = f.add('slow', passes<unknown>(gate.pass), { slots: { item: { maxLength: 1 } } });
    f.connect(source.events.item, slow.slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'blocked' });
  await until(() => gate.waiting === 1);
  expect(await why(app, id, 'source')).toEqual({
    __typename: 'BlockedByFullQueue',
    message: 'Blocked by a full queue: slow.item.',
    queues: [{ routineId: 'slow', slot: 'item' }],
  });
});

test('code that works on while what it emitted waits outside is running', async () => {
  const gate = new Gate();
  const emitted = new Gate();
  const source = defineRoutine({
    type: 'works-on',
    events: { item: event<number>() },
    run: async (_, ctx) => {
      const waiting = range(4).map((item) => ctx.emit('item', item));
      await emitted.pass();
      await Promise.all(waiting);
    },
  });
  const flow = defineFlow({ id: 'working' }, (f) => {
    const slow = f.add('slow', passes<unknown>(gate.pass), { slots: { item: { maxLength: 1 } } });
    f.connect(f.add('source', source).events.item, slow.slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'working' });
  await until(() => gate.waiting === 1 && emitted.waiting === 1);
  expect(await why(app, id, 'source')).toBeNull();
  emitted.open();
  await settle();
  expect(await why(app, id, 'source')).toMatchObject({ __typename: 'BlockedByFullQueue' });
});

test('StoppedAtBreakpoint: which activations', async () => {
  const flow = defineFlow({ id: 'inspected' }, (f) => {
    f.connect(f.input, f.add('held', keeps<unknown>([])).slots.item);
  });
  const held: Activation[] = [];
  const engine = createEngine();
  const job: JobRun = engine.start(flow, 1 as never, {
    inspector: inspecting({ holdsBefore: (activation) => held.push(activation) > 0 }),
  });
  const monitor = new JobMonitor(job);
  await until(() => held.length === 1);
  expect(monitor.read().routines[0]).toMatchObject({
    status: 'RUNNING',
    activeCount: 1,
    whyNotRunning: { kind: 'AT_BREAKPOINT', activationIds: [1] },
  });
  for (const activation of held) job.release(activation);
  await job.settled;
  expect(monitor.read().routines[0]?.whyNotRunning).toEqual({ kind: 'DONE', state: 'COMPLETED' });
});
