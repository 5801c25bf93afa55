import { isFinalState } from '../engine/index.ts';
import type { Job } from './job.ts';
import {
  comparePositions,
  type JobFilter,
  type JobPosition,
  type JobQuery,
  matchesFilter,
  positionOf,
} from './job-query.ts';

/** Keeps jobs. */
export interface JobStore {
  insert(job: Job): Promise<void>;
  /** Changes what is given of a job; answers the job as it is then, `undefined` when there is none. */
  update(id: string, change: Partial<Job>): Promise<Job | undefined>;
  get(id: string): Promise<Job | undefined>;
  getMany(ids: readonly string[]): Promise<(Job | undefined)[]>;
  findByIdempotencyKey(key: string): Promise<Job | undefined>;
  list(query: JobQuery): Promise<Job[]>;
  count(filter: JobFilter): Promise<number>;
  delete(id: string): Promise<boolean>;
}

/**
 * Keeps jobs in this process's memory.
 * @param maxEndedJobs when more jobs have ended, those that ended first are forgotten
 * @param onForgotten is told of each job that was
 */
export function createMemoryJobStore(
  maxEndedJobs: number,
  onForgotten: (job: Job) => void,
): JobStore {
  /** In the order of creation, since ids are. */
  const jobs = new Map<string, Job>();
  const byKey = new Map<string, string>();
  /** In the order they ended. */
  const ended = new Set<string>();

  const remove = (id: string): boolean => {
    const job = jobs.get(id);
    if (job === undefined) return false;
    jobs.delete(id);
    ended.delete(id);
    if (job.idempotencyKey !== undefined) byKey.delete(job.idempotencyKey);
    return true;
  };

  const forgetOldest = () => {
    for (const id of ended) {
      if (ended.size <= maxEndedJobs) return;
      const job = jobs.get(id);
      remove(id);
      if (job !== undefined) onForgotten(job);
    }
  };

  return {
    async insert(job) {
      jobs.set(job.id, job);
      if (job.idempotencyKey !== undefined) byKey.set(job.idempotencyKey, job.id);
    },
    async update(id, change) {
      const job = jobs.get(id);
      if (job === undefined) return undefined;
      const next = { ...job, ...change };
      jobs.set(id, next);
      if (isFinalState(next.state)) {
        ended.add(id);
        forgetOldest();
      }
      return next;
    },
    get: async (id) => jobs.get(id),
    getMany: async (ids) => ids.map((id) => jobs.get(id)),
    async findByIdempotencyKey(key) {
      const id = byKey.get(key);
      return id === undefined ? undefined : jobs.get(id);
    },
    async list({ filter, order, after, before, limit, fromEnd }) {
      const all = [...jobs.values()].filter((job) => matchesFilter(job, filter));
      const compare = (a: JobPosition, b: JobPosition) => comparePositions(a, b, order);
      const keyed = all.map((job) => ({ job, ...positionOf(job, order) }));
      if (order.field === 'CREATED_AT' && order.isDescending) keyed.reverse();
      keyed.sort(compare); // costs one pass when they are in order already
      const inRange = keyed.filter(
        (each) =>
          (after === undefined || compare(each, after) > 0) &&
          (before === undefined || compare(each, before) < 0),
      );
      const page = fromEnd
        ? inRange.slice(Math.max(0, inRange.length - limit))
        : inRange.slice(0, limit);
      return page.map(({ job }) => job);
    },
    async count(filter) {
      let count = 0;
      for (const job of jobs.values()) if (matchesFilter(job, filter)) count++;
      return count;
    },
    delete: async (id) => remove(id),
  };
}
