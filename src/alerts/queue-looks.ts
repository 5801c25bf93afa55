import type { JobReading, PressureLevel, QueueReading } from '../monitoring/readings.ts';
import type { QueuePressureSettings } from './alert-rule.ts';
import type { Look } from './look.ts';
import { nameRoutine, showDuration } from './words.ts';

const LEVELS: Readonly<Record<PressureLevel, number>> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 };

/** Looks at the queues of a job that a rule is about. */
export function* lookAtQueues(settings: QueuePressureSettings, job: JobReading): Generator<Look> {
  for (const routine of job.routines) {
    if (settings.routineId !== undefined && settings.routineId !== routine.routineId) continue;
    for (const queue of routine.queues) {
      if (settings.slot === undefined || settings.slot === queue.slot) {
        yield lookAt(settings, job, queue);
      }
    }
  }
}

function lookAt({ level }: QueuePressureSettings, job: JobReading, queue: QueueReading): Look {
  const { flowId, jobId, state: jobState } = job;
  const { routineId, slot, unconsumedCount, maxLength, pressureLevel, oldestWaitMs } = queue;
  return {
    subject: { kind: 'QUEUE', flowId, jobId, routineId, slot },
    holds: LEVELS[pressureLevel] >= LEVELS[level],
    values: () => ({
      flowId,
      jobId,
      jobState,
      routineId,
      slot,
      usage: queue.usage,
      unconsumedCount,
      inFlightCount: queue.inFlightCount,
      waitingOutsideCount: queue.waitingOutsideCount,
      maxLength,
      pressureLevel,
      isFull: queue.isFull,
      peakCount: queue.peakCount,
      droppedCount: queue.droppedCount,
      rateInPerSecond: queue.rateInPerSecond,
      rateOutPerSecond: queue.rateOutPerSecond,
      oldestWaitMs: oldestWaitMs ?? null,
      timeUntilFullMs: queue.timeUntilFullMs ?? null,
    }),
    message() {
      const waiting =
        oldestWaitMs === undefined ? '' : `, the oldest for ${showDuration(oldestWaitMs)}`;
      const how = queue.isFull ? 'full' : `at pressure ${pressureLevel}`;
      return `The slot "${slot}" of ${nameRoutine(routineId, job)} is ${how}: ${unconsumedCount} of ${maxLength} items wait${waiting}.`;
    },
  };
}
