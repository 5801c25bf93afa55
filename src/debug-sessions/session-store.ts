import { type Clock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { Database } from '../storage/database.ts';
import { toStoredText } from '../storage/stored-text.ts';
import type { DebugSessionsTable } from '../storage/tables.ts';
import { type KeptSession, readSession, writeSession } from './kept-session.ts';

/** Keeps how jobs that have not ended are debugged. A session goes when its job ends or is deleted. */
export interface SessionStore {
  /**
   * Stores the session of a job that is about to be stored.
   * @throws StorageUnavailableError when `deadlineMs` are over; it may have been stored then
   */
  insert(jobId: string, session: KeptSession, deadlineMs: number): Promise<void>;
  /**
   * Puts a session in the place of the one before. Of a job that has ended, or is gone, none is kept.
   * @param deadlineMs as of `Database.write`
   * @throws StorageUnavailableError when a deadline is given and over; it may have been stored then
   */
  save(jobId: string, session: KeptSession, deadlineMs?: number): Promise<void>;
  find(jobId: string): Promise<KeptSession | undefined>;
  /** In the order of the ids; `undefined` where there is none. */
  findMany(jobIds: readonly string[]): Promise<(KeptSession | undefined)[]>;
  remove(jobId: string): Promise<void>;
  /** Those of all jobs that have not ended, in the order of their ids. */
  listUnfinished(): Promise<readonly JobSession[]>;
  /** Removes those of jobs that there are not. For the start: a job may be about to be stored. */
  removeOrphans(): Promise<void>;
}

/** A session and whose it is. */
export interface JobSession {
  readonly jobId: string;
  readonly session: KeptSession;
}

export interface SessionStoreOptions {
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Told of a session that is stored but can't be read: it is taken for none. */
  readonly onDamaged?: ((jobId: string, problem: string) => void) | undefined;
}

/** Keeps sessions in the database. */
export function createSessionStore(
  database: Database,
  options: SessionStoreOptions = {},
): SessionStore {
  const { clock = systemClock, onDamaged } = options;
  const { reads, scans } = database;

  const read = (row: DebugSessionsTable): KeptSession | undefined => {
    try {
      return readSession(row.session, row.resume_at ?? undefined);
    } catch (error) {
      onDamaged?.(row.job_id, `Its debug session can't be read: ${messageOf(error)}`);
      return undefined;
    }
  };

  const findMany = async (jobIds: readonly string[]) => {
    if (jobIds.length === 0) return [];
    const wanted = [...new Set(jobIds)].map(toStoredText);
    const all = reads.selectFrom('debug_sessions').selectAll();
    const rows = await all.where('job_id', 'in', wanted).execute();
    const byId = new Map(rows.map((row) => [row.job_id, read(row)]));
    return jobIds.map((id) => byId.get(id));
  };

  const toRow = (session: KeptSession): Omit<DebugSessionsTable, 'job_id'> => ({
    session: writeSession(session),
    updated_at: Math.floor(clock.now()),
    resume_at: session.resumeAt === undefined ? null : Math.floor(session.resumeAt),
  });

  return {
    async insert(jobId, session, deadlineMs) {
      const row = { job_id: toStoredText(jobId), ...toRow(session) };
      // An earlier try may have stored it.
      const insert = reads
        .insertInto('debug_sessions')
        .values(row)
        .onConflict((conflict) => conflict.doNothing());
      await database.write([insert], { deadlineMs });
    },
    async save(jobId, session, deadlineMs) {
      const row = toRow(session);
      const save = reads
        .insertInto('debug_sessions')
        .columns(['job_id', 'session', 'updated_at', 'resume_at'])
        .expression(({ selectFrom }) =>
          selectFrom('jobs')
            .where('id', '=', toStoredText(jobId))
            .where('finished_at', 'is', null)
            .select(({ cast, val }) => [
              'id',
              cast<string>(val(row.session), 'text').as('session'),
              cast<number>(val(row.updated_at), 'bigint').as('updated_at'),
              cast<number | null>(val(row.resume_at), 'bigint').as('resume_at'),
            ]),
        )
        .onConflict((conflict) => conflict.column('job_id').doUpdateSet(row));
      await database.write([save], deadlineMs === undefined ? {} : { deadlineMs });
    },
    find: async (jobId) => (await findMany([jobId]))[0],
    findMany,
    async remove(jobId) {
      const one = reads.deleteFrom('debug_sessions').where('job_id', '=', toStoredText(jobId));
      await database.write([one]);
    },
    async listUnfinished() {
      const rows = await scans
        .selectFrom('debug_sessions')
        .selectAll()
        .where('job_id', 'in', ({ selectFrom }) =>
          selectFrom('jobs').select('id').where('finished_at', 'is', null),
        )
        .orderBy('job_id')
        .execute();
      return rows.flatMap((row) => {
        const session = read(row);
        return session === undefined ? [] : [{ jobId: row.job_id, session }];
      });
    },
    async removeOrphans() {
      const orphans = reads
        .deleteFrom('debug_sessions')
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('jobs').select('id').whereRef('jobs.id', '=', 'debug_sessions.job_id'),
            ),
          ),
        );
      await database.write([orphans]);
    },
  };
}
