import type { Compilable } from 'kysely';
import type { Database } from '../../src/storage/database.ts';

/** A statement that writes a checkpoint, the simplest row there is. */
export function checkpoint(
  { reads }: Database,
  jobId: string,
  data: string | null = null,
): Compilable {
  return reads
    .insertInto('job_checkpoints')
    .values({ job_id: jobId, taken_at: 1, is_final: 0, data, hash: null, problem: null })
    .onConflict((conflict) => conflict.column('job_id').doUpdateSet({ data }));
}

/** The jobs that have a checkpoint, in the order of their ids. */
export async function readJobIds({ reads }: Database): Promise<readonly string[]> {
  const rows = await reads
    .selectFrom('job_checkpoints')
    .select('job_id')
    .orderBy('job_id')
    .execute();
  return rows.map(({ job_id }) => job_id);
}

/** Is kept when the database is ready, or is not. */
export async function untilReady(database: Database, isReady: boolean): Promise<void> {
  if (database.status.isReady === isReady) return;
  await new Promise<void>((resolve) => {
    const stop = database.onStatusChange((status) => {
      if (status.isReady !== isReady) return;
      stop();
      resolve();
    });
  });
}
