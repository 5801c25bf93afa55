import { defineFlow, defineRoutine, event } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ended, openApp, startJob, subscribeRefusal, until, watch } from '../api/api.ts';
import { echo, queueing, waiting } from '../api/flows.ts';
import { Gate, passes, range } from '../engine/parts.ts';
import {
  JobMonitoringDocument,
  JobStatusChangedDocument,
  QueueStatusChangedDocument,
  RoutineStatusChangedDocument,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const watchJob = (app: App, jobId: string | null, flowId: string | null = null, maxRateHz = 10) =>
  watch(app, JobStatusChangedDocument, { jobId, flowId, maxRateHz });
const watchQueues = (app: App, jobId: string, maxRateHz = 10) =>
  watch(app, QueueStatusChangedDocument, { jobId, routineId: null, slot: null, maxRateHz });
const watchRoutines = (app: App, jobId: string, maxRateHz = 10) =>
  watch(app, RoutineStatusChangedDocument, { jobId, routineId: null, maxRateHz });

/** Lets one item after the other through `items` into the queue of a routine that waits at `gate`. */
function filling(items: Gate, gate: Gate) {
  const source = defineRoutine({
    type: 'fills',
    events: { item: event<number>() },
    run: async (_, ctx) => {
      for (const item of range(20)) {
        await items.pass();
        await ctx.emit('item', item);
      }
    },
  });
  return defineFlow({ id: 'filling' }, (f) => {
    const consumer = f.add('consumer', passes<number>(gate.pass));
    f.connect(f.add('source', source).events.item, consumer.slots.item);
  });
}

async function openFilling() {
  const [items, gate, clock] = [new Gate(), new Gate(), new ManualClock()];
  const app = await openApp({ flows: [filling(items, gate)], clock });
  const id = await startJob(app, { flowId: 'filling' });
  const emit = async () => {
    await until(() => items.waiting === 1);
    items.open();
    await settle();
  };
  await emit();
  return { app, id, gate, clock, emit };
}

describe('queueStatusChanged', () => {
  test('M8 first what is, then changes merged to the rate, then the end', async () => {
    const { app, id, clock, emit } = await openFilling();
    const stream = await watchQueues(app, id, 2);
    const counts = async () =>
      (await stream.next())?.queueStatusChanged.map(({ acceptedCount }) => acceptedCount);
    expect(await counts()).toEqual([1]);
    const next = counts();
    for (let at = 0; at < 5; at++) await emit();
    await clock.advance(499);
    const early = await Promise.race([next, settle().then(() => 'nothing yet')]);
    expect(early).toBe('nothing yet');
    await clock.advance(1);
    expect(await next).toEqual([6]);
    const cancelled = app.jobs.cancel(id.slice(4));
    await clock.advance(1000);
    await cancelled;
    const last = await stream.rest();
    expect(last.at(-1)?.queueStatusChanged).toMatchObject([{ discardedCount: 6 }]);
  });

  test('M8 a slow reader gets the newest state, and nothing piles up', async () => {
    const { app, id, clock, emit } = await openFilling();
    const stream = await watchQueues(app, id);
    for (let at = 0; at < 10; at++) {
      await emit();
      await clock.advance(100);
    }
    expect((await stream.next())?.queueStatusChanged).toMatchObject([{ acceptedCount: 11 }]);
    await emit();
    await clock.advance(100);
    expect((await stream.next())?.queueStatusChanged).toMatchObject([{ acceptedCount: 12 }]);
  });

  test('M2 tells when a queue that moved stands still', async () => {
    const { app, id, clock, emit } = await openFilling();
    const stream = await watchQueues(app, id);
    for (let at = 0; at < 4; at++) await emit();
    await clock.advance(1000);
    expect((await stream.next())?.queueStatusChanged).toMatchObject([{ rateInPerSecond: 5 }]);
    await clock.advance(1200);
    expect((await stream.next())?.queueStatusChanged).toMatchObject([{ rateInPerSecond: 0 }]);
    const next = stream.next();
    await clock.advance(5000); // nothing changes any more, so nothing is told
    expect(await Promise.race([next, settle().then(() => 'nothing')])).toBe('nothing');
  });

  test('tells the queues of one routine or slot only', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'two' }, (f) => {
      const first = f.add('first', passes<unknown>(gate.pass));
      f.connect(f.input, first.slots.item);
      f.connect(first.events.item, f.add('second', passes<unknown>(gate.pass)).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const jobId = await startJob(app, { flowId: 'two' });
    await until(() => gate.waiting === 1);
    const variables = { jobId, routineId: 'second', slot: 'item', maxRateHz: 20 };
    const stream = await watch(app, QueueStatusChangedDocument, variables);
    gate.open();
    await until(() => gate.waiting === 1);
    gate.open();
    for (const { queueStatusChanged } of await stream.rest()) {
      expect(queueStatusChanged.map(({ routineId }) => routineId)).toEqual(['second']);
    }
  });
});

describe('jobMonitoring', () => {
  test('M6 M8 the whole picture, first as it is, then as it changes, to the end', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [queueing(gate, 2)], clock });
    const jobId = await startJob(app, { flowId: 'queueing' });
    await until(() => gate.waiting === 1);
    const stream = await watch(app, JobMonitoringDocument, { jobId, maxRateHz: 10 });
    const told = async () => {
      const job = (await stream.next())?.jobMonitoring;
      const counts = job?.routines.map(({ executionCount }) => executionCount);
      return job === undefined ? undefined : `${job.status} ${counts?.join(' ')}`;
    };
    expect(await told()).toBe('RUNNING 1 0');
    gate.open();
    await settle();
    await clock.advance(200);
    expect(await told()).toBe('RUNNING 1 1');
    await until(() => gate.waiting === 1);
    gate.open();
    await ended(app, jobId);
    await clock.advance(200);
    const all: string[] = [];
    for (let more = await told(); more !== undefined; more = await told()) all.push(more);
    expect(all.at(-1)).toBe('COMPLETED 1 2');
    const late = await watch(app, JobMonitoringDocument, { jobId, maxRateHz: 10 });
    const pictures = (await late.rest()).map(({ jobMonitoring }) => jobMonitoring.status);
    expect(pictures).toEqual(['COMPLETED']);
  });
});

