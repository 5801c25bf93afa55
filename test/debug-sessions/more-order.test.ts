import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { expect, onTestFinished, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { StepKind } from '../../src/debugger/debug-host.ts';
import { ended, openApp } from '../api/api.ts';
import { outputOf, start } from './debugged.ts';

const COUNT = 60;

/** After so many stops the server is stopped in order and started again, and after so many the job is let run. */
const RESTART_AT = 25;
const MOST_STOPS = 60;

const round = () => new Promise<void>((keep) => setImmediate(keep));

/** source → a → b → c, three at a time, with room for one item between them. The source keeps its place. */
function stages() {
  const source = defineRoutine({
    type: 'counts',
    events: { item: event<number>() },
    state: () => ({ next: 0 }),
    run: async (_, ctx) => {
      while (ctx.state.next < COUNT) await ctx.emit('item', ctx.state.next++);
    },
  });
  /** Ends when it has emitted: what waits for room then is no matter of the code, which never runs twice. */
  const stage = defineRoutine({
    type: 'stage',
    slots: { item: slot<number>({ maxLength: 1 }) },
    events: { item: event<number>() },
    state: () => ({ ran: 0 }),
    run: async ({ item }, ctx) => {
      for (let at = 0; at < item % 3; at++) await round();
      ctx.state.ran++;
      void ctx.emit('item', item);
    },
  });
  return defineFlow({ id: 'stages' }, (f) => {
    let last = f.add('source', source).events.item;
    for (const id of ['a', 'b', 'c']) {
      const placed = f.add(id, stage, { concurrency: 3 });
      f.connect(last, placed.slots.item);
      last = placed.events.item;
    }
    return { out: last };
  });
}

/** A generator of numbers from 0 up to 1 that gives the same ones in each run (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sorted = (values: unknown) => [...(values as number[])].sort((a, b) => a - b);

test('O2 nothing is lost, repeated or made up: three at a time, under back-pressure, stepped, paused and restarted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-order-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const options = {
    flows: [stages()],
    database: `sqlite:${join(directory, 'millrace.db')}`,
    engine: { endGraceMs: 1, deadlockGraceMs: 50 },
    closeGraceMs: 10_000,
  };
  const random = makeRandom(4);
  const pick = <T>(...values: readonly T[]) => values[Math.floor(random() * values.length)];
  let app: App = await openApp(options);
  const plain = await start(app, 'stages');
  await ended(app, plain);

  const hitCondition = '% 7';
  const jobId = await start(app, 'stages', {
    stopsAtEntry: true,
    breakpoints: [
      { kind: 'ROUTINE', routineId: 'a', hitCondition },
      { kind: 'EVENT', routineId: 'b', event: 'item', hitCondition },
      { kind: 'SLOT', routineId: 'c', slot: 'item', hitCondition },
      { kind: 'PRESSURE', routineId: 'b', pressureLevel: 'CRITICAL', hitCondition },
    ],
  });
  const request = { jobId, actor: undefined };
  const reasons = new Set<string>();
  let stops = 0;
  for (;;) {
    await round();
    const { state } = await app.jobs.require(jobId);
    if (state === 'COMPLETED' || state === 'FAILED') break;
    const [session] = await app.createContext().debug.findMany([jobId]);
    if (session?.status !== 'STOPPED') {
      if (stops > 0 && random() < 0.02) await app.jobs.pause(jobId).catch(() => undefined); // it may be stopped
      continue;
    }
    stops++;
    reasons.add(session.stop?.reason ?? '');
    if (stops === RESTART_AT) {
      await app.close();
      app = await openApp(options);
    }
    if (stops === MOST_STOPS) await app.createContext().breakpoints.clear(request);
    const kind =
      stops < MOST_STOPS ? pick<StepKind | undefined>(undefined, 'OVER', 'INTO', 'OUT') : undefined;
    const canStep = kind !== 'OUT' || session.frames.length > 0;
    await app.createContext().debug.continue(request, canStep ? kind : undefined);
  }
  expect(stops).toBeGreaterThan(RESTART_AT);
  expect([...reasons]).toEqual(expect.arrayContaining(['ENTRY', 'BREAKPOINT', 'STEP']));
  expect((await app.jobs.require(jobId)).state).toBe('COMPLETED');
  const out = await outputOf(app, jobId);
  expect(sorted(out)).toEqual(sorted(await outputOf(app, plain)));
  expect(sorted(out)).toEqual(Array.from({ length: COUNT }, (_, at) => at));
});
