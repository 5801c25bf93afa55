import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { batchSize, defineFlow, defineRoutine, event, type Flow, slot } from 'millrace/engine';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { App, AppOptions } from '../../src/app.ts';
import { ended, inState, openApp } from '../api/api.ts';
import { echo } from '../api/flows.ts';
import { Gate, passes } from '../engine/parts.ts';

/** A directory with a database, and the disk as it would be if the process were killed now. */
async function makePlace() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-recovery-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  let copies = 0;
  return {
    url: `sqlite:${join(directory, 'millrace.db')}`,
    /** How many lines of all logs are on disk, now or in the newest copy. */
    countLines(): number {
      const file = copies === 0 ? 'millrace.db' : `copy-${copies}.db`;
      const database = new Sqlite(join(directory, file), { readonly: true });
      const { lines } = database.prepare('select count(*) as lines from job_logs').get() as {
        lines: number;
      };
      database.close();
      return lines;
    },
    /** The URL of a copy of what is on disk now. */
    async crash(): Promise<string> {
      const copy = join(directory, `copy-${++copies}.db`);
      const before = copies === 1 ? 'millrace.db' : `copy-${copies - 1}.db`;
      for (const suffix of ['', '-wal'])
        await copyFile(join(directory, before + suffix), copy + suffix);
      return `sqlite:${copy}`;
    },
  };
}

/** A source of 1 to `count` that keeps its place, then pairs of them summed behind a gate that the test holds. */
function summing(gate: Gate, options: { onCrash?: Flow['onCrash']; count?: number } = {}) {
  const { onCrash = 'resume', count = 20 } = options;
  const source = defineRoutine({
    type: 'counts',
    events: { number: event<number>() },
    state: () => ({ next: 1 }),
    run: async (_, ctx) => {
      while (ctx.state.next <= count) await ctx.emit('number', ctx.state.next++);
    },
  });
  const sum = defineRoutine({
    type: 'sums',
    slots: { number: slot<number>({ maxLength: 4 }) },
    events: { total: event<number>() },
    policy: batchSize(2),
    state: () => ({ total: 0 }),
    run: async ({ number }, ctx) => {
      await gate.pass();
      for (const each of number) ctx.state.total += each;
      if (ctx.state.total === (count * (count + 1)) / 2) ctx.emit('total', ctx.state.total);
    },
  });
  return defineFlow({ id: 'summing', onCrash }, (f) => {
    const from = f.add('source', source);
    const to = f.add('sum', sum);
    f.connect(from.events.number, to.slots.number);
    return { total: to.events.total };
  });
}

const open = (url: string, flows: Flow[], more: Partial<AppOptions> = {}) =>
  openApp({ flows, database: url, checkpointIntervalMs: 0, ...more });

const outputsOf = async (app: App, id: string) => {
  const [outputs] = await app.services.records.readOutputs([id]);
  return outputs;
};

/** Lets all that waits at a gate, and will, go on. */
function letGo(gate: Gate): void {
  const timer = setInterval(() => gate.openAll(), 1);
  onTestFinished(() => clearInterval(timer));
}

/** Waits until a job has a checkpoint taken after `since`. */
async function checkpointed(app: App, id: string, since: number): Promise<void> {
  for (;;) {
    const [checkpoint] = await app.services.describeCheckpoints([id]);
    if (checkpoint !== undefined && checkpoint.takenAt > since) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('O1 a job that was running at a crash goes on from its checkpoint, and tells so', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate)]);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  for (let rounds = 0; rounds < 4; rounds++) {
    while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    gate.openAll();
  }
  await checkpointed(app, id, Date.now());
  const after = new Gate();
  const second = await open(await crash(), [summing(after)]);
  const recovered = await second.jobs.require(id);
  expect(recovered).toMatchObject({ state: 'RUNNING', recovery: { count: 1, crashCount: 1 } });
  expect(recovered.recovery?.from).toBeLessThanOrEqual(recovered.recovery?.at ?? 0);
  letGo(after);
  await ended(second, id);
  expect(await second.jobs.require(id)).toMatchObject({ state: 'COMPLETED' });
  expect(await outputsOf(second, id)).toEqual({ total: { values: [210], count: 1 } });
});

