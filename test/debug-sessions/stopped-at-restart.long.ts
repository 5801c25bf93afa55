import { defineFlow, defineRoutine, event, retry, slot } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { DebugSession } from '../../src/debug-sessions/debug-session.ts';
import type { DebugRequest } from '../../src/debugger/debug-request.ts';
import { ended, openApp } from '../api/api.ts';
import { range } from '../engine/parts.ts';
import { inStatus, outputOf, start } from './debugged.ts';
import { makePlace, stopStored } from './place.ts';

const COUNT = 6;

/** source → middle → out; the source keeps its place, `middle` fails the first time that it gets 1, in each process. */
function numbers() {
  let hasFailed = false;
  const source = defineRoutine({
    type: 'counts',
    events: { item: event<number>() },
    state: () => ({ next: 0 }),
    run: async (_, ctx) => {
      while (ctx.state.next < COUNT) await ctx.emit('item', ctx.state.next++);
    },
  });
  const middle = defineRoutine({
    type: 'fails-once',
    slots: { item: slot<number>({ maxLength: 2 }) },
    events: { item: event<number>() },
    run: ({ item }, ctx) => {
      if (item === 1 && !hasFailed) {
        hasFailed = true;
        throw new Error('the first time');
      }
      ctx.emit('item', item);
    },
  });
  return defineFlow({ id: 'numbers' }, (f) => {
    const onError = retry({ maxAttempts: 3, delayMs: 0 });
    const placed = f.add('middle', middle, { onError });
    f.connect(f.add('source', source).events.item, placed.slots.item);
    return { out: placed.events.item };
  });
}

const open = (database: string) =>
  openApp({ flows: [numbers()], database, checkpointIntervalMs: 0 });

const shown = ({ stop, frames }: DebugSession) => ({
  reason: stop?.reason,
  number: stop?.number,
  breakpointIds: stop?.breakpointIds,
  frames: frames.map(({ routineId, position, activationId }) => [
    routineId,
    position,
    activationId,
  ]),
});

const CASES: readonly (readonly [string, DebugRequest])[] = [
  [
    'before the code',
    { breakpoints: [{ kind: 'ROUTINE', routineId: 'middle', condition: 'item == 2' }] },
  ],
  [
    'after the code',
    { breakpoints: [{ kind: 'EVENT', routineId: 'middle', event: 'item', hitCondition: '3' }] },
  ],
  ['at a failure', { breakpoints: [{ kind: 'EXCEPTION', isOnce: true }] }],
  [
    'under pressure',
    { breakpoints: [{ kind: 'PRESSURE', pressureLevel: 'CRITICAL', isOnce: true }] },
  ],
];

describe.each([
  ['stopped in order', false],
  ['killed', true],
] as const)('O2 the server is %s while a job is stopped', (_, isKilled) => {
  test.each(CASES)(
    '%s: it is stopped there again, and loses and repeats nothing',
    async (_, debug) => {
      const place = await makePlace();
      const first = await open(place.url);
      const id = await start(first, 'numbers', debug);
      const before = await inStatus(first, id, 'STOPPED');
      await stopStored(first, id, before.stop?.at);
      const second = await open(await place.end(first, isKilled));
      const after = await inStatus(second, id, 'STOPPED');
      expect(shown(after)).toEqual(shown(before));
      expect((await second.jobs.require(id)).state).toBe('PAUSED');
      await second.createContext().debug.continue({ jobId: id, actor: undefined });
      await ended(second, id);
      expect(await outputOf(second, id)).toEqual(range(COUNT));
    },
  );

  test('a step goes on from there, and what was edited stays edited', async () => {
    const place = await makePlace();
    const first = await open(place.url);
    const debug = {
      breakpoints: [{ kind: 'ROUTINE', routineId: 'middle', isOnce: true }],
    } as const;
    const jobId = await start(first, 'numbers', debug);
    const { frames } = await inStatus(first, jobId, 'STOPPED');
    const request = { jobId, actor: undefined };
    const { debug: debugService } = first.createContext();
    const { activationId = 0 } = frames[0] ?? {};
    const of = { activationId, of: 'inputs' } as const;
    const { items } = await debugService.readItems(jobId, of, { offset: 0, limit: 1 });
    await debugService.replaceItem(request, items[0]?.itemId ?? '', 40);
    await debugService.setVariable(request, { scope: 'data', path: ['mark'] }, 'set');
    // Not waited for: what is answered is stored.
    const second = await open(await place.end(first, isKilled));
    const data = await second
      .createContext()
      .debug.readVariable(jobId, { scope: 'data', path: ['mark'] });
    expect(data.value.text).toBe('"set"');
    await second.createContext().debug.continue(request, 'OVER');
    const next = await inStatus(second, jobId, 'STOPPED');
    expect(next.stop).toMatchObject({ number: 2, reason: 'STEP' });
    await second.createContext().debug.continue(request);
    await ended(second, jobId);
    expect(await outputOf(second, jobId)).toEqual([40, ...range(COUNT).slice(1)]);
  });
});

test('O2 a job that begins again after a crash stops at its entry, if it was stopped', async () => {
  const place = await makePlace();
  const flow = { ...numbers(), onCrash: 'restart' as const };
  const openIt = (database: string) =>
    openApp({ flows: [flow], database, checkpointIntervalMs: 0, debugger: { pauseTtlMs: 60_000 } });
  const first = await openIt(place.url);
  const breakpoints = [{ kind: 'ROUTINE', routineId: 'middle', isOnce: true }] as const;
  const id = await start(first, 'numbers', { breakpoints });
  const { stop } = await inStatus(first, id, 'STOPPED');
  await stopStored(first, id, stop?.at);
  const second = await openIt(await place.end(first, true));
  let session = await inStatus(second, id, 'STOPPED');
  // Until it has begun again it stands as it was stored.
  for (let tries = 0; session.stop?.reason === 'PAUSE' && tries < 1000; tries++) {
    session = await inStatus(second, id, 'STOPPED');
  }
  expect(session).toMatchObject({ stop: { reason: 'ENTRY' }, frames: [{ routineId: 'source' }] });
  expect(session.resumesAt).toBeDefined();
  await second.createContext().debug.continue({ jobId: id, actor: undefined });
  await ended(second, id);
  expect(await outputOf(second, id)).toEqual(range(COUNT));
});
