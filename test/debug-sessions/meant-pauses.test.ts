import { expect, test } from 'vitest';
import { openApp, until } from '../api/api.ts';
import { Gate } from '../engine/parts.ts';
import { inStatus, numbers, start } from './debugged.ts';
import { makePlace, sessionStored } from './place.ts';

test('O3 a job that somebody paused has no limit, also when a breakpoint holds something in it since', async () => {
  const { url: database } = await makePlace();
  const gate = new Gate();
  const open = () =>
    openApp({
      flows: [numbers(2, 'numbers', gate.pass)],
      database,
      debugger: { pauseTtlMs: 60_000 },
    });
  const first = await open();
  const atOut = { kind: 'EVENT', routineId: 'middle', event: 'item', isOnce: true } as const;
  const id = await start(first, 'numbers', { breakpoints: [atOut] });
  await until(() => gate.waiting === 1);
  await first.jobs.pause(id);
  gate.open();
  let session = await inStatus(first, id, 'STOPPED');
  while (session.frames.length === 0) session = await inStatus(first, id, 'STOPPED');
  expect(session.stop).toMatchObject({ reason: 'BREAKPOINT', number: 1 });
  await sessionStored(first, id); // a command, which begins limits anew
  const unlimited = { pauseTtlMs: undefined, resumesAt: undefined };
  expect(await inStatus(first, id, 'STOPPED')).toMatchObject(unlimited);
  await first.close();
  const second = await open();
  expect(await inStatus(second, id, 'STOPPED')).toMatchObject(unlimited);
});