test('a job found PENDING runs, and a job found PAUSED stays paused', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const flows = (to: Gate) => [summing(to), echo()];
  const app = await open(url, flows(gate), { engine: { maxRunningJobs: 1 } });
  const paused = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, paused.id, 'RUNNING');
  await app.jobs.pause(paused.id);
  const pending = await app.jobs.start({ flowId: 'echo', input: 'later' });
  const second = await open(await crash(), flows(gate));
  await ended(second, pending.id);
  expect(await outputsOf(second, pending.id)).toEqual({ echoed: { values: ['later'], count: 1 } });
  expect((await second.jobs.require(pending.id)).recovery).toBeUndefined();
  expect(await second.jobs.require(paused.id)).toMatchObject({ state: 'PAUSED' });
  await second.jobs.resume(paused.id);
  letGo(gate);
  await ended(second, paused.id);
  expect(await outputsOf(second, paused.id)).toEqual({ total: { values: [210], count: 1 } });
});

test('after a shut-down jobs go on where they were, whatever onCrash says', async () => {
  const { url } = await makePlace();
  const gate = new Gate();
  const flow = summing(gate, { onCrash: 'fail' });
  const app = await open(url, [flow], { closeGraceMs: 10 });
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  gate.openAll();
  await app.close();
  const after = new Gate();
  const second = await open(url, [summing(after, { onCrash: 'fail' })]);
  expect(await second.jobs.require(id)).toMatchObject({
    state: 'RUNNING',
    recovery: { crashCount: 0 },
  });
  letGo(after);
  await ended(second, id);
  expect(await outputsOf(second, id)).toEqual({ total: { values: [210], count: 1 } });
});

test.each([
  ['restart', 'RUNNING', undefined],
  ['fail', 'FAILED', 'CRASHED'],
] as const)('onCrash: %s', async (onCrash, state, code) => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate, { onCrash })]);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  await checkpointed(app, id, 0);
  const second = await open(await crash(), [summing(gate, { onCrash })]);
  await inState(second, id, state);
  const job = await second.jobs.require(id);
  expect(job.error?.code).toBe(code);
  expect(job.recovery).toMatchObject({ count: 1, from: undefined });
});

test('a job that is there at each crash is given up in the end', async () => {
  const place = await makePlace();
  const gate = new Gate();
  const options = { recovery: { maxCrashes: 2 } };
  const first = await open(place.url, [summing(gate)], options);
  const { id } = await first.jobs.start({ flowId: 'summing', input: {} });
  await inState(first, id, 'RUNNING');
  for (const crashCount of [1, 2]) {
    const app = await open(await place.crash(), [summing(gate)], options);
    await inState(app, id, 'RUNNING');
    expect(await app.jobs.require(id)).toMatchObject({ recovery: { crashCount } });
  }
  const last = await open(await place.crash(), [summing(gate)], options);
  expect(await last.jobs.require(id)).toMatchObject({
    state: 'FAILED',
    error: { code: 'CRASH_LOOP', message: expect.stringContaining('3 times in a row') },
    recovery: { count: 3 },
  });
});

test('a job whose flow has changed its shape fails, and the difference is named', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate)]);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  await checkpointed(app, id, 0);
  const changed = defineFlow({ id: 'summing' }, (f) => {
    f.connect(f.input, f.add('other', passes()).slots.item);
  });
  const second = await open(await crash(), [changed]);
  const { state, error } = await second.jobs.require(id);
  expect(state).toBe('FAILED');
  expect(error?.code).toBe('FLOW_CHANGED');
  expect(error?.message).toContain('source');
});

