import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allSlotsReady,
  batchSize,
  defineFlow,
  defineRoutine,
  event,
  type Flow,
  slot,
} from 'millrace/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { App, AppOptions } from '../../src/app.ts';
import { ask, ended, inState, jobOf, openApp, startJob, until } from '../api/api.ts';
import { running } from '../api/flows.ts';
import { emits, Gate, passes, range } from '../engine/parts.ts';
import {
  CancelJobDocument,
  DeleteJobDocument,
  GetRerunnableDocument,
  GetRerunOfDocument,
  PauseJobDocument,
  RerunFromDocument,
  type RerunFromInput,
  ResumeJobDocument,
  RetryJobDocument,
} from '../generated/operations.ts';

const bare = (id: string) => id.slice(id.indexOf(':') + 1);

const tryRerun = async (app: App, input: RerunFromInput) =>
  (await ask(app, RerunFromDocument, { input })).rerunFrom;

/** Runs an activation again, and answers the id of the new job. */
async function rerun(app: App, input: RerunFromInput): Promise<string> {
  const result = await tryRerun(app, input);
  if (result.__typename !== 'RerunFromPayload') throw new Error(JSON.stringify(result));
  return result.job.id;
}

async function infoOf(app: App, id: string) {
  const { job } = await ask(app, GetRerunOfDocument, { id });
  if (job === null || job === undefined) throw new Error(`No job ${id}.`);
  return job;
}

const outputsOf = async (app: App, id: string) => {
  await ended(app, id);
  const { outputs } = await jobOf(app, id);
  return Object.fromEntries(outputs.map(({ name, values }) => [name, values]));
};

/** How often each routine of an ended job ran. */
async function runsOf(app: App, id: string) {
  const { routines } = await infoOf(app, id);
  return Object.fromEntries(routines.map((each) => [each.routineId, each.executionCount]));
}

/** The numbers of a routine's activations, in the order in which they ended. */
async function activationsOf(app: App, id: string, routineId: string) {
  const page = { filter: { routineIds: [routineId] }, limit: 100, fromEnd: false };
  const trace = await app.services.records.readTrace(bare(id), page);
  return trace.map(({ activationId }) => activationId);
}

/** Source 1…4 → double → sums of 2, with the job's input. */
function summing(gate?: Gate, more: Partial<Pick<Flow, 'onCrash'>> = {}) {
  const double = defineRoutine({
    type: 'doubles',
    slots: { number: slot<number>() },
    events: { doubled: event<number>() },
    run: async ({ number }, ctx) => {
      await gate?.pass();
      void ctx.emit('doubled', number * 2);
    },
  });
  const sum = defineRoutine({
    type: 'sums',
    slots: { number: slot<number>() },
    events: { sum: event<unknown>() },
    policy: batchSize(2),
    run: ({ number }, ctx) => {
      void ctx.emit('sum', [ctx.job.input, ...number]);
    },
  });
  return defineFlow({ id: 'summing', ...more }, (f) => {
    const source = f.add('source', emits(range(4, 1)));
    const doubles = f.add('double', double);
    const sums = f.add('sum', sum);
    f.connect(source.events.item, doubles.slots.number);
    f.connect(doubles.events.doubled, sums.slots.number);
    return { sums: sums.events.sum };
  });
}

/** A job of which each activation of `double` has ended. */
async function summed(more: Partial<AppOptions> = {}) {
  const app = await openApp({ flows: [summing()], ...more });
  const id = await startJob(app, {
    flowId: 'summing',
    input: 'in',
    metadata: { m: 1 },
    owner: 'ann',
    priority: 3,
  });
  await ended(app, id);
  return { app, id };
}

async function makeUrl() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-rerun-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { directory, url: `sqlite:${join(directory, 'millrace.db')}` };
}

