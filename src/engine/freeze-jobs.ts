import type { Clock } from '../lib/clock.ts';
import { EngineStoppingError } from './errors.ts';
import type { JobHandle } from './job-run.ts';

/** How long frozen jobs are waited for, in milliseconds. */
export interface FreezeLimits {
  /** For code to end, in all. */
  readonly limitMs: number;
  /**
   * For code that does nothing but wait for room for what it emitted: nobody will make any. That it does nothing else
   * can't be seen, so it is given some time too.
   */
  readonly deadlockGraceMs: number;
}

/** Lets nothing begin any more in any of the jobs, waits for code that runs, and leaves all jobs as they are then. */
export async function freezeJobs(
  handles: readonly JobHandle[],
  { limitMs, deadlockGraceMs }: FreezeLimits,
  clock: Clock,
): Promise<void> {
  let isGraceOver = false;
  let leave: () => void = () => undefined;
  const still = new Promise<void>((keep) => {
    leave = keep;
  });
  const look = () => {
    if (handles.every(({ isStill }) => isStill(isGraceOver))) leave();
  };
  for (const { freeze } of handles) freeze(look);
  const cancelLimit = clock.setTimer(limitMs, leave);
  const cancelGrace = clock.setTimer(Math.min(limitMs, deadlockGraceMs), () => {
    isGraceOver = true;
    look();
  });
  // Whoever calls may stand in the middle of a job's work; and what has ended by now is to be seen as ended.
  setImmediate(look);
  await still;
  cancelLimit();
  cancelGrace();
  const reason = new EngineStoppingError();
  for (const { seal } of handles) seal(reason);
}
