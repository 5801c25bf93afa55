import { createEngine, InvalidStateError, type JobSnapshot } from 'millrace/engine';
import { expect, test } from 'vitest';
import type { DebugSnapshot } from '../../src/debugger/debug-host.ts';
import { numbers } from '../debug-sessions/debugged.ts';
import { range } from '../engine/parts.ts';
import { settle, until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

const AT_MIDDLE = breakpoint({ kind: 'ROUTINE', routineId: 'middle' });

/** What is kept of a job that stands still before its first number comes to `middle`. */
async function stoppedBefore(): Promise<{ snapshot: JobSnapshot; before: DebugSnapshot }> {
  const job = createEngine().start(numbers(), undefined);
  const debugged = debug(job, [AT_MIDDLE]);
  await until(() => job.state === 'PAUSED');
  await settle();
  const kept = structuredClone({ snapshot: job.capture(), before: debugged.snapshot });
  job.cancel();
  await job.settled;
  return kept;
}

test('O2 what was held when the process ended goes on only once its job has a place among the running ones', async () => {
  const { snapshot, before } = await stoppedBefore();
  const engine = createEngine({ maxRunningJobs: 1 });
  const [first, second] = [1, 2].map(() => {
    const job = engine.restore(numbers(), snapshot);
    return { job, debugged: debug(job, [AT_MIDDLE], { before }) };
  });
  if (first === undefined || second === undefined) throw new Error('There are two.');
  await settle();
  expect([first.job.hasPlace, second.job.hasPlace]).toEqual([true, false]);

  for (const step of [undefined, 'OVER', 'OUT'] as const) {
    expect(() => second.debugged.continue(step)).toThrow(InvalidStateError);
    expect(() => second.debugged.continue(step)).toThrow(/place among the running jobs/);
  }
  await settle();
  expect(second.job.state).toBe('PAUSED');
  expect(second.debugged.snapshot).toEqual(before);
  expect(heldIn(second.debugged)).toEqual(['middle#2 HELD_BEFORE']);

  first.debugged.setBreakpoints([]);
  first.debugged.continue();
  expect(await first.job.settled).toMatchObject({ outputs: { out: range(3) } });
  await until(() => second.job.hasPlace);
  await settle();
  expect(second.debugged.stop).toEqual(before.stop);
  second.debugged.continue();
  await until(() => second.job.state === 'PAUSED');
  expect(second.debugged.stop).toMatchObject({ number: 2, reason: 'BREAKPOINT' });
  second.debugged.setBreakpoints([]);
  second.debugged.continue();
  expect(await second.job.settled).toMatchObject({ outputs: { out: range(3) } });
});
