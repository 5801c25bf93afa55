import { DeadlockError } from './errors.ts';
import type { RoutineRun } from './routine-run.ts';
import type { SlotQueue } from './slot-queue.ts';
import type { SuspendedActivations } from './suspended-activations.ts';

/** What keeps a job that can't activate anything from going on. */
export interface Deadlock {
  readonly error: DeadlockError;
  /**
   * False while code still runs that awaits what it emitted: most likely it does nothing else meanwhile, but that
   * can't be seen, so the job is given some time to prove the opposite.
   */
  readonly isCertain: boolean;
}

/**
 * Whether a job in which no routine can be activated is stuck for good: each activation that has not ended waits
 * for room in a slot, and only an activation could make room. `undefined` when something may still come: running code
 * that awaits no delivery works on, whatever of its items waits outside.
 */
export function findDeadlock(
  routines: readonly RoutineRun[],
  suspended: SuspendedActivations,
): Deadlock | undefined {
  let isCertain = true;
  // Asked whenever nothing can be activated: with asynchronous code that is often, and mostly answered by the first.
  for (let each = suspended.first; each !== undefined; each = each.suspendedAfter) {
    if (each.staged !== undefined) return undefined; // until somebody releases it
    if (each.phase === 'RUNNING' && each.awaitsDelivery) isCertain = false;
    else if (each.phase !== 'DELIVERING') return undefined;
  }
  if (routines.some(({ timer }) => timer !== undefined)) return undefined;
  const full = routines.flatMap(({ slots }) => slots.filter(({ held }) => held.length > 0));
  if (full.length === 0) return undefined;
  const gathering = full.filter(({ owner }) => owner.policy.kind === 'NONE');
  return { error: new DeadlockError(full.map(nameOf), gathering.map(nameOf)), isCertain };
}

function nameOf({ owner, name }: SlotQueue): string {
  return `${owner.id}.${name}`;
}
