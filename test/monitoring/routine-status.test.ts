import {
  allSlotsReady,
  batchSize,
  custom,
  defineFlow,
  defineRoutine,
  event,
  immediate,
  none,
  retry,
  slot,
  timeInterval,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, ended, openApp, refusal, startJob, until } from '../api/api.ts';
import { Broken } from '../api/flows.ts';
import { emits, emitsAtOnce, Gate, keeps, passes, range } from '../engine/parts.ts';
import {
  GetFlowDocument,
  GetRoutineDocument,
  GetRoutinesDocument,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const breaks = defineRoutine({
  type: 'breaks',
  slots: { item: slot<number>() },
  run: ({ item }) => {
    if (item % 2 === 1) throw new Broken(`${item} is odd`);
  },
});

describe('M3 status of the routines of a job', () => {
  test('M3 each status, while the job runs and when it has ended', async () => {
    const gate = new Gate();
    const start = Date.UTC(2026, 0, 1);
    const clock = new ManualClock(start);
    const flow = defineFlow({ id: 'statuses' }, (f) => {
      const source = f.add('source', emitsAtOnce(range(2)));
      const idle = f.add('idle', passes<number>());
      const busy = f.add('busy', passes<number>(gate.pass));
      const later = f.add('later', keeps<number>([]));
      f.connect(source.events.item, idle.slots.item);
      f.connect(idle.events.item, busy.slots.item);
      f.connect(busy.events.item, later.slots.item);
      f.connect(source.events.item, f.add('failing', breaks, { onError: 'continue' }).slots.item);
      f.connect(source.events.item, f.add('skipping', breaks, { onError: 'skip' }).slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'statuses' });
    await until(() => gate.waiting === 1);
    await settle();
    const read = async () =>
      (await ask(app, GetRoutinesDocument, { id })).job?.routines.map((routine) => ({
        routine: routine.routineId,
        status: routine.status,
        isActive: routine.isActive,
        executions: routine.executionCount,
        errors: routine.errorCount,
        skipped: routine.skippedCount,
        at: routine.lastExecutedAt,
      }));
    const at = '2026-01-01T00:00:00.000Z';
    const calm = { isActive: false, errors: 0, skipped: 0, at };
    expect(await read()).toEqual([
      { ...calm, routine: 'source', status: 'COMPLETED', executions: 1 },
      { ...calm, routine: 'idle', status: 'IDLE', executions: 2 },
      { ...calm, routine: 'busy', status: 'RUNNING', executions: 0, isActive: true },
      { ...calm, routine: 'later', status: 'PENDING', executions: 0, at: null },
      { ...calm, routine: 'failing', status: 'FAILED', executions: 2, errors: 1 },
      { ...calm, routine: 'skipping', status: 'SKIPPED', executions: 2, skipped: 1 },
    ]);
    await clock.advance(1000);
    gate.open();
    await until(() => gate.waiting === 1);
    gate.open();
    await ended(app, id);
    const later = '2026-01-01T00:00:01.000Z';
    expect(await read()).toEqual([
      { ...calm, routine: 'source', status: 'COMPLETED', executions: 1 },
      { ...calm, routine: 'idle', status: 'COMPLETED', executions: 2 },
      { ...calm, routine: 'busy', status: 'COMPLETED', executions: 2, at: later },
      { ...calm, routine: 'later', status: 'COMPLETED', executions: 2, at: later },
      { ...calm, routine: 'failing', status: 'FAILED', executions: 2, errors: 1 },
      { ...calm, routine: 'skipping', status: 'SKIPPED', executions: 2, skipped: 1 },
    ]);
  });

  test('M3 a routine that a job ended without is SKIPPED', async () => {
    const flow = defineFlow({ id: 'cut' }, (f) => {
      const first = f.add(
        'first',
        passes<unknown>(() => Promise.reject(new Broken('no'))),
      );
      f.connect(f.input, first.slots.item);
      f.connect(first.events.item, f.add('second', keeps<unknown>([])).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'cut' });
    await ended(app, id);
    const { job } = await ask(app, GetRoutinesDocument, { id });
    expect(job).toMatchObject({
      status: 'FAILED',
      routines: [
        {
          routineId: 'first',
          status: 'FAILED',
          errorCount: 1,
          lastError: { message: 'no', code: 'BROKEN' },
        },
        { routineId: 'second', status: 'SKIPPED', executionCount: 0, lastError: null },
      ],
    });
  });

  test('M3 tells the progress that a routine reports', async () => {
    const gate = new Gate();
    const counts = defineRoutine({
      type: 'counts',
      slots: { item: slot<unknown>() },
      run: async (_, ctx) => {
        ctx.progress(1, 4, 'first');
        await gate.pass();
        ctx.progress(7);
        await gate.pass();
      },
    });
    const flow = defineFlow({ id: 'progress' }, (f) => {
      f.connect(f.input, f.add('counts', counts).slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'progress' });
    const progress = async () =>
      (await ask(app, GetRoutinesDocument, { id })).job?.routines[0]?.progress;
    await until(() => gate.waiting === 1);
    expect(await progress()).toEqual({ done: 1, total: 4, ratio: 0.25, message: 'first' });
    gate.open();
    await until(() => gate.waiting === 1);
    expect(await progress()).toEqual({ done: 7, total: null, ratio: null, message: null });
  });
});

describe('M4 and M5 definition of the routines of a flow', () => {
  const two = defineRoutine({
    type: 'takes-two',
    slots: { left: slot<number>(), right: slot<number>() },
    policy: allSlotsReady(),
    run: () => undefined,
  });
  const many = (policy: ReturnType<typeof batchSize>) =>
    defineRoutine({ type: 'takes-many', slots: { item: slot<number>() }, policy, run: () => 0 });
  const byHand = custom(() => ({}), {
    name: 'whenAsked',
    description: 'Runs when somebody asks.',
    config: { asks: 3, nested: { of: ['all'] } },
  });
  const flow = defineFlow({ id: 'policies', description: 'Every policy.', version: '1.2' }, (f) => {
    const source = f.add('source', emits(range(3)));
    const place = (id: string, type: ReturnType<typeof many>) =>
      f.connect(source.events.item, f.add(id, type).slots.item);
    f.connect(source.events.item, f.add('one', keeps<number>([])).slots.item);
    place('batch', many(batchSize(7, { flush: false })));
    place('timed', many(timeInterval(250)));
    place('rest', many(none()));
    place('byHand', many(byHand));
    const both = f.add('both', two);
    f.connect(source.events.item, both.slots.left);
    f.connect(source.events.item, both.slots.right);
    return { item: source.events.item };
  });

  test('M5 each policy tells its type, name, config and description', async () => {
    const app = await openApp({ flows: [flow] });
    const { flow: told } = await ask(app, GetFlowDocument, { id: 'policies' });
    const policies = Object.fromEntries(
      (told?.routines ?? []).map(({ routineId, policy }) => [routineId, policy]),
    );
    expect(policies).toEqual({
      source: expect.objectContaining({ type: 'NONE', name: 'none', config: {} }),
      one: {
        type: 'IMMEDIATE',
        name: 'immediate',
        config: {},
        description: immediate().description,
      },
      batch: {
        type: 'BATCH_SIZE',
        name: 'batchSize',
        config: { size: 7, flush: false },
        description: 'Runs on 7 items of one slot at a time.',
      },
      timed: {
        type: 'TIME_INTERVAL',
        name: 'timeInterval',
        config: { intervalMs: 250, flush: true },
        description: expect.stringContaining('250 ms'),
      },
      rest: { type: 'NONE', name: 'none', config: {}, description: none().description },
      byHand: {
        type: 'CUSTOM',
        name: 'whenAsked',
        config: { asks: 3, nested: { of: ['all'] } },
        description: 'Runs when somebody asks.',
      },
      both: {
        type: 'ALL_SLOTS_READY',
        name: 'allSlotsReady',
        config: {},
        description: allSlotsReady().description,
      },
    });
  });

  test('M4 tells type, config, slots, events, error strategy and place of a routine', async () => {
    const full = defineRoutine({
      type: 'full',
      description: 'Has everything.',
      config: z.object({ url: z.string(), retries: z.number().default(3) }),
      slots: { item: slot<unknown>({ description: 'What comes.', required: true }) },
      events: { out: event<string>({ description: 'What goes.' }) },
      run: () => undefined,
    });
    const placed = defineFlow({ id: 'placed', input: z.object({ name: z.string() }) }, (f) => {
      const routine = f.add('only', full, {
        config: { url: 'http://x' },
        slots: { item: { maxLength: 5, watermark: 0.5, overflow: 'dropOldest' } },
        concurrency: 4,
        timeoutMs: 1500,
        onError: retry({ maxAttempts: 5, delayMs: 100, backoff: 'exponential', then: 'skip' }),
      });
      f.connect(f.input, routine.slots.item);
      return { out: routine.events.out };
    });
    const app = await openApp({ flows: [placed] });
    const { flow: told } = await ask(app, GetFlowDocument, { id: 'Flow:placed' });
    expect(told).toMatchObject({
      id: 'Flow:placed',
      flowId: 'placed',
      description: null,
      version: null,
      inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
      connections: [],
      entries: [{ routineId: 'only', slot: 'item' }],
      outputs: [{ name: 'out', routineId: 'only', event: 'out' }],
      warnings: [],
    });
    expect(told?.routines).toEqual([
      {
        id: 'Routine:placed/only',
        routineId: 'only',
        type: 'full',
        description: 'Has everything.',
        concurrency: 4,
        timeoutMs: 1500,
        config: { url: 'http://x', retries: 3 },
        configSchema: expect.objectContaining({ type: 'object', required: ['url'] }),
        policy: expect.objectContaining({ type: 'IMMEDIATE' }),
        errorStrategy: { action: 'SKIP', maxAttempts: 5, delayMs: 100, isExponential: true },
        slots: [
          {
            name: 'item',
            description: 'What comes.',
            isRequired: true,
            maxLength: 5,
            watermark: 0.5,
            overflow: 'DROP_OLDEST',
          },
        ],
        events: [{ name: 'out', description: 'What goes.' }],
        flow: { id: 'Flow:placed' },
      },
    ]);
  });

  test('M4 a limit of tries that outgrows an Int is told', async () => {
    const onError = retry({ maxAttempts: Number.MAX_SAFE_INTEGER, delayMs: 1 });
    const patient = defineFlow({ id: 'patient', onError }, (f) => {
      f.connect(f.input, f.add('only', passes<unknown>()).slots.item);
    });
    const app = await openApp({ flows: [patient] });
    const { flow: told } = await ask(app, GetFlowDocument, { id: 'patient' });
    expect(told?.routines[0]?.errorStrategy.maxAttempts).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('M4 the definition is told with the routine of a job', async () => {
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'policies' });
    const { job } = await ask(app, GetRoutineDocument, { id, routineId: 'batch' });
    expect(job?.routine?.routine).toMatchObject({
      id: 'Routine:policies/batch',
      policy: { type: 'BATCH_SIZE', config: { size: 7, flush: false } },
    });
  });

  test('M11 names the flow that is not there, and those that are', async () => {
    const app = await openApp({ flows: [flow] });
    expect(await refusal(app, GetFlowDocument, { id: 'nothing' })).toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Flow "nothing". Known: policies.',
    });
  });
});
