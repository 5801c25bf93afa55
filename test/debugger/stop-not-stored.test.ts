import { createEngine } from 'millrace/engine';
import { expect, test } from 'vitest';
import { numbers } from '../debug-sessions/debugged.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

const AT_MIDDLE = breakpoint({
  kind: 'ROUTINE',
  routineId: 'middle',
  condition: 'item == 0',
});

test('O2 a job that a breakpoint stopped is not taken for one that somebody paused when its stop was not stored', async () => {
  const first = createEngine().start(numbers(), undefined);
  const before = debug(first, [AT_MIDDLE]);
  await until(() => first.state === 'PAUSED');
  const snapshot = structuredClone(first.capture());
  before.continue();
  await first.settled;

  const released = { ...before.snapshot, stop: undefined };
  for (const known of [undefined, released]) {
    const job = createEngine().restore(numbers(), snapshot);
    const debugged = debug(job, [AT_MIDDLE], { before: known });
    await until(() => job.hasPlace);
    expect(heldIn(debugged)).toHaveLength(1);
    expect(debugged.stop?.isByHand).toBe(false);
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  }
});