describe('rerunFrom', () => {
  test('O2 stops before the activation runs again, if that is wanted', async () => {
    const app = await openApp({ flows: [summing()] });
    const origin = await startJob(app, { flowId: 'summing', input: 100 });
    await ended(app, origin);
    const [activationId = 0] = await activationsOf(app, origin, 'double');
    const jobId = bare(
      await rerun(app, { jobId: origin, activationId, debug: { stopAtEntry: true } }),
    );
    await inState(app, jobId, 'PAUSED');
    const [session] = await app.createContext().debug.findMany([jobId]);
    expect(session).toMatchObject({
      stop: { reason: 'ENTRY' },
      frames: [{ routineId: 'double', position: 'BEFORE', itemCount: 1 }],
    });
    await app.createContext().debug.continue({ jobId, actor: undefined });
    await ended(app, `Job:${jobId}`);
  });

  test('starts a job that begins with the activation, linked to its origin', async () => {
    const { app, id } = await summed();
    const [, second = 0] = await activationsOf(app, id, 'double');
    const newId = await rerun(app, { jobId: id, activationId: second });
    expect(await outputsOf(app, newId)).toEqual({ sums: [['in', 4]] });
    expect(await runsOf(app, newId)).toEqual({ source: 0, double: 1, sum: 1 });
    expect(await infoOf(app, newId)).toMatchObject({
      input: 'in',
      metadata: { m: 1 },
      owner: 'ann',
      priority: 3,
      retryOf: null,
      rerunOf: {
        job: { id },
        jobId: id,
        activationId: second,
        routineId: 'double',
        isEdited: false,
      },
      queues: [
        { routineId: 'double', acceptedCount: 1, consumedCount: 1 },
        { routineId: 'sum', acceptedCount: 1, consumedCount: 1 },
      ],
    });
    expect((await infoOf(app, id)).rerunOf).toBeNull();
  });

  test('runs a batch again as it was, and a source', async () => {
    const { app, id } = await summed();
    const [batch = 0] = await activationsOf(app, id, 'sum');
    const again = await rerun(app, { jobId: id, activationId: batch });
    expect(await outputsOf(app, again)).toEqual({ sums: [['in', 2, 4]] });
    expect(await runsOf(app, again)).toEqual({ source: 0, double: 0, sum: 1 });

    const whole = await rerun(app, { jobId: id, activationId: 1 });
    expect(await outputsOf(app, whole)).toEqual({
      sums: [
        ['in', 2, 4],
        ['in', 6, 8],
      ],
    });
    expect(await runsOf(app, whole)).toEqual({ source: 1, double: 4, sum: 2 });
  });

  test('is possible from a rerun, and a retry of a rerun is one', async () => {
    let fails = true;
    const flow = running((input, ctx) => {
      if (fails && input === 'edited') throw new Error('It is broken.');
      void ctx.emit('out', input);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'running', input: 'first' });
    await ended(app, id);
    const failed = await rerun(app, {
      jobId: id,
      activationId: 1,
      replace: [{ index: 0, value: 'edited' }],
    });
    await inState(app, failed, 'FAILED');
    fails = false;
    const { retryJob } = await ask(app, RetryJobDocument, { id: failed });
    if (retryJob.__typename !== 'RetryJobPayload') throw new Error(JSON.stringify(retryJob));
    expect(await outputsOf(app, retryJob.job.id)).toEqual({ out: ['edited'] });
    expect(await infoOf(app, retryJob.job.id)).toMatchObject({
      retryOf: { id: failed },
      rerunOf: { job: { id }, activationId: 1, isEdited: true },
    });
    const again = await rerun(app, { jobId: failed, activationId: 1 });
    expect(await outputsOf(app, again)).toEqual({ out: ['edited'] });
    expect((await infoOf(app, again)).rerunOf).toMatchObject({ jobId: failed, isEdited: false });
  });

  test('keeps its link, and where it began, when its origin is deleted', async () => {
    const { app, id } = await summed();
    const newId = await rerun(app, { jobId: id, activationId: 2 });
    await ended(app, newId);
    await ask(app, DeleteJobDocument, { id });
    expect((await infoOf(app, newId)).rerunOf).toMatchObject({
      job: null,
      jobId: id,
      activationId: 2,
    });
  });

  test('is possible while the origin runs, is paused, and of what has not ended', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [summing(gate)] });
    const id = await startJob(app, { flowId: 'summing', input: 'in' });
    await until(() => gate.waiting === 1);
    const begun = await rerun(app, { jobId: id, activationId: 2 });
    await until(() => gate.waiting === 2);
    await ask(app, PauseJobDocument, { id });
    gate.openAll();
    expect(await outputsOf(app, begun)).toEqual({ sums: [['in', 2]] });
    const past = await rerun(app, { jobId: id, activationId: 2 });
    await until(() => gate.waiting === 1);
    gate.openAll();
    expect(await outputsOf(app, past)).toEqual({ sums: [['in', 2]] });
    expect(await jobOf(app, id)).toMatchObject({ status: 'PAUSED' });
    await ask(app, CancelJobDocument, { id });
  });

  test('gives code items of its own: what it does to them stays in its job', async () => {
    const seen: unknown[] = [];
    const flow = running((input) => {
      const list = input as number[];
      seen.push([...list]);
      list.push(9);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'running', input: [1] });
    await ended(app, id);
    await app.services.jobHost.forget(bare(id));
    for (let times = 0; times < 2; times++) {
      await ended(app, await rerun(app, { jobId: id, activationId: 1 }));
    }
    // The first changed its item in place before it was written down.
    expect(seen).toEqual([[1], [1, 9], [1, 9]]);
  });

  test('hands over dates, maps and what stands in two places as they were, also later', async () => {
    const { url } = await makeUrl();
    const seen: unknown[] = [];
    const odd = { at: new Date(0), map: new Map([[1, new Set(['a'])]]), big: 10n, none: undefined };
    const source = defineRoutine({
      type: 'odd',
      events: { item: event<unknown>() },
      run: (_, ctx) => {
        void ctx.emit('item', odd);
        void ctx.emit('item', odd);
      },
    });
    const look = defineRoutine({
      type: 'looks',
      slots: { item: slot<unknown>() },
      policy: batchSize(2),
      run: ({ item }) => void seen.push(item),
    });
    const flow = defineFlow({ id: 'odd' }, (f) => {
      f.connect(f.add('source', source).events.item, f.add('look', look).slots.item);
    });
    const app = await openApp({ flows: [flow], database: url });
    const id = await startJob(app, { flowId: 'odd' });
    await ended(app, id);
    await app.close();
    const next = await openApp({ flows: [flow], database: url });
    await ended(next, await rerun(next, { jobId: id, activationId: 2 }));
    expect(seen).toEqual([
      [odd, odd],
      [odd, odd],
    ]);
    const [, again] = seen as unknown[][];
    expect(again?.[0]).not.toBe(odd);
    expect(again?.[0]).toBe(again?.[1]);
  });
});

