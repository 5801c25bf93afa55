import { type Activation, isFinalState, type JobRun, type RoutineRun } from '../engine/index.ts';
import type { FullQueue, WhyNotRunning } from './readings.ts';

/**
 * Says why a routine is not running, or `undefined` when it is. `own` are its activations that have not ended.
 * It asks the routine's policy as the engine would, which changes nothing since policies are pure.
 */
export function whyNotRunning(
  job: JobRun,
  routine: RoutineRun,
  own: readonly Activation[],
): WhyNotRunning | undefined {
  if (isFinalState(job.state)) return { kind: 'DONE', state: job.state };
  const held = own.filter(({ phase }) => phase === 'HELD_BEFORE' || phase === 'HELD_AFTER');
  if (held.length > 0) {
    return { kind: 'AT_BREAKPOINT', activationIds: held.map(({ activationId }) => activationId) };
  }
  // Code may work on while what it emitted waits outside; it stands still only when it awaits that.
  if (own.some(({ phase, awaitsDelivery }) => phase === 'RUNNING' && !awaitsDelivery))
    return undefined;
  const queues = fullQueuesBehind(own);
  if (queues.length > 0) return { kind: 'BLOCKED_BY_FULL_QUEUE', queues };
  const retrying = own.find(({ phase }) => phase === 'RETRYING');
  if (job.isEnding) return { kind: 'JOB_ENDING' };
  if (job.state === 'PENDING' || !job.hasPlace) return { kind: 'JOB_NOT_STARTED' };
  if (job.state === 'PAUSED') return { kind: 'JOB_PAUSED' };
  if (retrying !== undefined) {
    const { retryDueMs, attempt } = retrying;
    return { kind: 'WAITING_FOR_RETRY', until: job.wallTime(retryDueMs), attempt: attempt + 1 };
  }
  if (routine.isReady && (routine.slots.length === 0 || routine.waiting > 0)) return undefined;
  if (routine.slots.length === 0) return { kind: 'DONE', state: job.state };
  return waitOf(job, routine);
}

function waitOf(job: JobRun, routine: RoutineRun): WhyNotRunning | undefined {
  let decision: ReturnType<typeof routine.policy.decide>;
  try {
    decision = routine.policy.decide(routine);
  } catch {
    decision = {}; // the engine fails the job with this error when it asks for itself
  }
  if (decision.take !== undefined) return undefined;
  if (decision.waitUntilMs !== undefined) {
    return { kind: 'WAITING_FOR_TIME', until: job.wallTime(decision.waitUntilMs) };
  }
  const needs = routine.policy.kind === 'IMMEDIATE' ? 1 : undefined;
  const missing =
    decision.missing ??
    routine.slots.map(({ name, length }) => ({ slot: name, has: length, needs }));
  return { kind: 'WAITING_FOR_DATA', slots: missing };
}

/** The full slots that outputs of these activations wait for. */
function fullQueuesBehind(own: readonly Activation[]): FullQueue[] {
  const full = new Set(own.flatMap(({ blockedBy }) => blockedBy.map(({ slot }) => slot)));
  return [...full].map(({ owner, name }) => ({ routineId: owner.id, slot: name }));
}
