import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type LogEntry,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../support/manual-clock.ts';
import { emits, keeps, range } from './parts.ts';

test('routines of a job share its data; another job has its own', async () => {
  const counts: unknown[] = [];
  const adds = defineRoutine({
    type: 'adds',
    slots: { item: slot<number>() },
    run: (_, { job }) => {
      job.data.set('count', Number(job.data.get('count') ?? 0) + 1);
      counts.push(job.data.get('count'));
    },
  });
  const flow = defineFlow({ id: 'sharing' }, (f) => {
    const source = f.add('source', emits(range(2)));
    f.connect(source.events.item, f.add('one', adds).slots.item);
    f.connect(source.events.item, f.add('two', adds).slots.item);
  });
  const engine = createEngine();
  await engine.run(flow, undefined);
  await engine.run(flow, undefined);
  expect(counts).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
});

test('a routine keeps its own state from activation to activation, in each job and place anew', async () => {
  const sums: number[] = [];
  const adds = defineRoutine({
    type: 'adds',
    slots: { item: slot<number>() },
    state: () => ({ sum: 0 }),
    run: ({ item }, { state }) => {
      state.sum += item;
      sums.push(state.sum);
    },
  });
  const flow = defineFlow({ id: 'adding' }, (f) => {
    const source = f.add('source', emits([1, 2]));
    f.connect(source.events.item, f.add('one', adds).slots.item);
    const other = f.add('two', adds);
    f.connect(source.events.item, other.slots.item);
  });
  const job = createEngine().start(flow, undefined);
  await job.settled;
  await createEngine().run(flow, undefined);
  expect(sums.sort()).toEqual([1, 1, 1, 1, 3, 3, 3, 3]);
  expect(job.routine('one').state).toEqual({ sum: 3 });
});

describe('a routine whose state can not be made', () => {
  const error = new Error('no memory left');
  const makeFlow = (ran: string[]) => {
    const stateless = defineRoutine({
      type: 'stateless',
      run: () => void ran.push('stateless'),
    });
    const stateful = defineRoutine({
      type: 'stateful',
      state: () => {
        throw error;
      },
      run: () => void ran.push('stateful'),
    });
    return defineFlow({ id: 'unmakeable' }, (f) => {
      f.add('stateless', stateless);
      f.add('stateful', stateful);
    });
  };

  test('fails its job as soon as it would start, and no code runs', async () => {
    const ran: string[] = [];
    const changes: string[] = [];
    const clock = new ManualClock();
    const job = createEngine({ clock }).start(makeFlow(ran), undefined, {
      observers: [{ stateChanged: ({ state }, from) => void changes.push(`${from} → ${state}`) }],
    });
    expect(job.state).toBe('PENDING');
    expect(await job.settled).toEqual({ state: 'FAILED', outputs: {}, error });
    expect(job.error).toBe(error);
    expect(changes).toEqual(['PENDING → FAILED']);
    expect(ran).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('leaves its place to the next job', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const failed = engine.run(makeFlow([]), undefined);
    const next = engine.run(
      defineFlow({ id: 'next' }, (f) => {
        f.add('source', emits(range(3)));
      }),
      undefined,
    );
    expect((await failed).state).toBe('FAILED');
    expect((await next).state).toBe('COMPLETED');
    await engine.close();
  });

  test('is not asked for its state when the job is cancelled before it starts', async () => {
    const job = createEngine({ maxRunningJobs: 0 }).start(makeFlow([]), undefined);
    job.cancel();
    expect((await job.settled).state).toBe('CANCELLED');
  });
});

test('code sees its job, its routine, its checked configuration and its number', async () => {
  const seen: unknown[] = [];
  const type = defineRoutine({
    type: 'sees',
    slots: { item: slot<unknown>() },
    config: z.object({ factor: z.number().default(2) }),
    run: ({ item }, { job, routineId, config, activationId, attempt }) => {
      seen.push({ id: job.id, flowId: job.flowId, input: job.input, item });
      seen.push({ routineId, config, activationId, attempt });
    },
  });
  const flow = defineFlow({ id: 'seeing', input: z.object({ n: z.coerce.number() }) }, (f) => {
    f.connect(f.input, f.add('eye', type).slots.item);
  });
  const job = createEngine().start(flow, { n: '3' }, { id: 'job-1' });
  await job.settled;
  expect(seen).toEqual([
    { id: 'job-1', flowId: 'seeing', input: { n: 3 }, item: { n: 3 } },
    { routineId: 'eye', config: { factor: 2 }, activationId: 1, attempt: 1 },
  ]);
});

describe('progress', () => {
  test('is told to observers and kept on the routine', async () => {
    const told: unknown[] = [];
    const flow = defineFlow({ id: 'progress' }, (f) => {
      const type = defineRoutine({
        type: 'tells',
        run: (_, ctx) => {
          ctx.progress(1);
          ctx.progress(2, 4, 'half');
        },
      });
      f.add('tells', type);
    });
    const job = createEngine().start(flow, undefined, {
      observers: [{ progressed: (_, { id, progress }) => void told.push([id, progress]) }],
    });
    await job.settled;
    expect(told).toEqual([
      ['tells', { done: 1, total: undefined, message: undefined }],
      ['tells', { done: 2, total: 4, message: 'half' }],
    ]);
    expect(job.routine('tells').progress).toMatchObject({ done: 2 });
  });
});

describe('log', () => {
  test('lines carry level, facts, where they came from and the time', async () => {
    const clock = new ManualClock();
    const entries: LogEntry[] = [];
    const type = defineRoutine({
      type: 'writes',
      slots: { item: slot<unknown>() },
      run: (_, { log }) => {
        log.debug('one');
        log.info('two', { file: 'a.md' });
        log.warning('three');
        log.error('four');
      },
    });
    const flow = defineFlow({ id: 'logging' }, (f) => {
      f.connect(f.input, f.add('pen', type).slots.item);
    });
    const job = createEngine({ clock }).start(flow, 1, {
      observers: [{ logged: (_, entry) => void entries.push(entry) }],
    });
    await job.settled;
    expect(entries.map(({ level, message }) => [level, message])).toEqual([
      ['DEBUG', 'one'],
      ['INFO', 'two'],
      ['WARNING', 'three'],
      ['ERROR', 'four'],
    ]);
    expect(entries[1]).toEqual({
      level: 'INFO',
      message: 'two',
      facts: { file: 'a.md' },
      routineId: 'pen',
      activationId: 1,
      at: clock.now(),
    });
  });
});

test('lineage: an item tells which activation emitted it', async () => {
  const parents: [string, readonly number[]][] = [];
  const flow = defineFlow({ id: 'lineage' }, (f) => {
    const doubles = defineRoutine({
      type: 'doubles',
      slots: { item: slot<number>() },
      events: { item: event<number>() },
      run: ({ item }, ctx) => {
        ctx.emit('item', item);
        ctx.emit('item', item);
      },
    });
    const middle = f.add('middle', doubles);
    f.connect(f.input as never, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps<number>([])).slots.item);
  });
  const job = createEngine().start(flow as never, 1 as never, {
    observers: [
      {
        activationEnded: (_, { routineId, items }) =>
          void parents.push([routineId, items.map(({ emittedBy }) => emittedBy)]),
      },
    ],
  });
  await job.settled;
  expect(parents).toEqual([
    ['middle', [0]],
    ['end', [1]],
    ['end', [1]],
  ]);
});
