import type { Database } from '../storage/database.ts';
import type { JobCheckpointsTable } from '../storage/tables.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Keeps the newest checkpoint of each job that has not ended. */
export interface CheckpointStore {
  /** Of a job that has ended none is kept. */
  save(jobId: string, checkpoint: Checkpoint): Promise<void>;
  find(jobId: string): Promise<Checkpoint | undefined>;
  /** Without their data, in the order of the ids. */
  describe(
    jobIds: readonly string[],
  ): Promise<(Pick<Checkpoint, 'takenAt' | 'problem'> | undefined)[]>;
}

const UNFINISHED = ['PENDING', 'RUNNING', 'PAUSED'];

/** Keeps checkpoints in the database. */
export function createCheckpointStore(database: Database): CheckpointStore {
  const { reads } = database;
  return {
    async save(jobId, { takenAt, data, hash, problem, isFinal }) {
      const row: JobCheckpointsTable = {
        job_id: jobId,
        taken_at: Math.round(takenAt),
        data: data ?? null,
        hash: hash ?? null,
        problem: problem ?? null,
        is_final: isFinal ? 1 : 0,
      };
      // The job may have ended since it was taken.
      const isUnfinished = reads
        .selectFrom('jobs')
        .where('id', '=', jobId)
        .where('state', 'in', UNFINISHED);
      const insert = reads
        .insertInto('job_checkpoints')
        .columns(['job_id', 'taken_at', 'data', 'hash', 'problem', 'is_final'])
        .expression(
          isUnfinished.select(({ val, cast }) => [
            val(row.job_id).as('job_id'),
            cast<number>(val(row.taken_at), 'bigint').as('taken_at'),
            cast<string | null>(val(row.data), 'text').as('data'),
            cast<string | null>(val(row.hash), 'text').as('hash'),
            cast<string | null>(val(row.problem), 'text').as('problem'),
            cast<number>(val(row.is_final), 'integer').as('is_final'),
          ]),
        )
        .onConflict((conflict) =>
          conflict.column('job_id').doUpdateSet(({ ref }) => ({
            taken_at: ref('excluded.taken_at'),
            data: ref('excluded.data'),
            hash: ref('excluded.hash'),
            problem: ref('excluded.problem'),
            is_final: ref('excluded.is_final'),
          })),
        );
      await database.write([insert]);
    },
    async find(jobId) {
      const row = await reads
        .selectFrom('job_checkpoints')
        .selectAll()
        .where('job_id', '=', jobId)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        takenAt: row.taken_at,
        data: row.data ?? undefined,
        hash: row.hash ?? undefined,
        problem: row.problem ?? undefined,
        isFinal: row.is_final === 1,
      };
    },
    async describe(jobIds) {
      const rows = await reads
        .selectFrom('job_checkpoints')
        .select(['job_id', 'taken_at', 'problem'])
        .where('job_id', 'in', jobIds)
        .execute();
      const byId = new Map(rows.map((row) => [row.job_id, row]));
      return jobIds.map((id) => {
        const row = byId.get(id);
        return row && { takenAt: row.taken_at, problem: row.problem ?? undefined };
      });
    },
  };
}