describe('routineStatusChanged', () => {
  test('M8 first all routines, then those that changed, with their job as it is then', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [queueing(gate, 2)], clock });
    const jobId = await startJob(app, { flowId: 'queueing' });
    await until(() => gate.waiting === 1);
    const stream = await watchRoutines(app, jobId);
    const told = async () =>
      (await stream.next())?.routineStatusChanged.map(
        ({ routineId, status, executionCount, job }) =>
          `${routineId} ${status} ${executionCount} ${job.status}`,
      );
    expect(await told()).toEqual(['source COMPLETED 1 RUNNING', 'consumer RUNNING 0 RUNNING']);
    gate.open();
    await settle();
    await clock.advance(100);
    expect(await told()).toEqual(['consumer RUNNING 1 RUNNING']);
    await app.jobs.pause(jobId.slice(4));
    gate.open();
    await settle();
    await clock.advance(100);
    expect(await told()).toEqual(['source COMPLETED 1 PAUSED', 'consumer IDLE 2 PAUSED']);
    await app.jobs.resume(jobId.slice(4));
    await ended(app, jobId);
    expect(await told()).toContain('consumer COMPLETED 2 COMPLETED');
    expect(await told()).toBeUndefined();
  });

  test('M11 an unknown job, routine or slot is refused at once, by name', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const jobId = await startJob(app, { flowId: 'waiting' });
    const maxRateHz = 10;
    const refuseRoutine = (id: string, routineId: string | null) =>
      subscribeRefusal(app, RoutineStatusChangedDocument, { jobId: id, routineId, maxRateHz });
    expect(await refuseRoutine('Job:gone', null)).toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Job "gone".',
    });
    expect(await refuseRoutine('Flow:waiting', null)).toMatchObject({ code: 'VALIDATION_FAILED' });
    for (const routineId of ['nobody', '']) {
      expect(await refuseRoutine(jobId, routineId)).toMatchObject({
        code: 'NOT_FOUND',
        message: `There is no Routine "${routineId}". Flow "waiting" has: wait.`,
      });
    }
    const variables = { jobId, routineId: null, slot: 'nowhere', maxRateHz };
    expect(await subscribeRefusal(app, QueueStatusChangedDocument, variables)).toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Slot "nowhere". Known: item.',
    });
  });
});

