import { createEngine } from 'millrace/engine';
import { expect, test } from 'vitest';
import { numbers } from '../debug-sessions/debugged.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug } from './debugging.ts';

const at = { kind: 'ROUTINE', routineId: 'middle' } as const;

test('O3 one that is to be armed by another from now on waits for that', async () => {
  const job = createEngine().start(numbers(4), undefined);
  const debugged = debug(job, [
    breakpoint({ ...at, id: 'second' }),
    breakpoint({ ...at, id: 'first', condition: 'item == 2', logMessage: 'armed' }),
  ]);
  await until(() => job.state === 'PAUSED');
  debugged.setBreakpoints([
    breakpoint({ ...at, id: 'second', after: 'first' }),
    breakpoint({ ...at, id: 'first', condition: 'item == 2', logMessage: 'armed' }),
  ]);
  debugged.continue();
  await until(() => job.state === 'PAUSED');
  expect(debugged.held[0]?.items[0]?.value).toBe(3);
  debugged.setBreakpoints([]);
  debugged.continue();
  await job.settled;
});

test('O3 what went wrong with a condition is not told of another', async () => {
  const job = createEngine().start(numbers(4), undefined);
  const bad = breakpoint({ ...at, id: 'b', condition: 'item.x.y == 2' });
  const debugged = debug(job, [bad, breakpoint({ ...at, id: 'stop', condition: 'item == 1' })]);
  await until(() => job.state === 'PAUSED');
  const { b: failing } = debugged.snapshot.progress;
  expect(failing?.lastError).toBeDefined();
  debugged.setBreakpoints([{ ...bad, condition: undefined }]);
  debugged.continue();
  await until(() => job.state === 'PAUSED');
  const { b: sound } = debugged.snapshot.progress;
  expect(sound).toMatchObject({ hitCount: 1, lastError: undefined });
  debugged.setBreakpoints([]);
  debugged.continue();
  await job.settled;
});