describe('edited items', () => {
  test('take the place of recorded ones, which else stay as they were', async () => {
    const { app, id } = await summed();
    const [batch = 0] = await activationsOf(app, id, 'sum');
    const edits: [Partial<RerunFromInput>, unknown[]][] = [
      [{ replace: [{ index: 1, value: { any: 'thing' } }] }, [2, { any: 'thing' }]],
      [{ replace: [{ index: 0 }] }, [null, 4]],
      [{ drop: [0] }, [4]],
      [{ add: [{ slot: 'number', value: 7 }] }, [2, 4, 7]],
      [
        { replace: [{ index: 1, value: 5 }], drop: [0], add: [{ slot: 'number', value: 6 }] },
        [5, 6],
      ],
    ];
    for (const [edit, wanted] of edits) {
      const newId = await rerun(app, { jobId: id, activationId: batch, ...edit });
      expect(await outputsOf(app, newId)).toEqual({ sums: [['in', ...wanted]] });
      expect((await infoOf(app, newId)).rerunOf).toMatchObject({ isEdited: true });
    }
  });

  test('are refused with every fault, and near names', async () => {
    const { app, id } = await summed();
    const [batch = 0] = await activationsOf(app, id, 'sum');
    const result = await tryRerun(app, {
      jobId: id,
      activationId: batch,
      replace: [
        { index: 2, value: 1 },
        { index: 0, value: 1 },
      ],
      drop: [0, 9],
      add: [
        { slot: 'nummber', value: 1 },
        { slot: 'else', value: 1 },
      ],
    });
    expect(result).toMatchObject({
      __typename: 'ValidationError',
      issues: [
        {
          pathText: 'input.replace[0].index',
          message: 'There is no item 2: the activation took 2, numbered from 0.',
        },
        { pathText: 'input.drop[0]', message: 'Item 0 is edited twice.' },
        {
          pathText: 'input.drop[1]',
          message: 'There is no item 9: the activation took 2, numbered from 0.',
        },
        {
          pathText: 'input.add[0].slot',
          message: 'Routine "sum" has no slot "nummber". Did you mean "number"?',
        },
        {
          pathText: 'input.add[1].slot',
          message: 'Routine "sum" has no slot "else". It has: number.',
        },
      ],
    });
    expect(await app.jobs.count({})).toBe(1);
  });

  test('must leave what the routine would be run on', async () => {
    const { app, id } = await summed();
    const [one = 0] = await activationsOf(app, id, 'double');
    const refused = async (edit: Partial<RerunFromInput>) =>
      await tryRerun(app, { jobId: id, activationId: one, ...edit });
    expect(await refused({ drop: [0] })).toMatchObject({
      message: 'input: No item is left to run routine "double" on. Leave one, or add one.',
    });
    expect(await refused({ add: [{ slot: 'number', value: 1 }] })).toMatchObject({
      message: expect.stringContaining('takes one item at a time (policy immediate): these are 2'),
    });
    expect(
      await tryRerun(app, { jobId: id, activationId: 1, add: [{ slot: 'x', value: 1 }] }),
    ).toMatchObject({ issues: [{ message: 'Routine "source" has no slot "x". It has none.' }] });
  });

  test('of a routine that takes one of each slot are one of each', async () => {
    const pair = defineRoutine({
      type: 'pairs',
      slots: { left: slot<unknown>(), right: slot<unknown>() },
      events: { pair: event<unknown>() },
      policy: allSlotsReady(),
      run: (inputs, ctx) => ctx.emit('pair', inputs),
    });
    const flow = defineFlow({ id: 'pairs' }, (f) => {
      const pairs = f.add('pair', pair);
      f.connect(f.input, pairs.slots.left);
      f.connect(f.add('texts', emits(['a'])).events.item, pairs.slots.right);
      return { pair: pairs.events.pair };
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'pairs', input: 1 });
    await ended(app, id);
    const [activationId = 0] = await activationsOf(app, id, 'pair');
    const same = await rerun(app, { jobId: id, activationId });
    expect(await outputsOf(app, same)).toEqual({ pair: [{ left: 1, right: 'a' }] });
    const add = [{ slot: 'right', value: 'b' }];
    const other = await rerun(app, { jobId: id, activationId, drop: [1], add });
    expect(await outputsOf(app, other)).toEqual({ pair: [{ left: 1, right: 'b' }] });
    expect(await tryRerun(app, { jobId: id, activationId, drop: [0], add })).toMatchObject({
      message: expect.stringContaining('of "left" there would be 0'),
    });
  });
});

