import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFlowAnalytics } from '../../src/analytics/flow-analytics.ts';
import { Tally } from '../../src/analytics/tally.ts';
import { createAuditStore } from '../../src/audit/audit-store.ts';
import { createBreakpointStore } from '../../src/debug-sessions/breakpoint-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { type Migration, migrate } from '../../src/storage/migrate.ts';
import * as first from '../../src/storage/migrations/0001-first.ts';
import * as debuggerTables from '../../src/storage/migrations/0002-debugger.ts';
import * as eventTables from '../../src/storage/migrations/0003-events.ts';
import { migrateDatabase } from '../../src/storage/open-database.ts';
import { insertJobs, jobRow } from '../analytics/parts.ts';
import { makeBreakpoint } from '../debug-sessions/kept.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { openPlain } from './plain-database.ts';

const DAY = Date.UTC(2026, 4, 10);

/** The version before there were tenants. */
const BEFORE: readonly Migration[] = [
  { name: '0001-first', up: first.up },
  { name: '0002-debugger', up: debuggerTables.up },
  { name: '0003-events', up: eventTables.up },
];

/** Makes a database without tenants, in which a job was counted, a change asked for, and breakpoints set. */
async function makeBefore(url: string): Promise<void> {
  const { queries, capabilities, insert, close } = openPlain(url);
  await migrate({ queries, capabilities, place: 'here', migrations: BEFORE });
  const { durations } = new Tally();
  durations.record(250);
  for (const resolution of ['MINUTE', 'HOUR', 'DAY']) {
    await insert('flow_metrics', {
      flow_id: 'articles',
      resolution,
      start_at: DAY,
      completed_count: 1,
      failed_count: 2,
      cancelled_count: 3,
      execution_count: 4,
      error_count: 1,
      durations: JSON.stringify(durations.toSnapshot()),
    });
  }
  for (const id of ['1', '2']) {
    await insert('audit_entries', {
      id,
      at: 1,
      operation: 'startJob',
      outcome: 'SUCCEEDED',
      target: 'Job:x',
      duration_ms: 1.5,
      arguments: '{}',
      changes: '{"before":"1","after":"2"}',
    });
  }
  const breakpoint = {
    flow_id: 'echo',
    kind: 'ROUTINE',
    is_enabled: 1,
    is_once: 0,
    created_at: 5,
    updated_at: 6,
    hit_count: 7,
  };
  await insert('breakpoints', { ...breakpoint, id: 'flow', routine_id: 'echo' });
  await insert('breakpoints', {
    ...breakpoint,
    id: 'job',
    job_id: 'x',
    routine_id: 'echo',
    slot: 'item',
    event: 'out',
    pressure_level: 'HIGH',
    condition: 'a > 1',
    hit_condition: '> 2',
    log_message: 'at {a}',
    after_id: 'flow',
    last_hit_at: 8,
    last_hit_job_id: 'x',
    last_hit_activation_id: 9,
    last_error: 'No a.',
    idempotency_key: 'key',
  });
  await close();
}

const WHERE = {
  kind: 'ROUTINE',
  routineId: 'echo',
  createdAt: 5,
  updatedAt: 6,
  hitCount: 7,
} as const;
const OF_FLOW = makeBreakpoint({ id: 'flow', ...WHERE });
const OF_JOB = makeBreakpoint({
  id: 'job',
  ...WHERE,
  jobId: 'x',
  slot: 'item',
  event: 'out',
  pressureLevel: 'HIGH',
  condition: 'a > 1',
  hitCondition: '> 2',
  logMessage: 'at {a}',
  after: 'flow',
  lastHitAt: 8,
  lastHitJobId: 'x',
  lastHitActivationId: 9,
  lastError: 'No a.',
  idempotencyKey: 'key',
});

