import { defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from '../../src/app.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';
import { ask, ended, openApp, startJob } from '../api/api.ts';
import { Broken, echo, running } from '../api/flows.ts';
import { passes, range } from '../engine/parts.ts';
import { GetJobDocument, GetRoutineDocument, RetryJobDocument } from '../generated/operations.ts';
import { settle } from '../support/manual-clock.ts';

const bare = (id: string) => id.slice(id.indexOf(':') + 1);

const PAGE = { filter: {}, limit: 1000, fromEnd: false };

async function outputsOf(app: App, id: string) {
  const [outputs] = await app.services.records.readOutputs([bare(id)]);
  return outputs;
}

test('outputs of an ended job are kept within a bound, and all of them counted', async () => {
  const flow = running((_, ctx) => {
    for (const at of range(300)) void ctx.emit('out', { at, text: 'x'.repeat(10_000) });
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { out } = (await outputsOf(app, id)) ?? {};
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
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { out } = (await outputsOf(app, id)) ?? {};
  expect(out).toEqual({ count: 3, values: [expect.stringContaining("can't be shown as JSON")] });
});

test('outputs that hide how large they are as JSON are bounded too', async () => {
  const large = 'z'.repeat(2_000_000);
  const flow = running((input, ctx) => {
    void ctx.emit('out', input === 'holes' ? new Array(1_000_000) : { toJSON: () => large });
  });
  const app = await openApp({ flows: [flow] });
  for (const input of ['holes', 'toJSON']) {
    const id = await startJob(app, { flowId: 'running', input });
    await ended(app, id);
    expect(await outputsOf(app, id)).toEqual({ out: { count: 1, values: [] } });
  }
});

test('an output that fights back keeps nobody from seeing that the job has ended', async () => {
  const no = () => {
    throw new Error('no');
  };
  const flow = running((_, ctx) => {
    void ctx.emit('out', new Proxy({}, { ownKeys: no, get: no, getOwnPropertyDescriptor: no }));
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  expect(await app.jobs.require(bare(id))).toMatchObject({ state: 'COMPLETED' });
  expect(await outputsOf(app, id)).toEqual({
    out: { count: 1, values: [expect.stringContaining("can't be shown as JSON")] },
  });
});

test('M7 the trace of an ended job is kept within a bound, the newest of it', async () => {
  const flow = running((_, ctx) => {
    for (const at of range(16)) void ctx.emit('out', { at, text: 'x'.repeat(1000) });
  });
  const app = await openApp({ flows: [flow], monitor: { traceLength: 1000 } });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  const { records } = app.services;
  const trace = await records.readTrace(bare(id), PAGE);
  expect(trace).toHaveLength(1);
  expect(await records.countTrace(bare(id), {})).toEqual({ matching: 1, dropped: 0 });
  const text = trace.flatMap(({ outputs }) => outputs.map(({ item }) => item.text)).join('');
  expect(text.length).toBeLessThan(256 * 1024);
});

test('a retry with an idempotency key can be sent again', async () => {
  const flow = running(() => {
    throw new Broken('It is broken.');
  });
  const app = await openApp({ flows: [flow] });
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
  const app = await openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo', input: null });
  await ended(app, id);
  expect(await outputsOf(app, id)).toEqual({
    echoed: { count: 1, values: [null] },
  });
});

test('M6 a routine is found by its name, its id, and its id in the job', async () => {
  const app = await openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  for (const routineId of ['pass', 'Routine:echo/pass', `JobRoutine:${bare(id)}/pass`]) {
    const { job } = await ask(app, GetRoutineDocument, { id, routineId });
    expect(job?.routine).toMatchObject({ routineId: 'pass' });
  }
});

test('M2 nothing moves in a job that has ended', async () => {
  const app = await openApp({ flows: [echo()] });
  const id = await startJob(app, { flowId: 'echo' });
  await ended(app, id);
  const [reading] = await app.services.records.readReadings([bare(id)]);
  const queues = reading?.routines.flatMap((routine) => routine.queues) ?? [];
  expect(queues).toHaveLength(1);
  expect(queues[0]).toMatchObject({ rateInPerSecond: 0, rateOutPerSecond: 0 });
  expect(queues[0]?.timeUntilFullMs).toBeUndefined();
  expect((await ask(app, GetJobDocument, { id })).job?.status).toBe('COMPLETED');
});

test('an input schema that throws refuses the input, and nothing else happens', async () => {
  const input = z.string().transform((text) => JSON.parse(text) as unknown);
  const flow = defineFlow({ id: 'parse', input }, (f) => {
    f.connect(f.input, f.add('pass', passes<unknown>()).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const start = app.jobs.start({ flowId: 'parse', input: '{' });
  await expect(start).rejects.toThrow('input.input: This could not be checked');
  await settle();
});

test('of very many faults the first hundred are told', async () => {
  const flow = defineFlow({ id: 'numbers', input: z.array(z.number()) }, (f) => {
    f.connect(f.input, f.add('pass', passes<number[]>()).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const input = range(5000).map(String);
  const error = await app.jobs.start({ flowId: 'numbers', input }).catch((each: unknown) => each);
  if (!(error instanceof ValidationError)) throw error;
  expect(error.issues).toHaveLength(101);
  expect(error.issues.at(-1)?.message).toBe('There are 4900 more faults.');
});

test('an input that is nested too deeply is refused', async () => {
  const app = await openApp({ flows: [echo()] });
  let input: unknown = 1;
  for (let at = 0; at < 101; at++) input = [input];
  await expect(app.jobs.start({ flowId: 'echo', input })).rejects.toThrow('levels deep');
});

test('what is logged and thrown may be anything', async () => {
  const flow = running((_, ctx) => {
    ctx.log.info(undefined as never);
    ctx.log.warning('x'.repeat(50_000));
    throw new Proxy(new Error('hidden'), {
      get: () => {
        throw new Error('The proxy was asked.');
      },
    });
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'running' });
  await ended(app, id);
  expect((await app.jobs.require(bare(id))).error?.message).toContain("can't be shown");
  const [nothing, long] = await app.services.records.readLogs(bare(id), PAGE);
  expect(nothing?.message).toBe('undefined');
  expect(long?.message).toHaveLength(10_001);
});
