import { sql, type UpdateObject } from 'kysely';
import type { JobState } from '../engine/index.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { JobsTable, Tables } from '../storage/tables.ts';
import type { Job, JobOrigin, JobRecovery } from './job.ts';

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

/** The columns that a job is made of. Others, long ones among them, need not be read for it. */
export const JOB_COLUMNS = [
  'id',
  'tenant',
  'flow_id',
  'state',
  'input',
  'metadata',
  'owner',
  'priority',
  'idempotency_key',
  'retry_of',
  'rerun_of',
  'created_at',
  'started_at',
  'finished_at',
  'duration_ms',
  'cancel_requested_at',
  'error',
  'unresponsive_routine_ids',
  'recovery_count',
  'crash_count',
  'recovered_at',
  'recovered_from',
] as const satisfies readonly (keyof JobsTable)[];

/** What is read of a row of `jobs`. */
export type JobRow = Pick<JobsTable, (typeof JOB_COLUMNS)[number]>;

/** Columns of `jobs` with what to set them to. */
export type JobColumns = UpdateObject<Tables, 'jobs'>;

/**
 * The row of a new job. What JSON can't write of its input is lost.
 * @param rerunItems text of the items that it begins with, of a job that begins in the middle of another
 */
export function toRow(job: Job, rerunItems?: string): JobsTable {
  const { id, tenant, flowId, owner, idempotencyKey, startedAt, finishedAt, error, recovery } = job;
  const metadata = JSON.stringify(job.metadata);
  return {
    id,
    tenant: toStoredText(tenant),
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
    rerun_of: job.rerunOf === undefined ? null : JSON.stringify(job.rerunOf),
    rerun_items: rerunItems ?? null,
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

/** A text as it is looked for, and looked at. Letters that no database can hold are all taken for one. */
export function searchable(text: string): string {
  return text.toLowerCase().replace(/[\0\p{Cs}]/gu, '\ufffd');
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

/** Text longer than this is read as JSON only when it is asked for, in characters. */
const LAZY_FROM = 500;

/** The job of a row. */
export function toJob(row: JobRow): Job {
  const job: { -readonly [Name in keyof Job]: Job[Name] } = {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    flowId: row.flow_id,
    state: row.state as JobState, // written from one
    input: undefined,
    metadata: NO_METADATA,
    owner: row.owner === null ? undefined : fromStoredText(row.owner),
    priority: row.priority,
    idempotencyKey: row.idempotency_key === null ? undefined : fromStoredText(row.idempotency_key),
    retryOf: row.retry_of ?? undefined,
    rerunOf: toOrigin(row.rerun_of),
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    cancelRequestedAt: row.cancel_requested_at ?? undefined,
    error: toError(row.error),
    unresponsiveRoutineIds:
      row.unresponsive_routine_ids === null ? [] : JSON.parse(row.unresponsive_routine_ids),
    recovery: toRecovery(row),
  };
  const { input, metadata } = row;
  // A getter costs more than to read a short text: each makes a job of a shape of its own.
  if (input.length >= LAZY_FROM) readLater(job, 'input', input);
  else if (input !== '') job.input = JSON.parse(input);
  if (metadata.length >= LAZY_FROM) readLater(job, 'metadata', metadata);
  else if (metadata !== '{}') job.metadata = JSON.parse(metadata);
  return job;
}

const NO_METADATA: Job['metadata'] = Object.freeze({});

/** Reads a text as JSON each time the property is asked for: most of those who list jobs never do. */
function readLater(job: Job, name: 'input' | 'metadata', text: string): void {
  Object.defineProperty(job, name, { enumerable: true, get: () => JSON.parse(text) });
}

function toError(text: string | null): Job['error'] {
  if (text === null) return undefined;
  const { message, code } = JSON.parse(text);
  return { message, code };
}

function toOrigin(text: string | null): JobOrigin | undefined {
  if (text === null) return undefined;
  const { jobId, activationId, routineId, edits } = JSON.parse(text);
  return { jobId, activationId, routineId, edits };
}

function toRecovery(row: JobRow): JobRecovery | undefined {
  if (row.recovered_at === null) return undefined;
  return {
    count: row.recovery_count,
    crashCount: row.crash_count,
    at: row.recovered_at,
    from: row.recovered_from ?? undefined,
  };
}
