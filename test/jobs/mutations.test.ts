import { defineFlow } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from '../../src/app.ts';
import { ask, ended, inState, jobOf, openApp, startJob, until } from '../api/api.ts';
import { Broken, echo, running, waiting } from '../api/flows.ts';
import { Gate, passes } from '../engine/parts.ts';
import {
  CancelJobDocument,
  DeleteJobDocument,
  GetRoutinesDocument,
  ListJobsDocument,
  PauseJobDocument,
  ResumeJobDocument,
  RetryJobDocument,
  StartJobDocument,
  type StartJobInput,
} from '../generated/operations.ts';
import { settle } from '../support/manual-clock.ts';

const start = async (app: App, input: StartJobInput) =>
  (await ask(app, StartJobDocument, { input })).startJob;

const countJobs = (app: App) => app.jobs.count({});

const strict = defineFlow(
  {
    id: 'strict',
    input: z.object({
      name: z.string().min(2),
      files: z.array(z.object({ size: z.number() })).default([]),
    }),
  },
  (f) => {
    const pass = f.add('pass', passes<unknown>());
    f.connect(f.input, pass.slots.item);
    return { checked: pass.events.item };
  },
);

describe('startJob', () => {
  test('answers the job, with all that was given', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const input = {
      flowId: 'Flow:waiting',
      input: { n: 1 },
      metadata: { team: 'blue', tags: [1, null] },
      owner: 'ann',
      priority: -1000,
      idempotencyKey: 'once',
    };
    const result = await start(app, input);
    expect(result).toMatchObject({
      __typename: 'StartJobPayload',
      job: {
        id: expect.stringMatching(/^Job:[0-9a-f-]{36}$/),
        status: 'PENDING',
        isEnding: false,
        ...input,
        flowId: 'waiting',
        retryOf: null,
        startedAt: null,
        finishedAt: null,
        durationMs: null,
        error: null,
        outputs: [],
      },
    });
  });

  test('fills in what is left out', async () => {
    const app = await openApp({ flows: [echo()] });
    const id = await startJob(app, { flowId: 'echo' });
    await ended(app, id);
    expect(await jobOf(app, id)).toMatchObject({
      input: {},
      metadata: {},
      owner: null,
      priority: 0,
      idempotencyKey: null,
      status: 'COMPLETED',
      progress: 1,
      outputs: [{ name: 'echoed', count: 1, values: [{}] }],
    });
  });

  test("fills in the defaults of the flow's input schema", async () => {
    const app = await openApp({ flows: [strict] });
    const id = await startJob(app, { flowId: 'strict', input: { name: 'ann' } });
    await ended(app, id);
    expect((await jobOf(app, id)).outputs).toEqual([
      { name: 'checked', count: 1, values: [{ name: 'ann', files: [] }] },
    ]);
  });

  test('refuses an input with the path and reason of every fault, and makes no job', async () => {
    const app = await openApp({ flows: [strict] });
    const result = await start(app, {
      flowId: 'strict',
      input: { name: 'a', files: [{ size: 1 }, { size: 'big' }] },
      priority: 1001,
      owner: '',
    });
    expect(result).toMatchObject({ __typename: 'ValidationError', code: 'VALIDATION_FAILED' });
    const issues = result.__typename === 'ValidationError' ? result.issues : [];
    expect(issues.map(({ pathText }) => pathText).toSorted()).toEqual([
      'input.input.files[1].size',
      'input.input.name',
      'input.owner',
      'input.priority',
    ]);
    expect(issues.map(({ path }) => path)).toContainEqual(['input', 'input', 'files', '1', 'size']);
    for (const { message } of issues) expect(message).not.toBe('');
    expect(await countJobs(app)).toBe(0);
  });

  test.each([
    ['metadata that is no object', { metadata: [1] }, 'input.metadata'],
    ['metadata that is too large', { metadata: { big: 'x'.repeat(65_536) } }, 'input.metadata'],
    ['an owner that is too long', { owner: 'x'.repeat(201) }, 'input.owner'],
    ['an empty idempotency key', { idempotencyKey: '' }, 'input.idempotencyKey'],
    ['a priority that is too low', { priority: -1001 }, 'input.priority'],
  ])('refuses %s', async (_name, more, path) => {
    const app = await openApp({ flows: [echo()] });
    const result = await start(app, { flowId: 'echo', ...more });
    expect(result).toMatchObject({
      __typename: 'ValidationError',
      issues: [{ pathText: path }],
    });
    expect(await countJobs(app)).toBe(0);
  });

  test('takes metadata of 64 KiB', async () => {
    const app = await openApp({ flows: [echo()] });
    const metadata = { big: 'x'.repeat(65_536 - '{"big":""}'.length) };
    expect(await start(app, { flowId: 'echo', metadata })).toMatchObject({ job: { metadata } });
  });

  test('M11 names the flow that is not there, and refuses ids of other types', async () => {
    const app = await openApp({ flows: [echo()] });
    expect(await start(app, { flowId: 'nothing' })).toMatchObject({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      kind: 'Flow',
      missingId: 'nothing',
      message: 'There is no Flow "nothing". Known: echo.',
    });
    for (const flowId of ['Job:echo', 'Nonsense:echo', 'Flow:', '']) {
      const result = await start(app, { flowId });
      expect(result.__typename).toBe(flowId === '' ? 'ValidationError' : 'ValidationError');
      expect(result).toMatchObject({ issues: [{ path: ['input', 'flowId'] }] });
    }
  });

  test('a job with a higher priority gets the next place', async () => {
    const gate = new Gate();
    const app = await openApp({
      flows: [waiting(gate)],
      engine: { maxRunningJobs: 1, endGraceMs: 1 },
    });
    await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
    const low = await startJob(app, { flowId: 'waiting', priority: 1 });
    const high = await startJob(app, { flowId: 'waiting', priority: 2 });
    gate.open();
    await inState(app, high, 'RUNNING');
    expect((await jobOf(app, low)).status).toBe('PENDING');
  });

  test('from the close on it is refused with a code, and no job is left', async () => {
    const app = await openApp({ flows: [echo()] });
    const closed = app.close();
    const whileClosing = start(app, { flowId: 'echo' });
    const count = countJobs(app);
    const refusal = { __typename: 'ShuttingDownError', code: 'SHUTTING_DOWN' };
    expect(await whileClosing).toMatchObject(refusal);
    expect(await count).toBe(0);
    await closed;
    expect(await start(app, { flowId: 'echo' })).toMatchObject(refusal);
  });
});