describe('a rerun that is sent again', () => {
  test('with the same key answers the job that was made first', async () => {
    const { app, id } = await summed();
    const request = {
      jobId: id,
      activationId: 2,
      replace: [{ index: 0, value: 5 }],
      idempotencyKey: 'once',
    };
    const [first, second] = await Promise.all([rerun(app, request), rerun(app, request)]);
    expect(second).toBe(first);
    for (const other of [
      { activationId: 3 },
      { replace: [{ index: 0, value: 6 }] },
      { replace: [] },
    ]) {
      expect(await tryRerun(app, { ...request, ...other })).toMatchObject({
        __typename: 'IdempotencyConflictError',
      });
    }
    expect(await app.jobs.count({})).toBe(2);
  });
});

describe('what was recorded', () => {
  test('of ended jobs is there after a restart', async () => {
    const { url } = await makeUrl();
    const { app, id } = await summed({ database: url });
    const [batch = 0] = await activationsOf(app, id, 'sum');
    await app.close();
    const next = await openApp({ flows: [summing()], database: url });
    const { job } = await ask(next, GetRerunnableDocument, { id });
    expect(job?.trace.nodes.map(({ canRerun }) => canRerun)).toEqual(Array(7).fill(true));
    const newId = await rerun(next, { jobId: id, activationId: batch });
    expect(await outputsOf(next, newId)).toEqual({ sums: [['in', 2, 4]] });
  });

  test('ends with the trace; then the API says so', async () => {
    const { app, id } = await summed({ monitor: { traceLength: 2 } });
    expect(await tryRerun(app, { jobId: id, activationId: 1 })).toMatchObject({
      __typename: 'NotRecordedError',
      code: 'NOT_RECORDED',
      reason: 'LEFT_TRACE',
      message: expect.stringContaining("is not in the job's trace any more"),
    });
    expect(await tryRerun(app, { jobId: id, activationId: 8 })).toMatchObject({
      __typename: 'NotFoundError',
      message: `There is no Activation "8". In job ${bare(id)} they are 1–7.`,
    });
    const jobId = '01990000-0000-7000-8000-000000000000';
    expect(await tryRerun(app, { jobId, activationId: 1 })).toMatchObject({
      __typename: 'NotFoundError',
      message: expect.stringContaining('There is no Job'),
    });
  });

  test.each([
    ['TOO_LARGE', 'x'.repeat(20_000), true],
    ['TOO_LARGE', 'x'.repeat(1_100_000), false],
    ['NOT_WRITABLE', () => undefined, false],
  ])('is not when it is %s: %#', async (reason, value, isThereWhileItRuns) => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'large' }, (f) => {
      const pass = f.add('pass', passes<unknown>());
      f.connect(f.add('source', emits([value])).events.item, pass.slots.item);
      f.connect(pass.events.item, f.add('wait', passes<unknown>(gate.pass)).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'large' });
    await until(() => gate.waiting === 1);
    const refusal = { __typename: 'NotRecordedError', reason };
    const early = await tryRerun(app, { jobId: id, activationId: 2 });
    if (isThereWhileItRuns) {
      expect(early).toMatchObject({ __typename: 'RerunFromPayload' });
      await until(() => gate.waiting === 2);
    } else expect(early).toMatchObject(refusal);
    gate.openAll();
    await ended(app, id);
    await app.services.jobHost.forget(bare(id));
    expect(await tryRerun(app, { jobId: id, activationId: 2 })).toMatchObject(refusal);
    const { job } = await ask(app, GetRerunnableDocument, { id });
    const nodes = job?.trace.nodes ?? [];
    expect(Object.fromEntries(nodes.map((each) => [each.routineId, each.canRerun]))).toEqual({
      source: true,
      pass: false,
      wait: false,
    });
  });

  test('has room within what is kept of a trace; older ones go without', async () => {
    const text = 'x'.repeat(10_000);
    const flow = defineFlow({ id: 'many' }, (f) => {
      const source = f.add('source', emits(range(30).map((at) => ({ at, text }))));
      f.connect(source.events.item, f.add('pass', passes<unknown>()).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'many' });
    await ended(app, id);
    await app.services.jobHost.forget(bare(id));
    const { job } = await ask(app, GetRerunnableDocument, { id });
    const nodes = job?.trace.nodes.filter(({ routineId }) => routineId === 'pass') ?? [];
    expect(nodes).toHaveLength(30);
    expect(nodes.filter(({ canRerun }) => canRerun)).toEqual(nodes.slice(-12));
    const [oldest] = nodes;
    expect(
      await tryRerun(app, { jobId: id, activationId: oldest?.activationId ?? 0 }),
    ).toMatchObject({ reason: 'NO_ROOM' });
  });
});

