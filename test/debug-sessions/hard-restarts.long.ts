import Sqlite from 'better-sqlite3';
import { defineFlow, defineRoutine, event } from 'millrace/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { DebugSession } from '../../src/debug-sessions/debug-session.ts';
import { ended, openApp, until } from '../api/api.ts';
import { Gate, passes, range } from '../engine/parts.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';
import { checkpointed, makePlace, sessionStored, stopStored } from './place.ts';

const of = (jobId: string) => ({ jobId, actor: undefined });

const shown = ({ stop, frames }: DebugSession) => ({
  stop,
  frames: frames.map(({ activationId, position }) => [activationId, position]),
});

async function atStop(app: App, jobId: string, number: number): Promise<DebugSession> {
  for (;;) {
    const session = await inStatus(app, jobId, 'STOPPED');
    if (session.stop?.number === number) return session;
  }
}

/** No checkpoint is taken but where a job stops. */
const SELDOM_MS = 600_000;

describe('O2 the server is killed before the next checkpoint', () => {
  test.each([
    ['continued', undefined, false],
    ['continued without its breakpoint', undefined, true],
    ['stepped', 'OVER', false],
  ] as const)(
    'a job that was %s from a stop does not stand still there again',
    async (_, step, isCleared) => {
      const place = await makePlace();
      const open = (database: string, gate: Gate) => {
        const flows = [numbers(2, 'numbers', gate.pass)];
        return openApp({ flows, database, checkpointIntervalMs: SELDOM_MS });
      };
      const gate = new Gate();
      const first = await open(place.url, gate);
      const id = await start(first, 'numbers', {
        breakpoints: [{ ...AT_MIDDLE, condition: 'item == 0' }],
      });
      const { stop } = await inStatus(first, id, 'STOPPED');
      await checkpointed(first, id, stop?.at ?? 0);
      await first.createContext().debug.continue(of(id), step);
      await until(() => gate.waiting === 1);
      if (isCleared) await first.createContext().breakpoints.clear(of(id));
      await sessionStored(first, id);

      const again = new Gate();
      const second = await open(await place.kill(), again);
      await until(() => again.waiting === 1);
      const status = step === undefined ? 'RUNNING' : 'STEPPING';
      expect(await inStatus(second, id, status)).toMatchObject({ stop: undefined });
      again.open();
      if (step !== undefined) {
        const { stop } = await inStatus(second, id, 'STOPPED');
        expect(stop).toMatchObject({ number: 2, reason: 'STEP' });
        await second.createContext().debug.continue(of(id));
      }
      await until(() => again.waiting === 1);
      again.open();
      await ended(second, id);
      expect(await outputOf(second, id)).toEqual(range(2));
    },
  );

  test('a job that stopped again before the checkpoint of its last stop was stored stands where it stood', async () => {
    const place = await makePlace();
    const open = (database: string) =>
      openApp({ flows: [numbers(9)], database, checkpointIntervalMs: SELDOM_MS });
    const first = await open(place.url);
    const id = await start(first, 'numbers', { breakpoints: [AT_MIDDLE] });
    const { stop } = await atStop(first, id, 1);
    await checkpointed(first, id, stop?.at ?? 0);
    const locked = new Sqlite(place.file);
    onTestFinished(() => void locked.close());
    locked.exec('begin immediate');
    const answers = [first.createContext().debug.continue(of(id))];
    await atStop(first, id, 2);
    await new Promise((keep) => setImmediate(() => setImmediate(keep))); // its checkpoint is taken
    answers.push(first.createContext().debug.continue(of(id)));
    const before = await atStop(first, id, 3);
    locked.exec('rollback');
    await Promise.all(answers);
    await stopStored(first, id, before.stop?.at);
    const second = await open(await place.kill());
    expect(shown(await inStatus(second, id, 'STOPPED'))).toEqual(shown(before));
  });

  test('a stop of which only the checkpoint was stored is one, and ends by itself', async () => {
    const place = await makePlace();
    const open = (database: string) => {
      const options = { checkpointIntervalMs: SELDOM_MS, debugger: { pauseTtlMs: 60_000 } };
      return openApp({ flows: [numbers(2)], database, ...options });
    };
    const first = await open(place.url);
    const id = await start(first, 'numbers', { breakpoints: [{ ...AT_MIDDLE, isOnce: true }] });
    const { stop, frames } = await inStatus(first, id, 'STOPPED');
    await stopStored(first, id, stop?.at);
    const url = await place.kill();
    const disk = new Sqlite(url.replace('sqlite:', ''));
    disk.prepare('delete from debug_sessions').run();
    disk.prepare("update jobs set state = 'RUNNING' where id = ?").run(id);
    disk.close();
    const second = await open(url);
    const session = await inStatus(second, id, 'STOPPED');
    expect(session.frames).toMatchObject([{ activationId: frames[0]?.activationId }]);
    expect(session.resumesAt).toBeDefined();
    await second.createContext().debug.continue(of(id));
    await ended(second, id);
    expect(await outputOf(second, id)).toEqual(range(2));
  });
});

