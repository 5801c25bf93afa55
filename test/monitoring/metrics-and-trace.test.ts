import {
  type Activation,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  retry,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import { ask, ended, openApp, startJob, until } from '../api/api.ts';
import { Broken, chain, running } from '../api/flows.ts';
import { emits, Gate, inspecting, passes, range } from '../engine/parts.ts';
import {
  type ActivationFilter,
  GetLogsDocument,
  type GetLogsQuery,
  type GetLogsQueryVariables,
  GetMetricsDocument,
  GetTraceDocument,
  type GetTraceQuery,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const page = { first: null, after: null, last: null, before: null, filter: null };

async function traceOf(app: App, id: string, filter: ActivationFilter = {}) {
  const { job } = await ask(app, GetTraceDocument, { id, ...page, filter, first: 1000 });
  return { nodes: job?.trace.nodes ?? [], dropped: job?.traceDroppedCount };
}

describe('M7 metrics', () => {
  test('M7 counts and durations of each routine and of the job', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const flow = defineFlow({ id: 'timed', onError: 'continue' }, (f) => {
      const source = f.add('source', emits(range(100)));
      const slow = f.add(
        'slow',
        passes<number>(async (item) => {
          await gate.pass();
          if (item >= 98) throw new Broken('late');
        }),
      );
      f.connect(source.events.item, slow.slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'timed' });
    for (let item = 1; item <= 100; item++) {
      await until(() => gate.waiting === 1);
      await clock.advance(item); // the n-th takes n milliseconds
      gate.open();
    }
    await ended(app, id);
    const { job } = await ask(app, GetMetricsDocument, { id });
    const slow = job?.routines.find(({ routineId }) => routineId === 'slow')?.durations;
    expect(slow).toMatchObject({ count: 100, minMs: 1, avgMs: 50.5, maxMs: 100 });
    for (const [told, exact] of [
      [slow?.p50Ms, 50],
      [slow?.p95Ms, 95],
      [slow?.p99Ms, 99],
    ] as const) {
      expect(Math.abs((told ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.032);
    }
    expect(job?.metrics).toMatchObject({
      executionCount: 101,
      errorCount: 2,
      skippedCount: 0,
      retryCount: 0,
      activationsPerSecond: expect.closeTo(101 / 5.05, 5),
    });
    expect(job?.metrics.durations).toMatchObject({ count: 101, maxMs: 100 });
  });

  test('M7 durations of what never ran are null', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [running(gate.pass)] });
    const id = await startJob(app, { flowId: 'running' });
    const { job } = await ask(app, GetMetricsDocument, { id });
    const nothing = {
      minMs: null,
      avgMs: null,
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
      maxMs: null,
    };
    expect(job?.routines[0]?.durations).toEqual({ count: 0, ...nothing });
    expect(job?.metrics.activationsPerSecond).toBe(0);
  });
});

describe('M7 trace', () => {
  test('M7 tells what each activation took and emitted, and from whom', async () => {
    const app = await openApp({ flows: [chain(4)] });
    const id = await startJob(app, { flowId: 'chain' });
    await ended(app, id);
    const { nodes, dropped } = await traceOf(app, id);
    expect(dropped).toBe(0);
    const of = (routine: string) => nodes.filter(({ routineId }) => routineId === routine);
    const [source] = of('source');
    expect(source).toMatchObject({
      activationId: 1,
      parentIds: [],
      inputs: [],
      inputCount: 0,
      outputCount: 4,
      outputs: range(4).map((item) => ({ event: 'item', item: { text: String(item) } })),
      outcome: 'COMPLETED',
      attempt: 1,
      error: null,
    });
    const passed = of('pass');
    expect(passed).toHaveLength(4);
    passed.forEach((each, item) => {
      const shown = { text: String(item), isTruncated: false };
      expect(each.parentIds).toEqual([1]);
      expect(each.inputs).toEqual([{ slot: 'item', emittedBy: 1, item: shown }]);
      expect(each.outputs).toEqual([{ event: 'item', item: shown }]);
    });
    const [sums] = of('sums');
    expect(sums).toMatchObject({
      parentIds: passed.map(({ activationId }) => activationId),
      inputCount: 4,
      outputs: [{ event: 'sum', item: { text: '6' } }],
    });
    expect(of('end')[0]?.parentIds).toEqual([sums?.activationId]);
  });

  test("M7 the job's input has no parent; waiting and running time are told apart", async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const flow = running(gate.pass);
    const app = await openApp({ flows: [flow], clock, engine: { maxRunningJobs: 1 } });
    const id = await startJob(app, { flowId: 'running', input: { a: [1] } });
    await until(() => gate.waiting === 1);
    await clock.advance(700);
    gate.open();
    await ended(app, id);
    const { nodes } = await traceOf(app, id);
    expect(nodes).toMatchObject([
      {
        startedAt: '2026-01-01T00:00:00.000Z',
        waitMs: 0,
        runMs: 700,
        parentIds: [],
        inputs: [{ slot: 'item', emittedBy: null, item: { text: '{"a":[1]}' } }],
      },
    ]);
  });

  test('M7 a routine is not charged for the time that what it emitted waited for room', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const flow = defineFlow({ id: 'blocked' }, (f) => {
      const source = f.add('source', emits(range(3)));
      const quick = f.add('quick', passes<number>());
      const slots = { item: { maxLength: 1 } };
      const slow = f.add('slow', passes<number>(gate.pass), { slots });
      f.connect(source.events.item, quick.slots.item);
      f.connect(quick.events.item, slow.slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'blocked' });
    for (let item = 0; item < 3; item++) {
      await until(() => gate.waiting === 1);
      await clock.advance(50);
      gate.open();
    }
    await ended(app, id);
    const { nodes } = await traceOf(app, id, { routineIds: ['quick'] });
    expect(nodes.map(({ runMs, blockedMs }) => [runMs, blockedMs])).toEqual([
      [0, 0],
      [0, 0],
      [0, 50],
    ]);
    const { job } = await ask(app, GetMetricsDocument, { id });
    const of = (routine: string) =>
      job?.routines.find(({ routineId }) => routineId === routine)?.durations;
    expect(of('quick')).toMatchObject({ count: 3, maxMs: 0 });
    expect(of('slow')).toMatchObject({ count: 3, minMs: 50, maxMs: 50 });
  });

  test('M7 the code that ran before it had to wait is charged, with a clock that goes by itself', async () => {
    const gate = new Gate();
    const busyMs = 20;
    const burst = defineRoutine({
      type: 'burst',
      events: { item: event<number>() },
      run: (_, ctx) => {
        const untilMs = performance.now() + busyMs;
        while (performance.now() < untilMs);
        for (const item of range(3)) ctx.emit('item', item);
      },
    });
    const flow = defineFlow({ id: 'burst' }, (f) => {
      const slots = { item: { maxLength: 1 } };
      const { events } = f.add('burst', burst);
      f.connect(events.item, f.add('slow', passes<number>(gate.pass), { slots }).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'burst' });
    for (let item = 0; item < 3; item++) {
      await until(() => gate.waiting === 1);
      await new Promise((keep) => setTimeout(keep, 30));
      gate.open();
    }
    await ended(app, id);
    const [only] = (await traceOf(app, id, { routineIds: ['burst'] })).nodes;
    expect(only?.runMs).toBeGreaterThanOrEqual(busyMs - 1);
    expect(only?.blockedMs).toBeGreaterThanOrEqual(29);
  });

  test('M7 time at a breakpoint after the code is not charged either', async () => {
    const clock = new ManualClock();
    const held: Activation[] = [];
    const flow = defineFlow({ id: 'held' }, (f) => {
      const run = f.add('run', passes<unknown>());
      f.connect(f.input, run.slots.item);
      return { items: run.events.item };
    });
    const job = createEngine({ clock }).start(flow, 1, {
      inspector: inspecting({
        interestIn: () => ({ starts: true, outputs: true }),
        holdsOutput: (activation) => held.push(activation) > 0,
      }),
    });
    const monitor = new JobMonitor(job);
    await until(() => held.length === 1);
    await clock.advance(500);
    for (const activation of held) job.release(activation);
    await job.settled;
    expect(monitor.readDurations().get('run')).toMatchObject({ count: 1, maxMs: 0 });
    expect(held[0]).toMatchObject({ runMs: 0, blockedMs: 500, outcome: 'COMPLETED' });
  });

  test("M7 what the job's end cut short counts in no duration", async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [running(gate.pass)], engine: { endGraceMs: 1 } });
    const id = await startJob(app, { flowId: 'running' });
    await until(() => gate.waiting === 1);
    await app.jobs.cancel(id.slice(4));
    await ended(app, id);
    expect((await traceOf(app, id)).nodes).toMatchObject([{ outcome: 'ABANDONED' }]);
    const { job } = await ask(app, GetMetricsDocument, { id });
    expect(job?.routines[0]?.durations).toMatchObject({ count: 0, maxMs: null });
  });

  test('M7 tells how long items waited', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const flow = defineFlow({ id: 'waits' }, (f) => {
      const source = f.add('source', emits(range(3)));
      f.connect(source.events.item, f.add('slow', passes<number>(gate.pass)).slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'waits' });
    for (let item = 0; item < 3; item++) {
      await until(() => gate.waiting === 1);
      await clock.advance(100);
      gate.open();
    }
    await ended(app, id);
    const { nodes } = await traceOf(app, id, { routineIds: ['slow'] });
    expect(nodes.map(({ waitMs, runMs }) => [waitMs, runMs])).toEqual([
      [0, 100],
      [100, 100],
      [200, 100],
    ]);
  });

  test('M7 tells each attempt, and its error', async () => {
    const onError = retry({ maxAttempts: 3, delayMs: 0, then: 'continue' });
    const flow = running(() => {
      throw new Broken('again');
    });
    const retried = defineFlow({ id: 'retried', onError }, (f) => {
      const [routine] = flow.routines;
      if (routine === undefined) throw new Error('Has one.');
      f.connectByName({ routine: 'source', event: 'item' }, { routine: 'run', slot: 'item' });
      f.add('source', emits([1]));
      f.add('run', routine.type);
    });
    const app = await openApp({ flows: [retried] });
    const id = await startJob(app, { flowId: 'retried' });
    await ended(app, id);
    const { nodes } = await traceOf(app, id, { routineIds: ['run'] });
    const error = { message: 'again', code: 'BROKEN' };
    expect(nodes).toMatchObject([
      { attempt: 1, outcome: 'RETRIED', error },
      { attempt: 2, outcome: 'RETRIED', error },
      { attempt: 3, outcome: 'FAILED', error },
    ]);
    expect(new Set(nodes.map(({ activationId }) => activationId)).size).toBe(1);
    expect((await traceOf(app, id, { outcomes: ['RETRIED'] })).nodes).toHaveLength(2);
    expect(
      (await traceOf(app, id, { outcomes: ['RETRIED'], routineIds: ['source'] })).nodes,
    ).toEqual([]);
  });

  test('M7 shows large items cut, and the first 16 of many', async () => {
    const flow = running((_, ctx) => {
      for (let at = 0; at < 40; at++) void ctx.emit('out', { at, text: 'x'.repeat(10_000) });
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'running', input: 'y'.repeat(10_000) });
    await ended(app, id);
    const [only] = (await traceOf(app, id)).nodes;
    expect(only?.outputCount).toBe(40);
    expect(only?.outputs).toHaveLength(16);
    for (const { item } of [...(only?.inputs ?? []), ...(only?.outputs ?? [])]) {
      expect(item.isTruncated).toBe(true);
      expect(item.text.length).toBeLessThan(400);
    }
  });

  test('M7 keeps the newest activations, and failed ones longer; counts the others', async () => {
    const flow = defineFlow({ id: 'long', onError: 'continue' }, (f) => {
      const source = f.add('source', emits(range(1000)));
      const run = passes<number>((item) => {
        if (item < 50 && item % 10 === 0) throw new Broken(String(item));
      });
      f.connect(source.events.item, f.add('pass', run).slots.item);
    });
    const monitor = { traceLength: 100, failureTraceLength: 3 };
    const app = await openApp({ flows: [flow], monitor });
    const id = await startJob(app, { flowId: 'long' });
    await ended(app, id);
    const { nodes, dropped } = await traceOf(app, id);
    expect(nodes).toHaveLength(103);
    expect(dropped).toBe(1001 - 103);
    expect(nodes.slice(0, 3).map(({ error }) => error?.message)).toEqual(['20', '30', '40']);
    expect(new Set(nodes.map(({ activationId }) => activationId)).size).toBe(103);
  });

  test('M7 the trace is read page by page, forward and backward, also while it goes on', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'going' }, (f) => {
      const source = f.add('source', emits(range(60)));
      f.connect(source.events.item, f.add('slow', passes<number>(gate.pass)).slots.item);
    });
    const app = await openApp({ flows: [flow], monitor: { traceLength: 20 } });
    const id = await startJob(app, { flowId: 'going' });
    const step = async (count: number) => {
      for (let at = 0; at < count; at++) {
        await until(() => gate.waiting === 1);
        gate.open();
        await settle();
      }
    };
    await step(20);
    const seen: number[] = [];
    let after: string | null = null;
    for (;;) {
      const { job }: GetTraceQuery = await ask(app, GetTraceDocument, {
        id,
        ...page,
        first: 7,
        after,
      });
      const nodes = job?.trace.nodes ?? [];
      seen.push(...nodes.map(({ activationId }) => activationId));
      after = job?.trace.pageInfo.endCursor ?? null;
      if (job?.trace.pageInfo.hasNextPage !== true) break;
      await step(2); // older ones make room meanwhile: none is told twice, none that is held is left out
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(20);
    // Backward from an element that is gone there is nothing: not the newest once more.
    const first = await ask(app, GetTraceDocument, { id, ...page, first: 1 });
    const before = first.job?.trace.pageInfo.endCursor ?? null;
    await step(10);
    const back = await ask(app, GetTraceDocument, { id, ...page, last: 5, before });
    expect(back.job?.trace.nodes).toEqual([]);
  });
});

