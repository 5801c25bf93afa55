import { sql, type UpdateObject } from 'kysely';
import type { JobState } from '../engine/index.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { JobsTable, Tables } from '../storage/tables.ts';
import type { Job, JobRecovery } from './job.ts';
import { searchable } from './job-list-store.ts';

/** What changes in a job between its beginning and its end. */
export type JobChange = Partial<
  Pick<
    Job,
    | 'state'
    | 'startedAt'
    | 'finishedAt'
    | 'cancelRequestedAt'
    | 'error'
    | 'unresponsiveRoutineIds'
    | 'recovery'
  >
>;

/** Columns of `jobs` with what to set them to. */
export type JobColumns = UpdateObject<Tables, 'jobs'>;

/** The row of a new job. What JSON can't write of its input is lost. */
export function toRow(job: Job): JobsTable {
  const { id, flowId, owner, idempotencyKey, startedAt, finishedAt, error, recovery } = job;
  const metadata = JSON.stringify(job.metadata);
  return {
    id,
    flow_id: flowId,
    state: job.state,
    // Text that is no JSON stands for what JSON has no word for.
    input: JSON.stringify(job.input) ?? '',
    metadata,
    search_text: searchable([id, flowId, owner ?? '', metadata].join('\n')),
    owner: owner === undefined ? null : toStoredText(owner),
    priority: job.priority,
    idempotency_key: idempotencyKey === undefined ? null : toStoredText(idempotencyKey),
    retry_of: job.retryOf ?? null,
    created_at: Math.floor(job.createdAt),
    started_at: toTime(startedAt),
    finished_at: toTime(finishedAt),
    duration_ms:
      startedAt === undefined || finishedAt === undefined
        ? null
        : Math.floor(finishedAt) - Math.floor(startedAt),
    cancel_requested_at: toTime(job.cancelRequestedAt),
    error: error === undefined ? null : JSON.stringify(error),
    unresponsive_routine_ids: toList(job.unresponsiveRoutineIds),
    ...toRecoveryColumns(recovery),
    execution_count: null,
    error_count: null,
    is_rolled_up: 0,
  };
}

/** The columns that a change of a job sets. */
export function toColumns(change: JobChange): JobColumns {
  const columns: JobColumns = {};
  if (change.state !== undefined) columns.state = change.state;
  if ('startedAt' in change) columns.started_at = toTime(change.startedAt);
  if ('finishedAt' in change) columns.finished_at = toTime(change.finishedAt);
  if ('cancelRequestedAt' in change) {
    columns.cancel_requested_at = toTime(change.cancelRequestedAt);
  }
  if ('error' in change) {
    columns.error = change.error === undefined ? null : JSON.stringify(change.error);
  }
  if (change.unresponsiveRoutineIds !== undefined) {
    columns.unresponsive_routine_ids = toList(change.unresponsiveRoutineIds);
  }
  if ('recovery' in change) Object.assign(columns, toRecoveryColumns(change.recovery));
  return { ...columns, ...toDuration(columns) };
}

/** The duration follows from start and end; the one that does not change is in the row already. */
function toDuration({ started_at: start, finished_at: end }: JobColumns): JobColumns {
  if (start === undefined && end === undefined) return {};
  if (start === null || end === null) return { duration_ms: null };
  if (typeof start === 'number' && typeof end === 'number') return { duration_ms: end - start };
  return {
    duration_ms: sql<
      number | null
    >`${end ?? sql.ref('finished_at')} - ${start ?? sql.ref('started_at')}`,
  };
}

function toRecoveryColumns(recovery: JobRecovery | undefined) {
  return {
    recovery_count: recovery?.count ?? 0,
    crash_count: recovery?.crashCount ?? 0,
    recovered_at: toTime(recovery?.at),
    recovered_from: toTime(recovery?.from),
  };
}

function toTime(time: number | undefined): number | null {
  return time === undefined ? null : Math.floor(time);
}

function toList(ids: readonly string[]): string | null {
  return ids.length === 0 ? null : JSON.stringify(ids);
}

/** The job of a row. What is JSON in the row is read when it is asked for, each time anew. */
export function toJob(row: JobsTable): Job {
  return {
    id: row.id,
    flowId: row.flow_id,
    state: row.state as JobState, // written from one
    get input(): unknown {
      return row.input === '' ? undefined : JSON.parse(row.input);
    },
    get metadata(): Job['metadata'] {
      return JSON.parse(row.metadata);
    },
    owner: row.owner === null ? undefined : fromStoredText(row.owner),
    priority: row.priority,
    idempotencyKey: row.idempotency_key === null ? undefined : fromStoredText(row.idempotency_key),
    retryOf: row.retry_of ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    cancelRequestedAt: row.cancel_requested_at ?? undefined,
    error: toError(row.error),
    unresponsiveRoutineIds:
      row.unresponsive_routine_ids === null ? [] : JSON.parse(row.unresponsive_routine_ids),
    recovery: toRecovery(row),
  };
}

function toError(text: string | null): Job['error'] {
  if (text === null) return undefined;
  const { message, code } = JSON.parse(text);
  return { message, code };
}

function toRecovery(row: JobsTable): JobRecovery | undefined {
  if (row.recovered_at === null) return undefined;
  return {
    count: row.recovery_count,
    crashCount: row.crash_count,
    at: row.recovered_at,
    from: row.recovered_from ?? undefined,
  };
}
