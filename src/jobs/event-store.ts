import { type SqlBool, sql } from 'kysely';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { JobEventsTable } from '../storage/tables.ts';
import { upsertRows } from '../storage/upsert-rows.ts';
import type { EventRun } from './event-places.ts';
import type { WantedEvents } from './job-stream-message.ts';

/** An event as it is stored. */
export interface StoredEvent {
  readonly sequence: number;
  readonly jobId: string;
  readonly tenant: string;
  readonly flowId: string;
  readonly at: number;
  readonly type: string;
  /** What it says besides. */
  readonly details: object;
}

/** Keeps what happened in jobs, and the runs of the server that told it. */
export interface EventStore {
  /** All that are known, in order. */
  readRuns(): Promise<readonly EventRun[]>;
  /** Place of the newest event there is; 0 for none. */
  readNewest(): Promise<number>;
  /** Takes down a new run, and forgets those up to a number. */
  beginRun(run: EventRun, forgetTo: number): Promise<void>;
  /** @throws StorageUnavailableError when it takes longer than `deadlineMs` */
  endRun(run: OwnRun & { readonly lastSequence: number }, deadlineMs: number): Promise<void>;
  /** Keeps events, with what there is to say of their run by then. Is tried for as long as the database is open. */
  save(events: readonly StoredEvent[], run: OwnRun): Promise<void>;
  /** The first of the wanted events after a place and up to another, in order. */
  read(
    wanted: WantedEvents,
    range: { readonly after: number; readonly upTo: number; readonly limit: number },
  ): Promise<readonly StoredEvent[]>;
  /** Removes at most so many of the oldest events, up to a place; answers how many. The run says that they are gone. */
  remove(upTo: number, limit: number, run: Pick<EventRun, 'number' | 'removedTo'>): Promise<number>;
}

/** What a run has to say of itself while it runs. */
export type OwnRun = Pick<EventRun, 'number' | 'holes' | 'isShared'>;

/** What can't be removed now can wait, and must not keep anybody from closing. */
const REMOVE_DEADLINE_MS = 2000;

export function createEventStore(database: Database): EventStore {
  const { reads, capabilities } = database;

  return {
    async readRuns() {
      const rows = await reads.selectFrom('job_event_runs').selectAll().orderBy('number').execute();
      return rows.map((row) => ({
        number: row.number,
        epoch: row.epoch,
        cursorKey: row.cursor_key ?? undefined,
        firstSequence: row.first_sequence,
        lastSequence: row.last_sequence ?? undefined,
        removedTo: row.removed_to,
        holes: JSON.parse(row.holes),
        isShared: row.is_shared === 1,
      }));
    },
    async readNewest() {
      const row = await reads
        .selectFrom('job_events')
        .select('sequence')
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.sequence ?? 0;
    },
    async beginRun(run, forgetTo) {
      const row = {
        number: run.number,
        epoch: run.epoch,
        cursor_key: run.cursorKey ?? null,
        first_sequence: run.firstSequence,
        last_sequence: null,
        removed_to: run.removedTo,
        holes: JSON.stringify(run.holes),
        is_shared: run.isShared ? 1 : 0,
      };
      await database.write([
        ...upsertRows([{ table: 'job_event_runs', row }], capabilities),
        reads.deleteFrom('job_event_runs').where('number', '<=', forgetTo),
      ]);
    },
    async endRun({ number, holes, isShared, lastSequence }, deadlineMs) {
      const end = reads
        .updateTable('job_event_runs')
        .set({ ...toOwnColumns(holes, isShared), last_sequence: lastSequence })
        .where('number', '=', number);
      await database.write([end], { deadlineMs });
    },
    async save(events, { number, holes, isShared }) {
      const rows = events.map((event) => ({ table: 'job_events' as const, row: toRow(event) }));
      const columns = toOwnColumns(holes, isShared);
      const noteRun = reads
        .updateTable('job_event_runs')
        .set(columns)
        .where('number', '=', number)
        .where(({ eb }) =>
          eb('holes', '!=', columns.holes).or('is_shared', '!=', columns.is_shared),
        );
      const isNoteworthy = holes.length > 0 || isShared;
      await database.write([...upsertRows(rows, capabilities), ...(isNoteworthy ? [noteRun] : [])]);
    },
    async read({ which: { tenant, jobId, flowId }, types }, { after, upTo, limit }) {
      if (types?.size === 0) return []; // PostgreSQL takes no empty list
      let events = reads
        .selectFrom('job_events')
        .selectAll()
        .where('tenant', '=', toStoredText(tenant));
      if (jobId !== undefined) events = events.where('job_id', '=', jobId);
      else if (flowId !== undefined) events = events.where('flow_id', '=', flowId);
      else events = events.where(sql<SqlBool>`at >= 0`); // all have that, and so have those in the index
      if (types !== undefined) events = events.where('type', 'in', [...types]);
      const rows = await events
        .where('sequence', '>', after)
        .where('sequence', '<=', upTo)
        .orderBy('sequence')
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },
    async remove(upTo, limit, { number, removedTo }) {
      const oldest = reads
        .selectFrom('job_events')
        .select('sequence')
        .where('sequence', '<=', upTo)
        .orderBy('sequence')
        .limit(limit);
      const results = await database.write(
        [
          reads
            .updateTable('job_event_runs')
            .set({ removed_to: removedTo })
            .where('number', '=', number),
          reads.deleteFrom('job_events').where('sequence', 'in', oldest),
        ],
        { deadlineMs: REMOVE_DEADLINE_MS },
      );
      return results.at(-1)?.changes ?? 0;
    },
  };
}

function toOwnColumns(holes: EventRun['holes'], isShared: boolean) {
  return { holes: JSON.stringify(holes), is_shared: isShared ? 1 : 0 };
}

function toRow({ sequence, jobId, tenant, flowId, at, type, details }: StoredEvent) {
  const row: JobEventsTable = {
    sequence,
    job_id: jobId,
    tenant: toStoredText(tenant),
    flow_id: flowId,
    at,
    type,
    details: JSON.stringify(details),
  };
  return { ...row };
}

function fromRow(row: JobEventsTable): StoredEvent {
  return {
    sequence: row.sequence,
    jobId: row.job_id,
    tenant: fromStoredText(row.tenant),
    flowId: row.flow_id,
    at: row.at,
    type: row.type,
    details: JSON.parse(row.details),
  };
}
