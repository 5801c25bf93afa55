import { Activation, type ActivationPhase } from './activation.ts';
import { captureError, restoreError } from './error-snapshot.ts';
import type { MoveTime, RestoredTimes } from './job-clock.ts';
import type { ActivationSnapshot } from './job-snapshot.ts';
import type { RoutineRun } from './routine-run.ts';
import { captureItem, restoreItem } from './slot-queue.ts';

/** What is to be done with an activation that was captured in this phase. One that a freeze cut short runs again. */
const NEXT: Readonly<Record<ActivationPhase, ActivationSnapshot['next']>> = {
  PARKED: 'BEGIN',
  HELD_BEFORE: 'HOLD',
  RESTORED: 'RUN',
  RUNNING: 'RUN',
  ENDED: 'RUN',
  HELD_AFTER: 'RELEASE',
  DELIVERING: 'DELIVER',
  RETRYING: 'RETRY',
};

/** The phase of an activation that was restored. */
const PHASE: Readonly<Record<ActivationSnapshot['next'], ActivationPhase>> = {
  BEGIN: 'PARKED',
  RUN: 'RESTORED',
  HOLD: 'HELD_BEFORE',
  RELEASE: 'HELD_AFTER',
  DELIVER: 'DELIVERING',
  RETRY: 'RETRYING',
};

/** Writes down an activation that has not ended. Values are not copied. */
export function captureActivation(
  activation: Activation,
  nowMs: number,
  toWall: MoveTime,
): ActivationSnapshot {
  const { activationId, routineId, attempt, phase, hasFailed, error, staged } = activation;
  const next = NEXT[phase];
  return {
    activationId,
    routineId,
    attempt,
    next,
    items: activation.items.map((item) => ({
      slot: item.slot.name,
      item: captureItem(item, toWall),
    })),
    startedAt: toWall(activation.startedMs),
    blockedMs: activation.blockedUntil(nowMs),
    emitted: activation.emitted,
    error: hasFailed ? captureError(error) : undefined,
    retryDueAt: next === 'RETRY' ? toWall(activation.retryDueMs) : undefined,
    staged: staged && [...staged],
  };
}

/**
 * The activation that was captured: it runs in its routine, and its items are in flight. What it waits with outside
 * full slots is not held yet.
 */
export function restoreActivation(
  snapshot: ActivationSnapshot,
  routine: RoutineRun,
  { takenMs, fromWall }: RestoredTimes,
): Activation {
  const { activationId, attempt, next, error, retryDueAt, staged } = snapshot;
  const items = snapshot.items.map(({ slot: name, item }) => {
    const slot = routine.slot(name);
    slot.inFlight++;
    return restoreItem(item, slot, fromWall);
  });
  routine.running++;
  const startedMs = fromWall(snapshot.startedAt);
  const activation = new Activation(routine, items, activationId, attempt, startedMs);
  activation.phase = PHASE[next];
  if (next === 'RUN' && staged !== undefined) activation.staged = [...staged];
  if (next === 'BEGIN' || next === 'RUN' || next === 'HOLD') return activation; // it begins anew
  activation.blockedMs = snapshot.blockedMs;
  activation.emitted = snapshot.emitted;
  activation.hasFailed = error !== undefined;
  if (error !== undefined) activation.error = restoreError(error);
  if (retryDueAt !== undefined) activation.retryDueMs = fromWall(retryDueAt);
  if (next === 'RELEASE') {
    activation.staged = [...(staged ?? [])];
    // While the job was nowhere its code did not run.
    activation.resumeBlock(takenMs);
  }
  return activation;
}
