import { expect, test } from 'vitest';
import { EventProduction } from '../../src/jobs/event-production.ts';
import type { JobReading } from '../../src/monitoring/readings.ts';
import type { JobEventType, JobHappening } from '../../src/pubsub/topics.ts';
import { openApp, startJob, until } from '../api/api.ts';
import { queueing, waiting } from '../api/flows.ts';
import { Gate, range } from '../engine/parts.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { readAll } from './told-events.ts';

test('M8 who subscribes to a job before it is handed over is told what is made on demand', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)] });
  const { jobEvents } = app.services;
  const own = app.createContext().jobEvents;
  const told: Promise<readonly string[]>[] = [];
  // It is announced before it is handed over.
  const stop = app.pubsub.subscribe('jobChanged', ({ jobId, tenant, flowId }) => {
    if (told.length > 0) return;
    const job = { id: jobId, tenant, flowId };
    const stream = own.subscribe({ job, since: own.mark() });
    told.push(readAll(stream).then((all) => all.map(({ type }) => type)));
  });
  await startJob(app, { flowId: 'waiting' });
  stop();
  await until(() => gate.waiting === 1);
  gate.openAll();
  expect(await told[0]).toEqual(
    expect.arrayContaining([
      'JOB_STARTED',
      'ROUTINE_STARTED',
      'ROUTINE_COMPLETED',
      'JOB_COMPLETED',
    ]),
  );
  expect(jobEvents.counts).toMatchObject({ readers: 0, producing: 0 });
});

test('W4 jobs that end meanwhile do not make it forget how another was left', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)] });
  const id = await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  const [reading] = await app.services.jobHost.read([id.slice(4)]);
  gate.openAll();
  if (reading === undefined) throw new Error('It is not read.');
  const begun = (startedCount: number): JobReading => ({
    ...reading,
    routines: reading.routines.map((routine) => ({ ...routine, startedCount })),
  });
  let now = begun(1);
  const told: JobHappening[] = [];
  const production = new EventProduction({
    clock: new ManualClock(),
    record: (_jobId, _flowId, _at, happening) => told.push(happening),
    host: {
      watch(_jobId, _rateHz, sink) {
        sink.push(now, 1);
        return () => undefined;
      },
    },
  });
  production.want({ jobId: 'left', flowId: 'waiting' }, ['ROUTINE_STARTED'])();
  const stop = production.want({}, ['ROUTINE_STARTED']);
  for (const at of range(1001)) {
    production.jobStarting(`job ${at}`, 'waiting');
    production.happened(`job ${at}`, 'waiting', 'JOB_COMPLETED');
  }
  stop();
  now = begun(3);
  production.want({ jobId: 'left', flowId: 'waiting' }, ['ROUTINE_STARTED'])();
  expect(told).toEqual([{ type: 'ROUTINE_STARTED', routineId: 'wait', count: 2 }]);
});

test('O4 M9 only the types are made that somebody wants', async () => {
  const clock = new ManualClock();
  const gate = new Gate();
  const app = await openApp({ flows: [queueing(gate, 5)], clock });
  const { jobEvents } = app.createContext();
  const id = await startJob(app, { flowId: 'queueing' });
  await until(() => gate.waiting === 1);
  const of = { job: await app.jobs.require(id.slice(4)) };
  const told: string[] = [];
  const stop = app.pubsub.subscribe('jobEvent', ({ type }) => told.push(type));
  const pass = async () => {
    gate.open();
    await settle();
    await until(() => gate.waiting === 1);
    await clock.advance(100);
    return told.splice(0).sort();
  };
  const open = (types: JobEventType[], which: object = of) =>
    jobEvents.subscribe({ ...which, types, since: jobEvents.mark() });
  const queues = open(['QUEUE_CHANGED']);
  expect(await pass()).toEqual(['QUEUE_CHANGED']);
  const all = open(['ROUTINE_COMPLETED'], {});
  expect(await pass()).toEqual(['QUEUE_CHANGED', 'ROUTINE_COMPLETED']);
  await queues.return();
  expect(await pass()).toEqual(['ROUTINE_COMPLETED']);
  await all.return();
  expect(await pass()).toEqual([]);
  stop();
});