describe('jobStatusChanged', () => {
  test('M8 of one job: as it is, its changes, its end', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const stream = await watchJob(app, id);
    const status = async () => (await stream.next())?.jobStatusChanged.status;
    expect(await status()).toBe('RUNNING');
    await app.jobs.pause(id.slice(4));
    await clock.advance(100);
    expect(await status()).toBe('PAUSED');
    await app.jobs.resume(id.slice(4));
    gate.open();
    await clock.advance(100); // both changes within one interval: only the last is told
    expect(await status()).toBe('COMPLETED');
    expect(await status()).toBeUndefined();
  });

  test('M8 of a job that has ended: as it is, and the end', async () => {
    const app = await openApp({ flows: [echo()] });
    const jobId = await startJob(app, { flowId: 'echo' });
    await ended(app, jobId);
    const status = { jobStatusChanged: { id: jobId, status: 'COMPLETED' } };
    expect(await (await watchJob(app, jobId)).rest()).toMatchObject([status]);
    expect(await (await watchQueues(app, jobId)).rest()).toMatchObject([
      { queueStatusChanged: [{ consumedCount: 1 }] },
    ]);
    expect(await (await watchRoutines(app, jobId)).rest()).toMatchObject([
      { routineStatusChanged: [{ status: 'COMPLETED' }] },
    ]);
  });

  test('M8 of all jobs, or those of a flow: first the unfinished, then each that changes', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate), echo()], clock });
    await ended(app, await startJob(app, { flowId: 'echo' }));
    const before = [
      await startJob(app, { flowId: 'waiting' }),
      await startJob(app, { flowId: 'waiting' }),
    ];
    await until(() => gate.waiting === 2);
    const all = await watchJob(app, null);
    const ofFlow = await watchJob(app, null, 'Flow:echo');
    const told = async (stream: typeof all) => {
      const job = (await stream.next())?.jobStatusChanged;
      return `${job?.id} ${job?.status}`;
    };
    expect([await told(all), await told(all)]).toEqual(before.map((id) => `${id} RUNNING`));
    const id = await startJob(app, { flowId: 'echo' });
    await ended(app, id);
    await clock.advance(100);
    expect(await told(all)).toBe(`${id} COMPLETED`);
    expect(await told(ofFlow)).toBe(`${id} COMPLETED`);
    await app.jobs.pause((before[1] ?? '').slice(4));
    await clock.advance(100);
    expect(await told(all)).toBe(`${before[1]} PAUSED`);
  });

  test('M8 many jobs are told at once, whatever the rate', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock });
    const ids = [];
    for (let at = 0; at < 20; at++) ids.push(await startJob(app, { flowId: 'waiting' }));
    await until(() => gate.waiting === 20);
    const stream = await watchJob(app, null, null, 0.1);
    const told = [];
    for (let at = 0; at < 20; at++) told.push((await stream.next())?.jobStatusChanged.id);
    expect(told).toEqual(ids);
  });

  test('M8 what is shown of a job is of the moment, in later messages too', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [queueing(gate, 3)], clock });
    const id = await startJob(app, { flowId: 'queueing' });
    await until(() => gate.waiting === 1);
    const stream = await watchJob(app, id);
    const executions = async () => {
      const { status, routines = [] } = (await stream.next())?.jobStatusChanged ?? {};
      return [status, routines.find(({ routineId }) => routineId === 'consumer')?.executionCount];
    };
    expect(await executions()).toEqual(['RUNNING', 0]);
    gate.open();
    await until(() => gate.waiting === 1);
    await app.jobs.pause(id.slice(4));
    await clock.advance(100);
    expect(await executions()).toEqual(['PAUSED', 1]);
    gate.open();
    await settle();
    await app.jobs.resume(id.slice(4));
    await clock.advance(100);
    expect(await executions()).toEqual(['RUNNING', 2]);
  });

  test('M8 a reader that does not read holds no more than one entry for each job', async () => {
    const clock = new ManualClock();
    const app = await openApp({ flows: [echo()], clock });
    const stream = await watchJob(app, null);
    const ids = new Set<string>();
    for (let at = 0; at < 50; at++) {
      ids.add(await startJob(app, { flowId: 'echo' }));
      await clock.advance(100);
    }
    const told = [];
    for (let at = 0; at < 50; at++) told.push((await stream.next())?.jobStatusChanged);
    expect(new Set(told.map((job) => job?.id))).toEqual(ids);
    for (const job of told) expect(job?.status).toBe('COMPLETED');
    expect(await Promise.race([stream.next(), settle().then(() => 'no more')])).toBe('no more');
  });

  test('M8 ends when the job is deleted; a deleted one of many is left out', async () => {
    const app = await openApp({ flows: [echo()], clock: new ManualClock() });
    const id = await startJob(app, { flowId: 'echo' });
    await ended(app, id);
    const gone = await startJob(app, { flowId: 'echo' });
    const stream = await watchJob(app, gone);
    await ended(app, gone);
    await app.jobs.delete(gone.slice(4));
    await stream.rest();
    expect(app.pubsub.listenerCount('jobChanged')).toBe(0);
  });

  test('M11 unknown jobs and flows are refused at once; so is a job of another flow', async () => {
    const app = await openApp({ flows: [echo(), echo('other')] });
    const job = await startJob(app, { flowId: 'echo' });
    const refuse = (jobId: string | null, flowId: string | null) =>
      subscribeRefusal(app, JobStatusChangedDocument, { jobId, flowId, maxRateHz: 10 });
    expect(await refuse('Job:gone', null)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refuse('', null)).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await refuse(null, 'nothing')).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('"nothing"'),
    });
    expect(await refuse(job, 'other')).toMatchObject({ code: 'VALIDATION_FAILED' });
    await (await watchJob(app, job, 'echo')).rest();
  });
});

