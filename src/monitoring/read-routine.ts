import { type Activation, isFinalState, type JobRun, type RoutineRun } from '../engine/index.ts';
import { messageOf } from '../lib/domain-error.ts';
import { cutText } from '../lib/preview.ts';
import type { FailureReading, QueueReading, RoutineReading, RoutineStatus } from './readings.ts';
import { whyNotRunning } from './why-not-running.ts';

/**
 * Reads a routine of a job.
 * @param own its activations that have not ended
 * @param queues the readings of its slots
 */
export function readRoutine(
  job: JobRun,
  routine: RoutineRun,
  own: readonly Activation[],
  queues: readonly QueueReading[],
): RoutineReading {
  const why = whyNotRunning(job, routine, own);
  const { completed, failed, skipped, lastActivationMs } = routine;
  return {
    routineId: routine.id,
    status: statusOf(job, routine, why === undefined),
    activeCount: routine.running,
    isActive: why === undefined,
    executionCount: completed + failed + skipped,
    startedCount: routine.begun,
    completedCount: completed,
    errorCount: failed,
    skippedCount: skipped,
    retryCount: routine.retried,
    lastExecutedAt: lastActivationMs === undefined ? undefined : job.wallTime(lastActivationMs),
    lastError: failed + skipped > 0 ? failureOf(routine.lastError) : undefined,
    progress: routine.progress,
    queues,
    whyNotRunning: why,
  };
}

/** Longer codes of errors are cut, in characters. */
const LONGEST_CODE = 200;

/** What people are told of anything that was thrown. */
export function failureOf(thrown: unknown): FailureReading {
  return { message: cutText(messageOf(thrown)), code: codeOf(thrown) };
}

function codeOf(thrown: unknown): string | undefined {
  try {
    const code =
      typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
    return typeof code === 'string' ? cutText(code, LONGEST_CODE) : undefined;
  } catch {
    return undefined; // a getter that throws, or a proxy
  }
}

function statusOf(job: JobRun, routine: RoutineRun, isRunning: boolean): RoutineStatus {
  const { lastOutcome, begun, running } = routine;
  if (isFinalState(job.state)) {
    if (lastOutcome === undefined) return 'SKIPPED';
    return lastOutcome;
  }
  if (running > 0 || isRunning) return 'RUNNING';
  if (begun === 0) return 'PENDING';
  if (lastOutcome === 'FAILED' || lastOutcome === 'SKIPPED') return lastOutcome;
  return routine.slots.length === 0 ? 'COMPLETED' : 'IDLE';
}
