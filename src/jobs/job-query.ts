import type { JobState } from '../engine/index.ts';
import { durationMs, type Job } from './job.ts';

export type JobOrderField = 'CREATED_AT' | 'FINISHED_AT' | 'DURATION' | 'STATUS';

export interface JobOrder {
  readonly field: JobOrderField;
  readonly isDescending: boolean;
}

/** Which jobs to list: those for which everything given is true. Times are in milliseconds since the Unix epoch. */
export interface JobFilter {
  readonly flowIds?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly owner?: string | undefined;
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
  readonly finishedAfter?: number | undefined;
  readonly finishedBefore?: number | undefined;
  /** Found in the id, the flow's id, the owner, or the text of the metadata; letter case does not matter. */
  readonly text?: string | undefined;
}

/** A place in an ordered list of jobs: that of the job with these values. */
export interface JobPosition {
  /** The value the list is ordered by; null where the job has none. */
  readonly key: number | string | null;
  readonly id: string;
}

/** A page of an ordered list of jobs. */
export interface JobQuery {
  readonly filter: JobFilter;
  readonly order: JobOrder;
  /** Only what comes after this place in the order. */
  readonly after?: JobPosition | undefined;
  /** Only what comes before it. */
  readonly before?: JobPosition | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. */
  readonly fromEnd: boolean;
}

/** Where a job stands in a list of this order. */
export function positionOf(job: Job, { field }: JobOrder): JobPosition {
  switch (field) {
    case 'CREATED_AT':
      return { key: job.createdAt, id: job.id };
    case 'FINISHED_AT':
      return { key: job.finishedAt ?? null, id: job.id };
    case 'DURATION':
      return {
        key: job.finishedAt === undefined ? null : (durationMs(job, job.finishedAt) ?? null),
        id: job.id,
      };
    case 'STATUS':
      return { key: job.state, id: job.id };
  }
}

/**
 * Which of two places comes first in a list of this order: negative for `a`. By key, then by id. Without a key comes
 * last in both directions.
 */
export function comparePositions(a: JobPosition, b: JobPosition, order: JobOrder): number {
  const sign = order.isDescending ? -1 : 1;
  if (a.key !== b.key) {
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return a.key < b.key ? -sign : sign;
  }
  return a.id === b.id ? 0 : a.id < b.id ? -sign : sign;
}

/** Whether a job is one of those a filter asks for. */
export function matchesFilter(job: Job, filter: JobFilter): boolean {
  const { flowIds, states, owner, text } = filter;
  if (flowIds !== undefined && !flowIds.includes(job.flowId)) return false;
  if (states !== undefined && !states.includes(job.state)) return false;
  if (owner !== undefined && job.owner !== owner) return false;
  if (!isWithin(job.createdAt, filter.createdAfter, filter.createdBefore)) return false;
  if (!isWithin(job.finishedAt, filter.finishedAfter, filter.finishedBefore)) return false;
  if (text === undefined) return true;
  const haystack = [job.id, job.flowId, job.owner ?? '', JSON.stringify(job.metadata)].join('\n');
  return haystack.toLowerCase().includes(text.toLowerCase());
}

function isWithin(time: number | undefined, after?: number, before?: number): boolean {
  if (after === undefined && before === undefined) return true;
  if (time === undefined) return false;
  return (after === undefined || time > after) && (before === undefined || time < before);
}