describe('every state subscription', () => {
  test('M9 a rate that is out of range is refused', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const jobId = await startJob(app, { flowId: 'waiting' });
    for (const maxRateHz of [0, -1, 0.09, 20.1, 1e9]) {
      const refusals = [
        subscribeRefusal(app, JobStatusChangedDocument, { jobId, flowId: null, maxRateHz }),
        subscribeRefusal(app, RoutineStatusChangedDocument, { jobId, routineId: null, maxRateHz }),
        subscribeRefusal(app, QueueStatusChangedDocument, {
          ...{ jobId, routineId: null, slot: null },
          maxRateHz,
        }),
      ];
      for (const refusal of await Promise.all(refusals)) {
        expect(refusal).toEqual({
          code: 'VALIDATION_FAILED',
          message: expect.stringContaining('maxRateHz'),
        });
      }
    }
    for (const maxRateHz of [0.1, 20]) {
      await (await watchQueues(app, jobId, maxRateHz)).leave();
    }
  });

  test('M9 leaving while nothing comes frees timers and listeners at once', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock });
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    await clock.advance(200);
    const timers = clock.timers;
    const streams = await Promise.all([
      watchJob(app, id),
      watchJob(app, null),
      watchQueues(app, id),
      watchRoutines(app, id),
      watchQueues(app, id, 3),
    ]);
    for (const stream of streams) await stream.next();
    expect(app.pubsub.listenerCount('jobChanged')).toBe(2);
    const waitingForMore = streams.map((stream) => stream.next());
    await settle();
    for (const stream of streams) await stream.leave();
    expect(clock.timers).toBe(timers);
    expect(app.pubsub.listenerCount('jobChanged')).toBe(0);
    expect(await Promise.all(waitingForMore)).toEqual(streams.map(() => undefined));
  });

  test('M9 a thousand watchers of one job share one look at it', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [waiting(gate)], clock });
    const idle = clock.timers;
    const id = await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const timers = clock.timers;
    const streams = [];
    for (let at = 0; at < 1000; at++) streams.push(await watchQueues(app, id));
    expect(clock.timers).toBe(timers + 1);
    gate.open();
    await ended(app, id);
    for (const stream of streams) await stream.rest();
    await clock.advance(5_000); // its figures are rolled up
    expect(clock.timers).toBeLessThanOrEqual(idle);
  });
});
