import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { FlowMetricsTable, Tables } from '../storage/tables.ts';

/** A place in an order of time: in which jobs ended, or audit entries were made. */
export interface TimePlace {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly id: string;
}

/** A job that was removed. */
export interface RemovedJob {
  readonly id: string;
  readonly tenant: string;
  readonly flowId: string;
}

/** Finds and removes what is kept no longer, of all tenants together, in steps of bounded size. */
export interface RetentionStore {
  /** The place of the newest ended job that has `count` newer ones; `undefined` when there are not that many. */
  findEnd(count: number): Promise<TimePlace | undefined>;
  /** The first jobs that ended after one place, up to and including another. */
  listEnded(
    after: TimePlace | undefined,
    upTo: TimePlace,
    limit: number,
  ): Promise<readonly TimePlace[]>;
  /** The jobs that ended first, up to a place; only those that are counted in the metrics of their flow. */
  listRemovable(upTo: TimePlace, limit: number): Promise<readonly string[]>;
  /** The jobs after this id that run or are paused, by id. */
  listRunning(afterId: string, limit: number): Promise<readonly string[]>;
  /** Removes at most so many rows of the traces, logs or events of jobs; answers how many. */
  removeRows(
    table: 'activations' | 'job_logs' | 'job_events',
    jobIds: readonly string[],
    limit: number,
  ): Promise<number>;
  /** Removes ended jobs that are counted, with all that belongs to them. */
  removeJobs(jobIds: readonly string[]): Promise<readonly RemovedJob[]>;
  /** The jobs that wrote more lines than so many, and the last of those that are too many. */
  listLongLogs(
    jobIds: readonly string[],
    maxLines: number,
  ): Promise<readonly { readonly jobId: string; readonly upTo: number }[]>;
  /** Removes at most so many of the first lines of a log, up to a place; answers how many. */
  removeLines(jobId: string, upTo: number, limit: number): Promise<number>;
  /** The place of the newest audit entry, of all or those of a tenant, that has `count` newer ones. */
  findAudit(count: number, tenant?: string): Promise<TimePlace | undefined>;
  /** How many audit entries each tenant has that has any. */
  countAudit(): Promise<readonly { readonly tenant: string; readonly count: number }[]>;
  /** Removes at most so many of the oldest audit entries, of all or those of a tenant, up to and including a place; answers how many. */
  removeAudit(upTo: TimePlace, limit: number, tenant?: string): Promise<number>;
  /** Removes at most so many rows of metrics that begin before a time; answers how many. */
  removeMetrics(
    resolution: FlowMetricsTable['resolution'],
    before: number,
    limit: number,
  ): Promise<number>;
}

/** What can't be removed now can wait, and must not keep anybody from closing. */
const DEADLINE_MS = 2000;

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