test('a job that can not be written down says why, and begins again after a crash', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const type = defineRoutine({
    type: 'odd',
    slots: { item: slot<unknown>() },
    state: () => ({ callback: () => undefined }),
    run: () => gate.pass(),
  });
  const odd = defineFlow({ id: 'odd' }, (f) => {
    f.connect(f.input, f.add('keeper', type).slots.item);
  });
  const app = await open(url, [odd]);
  const { id } = await app.jobs.start({ flowId: 'odd', input: {} });
  await inState(app, id, 'RUNNING');
  await checkpointed(app, id, 0);
  const [checkpoint] = await app.services.describeCheckpoints([id]);
  expect(checkpoint?.problem).toContain('The state of routine "keeper"');
  const second = await open(await crash(), [odd]);
  await inState(second, id, 'RUNNING');
  expect((await second.jobs.require(id)).recovery).toMatchObject({ count: 1, from: undefined });
});

test('a job whose flow is not on the server waits for it, and can be cancelled', async () => {
  const place = await makePlace();
  const gate = new Gate();
  const app = await open(place.url, [summing(gate)]);
  const kept = await app.jobs.start({ flowId: 'summing', input: {} });
  const cancelled = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, kept.id, 'RUNNING');
  await inState(app, cancelled.id, 'RUNNING');
  const without = await open(await place.crash(), [echo()]);
  expect(await without.jobs.require(kept.id)).toMatchObject({ state: 'RUNNING' });
  await expect(without.jobs.pause(kept.id)).rejects.toThrow(
    'Flow "summing" is not on this server.',
  );
  expect(await without.jobs.cancel(cancelled.id)).toMatchObject({ state: 'CANCELLED' });
  const after = new Gate();
  const again = await open(await place.crash(), [summing(after)]);
  letGo(after);
  await ended(again, kept.id);
  expect(await outputsOf(again, kept.id)).toEqual({ total: { values: [210], count: 1 } });
});

test('a damaged checkpoint is not used', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate)]);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  await checkpointed(app, id, 0);
  const copy = await crash();
  const database = new Sqlite(copy.replace('sqlite:', ''));
  database.prepare(`update job_checkpoints set data = replace(data, 'next', 'last')`).run();
  database.close();
  const after = new Gate();
  const second = await open(copy, [summing(after)]);
  expect((await second.jobs.require(id)).recovery).toMatchObject({ count: 1, from: undefined });
  letGo(after);
  await ended(second, id);
  expect(await outputsOf(second, id)).toEqual({ total: { values: [210], count: 1 } });
});

test('M7 what was logged and traced before a crash stays, while the job runs on and after', async () => {
  const { url, crash, countLines } = await makePlace();
  const type = (gate: Gate, life: string) =>
    defineRoutine({
      type: 'tells',
      slots: { item: slot<unknown>() },
      events: { item: event<unknown>() },
      run: async ({ item }, ctx) => {
        ctx.log.info(`${life} begins`);
        await gate.pass();
        ctx.log.info(`${life} ends`);
        ctx.emit('item', item);
      },
    });
  const telling = (gate: Gate, life: string) =>
    defineFlow({ id: 'telling' }, (f) => {
      const first = f.add('first', type(gate, life));
      const second = f.add('second', type(gate, life));
      f.connect(f.input, first.slots.item);
      f.connect(first.events.item, second.slots.item);
    });
  const gate = new Gate();
  const app = await open(url, [telling(gate, 'one')]);
  const { id } = await app.jobs.start({ flowId: 'telling', input: {} });
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  gate.open();
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  const told = async ({ services: { records } }: App) => {
    const page = { filter: {}, limit: 100, fromEnd: false };
    const lines = await records.readLogs(id, page);
    const last = await records.readLogs(id, { filter: {}, limit: 2, fromEnd: true });
    expect(last).toEqual(lines.slice(-2));
    expect(await records.countLogs(id, {})).toBe(lines.length);
    expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_, at) => at + 1));
    const trace = await records.readTrace(id, page);
    expect((await records.countTrace(id, {})).matching).toBe(trace.length);
    return {
      logs: lines.map(({ message }) => message),
      trace: trace.map(({ routineId, sequence }) => `${sequence} ${routineId}`),
    };
  };
  await checkpointed(app, id, Date.now());
  const before = await told(app);
  expect(before).toEqual({
    logs: ['one begins', 'one ends', 'one begins'],
    trace: ['1 first'],
  });
  while (countLines() < 3) await new Promise((resolve) => setTimeout(resolve, 5));

  const after = new Gate();
  const second = await open(await crash(), [telling(after, 'two')]);
  while (after.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await told(second)).toEqual({ ...before, logs: [...before.logs, 'two begins'] });
  letGo(after);
  await ended(second, id);
  const all = {
    logs: [...before.logs, 'two begins', 'two ends'],
    trace: ['1 first', '2 second'],
  };
  expect(await told(second)).toEqual(all);
  while (countLines() < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await told(second)).toEqual(all);
});