test('M7 the log of a job, by level and page', async () => {
  const source = defineRoutine({
    type: 'logs',
    slots: { item: slot<unknown>() },
    events: { out: event<unknown>() },
    run: (_, ctx) => {
      for (const at of range(6)) {
        ctx.log.debug(`debug ${at}`);
        ctx.log.info(`info ${at}`, { at, big: 'z'.repeat(1000) });
        ctx.log.warning(`warning ${at}`);
        ctx.log.error(`error ${at}`);
      }
    },
  });
  const flow = defineFlow({ id: 'logging' }, (f) => {
    f.connect(f.input, f.add('logs', source).slots.item);
  });
  const app = await openApp({ flows: [flow], monitor: { logLength: 20 } });
  const id = await startJob(app, { flowId: 'logging' });
  await ended(app, id);
  const all = await ask(app, GetLogsDocument, { id, filter: null, first: null, after: null });
  // The monitor remembers fewer, but all were written down in time.
  expect(all.job?.logs.totalCount).toBe(24);
  expect(all.job?.logs.nodes[0]).toMatchObject({
    message: 'debug 0',
    level: 'DEBUG',
    facts: null,
    routineId: 'logs',
    activationId: 1,
  });
  expect(all.job?.logs.nodes[1]?.facts).toMatchObject({ isTruncated: true });
  const filter = { levels: ['WARNING' as const, 'ERROR' as const], routineIds: ['logs'] };
  const messages: string[] = [];
  let after: string | null = null;
  do {
    const variables: GetLogsQueryVariables = { id, filter, first: 3, after };
    const { job }: GetLogsQuery = await ask(app, GetLogsDocument, variables);
    messages.push(...(job?.logs.nodes ?? []).map(({ message }) => message));
    after = job?.logs.pageInfo.hasNextPage === true ? job.logs.pageInfo.endCursor : null;
  } while (after !== null);
  expect(messages).toEqual(range(6).flatMap((at) => [`warning ${at}`, `error ${at}`]));
});
