import { createEngine, defineFlow, EngineClosedError, InvalidInputError } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { emits, Gate, keeps, passes, range } from './parts.ts';

const gated = (gate: Gate) =>
  defineFlow({ id: 'gated' }, (f) => {
    const source = f.add('source', emits([1]));
    f.connect(source.events.item, f.add('end', passes<number>(gate.pass)).slots.item);
  });

describe('start', () => {
  test('makes a pending job; nothing runs before the call has returned', async () => {
    const kept: unknown[] = [];
    const flow = defineFlow({ id: 'short' }, (f) => {
      f.connect(f.input, f.add('end', keeps<unknown>(kept)).slots.item);
    });
    const job = createEngine().start(flow, 'input');
    expect(job).toMatchObject({ state: 'PENDING', input: 'input', flow });
    expect(kept).toEqual([]);
    await job.settled;
    expect(kept).toEqual(['input']);
  });

  test('gives each job an id of its own, or the one it is told', () => {
    const engine = createEngine({ maxRunningJobs: 0 });
    const flow = gated(new Gate());
    const ids = [engine.start(flow, undefined).id, engine.start(flow, undefined).id];
    expect(new Set(ids).size).toBe(2);
    expect(engine.start(flow, undefined, { id: 'mine' }).id).toBe('mine');
  });

  test('refuses an input that does not fit, with the path and reason of each fault', () => {
    const flow = defineFlow(
      {
        id: 'strict',
        input: z.object({
          files: z.array(z.object({ name: z.string() })),
          limit: z.number().max(10),
        }),
      },
      (f) => {
        f.connect(f.input, f.add('end', keeps<unknown>([])).slots.item);
      },
    );
    const bad = { files: [{ name: 'a' }, { name: 2 }], limit: 11 };
    try {
      createEngine().start(flow, bad as never);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInputError);
      expect(error).toMatchObject({ code: 'INVALID_INPUT' });
      expect((error as InvalidInputError).issues.map(({ path }) => path)).toEqual([
        ['files', 1, 'name'],
        ['limit'],
      ]);
      expect(String(error)).toMatch(/files\[1\]\.name: .*limit: /);
    }
  });

  test('refuses a schema that can only answer later', () => {
    const input = z.string().refine(async () => true);
    const flow = defineFlow({ id: 'late', input }, (f) => {
      f.connect(f.input, f.add('end', keeps<unknown>([])).slots.item);
    });
    expect(() => createEngine().start(flow, 'text')).toThrow(/synchronous/);
  });
});

describe('maxRunningJobs', () => {
  test('others wait as PENDING; a higher priority goes first, among equals the first come', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const gate = new Gate();
    const started: string[] = [];
    const start = (id: string, priority?: number) =>
      engine.start(gated(gate), undefined, {
        id,
        ...(priority === undefined ? {} : { priority }),
        observers: [
          { stateChanged: ({ state }) => void (state === 'RUNNING' && started.push(id)) },
        ],
      });
    const first = start('first');
    await until(() => first.state === 'RUNNING');
    const jobs = [start('low', -1), start('a'), start('high', 5), start('b')];
    await settle();
    expect(jobs.map(({ state }) => state)).toEqual(Array(4).fill('PENDING'));
    for (let at = 0; at < 5; at++) {
      await until(() => gate.waiting === 1);
      await settle();
      expect(gate.waiting).toBe(1);
      gate.open();
    }
    await Promise.all(jobs.map(({ settled }) => settled));
    expect(started).toEqual(['first', 'high', 'a', 'b', 'low']);
  });

  test('a pending job that is cancelled takes nobody’s place', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const gate = new Gate();
    const [first, second, third] = range(3).map(() => engine.start(gated(gate), undefined));
    await until(() => gate.waiting === 1);
    second?.cancel();
    expect(await second?.settled).toMatchObject({ state: 'CANCELLED' });
    expect(third?.state).toBe('PENDING');
    gate.open();
    await first?.settled;
    await until(() => gate.waiting === 1);
    expect(third?.state).toBe('RUNNING');
    gate.open();
    await third?.settled;
  });

  test('a paused job keeps its place', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const gate = new Gate();
    const first = engine.start(gated(gate), undefined);
    const second = engine.start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    first.pause();
    gate.open();
    await settle();
    expect([first.state, second.state]).toEqual(['PAUSED', 'PENDING']);
    first.resume();
    await until(() => gate.waiting === 1);
    gate.open();
    expect(await second.settled).toMatchObject({ state: 'COMPLETED' });
  });
});

