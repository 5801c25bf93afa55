import {
  createEngine,
  defineFlow,
  InvalidStateError,
  type JobRun,
  type JobState,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock, until } from '../support/manual-clock.ts';
import { emits, Gate, passes, range } from './parts.ts';

const gated = (gate: Gate) =>
  defineFlow({ id: 'gated' }, (f) => {
    const source = f.add('source', emits(range(3)));
    f.connect(source.events.item, f.add('end', passes<number>(gate.pass)).slots.item);
  });

const failing = defineFlow({ id: 'failing' }, (f) => {
  const source = f.add('source', emits(range(3)));
  const fails = passes<number>(() => {
    throw new Error('broken');
  });
  f.connect(source.events.item, f.add('end', fails).slots.item);
});

/** Brings a job into each state; `gate` holds its code. */
const reach: Record<JobState | 'ENDING', (gate: Gate) => Promise<JobRun>> = {
  async PENDING(gate) {
    return createEngine({ maxRunningJobs: 0 }).start(gated(gate), undefined);
  },
  async RUNNING(gate) {
    const job = createEngine({ clock: new ManualClock() }).start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    return job;
  },
  async PAUSED(gate) {
    const job = await reach.RUNNING(gate);
    job.pause();
    return job;
  },
  async ENDING(gate) {
    const job = await reach.RUNNING(gate);
    job.cancel();
    return job;
  },
  async COMPLETED() {
    const flow = defineFlow({ id: 'short' }, (f) => {
      f.add('source', emits(range(3)));
    });
    const job = createEngine().start(flow, undefined);
    await job.settled;
    return job;
  },
  async FAILED() {
    const job = createEngine().start(failing, undefined);
    await job.settled;
    return job;
  },
  async CANCELLED(gate) {
    const job = await reach.PENDING(gate);
    job.cancel();
    await job.settled;
    return job;
  },
};

type Request = 'pause' | 'resume' | 'cancel';

/** The state after each request that a state allows; all others are refused. */
const ALLOWED: Record<JobState | 'ENDING', Partial<Record<Request, JobState>>> = {
  PENDING: { cancel: 'CANCELLED' },
  RUNNING: { pause: 'PAUSED', cancel: 'RUNNING' },
  PAUSED: { resume: 'RUNNING', cancel: 'PAUSED' },
  ENDING: {},
  COMPLETED: {},
  FAILED: {},
  CANCELLED: {},
};

const cases = Object.entries(ALLOWED).flatMap(([state, allowed]) =>
  (['pause', 'resume', 'cancel'] as const).map((request) => {
    return { state: state as JobState | 'ENDING', request, next: allowed[request] };
  }),
);

describe('a job', () => {
  test.each(cases.filter(({ next }) => next !== undefined))(
    'that is $state can $request and is then $next',
    async ({ state, request, next }) => {
      const job = await reach[state](new Gate());
      job[request]();
      expect(job.state).toBe(next);
      expect(job.isEnding).toBe(request === 'cancel');
    },
  );

  test.each(cases.filter(({ next }) => next === undefined))(
    'that is $state refuses to $request and names its state',
    async ({ state, request }) => {
      const job = await reach[state](new Gate());
      const before = job.state;
      expect(() => job[request]()).toThrow(InvalidStateError);
      const shown = state === 'ENDING' ? 'RUNNING' : state;
      expect(() => job[request]()).toThrow(new RegExp(`Job ${job.id} is ${shown}`));
      expect(job.state).toBe(before);
    },
  );

  test('M8: tells each change of state, with the one before', async () => {
    const changes: string[] = [];
    const gate = new Gate();
    const job = createEngine().start(gated(gate), undefined, {
      observers: [{ stateChanged: ({ state }, from) => void changes.push(`${from} → ${state}`) }],
    });
    await until(() => gate.waiting === 1);
    job.pause();
    job.resume();
    job.cancel();
    gate.open();
    await job.settled;
    expect(changes).toEqual([
      'PENDING → RUNNING',
      'RUNNING → PAUSED',
      'PAUSED → RUNNING',
      'RUNNING → CANCELLED',
    ]);
  });

  test('is refused with the code INVALID_STATE', async () => {
    const job = await reach.COMPLETED(new Gate());
    try {
      job.pause();
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_STATE', state: 'COMPLETED' });
    }
  });
});
