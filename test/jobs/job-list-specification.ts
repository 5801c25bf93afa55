import type { Job } from '../../src/jobs/job.ts';
import {
  type JobFilter,
  type JobOrder,
  type JobPosition,
  type JobQuery,
  positionOf,
} from '../../src/jobs/job-query.ts';

/** The page of a list, worked out in memory: what every store has to answer. */
export function pageOf(
  jobs: readonly Job[],
  { filter, order, after, before, limit, fromEnd }: JobQuery,
): Job[] {
  const inRange = jobs
    .filter((job) => matchesFilter(job, filter))
    .map((job) => ({ job, position: positionOf(job, order) }))
    .toSorted((a, b) => comparePositions(a.position, b.position, order))
    .filter(
      ({ position }) =>
        (after === undefined || comparePositions(position, after, order) > 0) &&
        (before === undefined || comparePositions(position, before, order) < 0),
    )
    .map(({ job }) => job);
  return fromEnd ? inRange.slice(Math.max(0, inRange.length - limit)) : inRange.slice(0, limit);
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
