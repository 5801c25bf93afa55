import { type Insertable, type SqlBool, sql } from 'kysely';
import type { LogLevel } from '../engine/index.ts';
import type { ActivationRecord, DurationReading, LogRecord } from '../monitoring/readings.ts';
import type { TraceFilter } from '../monitoring/trace-page.ts';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { ActivationsTable, JobLogsTable, JobResultsTable } from '../storage/tables.ts';
import type { WriteBehind } from '../storage/write-behind.ts';
import type { JobHistory, LogFilter } from './job-history.ts';

/**
 * Keeps traces and logs of all jobs, and reads what `JobStore.finish` keeps of those that have ended.
 * @param onFailure told when traces could not be trimmed
 */
export function createHistoryStore(
  database: Database,
  writeBehind: WriteBehind,
  onFailure: (error: unknown) => void = () => undefined,
): JobHistory {
  const { reads, scans } = database;
  /** By job: up to where its trace is to be trimmed. */
  const trims = new Map<string, number>();
  let trimming: Promise<void> | undefined;

  const readResults = async <T>(
    jobIds: readonly string[],
    column: Exclude<keyof JobResultsTable, 'job_id' | 'trace_total'>,
    read: (text: string) => T,
  ): Promise<(T | undefined)[]> => {
    if (jobIds.length === 0) return [];
    const rows = await reads
      .selectFrom('job_results')
      .select(['job_id', `${column} as text`])
      .where('job_id', 'in', jobIds)
      .execute();
    const byId = new Map(rows.map(({ job_id, text }) => [job_id, text]));
    return jobIds.map((id) => {
      const text = byId.get(id);
      return text === undefined ? undefined : read(text);
    });
  };

  /** Rows that wait to be written are written first: else they would come after they were removed. */
  const trim = async () => {
    const wanted = [...trims];
    trims.clear();
    await writeBehind.flush();
    const statements = wanted.map(([jobId, upTo]) =>
      reads.deleteFrom('activations').where('job_id', '=', jobId).where('sequence', '<=', upTo),
    );
    await database.write(statements).catch(onFailure);
    trimming = trims.size > 0 ? trim() : undefined;
  };

  const traceOf = (jobId: string, { routineIds, outcomes }: TraceFilter) => {
    const hasFilter = routineIds !== undefined || outcomes !== undefined;
    let rows = (hasFilter ? scans : reads).selectFrom('activations').where('job_id', '=', jobId);
    if (routineIds) rows = rows.where(isOneOf('routine_id', routineIds));
    if (outcomes) rows = rows.where(isOneOf('outcome', outcomes));
    return rows;
  };

  const logOf = (jobId: string, { routineIds, levels }: LogFilter) => {
    const hasFilter = routineIds !== undefined || levels !== undefined;
    let rows = (hasFilter ? scans : reads).selectFrom('job_logs').where('job_id', '=', jobId);
    if (routineIds) rows = rows.where(isOneOf('routine_id', routineIds));
    if (levels) rows = rows.where(isOneOf('level', levels));
    return rows;
  };

  return {
    readReadings: (jobIds) => readResults(jobIds, 'reading', JSON.parse),
    readDurations: (jobIds) =>
      readResults(
        jobIds,
        'durations',
        (text) => new Map(JSON.parse(text) as [string, DurationReading][]), // written from one
      ),
    readOutputs: (jobIds) => readResults(jobIds, 'outputs', JSON.parse),

    async readTrace(jobId, { filter, after, before, limit, fromEnd }) {
      let rows = traceOf(jobId, filter).select('record');
      if (after !== undefined) rows = rows.where('sequence', '>', Math.floor(after));
      if (before !== undefined) rows = rows.where('sequence', '<', Math.ceil(before));
      const page = await rows
        .orderBy('sequence', fromEnd ? 'desc' : 'asc')
        .limit(limit)
        .execute();
      const records = page.map(({ record }) => JSON.parse(record) as ActivationRecord);
      return fromEnd ? records.reverse() : records;
    },
    async countTrace(jobId, filter, before) {
      const wanted = traceOf(jobId, filter);
      const inRange = before === undefined ? wanted : wanted.where('sequence', '<', before);
      const [matching, all, results] = await Promise.all([
        inRange.select(({ fn }) => fn.countAll().as('count')).executeTakeFirst(),
        reads
          .selectFrom('activations')
          .select(({ fn }) => fn.countAll().as('count'))
          .where('job_id', '=', jobId)
          .executeTakeFirst(),
        reads
          .selectFrom('job_results')
          .select('trace_total')
          .where('job_id', '=', jobId)
          .executeTakeFirst(),
      ]);
      const kept = Number(all?.count ?? 0);
      const total = results?.trace_total ?? kept;
      return { matching: Number(matching?.count ?? 0), dropped: Math.max(0, total - kept) };
    },
    async readLogs(jobId, { filter, after, before, limit, fromEnd }) {
      let rows = logOf(jobId, filter).selectAll();
      if (after !== undefined) rows = rows.where('sequence', '>', Math.floor(after));
      if (before !== undefined) rows = rows.where('sequence', '<', Math.ceil(before));
      const page = await rows
        .orderBy('sequence', fromEnd ? 'desc' : 'asc')
        .limit(limit)
        .execute();
      const records = page.map(toLogRecord);
      return fromEnd ? records.reverse() : records;
    },
    async countLogs(jobId, filter, before) {
      const wanted = logOf(jobId, filter);
      const inRange = before === undefined ? wanted : wanted.where('sequence', '<', before);
      const found = await inRange.select(({ fn }) => fn.countAll().as('count')).executeTakeFirst();
      return Number(found?.count ?? 0);
    },

    async readLastPlaces(jobId) {
      const [trace, log] = await Promise.all(
        (['activations', 'job_logs'] as const).map((table) =>
          reads
            .selectFrom(table)
            .select('sequence')
            .where('job_id', '=', jobId)
            .orderBy('sequence', 'desc')
            .limit(1)
            .executeTakeFirst(),
        ),
      );
      return { trace: trace?.sequence ?? 0, log: log?.sequence ?? 0 };
    },

    keepTrace(jobId, records) {
      writeBehind.add(
        'activations',
        records.map(
          (record): Insertable<ActivationsTable> => ({
            job_id: jobId,
            sequence: record.sequence,
            routine_id: record.routineId,
            outcome: record.outcome,
            record: JSON.stringify(record),
          }),
        ),
      );
    },
    keepLogs(jobId, records) {
      writeBehind.add(
        'job_logs',
        records.map((record) => toLogRow(jobId, record)),
      );
    },
    trimTrace(jobId, upTo) {
      trims.set(jobId, Math.max(trims.get(jobId) ?? 0, upTo));
      trimming ??= trim();
    },
    async flush() {
      // What is asked for later is not waited for: there might be no end to it.
      const isMoreAsked = trims.size > 0;
      await trimming;
      if (isMoreAsked) await trimming;
      await writeBehind.flush();
    },
  };
}

/** PostgreSQL knows no empty list. */
function isOneOf(column: string, values: readonly string[]) {
  return values.length === 0
    ? sql<SqlBool>`false`
    : sql<SqlBool>`${sql.ref(column)} in (${sql.join(values.map(toStoredText))})`;
}

function toLogRow(jobId: string, record: LogRecord): JobLogsTable {
  const { facts } = record;
  return {
    job_id: jobId,
    sequence: record.sequence,
    at: Math.floor(record.at),
    level: record.level,
    routine_id: record.routineId,
    activation_id: record.activationId,
    message: toStoredText(record.message),
    facts: facts === undefined ? null : JSON.stringify(facts),
  };
}

function toLogRecord(row: JobLogsTable): LogRecord {
  return {
    sequence: row.sequence,
    at: row.at,
    level: row.level as LogLevel, // written from one
    routineId: row.routine_id,
    activationId: row.activation_id,
    message: fromStoredText(row.message),
    facts: row.facts === null ? undefined : JSON.parse(row.facts),
  };
}
