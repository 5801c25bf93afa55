import { cutText } from '../lib/preview.ts';
import type { JobReading, QueueReading, RoutineReading } from '../monitoring/readings.ts';
import type { JobHappening } from '../pubsub/topics.ts';

/** Longer messages are cut, in characters: there may be many, and they are kept. The routine's reading has more. */
const LONGEST_MESSAGE = 1000;

/** What happened in a job between two readings, merged: one message a routine or queue and kind. */
export function diffReadings(before: JobReading, after: JobReading): JobHappening[] {
  return after.routines.flatMap((routine, at) => {
    const previous = before.routines[at];
    return previous === undefined ? [] : diffRoutine(previous, routine);
  });
}

function diffRoutine(before: RoutineReading, after: RoutineReading): JobHappening[] {
  const { routineId } = after;
  const happenings: JobHappening[] = [];
  const started = after.startedCount - before.startedCount;
  const completed = after.completedCount - before.completedCount;
  const failed = after.errorCount - before.errorCount;
  if (started > 0) happenings.push({ type: 'ROUTINE_STARTED', routineId, count: started });
  if (completed > 0) happenings.push({ type: 'ROUTINE_COMPLETED', routineId, count: completed });
  if (failed > 0) {
    const { message = 'unknown', code } = after.lastError ?? {};
    happenings.push({
      type: 'ROUTINE_FAILED',
      routineId,
      count: failed,
      errorMessage: cutText(message, LONGEST_MESSAGE),
      ...(code === undefined ? {} : { errorCode: code }),
    });
  }
  if (after.status !== before.status) {
    const { status } = after;
    const previousStatus = before.status;
    happenings.push({ type: 'ROUTINE_STATUS_CHANGED', routineId, previousStatus, status });
  }
  if (after.progress !== undefined && after.progress !== before.progress) {
    const { done, total, message } = after.progress;
    happenings.push({
      type: 'PROGRESS_REPORTED',
      routineId,
      done,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    });
  }
  after.queues.forEach((queue, at) => {
    if (!hasQueueChanged(before.queues[at], queue)) return;
    const { slot, unconsumedCount, maxLength, pressureLevel } = queue;
    happenings.push({
      type: 'QUEUE_CHANGED',
      routineId,
      slot,
      unconsumedCount,
      maxLength,
      pressureLevel,
    });
  });
  return happenings;
}

/** Whether how fast items enter or leave a queue differs between two readings. */
export function haveRatesChanged(before: QueueReading | undefined, after: QueueReading): boolean {
  return (
    before?.rateInPerSecond !== after.rateInPerSecond ||
    before.rateOutPerSecond !== after.rateOutPerSecond
  );
}

/** Whether what a queue holds, or its counts, differ between two readings. Rates and waiting times don't count. */
export function hasQueueChanged(before: QueueReading | undefined, after: QueueReading): boolean {
  return (
    before === undefined ||
    before.unconsumedCount !== after.unconsumedCount ||
    before.inFlightCount !== after.inFlightCount ||
    before.waitingOutsideCount !== after.waitingOutsideCount ||
    before.acceptedCount !== after.acceptedCount ||
    before.droppedCount !== after.droppedCount ||
    before.discardedCount !== after.discardedCount
  );
}

/** Whether a routine's status, counts, progress or reason to wait differ between two readings. */
export function hasRoutineChanged(
  before: RoutineReading | undefined,
  after: RoutineReading,
): boolean {
  return (
    before === undefined ||
    before.status !== after.status ||
    before.activeCount !== after.activeCount ||
    before.startedCount !== after.startedCount ||
    before.executionCount !== after.executionCount ||
    before.errorCount !== after.errorCount ||
    before.retryCount !== after.retryCount ||
    before.progress !== after.progress ||
    before.whyNotRunning?.kind !== after.whyNotRunning?.kind
  );
}