describe('startJob with an idempotency key', () => {
  test('the same request answers the same job, whatever the order of its keys', async () => {
    const app = await openApp({ flows: [echo()] });
    const first = await start(app, { flowId: 'echo', input: { a: 1, b: 2 }, idempotencyKey: 'k' });
    const again = await start(app, { flowId: 'echo', input: { b: 2, a: 1 }, idempotencyKey: 'k' });
    expect(again).toMatchObject({ __typename: 'StartJobPayload' });
    expect('job' in again && again.job.id).toBe('job' in first && first.job.id);
    expect(await countJobs(app)).toBe(1);
  });

  test('another request is refused, and names the job', async () => {
    const app = await openApp({ flows: [echo(), echo('other')] });
    const id = await startJob(app, { flowId: 'echo', input: 1, idempotencyKey: 'k' });
    for (const request of [
      { flowId: 'echo', input: 2 },
      { flowId: 'other', input: 1 },
    ]) {
      expect(await start(app, { ...request, idempotencyKey: 'k' })).toMatchObject({
        __typename: 'IdempotencyConflictError',
        code: 'IDEMPOTENCY_CONFLICT',
        conflictingJobId: id,
      });
    }
    expect(await countJobs(app)).toBe(1);
  });

  test('many at once make one job', async () => {
    const app = await openApp({ flows: [echo()] });
    const input = { flowId: 'echo', input: [1], idempotencyKey: 'k' };
    const results = await Promise.all(Array.from({ length: 20 }, () => startJob(app, input)));
    expect(new Set(results).size).toBe(1);
    expect(await countJobs(app)).toBe(1);
  });

  test('of different ones at once the first wins; one that is refused is no hindrance', async () => {
    const app = await openApp({ flows: [echo(), strict] });
    const [first, second] = await Promise.all([
      start(app, { flowId: 'echo', input: 1, idempotencyKey: 'a' }),
      start(app, { flowId: 'echo', input: 2, idempotencyKey: 'a' }),
    ]);
    expect(first.__typename).toBe('StartJobPayload');
    expect(second.__typename).toBe('IdempotencyConflictError');
    const [bad, good] = await Promise.all([
      start(app, { flowId: 'strict', input: {}, idempotencyKey: 'b' }),
      start(app, { flowId: 'strict', input: { name: 'ann' }, idempotencyKey: 'b' }),
    ]);
    expect(bad.__typename).toBe('ValidationError');
    expect(good.__typename).toBe('StartJobPayload');
  });

  test('the key of a deleted job can be used anew', async () => {
    const app = await openApp({ flows: [echo()] });
    const id = await startJob(app, { flowId: 'echo', input: 1, idempotencyKey: 'k' });
    await ended(app, id);
    await ask(app, DeleteJobDocument, { id });
    expect(await start(app, { flowId: 'echo', input: 2, idempotencyKey: 'k' })).toMatchObject({
      __typename: 'StartJobPayload',
    });
  });
});

