import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineFlow, defineRoutine, event } from 'millrace/engine';
import { expect, onTestFinished, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ended, openApp, until } from '../api/api.ts';
import { Gate, passes, range } from '../engine/parts.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';

const COUNT = 6;

/** source → end; the source counts up to COUNT and keeps its place. */
function counting() {
  const source = defineRoutine({
    type: 'counts',
    events: { item: event<number>() },
    state: () => ({ next: 0 }),
    run: async (_, ctx) => {
      while (ctx.state.next < COUNT) await ctx.emit('item', ctx.state.next++);
    },
  });
  return defineFlow({ id: 'counting' }, (f) => {
    const end = f.add('end', passes<number>());
    f.connect(f.add('source', source).events.item, end.slots.item);
    return { out: end.events.item };
  });
}

/** Until a checkpoint that was taken then, or later, is on disk. */
async function stored({ services }: App, jobId: string, since: number): Promise<void> {
  for (;;) {
    const [checkpoint] = await services.describeCheckpoints([jobId]);
    if (checkpoint !== undefined && checkpoint.takenAt >= since) return;
    await new Promise((keep) => setTimeout(keep, 5));
  }
}

test.each([
  ['stopped in order', false],
  ['killed', true],
])(
  'O2 the server is %s in the middle of a step, and while code waits for what it emitted',
  async (_, isKilled) => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-restarts-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const [file, copy] = [join(directory, 'millrace.db'), join(directory, 'copy.db')];
    const open = (path: string, gate: Gate) => {
      const flows = [numbers(3, 'numbers', gate.pass), counting()];
      return openApp({ flows, database: `sqlite:${path}`, checkpointIntervalMs: 0 });
    };
    const gate = new Gate();
    const first = await open(file, gate);
    const { debug } = first.createContext();
    const atEvent = { kind: 'EVENT', routineId: 'source', event: 'item' } as const;
    const emitting = await start(first, 'counting', {
      breakpoints: [{ ...atEvent, condition: 'output == 2' }],
    });
    const stepping = await start(first, 'numbers', {
      breakpoints: [{ ...AT_MIDDLE, isOnce: true }],
    });
    const { stop, frames } = await inStatus(first, emitting, 'STOPPED');
    expect(frames).toMatchObject([{ routineId: 'source', position: 'EMITTING', outputCount: 1 }]);
    const before = await inStatus(first, stepping, 'STOPPED');
    await stored(first, stepping, before.stop?.at ?? 0);
    await new Promise((keep) => setTimeout(keep, 2));
    const since = Date.now();
    const stepped = await debug.continue({ jobId: stepping, actor: undefined }, 'OVER');
    expect(stepped.status).toBe('STEPPING');
    await until(() => gate.waiting === 1);
    if (isKilled) {
      await stored(first, stepping, since);
      await new Promise((keep) => setTimeout(keep, 100));
      for (const suffix of ['', '-wal']) await copyFile(file + suffix, copy + suffix);
    } else await first.close();

    const again = new Gate();
    const app = await open(isKilled ? copy : file, again);
    const continueJob = (jobId: string) =>
      app.createContext().debug.continue({ jobId, actor: undefined });

    expect((await inStatus(app, emitting, 'STOPPED')).stop).toEqual(stop);
    expect((await app.jobs.require(emitting)).state).toBe('PAUSED');
    await continueJob(emitting);
    await ended(app, emitting);
    expect(await outputOf(app, emitting)).toEqual(range(COUNT));

    // What ran when the server ended runs again; the step ends where the next begins.
    await until(() => again.waiting === 1);
    expect(await inStatus(app, stepping, 'STEPPING')).toMatchObject({ stop: undefined });
    again.open();
    const session = await inStatus(app, stepping, 'STOPPED');
    expect(session).toMatchObject({
      stop: { number: 2, reason: 'STEP', breakpointIds: [] },
      frames: [{ routineId: 'middle', position: 'BEFORE' }],
    });
    const of = { activationId: session.frames[0]?.activationId ?? 0, of: 'inputs' } as const;
    const { items } = await app
      .createContext()
      .debug.readItems(stepping, of, { offset: 0, limit: 10 });
    expect(items).toMatchObject([{ value: { text: '1' } }]);
    await continueJob(stepping);
    for (const _ of range(2)) {
      await until(() => again.waiting === 1);
      again.open();
    }
    await ended(app, stepping);
    expect(await outputOf(app, stepping)).toEqual(range(3));
  },
);