describe('close', () => {
  test('cancels running, paused and pending jobs and waits for their end', async () => {
    const clock = new ManualClock();
    const engine = createEngine({ maxRunningJobs: 2, clock });
    const gate = new Gate();
    const jobs = range(4).map(() => engine.start(gated(gate), undefined));
    await until(() => gate.waiting === 2);
    jobs[0]?.pause();
    let isClosed = false;
    const closing = engine.close().then(() => {
      isClosed = true;
    });
    await settle();
    expect(isClosed).toBe(false);
    gate.openAll();
    await closing;
    expect(jobs.map(({ state }) => state)).toEqual(Array(4).fill('CANCELLED'));
    expect(clock.timers).toBe(0);
  });

  test('does not wait longer than the grace for code that never ends', async () => {
    const clock = new ManualClock();
    const engine = createEngine({ clock, endGraceMs: 100 });
    const gate = new Gate();
    const job = engine.start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    const closing = engine.close();
    await clock.advance(100);
    await closing;
    expect(job).toMatchObject({ state: 'CANCELLED', unresponsive: ['end'] });
  });

  test('can be called again, also while it goes on', async () => {
    const engine = createEngine();
    const gate = new Gate();
    const job = engine.start(gated(gate), undefined);
    await until(() => gate.waiting === 1);
    const closings = [engine.close(), engine.close()];
    gate.openAll();
    await Promise.all(closings);
    await engine.close();
    expect(job.state).toBe('CANCELLED');
  });

  test('a job that was just started is cancelled too; after that none can be started', async () => {
    const engine = createEngine({ maxRunningJobs: 1 });
    const jobs = range(2).map(() => engine.start(gated(new Gate()), undefined));
    const closing = engine.close();
    expect(() => engine.start(gated(new Gate()), undefined)).toThrow(EngineClosedError);
    expect(() => engine.run(gated(new Gate()), undefined)).toThrow(/closed/);
    await closing;
    expect(jobs.map(({ state }) => state)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(jobs.map((job) => job.routine('source').begun)).toEqual([0, 0]);
  });
});

describe('side by side', () => {
  test('jobs of one engine and of several do not mix', async () => {
    const engines = [createEngine(), createEngine()];
    const flow = defineFlow({ id: 'echo' }, (f) => {
      const end = f.add('end', passes<unknown>());
      f.connect(f.input, end.slots.item);
      return { out: end.events.item };
    });
    const results = await Promise.all(
      range(40).map((at) => (engines[at % 2] ?? engines[0])?.run(flow, at)),
    );
    expect(results.map((result) => result?.outputs.out)).toEqual(range(40).map((at) => [at]));
  });

  test('a long synchronous job does not keep another from running', async () => {
    const ended: string[] = [];
    const spin = () => {
      const endMs = performance.now() + 0.02;
      while (performance.now() < endMs);
    };
    const of = (name: string, count: number) =>
      defineFlow({ id: name }, (f) => {
        const source = f.add('source', emits(range(count)));
        f.connect(source.events.item, f.add('end', passes<number>(spin)).slots.item);
      });
    const engine = createEngine({ turnMs: 2 });
    const long = engine.run(of('long', 5_000), undefined).then(() => ended.push('long'));
    const short = engine.run(of('short', 5), undefined).then(() => ended.push('short'));
    await Promise.all([long, short]);
    expect(ended).toEqual(['short', 'long']);
  });

  test('a timer fires while a long synchronous job is not complete', async () => {
    const flow = defineFlow({ id: 'long' }, (f) => {
      const spin = () => {
        const endMs = performance.now() + 0.02;
        while (performance.now() < endMs);
      };
      const source = f.add('source', emits(range(5_000)));
      f.connect(source.events.item, f.add('end', passes<number>(spin)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const states: string[] = [];
    await new Promise((keep) => setImmediate(keep));
    await new Promise((keep) => setTimeout(keep, 1));
    states.push(job.state);
    await job.settled;
    expect([...states, job.state]).toEqual(['RUNNING', 'COMPLETED']);
  });
});