/** A job in the state wanted, in a system that runs one job at a time. */
async function openIn(state: string) {
  const gate = new Gate();
  const flows = [waiting(gate), echo(), running(() => Promise.reject(new Broken('no')), 'broken')];
  const app = await openApp({ flows, engine: { maxRunningJobs: 1, endGraceMs: 1 } });
  if (state === 'PENDING') {
    await startJob(app, { flowId: 'waiting' });
    await until(() => gate.waiting === 1);
  }
  const flowId = state === 'COMPLETED' ? 'echo' : state === 'FAILED' ? 'broken' : 'waiting';
  const id = await startJob(app, { flowId, input: { n: 1 }, metadata: { m: 1 }, owner: 'ann' });
  if (state === 'RUNNING' || state === 'PAUSED') await until(() => gate.waiting === 1);
  if (state === 'PAUSED') await app.jobs.pause(id.slice(4));
  if (state === 'CANCELLED') await app.jobs.cancel(id.slice(4));
  await inState(app, id, state);
  return { app, id, gate };
}

const COMMANDS = {
  pause: async (app: App, id: string) => (await ask(app, PauseJobDocument, { id })).pauseJob,
  resume: async (app: App, id: string) => (await ask(app, ResumeJobDocument, { id })).resumeJob,
  cancel: async (app: App, id: string) => (await ask(app, CancelJobDocument, { id })).cancelJob,
  retry: async (app: App, id: string) => (await ask(app, RetryJobDocument, { id })).retryJob,
  delete: async (app: App, id: string) => (await ask(app, DeleteJobDocument, { id })).deleteJob,
};
const COMMAND_NAMES = ['pause', 'resume', 'cancel', 'retry', 'delete'] as const;

const ALLOWED = {
  PENDING: ['cancel'],
  RUNNING: ['pause', 'cancel'],
  PAUSED: ['resume', 'cancel'],
  COMPLETED: ['delete'],
  FAILED: ['retry', 'delete'],
  CANCELLED: ['retry', 'delete'],
} as const;

describe.each(Object.entries(ALLOWED))('a job that is %s', (state, allowed) => {
  test.each(COMMAND_NAMES.filter((name) => !allowed.some((each) => each === name)))(
    'refuses to %s, naming its state',
    async (name) => {
      const { app, id } = await openIn(state);
      expect(await COMMANDS[name](app, id)).toMatchObject({
        __typename: 'InvalidStateError',
        code: 'INVALID_STATE',
        status: state,
        message: expect.stringContaining(`Job ${id.slice(4)} is ${state}`),
      });
      expect((await jobOf(app, id)).status).toBe(state);
    },
  );

  test.each(allowed)('can %s', async (name) => {
    const { app, id } = await openIn(state);
    const result = await COMMANDS[name](app, id);
    const after = { pause: 'PAUSED', resume: 'RUNNING', cancel: 'CANCELLED' };
    if (name === 'delete') {
      expect(result).toEqual({ __typename: 'DeleteJobPayload', deletedJobId: id });
      const { jobs } = await ask(app, ListJobsDocument, {
        ...{ filter: null, orderBy: null, first: null, after: null, last: null, before: null },
      });
      expect(jobs.edges.map(({ node }) => node.id)).not.toContain(id);
    } else if (name === 'retry') {
      expect(result).toMatchObject({
        __typename: 'RetryJobPayload',
        job: { retryOf: { id }, input: { n: 1 }, metadata: { m: 1 }, owner: 'ann' },
      });
    } else {
      expect(result).toMatchObject({ job: { id, status: after[name], isEnding: false } });
    }
  });
});

describe('all commands', () => {
  test('M11 name the job that is not there, and refuse ids of other types', async () => {
    const app = await openApp({ flows: [echo()] });
    for (const name of COMMAND_NAMES) {
      expect(await COMMANDS[name](app, 'Job:gone')).toMatchObject({
        __typename: 'NotFoundError',
        kind: 'Job',
        missingId: 'gone',
        message: 'There is no Job "gone".',
      });
      expect(await COMMANDS[name](app, 'Flow:echo')).toMatchObject({
        __typename: 'ValidationError',
        issues: [
          {
            path: ['input', 'jobId'],
            message: '"Flow:echo" is the id of a Flow; this takes the id of a Job.',
          },
        ],
      });
      expect(await COMMANDS[name](app, 'Nonsense:x')).toMatchObject({
        __typename: 'ValidationError',
      });
    }
  });

  test('a viewer who may only watch is refused by each, in its union', async () => {
    const app = await openApp({ flows: [echo()], isReadOnly: true });
    for (const name of COMMAND_NAMES) {
      expect(await COMMANDS[name](app, 'Job:x')).toMatchObject({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: expect.stringContaining(`"${name}Job"`),
      });
    }
    expect(await start(app, { flowId: 'echo' })).toMatchObject({ __typename: 'ForbiddenError' });
    expect(await countJobs(app)).toBe(0);
  });
});

