import { type SqlBool, sql } from 'kysely';
import type { Database, WriteOptions, WriteResult } from '../storage/database.ts';
import { toStoredText } from '../storage/stored-text.ts';
import type { JobResultsTable } from '../storage/tables.ts';
import type { Job, JobResults } from './job.ts';
import { JobCache } from './job-cache.ts';
import { createJobLists } from './job-list-store.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import {
  JOB_COLUMNS,
  type JobChange,
  type JobColumns,
  type JobRow,
  toColumns,
  toJob,
  toRow,
} from './job-row.ts';

export type { JobChange } from './job-row.ts';

/**
 * Keeps the jobs of all tenants. A job has a `finishedAt` when it is in a final state, and only then.
 *
 * An id finds a job of any tenant: what is asked for by one has to look whose it is.
 */
export interface JobStore {
  /**
   * Stores a job, unless its idempotency key is taken in its tenant: answers the job that has the key then.
   * @param rerunItems text of the items that it begins with, of a job that begins in the middle of another
   * @throws StorageUnavailableError when that takes too long; it may have been stored then
   */
  insert(job: Job, rerunItems?: string): Promise<Job>;
  /**
   * Changes what is given of a job; answers the job as it is then, `undefined` when there is none.
   * @throws StorageUnavailableError when a deadline is given and over
   */
  update(id: string, change: JobChange, deadlineMs?: number): Promise<Job | undefined>;
  /** Changes a job that has ended, keeps its results if it has any, and lets go of its checkpoint and debug session. */
  finish(id: string, change: JobChange, results: JobResults | undefined): Promise<Job | undefined>;
  get(id: string): Promise<Job | undefined>;
  /** Text of the items that a job begins with that begins in the middle of another; `undefined` for any other. */
  readRerunItems(id: string): Promise<string | undefined>;
  /** Begins anew to count the crashes of all jobs that have not ended. */
  forgetCrashes(): Promise<void>;
  /** Others deleted these jobs. */
  noteRemoved(ids: readonly string[]): void;
  /** In the order of the ids; `undefined` where there is no such job. */
  getMany(ids: readonly string[]): Promise<(Job | undefined)[]>;
  findByIdempotencyKey(tenant: string, key: string): Promise<Job | undefined>;
  list(tenant: string, query: JobQuery): Promise<Job[]>;
  count(tenant: string, filter: JobFilter): Promise<number>;
  /** The first jobs of all tenants after this id that have not ended, by id: those that were made first come first. */
  listUnfinished(afterId: string, limit: number): Promise<Job[]>;
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

/** The tables whose rows go with the job they are of. */
const BELONGINGS = [
  'job_checkpoints',
  'job_results',
  'job_logs',
  'activations',
  'job_events',
  'breakpoints',
  'debug_sessions',
] as const;

/** Keeps jobs in the database. */
export function createJobStore(database: Database, options: JobStoreOptions = {}): JobStore {
  const { insertDeadlineMs = 10_000 } = options;
  const { reads } = database;
  const lists = createJobLists(database);

  const cache = database.capabilities.isInProcess ? new JobCache() : undefined;

  const readMany = async (ids: readonly string[]): Promise<Job[]> => {
    const mark = cache?.mark ?? 0;
    const wanted = [...new Set(ids)].map(toStoredText);
    const rows = await reads
      .selectFrom('jobs')
      .select(JOB_COLUMNS)
      .where('id', 'in', wanted)
      .execute();
    return rows.map((row) => {
      const job = toJob(row);
      cache?.keep(job, lengthOf(row), mark);
      return job;
    });
  };

  /** In the order of the ids. */
  const findMany = async (ids: readonly string[]): Promise<(Job | undefined)[]> => {
    const known = ids.map((id) => cache?.get(id));
    const missing = ids.filter((_, at) => known[at] === undefined);
    if (missing.length === 0) return known;
    const byId = new Map((await readMany(missing)).map((job) => [job.id, job]));
    return ids.map((id, at) => known[at] ?? byId.get(id));
  };

  /** Runs a write that answers the job as it is then. */
  const writeJob = async (
    id: string,
    write: () => Promise<readonly WriteResult[]>,
  ): Promise<Job | undefined> => {
    const [result] = await (cache === undefined ? write() : cache.during(id, write));
    return firstJob(result?.rows);
  };

  const findByIdempotencyKey = async (tenant: string, key: string) => {
    const row = await reads
      .selectFrom('jobs')
      .select(JOB_COLUMNS)
      .where('tenant', '=', toStoredText(tenant))
      .where('idempotency_key', '=', toStoredText(key))
      .executeTakeFirst();
    return row && toJob(row);
  };

  const get = async (id: string): Promise<Job | undefined> => (await findMany([id]))[0];

  return {
    async insert(job, rerunItems) {
      const insert = reads
        .insertInto('jobs')
        .values(toRow(job, rerunItems))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id');
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const [result] = await database.write([insert], { deadlineMs: insertDeadlineMs });
        if (result?.rows.length === 1) return job;
        // Either the key is taken, or this very job was stored by a try whose answer was lost.
        const { id, tenant, idempotencyKey: key } = job;
        const taken = await (key === undefined ? get(id) : findByIdempotencyKey(tenant, key));
        if (taken !== undefined) return taken;
        // The one that had the key is deleted by now.
      }
      throw new Error(`Job ${job.id} was not stored: others came and went with its key.`);
    },
    async update(id, change, deadlineMs) {
      const columns = toColumns(change);
      if (Object.keys(columns).length === 0) return get(id);
      const statement = updateJob(reads, id, columns);
      return writeJob(id, () => database.write([statement], within(deadlineMs)));
    },
    finish(id, end, results) {
      const statements = [
        updateJob(reads, id, { ...toColumns(end), ...countsOf(results) }),
        ...(results === undefined ? [] : [keepResults(reads, id, results)]),
        reads.deleteFrom('job_checkpoints').where('job_id', '=', id),
        reads.deleteFrom('debug_sessions').where('job_id', '=', id),
      ];
      return writeJob(id, () => database.write(statements));
    },
    async forgetCrashes() {
      const forget = reads
        .updateTable('jobs')
        .set({ crash_count: 0 })
        .where('finished_at', 'is', null)
        .where('crash_count', '>', 0);
      await database.write([forget]);
      cache?.clear();
    },
    noteRemoved(ids) {
      for (const id of ids) cache?.noteWritten(id);
    },
    get,
    async readRerunItems(id) {
      const jobs = reads.selectFrom('jobs').select('rerun_items');
      const row = await jobs.where('id', '=', toStoredText(id)).executeTakeFirst();
      return row?.rerun_items ?? undefined;
    },
    getMany: findMany,
    findByIdempotencyKey,
    async list(tenant, query) {
      if (cache === undefined) return (await lists.list(tenant, query)).map(toJob);
      const jobs = await findMany(await lists.listIds(tenant, query));
      return jobs.filter((job) => job !== undefined); // it may have been deleted in between
    },
    count: lists.count,
    async listUnfinished(afterId, limit) {
      const rows = await reads
        .selectFrom('jobs')
        .select(JOB_COLUMNS)
        // Literals: a parameter would keep the partial index from being used.
        .where(sql<SqlBool>`finished_at is null and is_rolled_up = 0`)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toJob);
    },
    async delete(id, deadlineMs) {
      const belongings = BELONGINGS.map((table) =>
        reads.deleteFrom(table).where('job_id', '=', id),
      );
      const job = reads.deleteFrom('jobs').where('id', '=', id).returning('id');
      const write = () => database.write([...belongings, job], within(deadlineMs));
      const results = await (cache === undefined ? write() : cache.during(id, write));
      return (results.at(-1)?.rows.length ?? 0) > 0;
    },
  };
}

function within(deadlineMs: number | undefined): WriteOptions {
  return deadlineMs === undefined ? {} : { deadlineMs };
}

function updateJob(reads: Database['reads'], id: string, columns: JobColumns) {
  return reads.updateTable('jobs').set(columns).where('id', '=', id).returning(JOB_COLUMNS);
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
  return row && toJob(row as unknown as JobRow); // it has the columns that the statement returns
}

/** The text of a row whose length varies most. */
function lengthOf({ input, metadata, error }: JobRow): number {
  return 500 + input.length + metadata.length + (error?.length ?? 0);
}