describe('O7 a database from before there were tenants', () => {
  forEachDatabase(({ name, open, makeUrl }) => {
    // The one in memory is always new.
    const itIfKept = it.skipIf(name === 'SQLite in memory');

    const openMigrated = async () => {
      const url = await makeUrl();
      await makeBefore(url);
      expect(await migrateDatabase(url)).toContain('0005-tenants');
      return open({}, url);
    };

    itIfKept(
      'has its metrics, entries and breakpoints for the tenant of those who belong to none',
      async () => {
        const database = await openMigrated();
        const clock = new ManualClock(DAY + 1);
        const analytics = createFlowAnalytics({
          database,
          clock,
          logger: { error: () => undefined },
        });
        onTestFinished(analytics.close);
        await insertJobs(database, [
          jobRow({ tenant: DEFAULT_TENANT }),
          jobRow({ tenant: 'acme' }),
        ]);
        await analytics.flush();
        const metricsOf = async (tenant: string) => {
          const range = { since: DAY, until: DAY + 60_000 };
          const view = analytics.forTenant(tenant);
          const [all] = await view.readMetrics(['articles'], {});
          const [minute] = await view.readMetrics(['articles'], range);
          expect(minute?.finishedCount).toBe(all?.finishedCount);
          return all;
        };
        expect(await metricsOf(DEFAULT_TENANT)).toMatchObject({
          completedCount: 2, // the one that was counted, and one more
          failedCount: 2,
          cancelledCount: 3,
          executionCount: 4,
          durations: { count: 2 },
        });
        expect(await metricsOf('acme')).toMatchObject({
          finishedCount: 1,
          durations: { count: 1 },
        });

        const audit = createAuditStore(database);
        const filter = { operations: ['startJob'], target: 'Job:x' };
        const listed = await audit.list(DEFAULT_TENANT, { filter, limit: 9, fromEnd: false });
        expect(listed).toMatchObject([
          {
            id: '2',
            tenant: DEFAULT_TENANT,
            durationMs: 1.5,
            changes: { before: '1', after: '2' },
          },
          { id: '1' },
        ]);
        expect(await audit.count('acme', {})).toBe(0);

        const breakpoints = createBreakpointStore(database);
        expect(await breakpoints.findMany(DEFAULT_TENANT, ['flow', 'job'])).toEqual([
          OF_FLOW,
          OF_JOB,
        ]);
        expect(await breakpoints.findByKey(DEFAULT_TENANT, 'key')).toEqual(OF_JOB);
        expect(await breakpoints.count('acme', {})).toBe(0);
      },
    );

    itIfKept('takes the same key and the same minute once for each tenant', async () => {
      const database = await openMigrated();
      const breakpoints = createBreakpointStore(database);
      const made = ['acme', 'beta', 'beta', DEFAULT_TENANT].map((tenant, at) =>
        makeBreakpoint({ id: `new ${at}`, tenant, idempotencyKey: 'key' }),
      );
      await breakpoints.insert(made);
      expect(await breakpoints.findByKey('acme', 'key')).toEqual(made[0]);
      expect(await breakpoints.findByKey('beta', 'key')).toEqual(made[1]);
      expect(await breakpoints.findByKey(DEFAULT_TENANT, 'key')).toEqual(OF_JOB);
      expect(await breakpoints.find('beta', 'new 2')).toBeUndefined();
      expect(await breakpoints.find(DEFAULT_TENANT, 'new 3')).toBeUndefined();

      const copy = (tenant: string) =>
        sql`insert into flow_metrics select ${tenant} as tenant, flow_id, resolution, start_at,
          completed_count, failed_count, cancelled_count, execution_count, error_count, durations
          from flow_metrics where tenant = ${DEFAULT_TENANT}`.compile(database.reads);
      await database.write([{ compile: () => copy('acme') }]);
      await expect(
        database.write([{ compile: () => copy('acme') }], { deadlineMs: 2_000 }),
      ).rejects.toThrow();
      const rows = await database.reads.selectFrom('flow_metrics').select('tenant').execute();
      expect(rows.map(({ tenant }) => tenant).sort()).toEqual(
        ['acme', DEFAULT_TENANT].flatMap((tenant) => [tenant, tenant, tenant]),
      );
    });
  });
});