/** source → end; the source counts up to 4 and keeps its place. */
function counting() {
  const source = defineRoutine({
    type: 'counts',
    events: { item: event<number>() },
    state: () => ({ next: 0 }),
    run: async (_, ctx) => {
      while (ctx.state.next < 4) await ctx.emit('item', ctx.state.next++);
    },
  });
  return defineFlow({ id: 'counting' }, (f) => {
    const end = f.add('end', passes<number>());
    f.connect(f.add('source', source).events.item, end.slots.item);
    return { out: end.events.item };
  });
}

describe.each([
  ['stopped in order', false],
  ['killed', true],
] as const)('O2 O3 the server is %s while code waits for what it emitted', (_, isKilled) => {
  const stopEmitting = async () => {
    const place = await makePlace();
    const open = (database: string) =>
      openApp({
        flows: [counting()],
        database,
        checkpointIntervalMs: SELDOM_MS,
        debugger: { evaluation: true },
      });
    const first = await open(place.url);
    const breakpoints = [
      { kind: 'EVENT', routineId: 'source', event: 'item', condition: 'output == 2' },
    ] as const;
    const id = await start(first, 'counting', { breakpoints });
    const before = await inStatus(first, id, 'STOPPED');
    await first.createContext().debug.addWatch(of(id), 'state.next');
    await stopStored(first, id, before.stop?.at);
    const app = await open(await place.end(first, isKilled));
    return { app, id, before, debug: app.createContext().debug };
  };

  test('it is held there again, with what is kept back', async () => {
    const { app, id, before, debug } = await stopEmitting();
    const after = await inStatus(app, id, 'STOPPED');
    expect(after.stop).toEqual(before.stop);
    expect(after.frames).toMatchObject([
      { routineId: 'source', position: 'EMITTING', outputCount: 1 },
    ]);
    expect((await debug.readWatches(id))[0]).toMatchObject({
      problem: undefined,
      evaluation: { preview: { text: '3' } },
    });
    const { activationId = 0 } = after.frames[0] ?? {};
    const place = { activationId, of: 'outputs' } as const;
    const { items } = await debug.readItems(id, place, { offset: 0, limit: 9 });
    expect(items).toMatchObject([{ place: 'EMITTED', value: { text: '2' } }]);
    await debug.replaceItem(of(id), items[0]?.itemId ?? '', 20);
    await debug.continue(of(id));
    await ended(app, id);
    expect(await outputOf(app, id)).toEqual([0, 1, 20, 3]);
  });

  test('the job can be cancelled there', async () => {
    const { app, id } = await stopEmitting();
    await inStatus(app, id, 'STOPPED');
    await app.jobs.cancel(id);
    expect((await app.jobs.require(id)).state).toBe('CANCELLED');
  });
});