export function createRetentionStore(database: Database): RetentionStore {
  const { reads, scans } = database;

  // In the words of the index of all tenants' jobs that have ended; a parameter would keep it from being used.
  const ended = (db: Database['reads']) =>
    db.selectFrom('jobs').where(sql<SqlBool>`coalesce(finished_at, -1) >= 0`);

  const upToPlace =
    ({ at, id }: TimePlace, sign: '<=' | '>') =>
    ({ eb, refTuple, tuple }: ExpressionBuilder<Tables, 'jobs'>) =>
      eb(refTuple('finished_at', 'id'), sign, tuple(at, id));

  const change = async (...statements: Parameters<Database['write']>[0]) => {
    const results = await database.write(statements, { deadlineMs: DEADLINE_MS });
    return results.reduce((sum, { changes }) => sum + changes, 0);
  };

  return {
    async findEnd(count) {
      const row = await ended(scans)
        .select(['finished_at', 'id'])
        .orderBy('finished_at', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .offset(count)
        .executeTakeFirst();
      return row && { at: row.finished_at ?? 0, id: row.id };
    },
    async listEnded(after, upTo, limit) {
      let jobs = ended(reads).where(upToPlace(upTo, '<='));
      if (after !== undefined) jobs = jobs.where(upToPlace(after, '>'));
      const rows = await jobs
        .select(['finished_at', 'id'])
        .orderBy('finished_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ at: row.finished_at ?? 0, id: row.id }));
    },
    async listRemovable(upTo, limit) {
      const rows = await ended(scans)
        .select('id')
        .where('is_rolled_up', '=', 1)
        .where(upToPlace(upTo, '<='))
        .orderBy('finished_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
    async listRunning(afterId, limit) {
      const rows = await reads
        .selectFrom('jobs')
        .select('id')
        .where(sql<SqlBool>`finished_at is null and is_rolled_up = 0`)
        .where('state', 'in', ['RUNNING', 'PAUSED'])
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },

    removeRows: (table, jobIds, limit) =>
      change(
        reads
          .deleteFrom(table)
          .where(({ eb, refTuple, selectFrom }) =>
            eb(
              refTuple('job_id', 'sequence'),
              'in',
              selectFrom(table)
                .select(['job_id', 'sequence'])
                .where('job_id', 'in', jobIds)
                .orderBy('job_id')
                .orderBy('sequence')
                .limit(limit)
                .$asTuple('job_id', 'sequence'),
            ),
          ),
      ),
    async removeJobs(jobIds) {
      const removable = reads
        .selectFrom('jobs')
        .select('id')
        .where('id', 'in', jobIds)
        .where('finished_at', 'is not', null)
        .where('is_rolled_up', '=', 1);
      const belongings = BELONGINGS.map((table) =>
        reads.deleteFrom(table).where('job_id', 'in', removable),
      );
      const jobs = reads
        .deleteFrom('jobs')
        .where('id', 'in', removable)
        .returning(['id', 'tenant', 'flow_id as flowId']);
      const results = await database.write([...belongings, jobs], { deadlineMs: DEADLINE_MS });
      const removed = (results.at(-1)?.rows ?? []) as unknown as RemovedJob[]; // what it returns
      return removed.map((job) => ({ ...job, tenant: fromStoredText(job.tenant) }));
    },

    async listLongLogs(jobIds, maxLines) {
      if (jobIds.length === 0) return [];
      const rows = await scans
        .selectFrom('jobs')
        .where('id', 'in', jobIds)
        .select(({ selectFrom }) => [
          'id',
          selectFrom('job_logs')
            .select(({ fn }) => fn.max('sequence').as('last'))
            .whereRef('job_logs.job_id', '=', 'jobs.id')
            .as('last'),
        ])
        .execute();
      return rows
        .map(({ id, last }) => ({ jobId: id, upTo: (last ?? 0) - maxLines }))
        .filter(({ upTo }) => upTo > 0);
    },
    removeLines: (jobId, upTo, limit) =>
      change(
        reads
          .deleteFrom('job_logs')
          .where('job_id', '=', jobId)
          .where(
            'sequence',
            'in',
            reads
              .selectFrom('job_logs')
              .select('sequence')
              .where('job_id', '=', jobId)
              .where('sequence', '<=', upTo)
              .orderBy('sequence')
              .limit(limit),
          ),
      ),

    findAudit(count, tenant) {
      return scans
        .selectFrom('audit_entries')
        .select(['at', 'id'])
        .$if(tenant !== undefined, (entries) =>
          entries.where('tenant', '=', toStoredText(tenant ?? '')),
        )
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .offset(count)
        .executeTakeFirst();
    },
    async countAudit() {
      const rows = await scans
        .selectFrom('audit_entries')
        .select(({ fn }) => ['tenant', fn.countAll<number | string>().as('count')])
        .groupBy('tenant')
        .execute();
      return rows.map((row) => ({ tenant: fromStoredText(row.tenant), count: Number(row.count) }));
    },
    removeAudit: ({ at, id }, limit, tenant) =>
      change(
        reads.deleteFrom('audit_entries').where(
          'id',
          'in',
          reads
            .selectFrom('audit_entries')
            .select('id')
            .where(({ eb, refTuple, tuple }) => eb(refTuple('at', 'id'), '<=', tuple(at, id)))
            .$if(tenant !== undefined, (entries) =>
              entries.where('tenant', '=', toStoredText(tenant ?? '')),
            )
            .orderBy('at')
            .orderBy('id')
            .limit(limit),
        ),
      ),
    async removeMetrics(resolution, before, limit) {
      // Looked up first, since that may take a while and nobody is to wait for it.
      const found = await scans
        .selectFrom('flow_metrics')
        .select(['tenant', 'flow_id', 'start_at'])
        .where('resolution', '=', resolution)
        .where('start_at', '<', before)
        .limit(limit)
        .execute();
      if (found.length === 0) return 0;
      return change(
        ...found.map(({ tenant, flow_id, start_at }) =>
          reads
            .deleteFrom('flow_metrics')
            .where('tenant', '=', tenant)
            .where('flow_id', '=', flow_id)
            .where('resolution', '=', resolution)
            .where('start_at', '=', start_at),
        ),
      );
    },
  };
}
