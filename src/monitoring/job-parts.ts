import type { Change } from '../lib/live-stream.ts';
import type { JobReading, QueueReading, RoutineReading } from './readings.ts';

/** A routine of a job, with the job it belongs to. */
export interface RoutineOfJob {
  readonly jobId: string;
  readonly flowId: string;
  readonly reading: RoutineReading;
}

/** A queue of a job, with the job it belongs to. */
export interface QueueOfJob {
  readonly jobId: string;
  readonly flowId: string;
  readonly reading: QueueReading;
}

export function routinesOf({ jobId, flowId, routines }: JobReading): RoutineOfJob[] {
  return routines.map((reading) => ({ jobId, flowId, reading }));
}

export function queuesOf({ jobId, flowId, routines }: JobReading): QueueOfJob[] {
  return routines.flatMap(({ queues }) => queues.map((reading) => ({ jobId, flowId, reading })));
}

/**
 * Makes a function that picks from each reading of a job what changed since the last one it saw: from the first
 * everything, and `undefined` from one in which nothing did.
 * @param seen the parts of the last reading, to go on from
 */
export function changedParts<Reading>(
  partsOf: (reading: JobReading) => readonly Reading[],
  hasChanged: (before: Reading | undefined, after: Reading) => boolean,
  seen?: readonly Reading[],
): Change<JobReading, readonly Reading[]> {
  let before = seen;
  const pick = (reading: JobReading) => {
    const previous = before;
    const parts = partsOf(reading);
    before = parts;
    if (previous === undefined) return parts;
    const changed = parts.filter((part, at) => hasChanged(previous[at], part));
    return changed.length === 0 ? undefined : changed;
  };
  return Object.assign(pick, { fork: () => changedParts(partsOf, hasChanged, before) });
}
