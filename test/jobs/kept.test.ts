import { expect, test } from 'vitest';
import { ask, ended, openApp, startJob } from '../api/api.ts';
import { Broken, echo, running } from '../api/flows.ts';
import { range } from '../engine/parts.ts';
import { GetJobDocument, GetRoutineDocument, RetryJobDocument } from '../generated/operations.ts';

const bare = (id: string) => id.slice(id.indexOf(':') + 1);

test('outputs of an ended job are kept within a bound, and all of them counted', async () => {
  const flow = running((_, ctx) => {
    for (const at of range(300)) void ctx.emit('out', { at, text: 'x'.repeat(10_000) });
  });
  const app = openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { out } = (await app.jobs.require(bare(id))).outputs;
  expect(out?.count).toBe(300);
  expect(out?.values.length).toBeGreaterThan(50);
  expect(JSON.stringify(out?.values).length).toBeLessThan(1.1 * 1024 * 1024);
});

test('an output that is too large, or can not be written as JSON, does no harm', async () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const flow = running((_, ctx) => {
    void ctx.emit('out', 10n);
    void ctx.emit('out', cycle);
    void ctx.emit('out', 'never reached: what came before did not fit');
  });
  const app = openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { out } = (await app.jobs.require(bare(id))).outputs;
  expect(out).toEqual({ count: 3, values: [expect.stringContaining("can't be shown as JSON")] });
});

test('M7 the trace of an ended job is kept within a bound, the newest of it', async () => {
  const flow = running((_, ctx) => {
    for (const at of range(16)) void ctx.emit('out', { at, text: 'x'.repeat(1000) });
  });
  const app = openApp({ flows: [flow], monitor: { traceLength: 1000 } });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { jobHost } = app.services;
  const page = { filter: {}, limit: 1000, fromEnd: false };
  const records = await jobHost.readTrace(bare(id), page);
  expect(records).toHaveLength(1);
  expect(await jobHost.countTrace(bare(id), {})).toEqual({ matching: 1, dropped: 0 });
  const text = records.flatMap(({ outputs }) => outputs.map(({ item }) => item.text)).join('');
  expect(text.length).toBeLessThan(256 * 1024);
});

test('a retry with an idempotency key can be sent again', async () => {
  const flow = running(() => {
    throw new Broken('It is broken.');
  });
  const app = openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const retry = () => ask(app, RetryJobDocument, { id, idempotencyKey: 'again' });
  const [first, second] = await Promise.all([retry(), retry()]);
  if (first.retryJob.__typename !== 'RetryJobPayload') throw new Error('It was refused.');
  expect(second.retryJob).toMatchObject({ job: { id: first.retryJob.job.id } });
  // The same key for another request is a conflict.
  const other = await startJob(app, { flowId: 'running' });
  await ended(app, other);
  expect(await ask(app, RetryJobDocument, { id: other, idempotencyKey: 'again' })).toMatchObject({
    retryJob: { __typename: 'IdempotencyConflictError' },
  });
});

test('null is an input like any other', async () => {
  const app = openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo', input: null });
  await ended(app, id);
  expect((await app.jobs.require(bare(id))).outputs).toEqual({
    echoed: { count: 1, values: [null] },
  });
});

test('M6 a routine is found by its name, its id, and its id in the job', async () => {
  const app = openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  for (const routineId of ['pass', 'Routine:echo/pass', `JobRoutine:${bare(id)}/pass`]) {
    const { job } = await ask(app, GetRoutineDocument, { id, routineId });
    expect(job?.routine).toMatchObject({ routineId: 'pass' });
  }
});

test('M2 nothing moves in a job that has ended', async () => {
  const app = openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  const [reading] = await app.services.jobHost.read([bare(id)]);
  const queues = reading?.routines.flatMap((routine) => routine.queues) ?? [];
  expect(queues).toHaveLength(1);
  expect(queues[0]).toMatchObject({ rateInPerSecond: 0, rateOutPerSecond: 0 });
  expect(queues[0]?.timeUntilFullMs).toBeUndefined();
  expect((await ask(app, GetJobDocument, { id })).job?.status).toBe('COMPLETED');
});
