import type { Database, WriteOptions } from '../storage/database.ts';
import { toStoredText } from '../storage/stored-text.ts';
import type { JobResultsTable, JobsTable } from '../storage/tables.ts';
import type { Job, JobResults } from './job.ts';
import { createJobLists } from './job-list-store.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import { type JobChange, type JobColumns, toColumns, toJob, toRow } from './job-row-store.ts';

export type { JobChange } from './job-row-store.ts';

/** Keeps jobs. A job has a `finishedAt` when it is in a final state, and only then. */
export interface JobStore {
  /**
   * Stores a job, unless its idempotency key is taken: answers the job that has the key then.
   * @throws StorageUnavailableError when that takes too long; it may have been stored then
   */
  insert(job: Job): Promise<Job>;
  /**
   * Changes what is given of a job; answers the job as it is then, `undefined` when there is none.
   * @throws StorageUnavailableError when a deadline is given and over
   */
  update(id: string, change: JobChange, deadlineMs?: number): Promise<Job | undefined>;
  /** Changes a job that has ended, keeps its results if it has any, and lets go of its checkpoint. */
  finish(id: string, change: JobChange, results: JobResults | undefined): Promise<Job | undefined>;
  get(id: string): Promise<Job | undefined>;
  /** In the order of the ids; `undefined` where there is no such job. */
  getMany(ids: readonly string[]): Promise<(Job | undefined)[]>;
  findByIdempotencyKey(key: string): Promise<Job | undefined>;
  list(query: JobQuery): Promise<Job[]>;
  count(filter: JobFilter): Promise<number>;
  /**
   * Deletes a job with all that belongs to it; answers whether there was one.
   * @throws as `update`
   */
  delete(id: string, deadlineMs?: number): Promise<boolean>;
}

export interface JobStoreOptions {
  /** How long to try to store a new job, in milliseconds. Default 10,000. */
  readonly insertDeadlineMs?: number | undefined;
}

const MOST_TRIES = 10;

/** Keeps jobs in the database. */
export function createJobStore(database: Database, options: JobStoreOptions = {}): JobStore {
  const { insertDeadlineMs = 10_000 } = options;
  const { reads } = database;
  const lists = createJobLists(database);

  const findMany = async (ids: readonly string[]) => {
    if (ids.length === 0) return [];
    const wanted = [...new Set(ids)].map(toStoredText);
    const rows = await reads.selectFrom('jobs').selectAll().where('id', 'in', wanted).execute();
    return rows.map(toJob);
  };

  const findByIdempotencyKey = async (key: string) => {
    const jobs = reads.selectFrom('jobs').selectAll();
    const row = await jobs.where('idempotency_key', '=', toStoredText(key)).executeTakeFirst();
    return row && toJob(row);
  };

  const get = async (id: string): Promise<Job | undefined> => (await findMany([id]))[0];

  return {
    async insert(job) {
      const insert = reads
        .insertInto('jobs')
        .values(toRow(job))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id');
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const [result] = await database.write([insert], { deadlineMs: insertDeadlineMs });
        if (result?.rows.length === 1) return job;
        // Either the key is taken, or this very job was stored by a try whose answer was lost.
        const { idempotencyKey: key } = job;
        const taken = key === undefined ? await get(job.id) : await findByIdempotencyKey(key);
        if (taken !== undefined) return taken;
        // The one that had the key is deleted by now.
      }
      throw new Error(`Job ${job.id} was not stored: others came and went with its key.`);
    },
    async update(id, change, deadlineMs) {
      const columns = toColumns(change);
      if (Object.keys(columns).length === 0) return get(id);
      const statement = updateJob(reads, id, columns);
      const [result] = await database.write([statement], within(deadlineMs));
      return firstJob(result?.rows);
    },
    async finish(id, change, results) {
      const update = updateJob(reads, id, { ...toColumns(change), ...countsOf(results) });
      const [result] = await database.write([
        update,
        ...(results === undefined ? [] : [keepResults(reads, id, results)]),
        reads.deleteFrom('job_checkpoints').where('job_id', '=', id),
      ]);
      return firstJob(result?.rows);
    },
    get,
    async getMany(ids) {
      const byId = new Map((await findMany(ids)).map((job) => [job.id, job]));
      return ids.map((id) => byId.get(id));
    },
    findByIdempotencyKey,
    list: async (query) => (await lists.list(query)).map(toJob),
    count: (filter) => lists.count(filter),
    async delete(id, deadlineMs) {
      const belongings = (
        ['job_checkpoints', 'job_results', 'job_logs', 'activations'] as const
      ).map((table) => reads.deleteFrom(table).where('job_id', '=', id));
      const job = reads.deleteFrom('jobs').where('id', '=', id).returning('id');
      const results = await database.write([...belongings, job], within(deadlineMs));
      return (results.at(-1)?.rows.length ?? 0) > 0;
    },
  };
}

function within(deadlineMs: number | undefined): WriteOptions {
  return deadlineMs === undefined ? {} : { deadlineMs };
}

function updateJob(reads: Database['reads'], id: string, columns: JobColumns) {
  return reads.updateTable('jobs').set(columns).where('id', '=', id).returningAll();
}

/** Stores the results of a job, unless it is gone. */
function keepResults(reads: Database['reads'], id: string, results: JobResults) {
  const row: Omit<JobResultsTable, 'job_id'> = {
    outputs: JSON.stringify(results.outputs),
    reading: JSON.stringify(results.reading),
    durations: JSON.stringify([...results.durations]),
    trace_total: results.traceTotal,
  };
  return reads
    .insertInto('job_results')
    .columns(['job_id', 'outputs', 'reading', 'durations', 'trace_total'])
    .expression(({ selectFrom }) =>
      selectFrom('jobs')
        .where('id', '=', id)
        .select(({ cast, val }) => [
          'id',
          cast<string>(val(row.outputs), 'text').as('outputs'),
          cast<string>(val(row.reading), 'text').as('reading'),
          cast<string>(val(row.durations), 'text').as('durations'),
          cast<number>(val(row.trace_total), 'bigint').as('trace_total'),
        ]),
    )
    .onConflict((conflict) => conflict.column('job_id').doUpdateSet(row));
}

/** The figures of a job that its row has. */
function countsOf(results: JobResults | undefined): JobColumns {
  if (results === undefined) return {};
  const { routines } = results.reading;
  return {
    execution_count: routines.reduce((sum, { executionCount }) => sum + executionCount, 0),
    error_count: routines.reduce((sum, { errorCount }) => sum + errorCount, 0),
  };
}

function firstJob(rows: readonly Readonly<Record<string, unknown>>[] | undefined) {
  const [row] = rows ?? [];
  return row && toJob(row as unknown as JobsTable); // it has all columns of `jobs`
}