describe('a job that begins in the middle of another', () => {
  test('begins so also when the server ended before it did', async () => {
    const { url } = await makeUrl();
    const gate = new Gate();
    const app = await openApp({
      flows: [summing(gate)],
      database: url,
      engine: { maxRunningJobs: 1, endGraceMs: 1 },
    });
    const id = await startJob(app, { flowId: 'summing', input: 'in' });
    await until(() => gate.waiting === 1);
    const waiting = await rerun(app, {
      jobId: id,
      activationId: 2,
      replace: [{ index: 0, value: 50 }],
    });
    expect(await jobOf(app, waiting)).toMatchObject({ status: 'PENDING' });
    await app.close();

    const next = await openApp({ flows: [summing()], database: url });
    expect(await outputsOf(next, waiting)).toEqual({ sums: [['in', 100]] });
    expect(await runsOf(next, waiting)).toEqual({ source: 0, double: 1, sum: 1 });
    expect((await infoOf(next, waiting)).rerunOf).toMatchObject({ activationId: 2 });
  });

  test.each(['restart', 'resume'] as const)(
    'begins so after a crash, or goes on: %s',
    async (onCrash) => {
      const { directory, url } = await makeUrl();
      const gate = new Gate();
      const app = await openApp({
        flows: [summing(gate, { onCrash })],
        database: url,
        checkpointIntervalMs: 0,
      });
      const id = await startJob(app, { flowId: 'summing', input: 'in' });
      await until(() => gate.waiting === 1);
      const crashing = await rerun(app, { jobId: id, activationId: 2 });
      await until(() => gate.waiting === 2);
      await inState(app, crashing, 'RUNNING');
      await ask(app, CancelJobDocument, { id });
      const copy = join(directory, 'copy.db');
      for (const suffix of ['', '-wal']) {
        await copyFile(join(directory, `millrace.db${suffix}`), copy + suffix);
      }
      gate.openAll();
      const next = await openApp({
        flows: [summing(undefined, { onCrash })],
        database: `sqlite:${copy}`,
      });
      expect(await outputsOf(next, crashing)).toEqual({ sums: [['in', 2]] });
      expect(await runsOf(next, crashing)).toEqual({ source: 0, double: 1, sum: 1 });
    },
  );

  test('that is paused and goes on runs no source', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [summing(gate)] });
    const id = await startJob(app, { flowId: 'summing', input: 'in' });
    await until(() => gate.waiting === 1);
    const newId = await rerun(app, { jobId: id, activationId: 2 });
    await until(() => gate.waiting === 2);
    await ask(app, PauseJobDocument, { id: newId });
    await ask(app, ResumeJobDocument, { id: newId });
    await ask(app, PauseJobDocument, { id });
    gate.openAll();
    await ended(app, newId);
    expect(await runsOf(app, newId)).toEqual({ source: 0, double: 1, sum: 1 });
    await ask(app, CancelJobDocument, { id });
  });

  test('has new routine states, and its flow as it is now', async () => {
    const { url } = await makeUrl();
    const counting = (name: string) => {
      const count = defineRoutine({
        type: 'counts',
        slots: { item: slot<unknown>() },
        events: { count: event<number>() },
        state: () => ({ runs: 0 }),
        run: (_, ctx) => ctx.emit('count', ++ctx.state.runs),
      });
      return defineFlow({ id: 'counting' }, (f) => {
        const counts = f.add(name, count);
        f.connect(f.add('source', emits(range(3))).events.item, counts.slots.item);
        return { counts: counts.events.count };
      });
    };
    const app = await openApp({ flows: [counting('count')], database: url });
    const id = await startJob(app, { flowId: 'counting' });
    expect(await outputsOf(app, id)).toEqual({ counts: [1, 2, 3] });
    expect(await outputsOf(app, await rerun(app, { jobId: id, activationId: 4 }))).toEqual({
      counts: [1],
    });
    await app.close();
    const next = await openApp({ flows: [counting('renamed')], database: url });
    expect(await tryRerun(next, { jobId: id, activationId: 4 })).toMatchObject({
      __typename: 'NotFoundError',
      message: 'There is no Routine "count". Flow "counting" has: renamed, source.',
    });
    await next.close();
    const bareApp = await openApp({ flows: [summing()], database: url });
    expect(await tryRerun(bareApp, { jobId: id, activationId: 4 })).toMatchObject({
      __typename: 'NotFoundError',
      message: expect.stringContaining('There is no Flow "counting"'),
    });
  });
});