test('a job whose input does not fit its flow any more fails, and keeps nothing else from running', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate), echo()], { engine: { maxRunningJobs: 1 } });
  const running = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, running.id, 'RUNNING');
  const pending = await app.jobs.start({ flowId: 'echo', input: 'text' });
  const strict = defineFlow({ id: 'echo', input: z.number() }, (f) => {
    f.connect(f.input, f.add('pass', passes<number>()).slots.item);
  });
  const after = new Gate();
  const second = await open(await crash(), [summing(after), strict]);
  expect(await second.jobs.require(pending.id)).toMatchObject({
    state: 'FAILED',
    error: { code: 'INVALID_INPUT', message: expect.stringContaining('could not be taken up') },
  });
  letGo(after);
  await ended(second, running.id);
});

test('a job can be cancelled as soon as others see it', async () => {
  const app = await open('sqlite::memory:', [echo()]);
  const cancelled: Promise<unknown>[] = [];
  const stop = app.pubsub.subscribe('jobEvent', ({ type, jobId }) => {
    if (type === 'JOB_CREATED') cancelled.push(app.jobs.cancel(jobId).catch(() => undefined));
  });
  const jobs = await Promise.all(
    Array.from({ length: 50 }, () => app.jobs.start({ flowId: 'echo', input: 1 })),
  );
  await Promise.all(jobs.map(({ id }) => ended(app, id)));
  await Promise.all(cancelled);
  stop();
  for (const { id } of jobs) {
    const { state, finishedAt } = await app.jobs.require(id);
    expect(['CANCELLED', 'COMPLETED']).toContain(state);
    expect((await app.jobs.require(id)).finishedAt).toBe(finishedAt);
  }
});

test('code that outlives its job leaves no line behind', async () => {
  const late = new Gate();
  const type = defineRoutine({
    type: 'late',
    slots: { item: slot<unknown>() },
    run: (_, ctx) => {
      void late.pass().then(() => ctx.log.info('too late'));
    },
  });
  const flow = defineFlow({ id: 'late' }, (f) => {
    f.connect(f.input, f.add('late', type).slots.item);
  });
  const { url, countLines } = await makePlace();
  const app = await open(url, [flow]);
  const { id } = await app.jobs.start({ flowId: 'late', input: {} });
  await ended(app, id);
  await app.jobs.delete(id);
  late.openAll();
  await new Promise((resolve) => setImmediate(resolve));
  await app.close(); // which writes whatever waits
  expect(countLines()).toBe(0);
});

test('a server that has run for a while forgets the crashes before', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const options = { recovery: { maxCrashes: 1, stableAfterMs: 10 } };
  const app = await open(url, [summing(gate)], options);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  for (let crashes = 1; crashes <= 3; crashes++) {
    const next = await open(await crash(), [summing(gate)], options);
    await inState(next, id, 'RUNNING');
    const crashCount = async () => (await next.jobs.require(id)).recovery?.crashCount;
    while ((await crashCount()) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await next.jobs.require(id)).recovery?.count).toBe(crashes);
  }
});

test('a paused job is not taken for the cause of a crash', async () => {
  const { url, crash } = await makePlace();
  const gate = new Gate();
  const app = await open(url, [summing(gate)]);
  const { id } = await app.jobs.start({ flowId: 'summing', input: {} });
  await inState(app, id, 'RUNNING');
  await app.jobs.pause(id);
  const second = await open(await crash(), [summing(gate)], { recovery: { maxCrashes: 0 } });
  expect(await second.jobs.require(id)).toMatchObject({
    state: 'PAUSED',
    recovery: { count: 1, crashCount: 0 },
  });
});
