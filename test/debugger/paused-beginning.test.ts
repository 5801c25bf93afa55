import { createEngine, type JobRun } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { numbers } from '../debug-sessions/debugged.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

const from = { routineId: 'middle', items: [{ slot: 'item', value: 7 }] };
const AT_MIDDLE = breakpoint({ kind: 'ROUTINE', routineId: 'middle' });

/** A job that begins in the middle, and is paused when it begins. */
async function pausedAtStart(): Promise<JobRun> {
  const job = createEngine().start(numbers(), undefined, { from });
  job.observe({
    stateChanged: (_, before) => {
      if (before === 'PENDING') job.pause();
    },
  });
  await until(() => job.state === 'PAUSED');
  return job;
}

describe('O2 a job that begins in the middle of another, and is paused as it begins', () => {
  const expectStops = async (job: JobRun) => {
    const debugged = debug(job, [AT_MIDDLE]);
    await until(() => job.hasPlace);
    expect(heldIn(debugged)).toEqual([]);
    debugged.continue();
    expect(debugged.stop).toMatchObject({ number: 2, reason: 'BREAKPOINT' });
    expect(heldIn(debugged)).toEqual(['middle#1 HELD_BEFORE']);
    expect(debugged.told.hits).toMatchObject([{ hitCount: 1, activationId: 1 }]);
    debugged.continue();
    expect(await job.settled).toMatchObject({ state: 'COMPLETED', outputs: { out: [7] } });
  };

  test('stops at a breakpoint before its first activation when it goes on', async () => {
    await expectStops(await pausedAtStart());
  });

  test('does so when it goes on in another process', async () => {
    const job = await pausedAtStart();
    const snapshot = structuredClone(job.capture());
    job.cancel();
    await job.settled;
    await expectStops(createEngine().restore(numbers(), snapshot));
  });

  test('goes on without a debugger, and a step stops it there', async () => {
    const job = await pausedAtStart();
    job.resume();
    expect(await job.settled).toMatchObject({ outputs: { out: [7] } });
    const stepped = await pausedAtStart();
    const debugged = debug(stepped);
    debugged.continue('OVER');
    expect(debugged.stop).toMatchObject({ number: 2, reason: 'STEP', activationIds: [1] });
    debugged.continue();
    expect(await stepped.settled).toMatchObject({ outputs: { out: [7] } });
  });
});