describe('a job that is being ended', () => {
  /** A job with code that goes on, waited for until the gate opens. */
  async function openEnding(how: 'cancelled' | 'failed') {
    const gate = new Gate();
    const fails = passes<unknown>(() =>
      how === 'failed' ? Promise.reject(new Broken('no')) : undefined,
    );
    const flow = defineFlow({ id: 'ending' }, (f) => {
      f.connect(f.input, f.add('slow', passes<unknown>(gate.pass)).slots.item);
      f.connect(f.input, f.add('other', fails).slots.item);
    });
    const app = await openApp({ flows: [flow], engine: { endGraceMs: 1e6 } });
    const id = await startJob(app, { flowId: 'ending' });
    await until(() => gate.waiting === 1);
    await settle();
    return { app, id, gate };
  }

  test('cancel waits for running code; a second one waits with it', async () => {
    const { app, id, gate } = await openEnding('cancelled');
    let answered = 0;
    const results = [COMMANDS.cancel(app, id), COMMANDS.cancel(app, id)].map(async (result) => {
      await result;
      answered++;
      return result;
    });
    await settle();
    expect(answered).toBe(0);
    expect(await jobOf(app, id)).toMatchObject({ status: 'RUNNING', isEnding: true });
    const refused = { __typename: 'InvalidStateError', status: 'RUNNING' };
    const message = expect.stringContaining('It is being ended.');
    expect(await COMMANDS.pause(app, id)).toMatchObject({ ...refused, message });
    expect(await COMMANDS.delete(app, id)).toMatchObject(refused);
    expect(await COMMANDS.retry(app, id)).toMatchObject(refused);
    gate.open();
    for (const result of await Promise.all(results)) {
      expect(result).toMatchObject({ job: { id, status: 'CANCELLED', isEnding: false } });
    }
  });

  test('one that is failing tells so, can not be paused, and cancel waits for its end', async () => {
    const { app, id, gate } = await openEnding('failed');
    expect(await jobOf(app, id)).toMatchObject({ status: 'RUNNING', isEnding: true });
    expect(await COMMANDS.pause(app, id)).toMatchObject({ __typename: 'InvalidStateError' });
    const result = COMMANDS.cancel(app, id);
    await settle();
    gate.open();
    expect(await result).toMatchObject({ job: { id, status: 'FAILED', isEnding: false } });
    expect((await jobOf(app, id)).error).toEqual({ message: 'no', code: 'BROKEN' });
  });

  test('code that does not end in time is told', async () => {
    const { app, id } = await openIn('RUNNING');
    expect(await COMMANDS.cancel(app, id)).toMatchObject({
      job: { status: 'CANCELLED', unresponsiveRoutineIds: ['wait'] },
    });
    const { job } = await ask(app, GetRoutinesDocument, { id });
    expect(job?.routines[0]).toMatchObject({ activeCount: 0, isActive: false });
  });
});

test('commands at once: each is done or refused in its own terms, whatever the order', async () => {
  for (let round = 0; round < 20; round++) {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)], engine: { endGraceMs: 0 } });
    const id = await startJob(app, { flowId: 'waiting' });
    for (let at = 0; at < round; at++) await Promise.resolve();
    const names = ['pause', 'resume', 'pause', 'cancel', 'resume', 'delete', 'cancel'] as const;
    const results = await Promise.all(names.map((name) => COMMANDS[name](app, id)));
    for (const { __typename } of results) {
      expect(['InvalidStateError', 'NotFoundError']).toContain(
        __typename.endsWith('Payload') ? 'InvalidStateError' : __typename,
      );
    }
    await app.close();
  }
});

test('retryOf is null once the job was deleted', async () => {
  const { app, id } = await openIn('FAILED');
  const retried = await COMMANDS.retry(app, id);
  const newId = 'job' in retried ? retried.job.id : '';
  expect((await jobOf(app, newId)).retryOf).toEqual({ id });
  await COMMANDS.delete(app, id);
  expect((await jobOf(app, newId)).retryOf).toBeNull();
});
