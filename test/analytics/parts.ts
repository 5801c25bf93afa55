import type { Insertable } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import {
  createFlowAnalytics,
  type FlowAnalyticsParts,
} from '../../src/analytics/flow-analytics.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Database } from '../../src/storage/database.ts';
import type { JobsTable } from '../../src/storage/tables.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A day in the middle of nothing special; its hours and minutes are whole. */
export const DAY = Date.UTC(2026, 4, 10);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A job that completed, unless something else is given, as its row. */
export function jobRow(change: Partial<Insertable<JobsTable>> = {}): Insertable<JobsTable> {
  return {
    id: newId(),
    tenant: DEFAULT_TENANT,
    flow_id: 'articles',
    state: 'COMPLETED',
    input: '{}',
    metadata: '{}',
    search_text: '',
    owner: null,
    priority: 0,
    idempotency_key: null,
    retry_of: null,
    created_at: DAY,
    started_at: DAY,
    finished_at: DAY,
    duration_ms: 10,
    cancel_requested_at: null,
    error: null,
    unresponsive_routine_ids: null,
    recovery_count: 0,
    crash_count: 0,
    recovered_at: null,
    recovered_from: null,
    execution_count: 0,
    error_count: 0,
    is_rolled_up: 0,
    ...change,
  };
}

export async function insertJobs(
  database: Database,
  rows: readonly Insertable<JobsTable>[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += 500) {
    const some = rows.slice(at, at + 500);
    await database.write([database.reads.insertInto('jobs').values(some)]);
  }
}

/** The analytics of a database, with a clock that stands at noon. They end with the test, and leave no timer behind. */
export function openAnalytics(
  database: Database,
  parts: Partial<FlowAnalyticsParts> = {},
  clock = new ManualClock(DAY + 12 * HOUR_MS),
) {
  const errors: unknown[] = [];
  const analytics = createFlowAnalytics({
    database,
    clock,
    logger: { error: (facts) => errors.push(facts) },
    ...parts,
  });
  onTestFinished(async () => {
    await analytics.close();
    expect(clock.timers).toBe(0);
  });
  return { analytics, clock, errors };
}
