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

/** Where a job stands in a list of this order. In one by state those that share it are in the order of creation. */
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
      return { key: `${job.state} ${String(job.createdAt).padStart(16, '0')}`, id: job.id };
  }
}
