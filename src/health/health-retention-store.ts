import type { Resolution } from '../lib/resolution.ts';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';

/** Finds and removes what is kept no longer of the history of services, in steps of bounded size. */
export interface HealthRetentionStore {
  /** Removes at most so many rows that begin before a time; answers how many. */
  removeMetrics(resolution: Resolution, before: number, limit: number): Promise<number>;
  /** Removes those of the oldest transitions of all tenants, so many at most, that happened before a time; answers how many. */
  removeOldTransitions(before: number, limit: number): Promise<number>;
  /** The tenants that have more transitions than so many, with the newest one that is too many. */
  listLongTransitions(
    maxCount: number,
  ): Promise<readonly { readonly tenant: string; readonly upToId: string }[]>;
  /** Removes at most so many of the oldest transitions of a tenant, up to one; answers how many. */
  removeTransitions(tenant: string, upToId: string, limit: number): Promise<number>;
}

/** What can't be removed now can wait, and must not keep anybody from closing. */
const DEADLINE_MS = 2_000;

export function createHealthRetentionStore(database: Database): HealthRetentionStore {
  const { reads, scans } = database;

  const change = async (...statements: Parameters<Database['write']>[0]) => {
    const results = await database.write(statements, { deadlineMs: DEADLINE_MS });
    return results.reduce((sum, { changes }) => sum + changes, 0);
  };

  return {
    async removeMetrics(resolution, before, limit) {
      return change(
        reads
          .deleteFrom('service_metrics')
          .where(({ eb, refTuple, selectFrom }) =>
            eb(
              refTuple('tenant', 'service', 'resolution', 'start_at'),
              'in',
              selectFrom('service_metrics')
                .select(['tenant', 'service', 'resolution', 'start_at'])
                .where('resolution', '=', resolution)
                .where('start_at', '<', before)
                .orderBy('start_at')
                .limit(limit)
                .$asTuple('tenant', 'service', 'resolution', 'start_at'),
            ),
          ),
      );
    },

    async removeOldTransitions(before, limit) {
      // Ids are in the order of time.
      const oldest = await reads
        .selectFrom('service_transitions')
        .select(['id', 'at'])
        .orderBy('id')
        .limit(limit)
        .execute();
      const ids = oldest.filter(({ at }) => at < before).map(({ id }) => id);
      if (ids.length === 0) return 0;
      return change(reads.deleteFrom('service_transitions').where('id', 'in', ids));
    },

    async listLongTransitions(maxCount) {
      const counts = await scans
        .selectFrom('service_transitions')
        .select(({ fn }) => ['tenant', fn.countAll<number | string>().as('count')])
        .groupBy('tenant')
        .execute();
      const long: { tenant: string; upToId: string }[] = [];
      for (const { tenant, count } of counts) {
        if (Number(count) <= maxCount) continue;
        const row = await scans
          .selectFrom('service_transitions')
          .select('id')
          .where('tenant', '=', tenant)
          .orderBy('id', 'desc')
          .limit(1)
          .offset(maxCount)
          .executeTakeFirst();
        if (row !== undefined) long.push({ tenant: fromStoredText(tenant), upToId: row.id });
      }
      return long;
    },

    removeTransitions: (tenant, upToId, limit) =>
      change(
        reads
          .deleteFrom('service_transitions')
          .where(
            'id',
            'in',
            reads
              .selectFrom('service_transitions')
              .select('id')
              .where('tenant', '=', toStoredText(tenant))
              .where('id', '<=', upToId)
              .orderBy('id')
              .limit(limit),
          ),
      ),
  };
}
