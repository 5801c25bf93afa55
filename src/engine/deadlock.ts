import { DeadlockError } from './errors.ts';
import type { JobRun } from './job-run.ts';

/** What keeps a job that can't activate anything from going on. */
export interface Deadlock {
  readonly error: DeadlockError;
  /**
   * False while code is still running that has an item waiting outside: most likely it awaits its `emit`, but that
   * can't be seen, so the job is given some time to prove the opposite.
   */
  readonly isCertain: boolean;
}

/**
 * Whether a job in which no routine can be activated is stuck for good: each activation that has not ended waits
 * for room in a slot, and only an activation could make room. `undefined` when something may still come.
 */
export function findDeadlock(job: JobRun): Deadlock | undefined {
  if (job.routines.some(({ timer }) => timer !== undefined)) return undefined;
  let isCertain = true;
  for (const activation of job.suspended) {
    if (activation.phase === 'RUNNING' && activation.pending > 0) isCertain = false;
    else if (activation.phase !== 'DELIVERING') return undefined;
  }
  const full = job.routines.flatMap(({ id, slots }) =>
    slots.filter(({ held }) => held.length > 0).map(({ name }) => `${id}.${name}`),
  );
  return full.length === 0 ? undefined : { error: new DeadlockError(full), isCertain };
}
