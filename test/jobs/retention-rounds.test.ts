import { type Insertable, sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBreakpointStore } from '../../src/debug-sessions/breakpoint-store.ts';
import type { Job } from '../../src/jobs/job.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import {
  createRetention,
  type RemovedJob,
  type RetentionOptions,
} from '../../src/jobs/retention.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { AuditEntriesTable, FlowMetricsTable } from '../../src/storage/tables.ts';
import { makeBreakpoint } from '../debug-sessions/kept.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeJob, makeReading } from './stored-jobs.ts';

const HOUR_MS = 3_600_000;
const INTERVAL_MS = 1000;
const NOW = Date.UTC(2026, 0, 1);
const NEVER = { maxAgeMs: Infinity, maxCount: Infinity };

const byId = (a: RemovedJob, b: RemovedJob) => (a.id < b.id ? -1 : 1);

/** A database, and the retention on it with everything kept but what is said. */
async function openRetention(open: TestDatabase['open'], options: RetentionOptions) {
  const database = await open();
  const store = createJobStore(database);
  const { reads } = database;
  const manual = new ManualClock(NOW);
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => manual.now(),
    monotonicMs: () => manual.monotonicMs(),
    setTimer(delayMs, fire) {
      pauses.push(delayMs);
      return manual.setTimer(delayMs, fire);
    },
  };
  const removed: RemovedJob[] = [];
  let told = 0;
  const warnings: string[] = [];
  const retention = createRetention({
    database,
    clock,
    logger: { warn: (_, message) => warnings.push(message) },
    trimEvents: async () => 0,
    onRemoved: (jobs) => removed.push(...jobs),
    jobs: NEVER,
    traces: NEVER,
    logLinesPerJob: Infinity,
    audit: NEVER,
    metrics: { minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity },
    intervalMs: INTERVAL_MS,
    pauseMs: 1,
    ...options,
  });
  onTestFinished(async () => {
    await retention.close();
    expect(manual.timers).toBe(0);
  });

  /** Ends a job so many hours ago, with two rows in its trace and its log. */
  const endJob = async (
    id: string,
    hoursAgo: number,
    more: Partial<Job> = {},
    isCounted = true,
  ) => {
    await store.insert(makeJob({ id, ...more }));
    const at = NOW - hoursAgo * HOUR_MS;
    const results = { outputs: {}, reading: makeReading(id), durations: new Map(), traceTotal: 2 };
    await store.finish(id, { state: 'COMPLETED', startedAt: at, finishedAt: at }, results);
    await addRows(id, 2);
    if (!isCounted) return;
    await database.write([reads.updateTable('jobs').set({ is_rolled_up: 1 }).where('id', '=', id)]);
  };
  const addRows = (jobId: string, count: number) =>
    database.write(
      Array.from({ length: count }, (_, at) => at + 1).flatMap((sequence) => [
        reads
          .insertInto('activations')
          .values({ job_id: jobId, sequence, routine_id: 'r', outcome: 'FAILED', record: '{}' }),
        reads.insertInto('job_logs').values({
          job_id: jobId,
          sequence,
          at: 0,
          level: 'INFO',
          routine_id: 'r',
          activation_id: 1,
          message: '',
          facts: null,
        }),
        reads.insertInto('job_events').values({
          sequence: ++told,
          job_id: jobId,
          tenant: DEFAULT_TENANT,
          flow_id: 'echo',
          at: 0,
          type: 'JOB_PAUSED',
          details: '{}',
        }),
      ]),
    );

  return {
    database,
    manual,
    store,
    retention,
    removed,
    warnings,
    pauses,
    endJob,
    addRows,
    /** The ids of all jobs in some table. */
    async jobsIn(
      table: 'jobs' | 'job_results' | 'activations' | 'job_logs' | 'job_events' | 'breakpoints',
    ) {
      const column = table === 'jobs' ? 'id' : 'job_id';
      const rows = await reads
        .selectFrom(table)
        .select(sql<string>`${sql.ref(column)}`.as('jobId'))
        .distinct()
        .orderBy('jobId')
        .execute();
      return rows.map(({ jobId }) => jobId);
    },
    /** Runs one round to its end. */
    async round() {
      const rounds = () => pauses.filter((delayMs) => delayMs === INTERVAL_MS).length;
      const before = rounds();
      await manual.advance(INTERVAL_MS);
      while (rounds() === before) await manual.advance(1);
    },
  };
}

forEachDatabase(({ open }) => {
  describe('jobs', () => {
    it('go by age with all that belongs to them; those that have not ended or are not counted stay', async () => {
      const { endJob, store, round, jobsIn, removed, database } = await openRetention(open, {
        jobs: { ...NEVER, maxAgeMs: 24 * HOUR_MS },
      });
      await endJob('old', 25, { flowId: 'f' });
      await endJob('older', 26);
      await endJob('young', 23);
      await endJob('not counted', 27, {}, false);
      await store.insert(makeJob({ id: 'running', state: 'RUNNING', createdAt: 0, startedAt: 0 }));
      const ids = ['old', 'young', 'not counted'];
      const breakpoints = ids.map((id) => makeBreakpoint({ id, jobId: id }));
      await createBreakpointStore(database).insert(breakpoints);
      await round();
      expect(await jobsIn('jobs')).toEqual(['not counted', 'running', 'young']);
      const tables = [
        'job_results',
        'activations',
        'job_logs',
        'job_events',
        'breakpoints',
      ] as const;
      for (const table of tables) {
        expect(await jobsIn(table)).toEqual(['not counted', 'young']);
      }
      expect(removed.toSorted(byId)).toEqual([
        { id: 'old', tenant: DEFAULT_TENANT, flowId: 'f' },
        { id: 'older', tenant: DEFAULT_TENANT, flowId: 'echo' },
      ]);
    });

    it('go by count, those first that ended first', async () => {
      const { endJob, round, jobsIn, removed } = await openRetention(open, {
        jobs: { ...NEVER, maxCount: 2 },
      });
      for (const hoursAgo of [3, 1, 5, 4, 2]) await endJob(`job ${hoursAgo}`, hoursAgo);
      await round();
      expect(await jobsIn('jobs')).toEqual(['job 1', 'job 2']);
      expect(removed.toSorted(byId).map(({ id }) => id)).toEqual(['job 3', 'job 4', 'job 5']);
      await endJob('job 1.5', 1.5);
      await round();
      expect(await jobsIn('jobs')).toEqual(['job 1', 'job 1.5']);
    });

    it('go in steps of a few hundred rows with pauses between', async () => {
      const { endJob, addRows, database, round, jobsIn, pauses } = await openRetention(open, {
        jobs: { ...NEVER, maxAgeMs: HOUR_MS },
      });
      await endJob('a', 2);
      await endJob('b', 2);
      await database.write([
        database.reads.deleteFrom('activations'),
        database.reads.deleteFrom('job_logs'),
      ]);
      await addRows('a', 700);
      await addRows('b', 700);
      await round();
      expect(await jobsIn('activations')).toEqual([]);
      expect(await jobsIn('job_logs')).toEqual([]);
      expect(await jobsIn('job_events')).toEqual([]);
      expect(await jobsIn('jobs')).toEqual([]);
      // Three steps for each kind of row, and one for the jobs.
      expect(pauses.filter((delayMs) => delayMs === 1).length).toBeGreaterThanOrEqual(10);
    });
  });

  describe('traces and logs', () => {
    it('go before their job does, by age and by count', async () => {
      const { endJob, round, jobsIn } = await openRetention(open, {
        traces: { maxAgeMs: 10 * HOUR_MS, maxCount: 2 },
      });
      await endJob('a', 11);
      await endJob('b', 9);
      await round();
      expect(await jobsIn('activations')).toEqual(['b']);
      await endJob('c', 8);
      await endJob('d', 7);
      await round();
      expect(await jobsIn('activations')).toEqual(['c', 'd']);
      expect(await jobsIn('job_logs')).toEqual(['c', 'd']);
      expect(await jobsIn('job_results')).toEqual(['a', 'b', 'c', 'd']);
      expect(await jobsIn('job_events')).toEqual(['a', 'b', 'c', 'd']);
      expect(await jobsIn('jobs')).toEqual(['a', 'b', 'c', 'd']);
    });

    it('keep the newest lines of a log, of running jobs too', async () => {
      const { endJob, addRows, database, store, round } = await openRetention(open, {
        logLinesPerJob: 20,
      });
      await endJob('ended', 1);
      await endJob('short', 1);
      await store.insert(makeJob({ id: 'running', state: 'RUNNING', startedAt: 0 }));
      await database.write([
        database.reads.deleteFrom('job_logs').where('job_id', '=', 'ended'),
        database.reads.deleteFrom('activations').where('job_id', '=', 'ended'),
      ]);
      await addRows('ended', 600);
      await addRows('running', 30);
      await round();
      const kept = await database.reads
        .selectFrom('job_logs')
        .select(({ fn }) => [
          'job_id',
          fn.min('sequence').as('first'),
          fn.max('sequence').as('last'),
        ])
        .groupBy('job_id')
        .orderBy('job_id')
        .execute();
      expect(kept).toEqual([
        { job_id: 'ended', first: 581, last: 600 },
        { job_id: 'running', first: 11, last: 30 },
        { job_id: 'short', first: 1, last: 2 },
      ]);
    });
  });

  describe('the audit log and metrics', () => {
    const entry = (
      id: string,
      at: number,
      tenant = DEFAULT_TENANT,
    ): Insertable<AuditEntriesTable> => ({
      id,
      tenant,
      at,
      operation: 'startJob',
      actor: null,
      address: null,
      arguments: '{}',
      outcome: 'SUCCEEDED',
      error_code: null,
      error_message: null,
      target: null,
      duration_ms: 1,
    });

    it('entries go by age and by count', async () => {
      const { database, round } = await openRetention(open, {
        audit: { maxAgeMs: 10 * HOUR_MS, maxCount: 3 },
      });
      const { reads, write } = database;
      const entries = [11, 9, 8, 8, 8].map((hoursAgo, at) =>
        entry(`entry ${at}`, NOW - hoursAgo * HOUR_MS),
      );
      await write([reads.insertInto('audit_entries').values(entries.slice(0, 2))]);
      const left = async () => {
        const rows = await reads.selectFrom('audit_entries').select('id').orderBy('id').execute();
        return rows.map(({ id }) => id);
      };
      await round();
      expect(await left()).toEqual(['entry 1']);
      await write([reads.insertInto('audit_entries').values(entries.slice(2))]);
      await round();
      expect(await left()).toEqual(['entry 2', 'entry 3', 'entry 4']);
    });

    it('O5 a tenant that asks for much makes no entries go of those that ask for little', async () => {
      const { database, round } = await openRetention(open, {
        audit: { maxAgeMs: Infinity, maxCount: 10 },
      });
      const { reads, write } = database;
      const make = (tenant: string, count: number, hoursAgo: number) =>
        Array.from({ length: count }, (_, at) =>
          entry(`${tenant} ${at}`, NOW - hoursAgo * HOUR_MS + at, tenant),
        );
      const entries = [...make('quiet', 2, 9), ...make('loud', 20, 5), ...make('louder', 600, 1)];
      await write([reads.insertInto('audit_entries').values(entries)]);
      await round();
      const left = await reads.selectFrom('audit_entries').select('id').orderBy('at').execute();
      expect(left.map(({ id }) => id)).toEqual([
        ...['quiet 0', 'quiet 1'],
        ...['loud 16', 'loud 17', 'loud 18', 'loud 19'],
        ...['louder 596', 'louder 597', 'louder 598', 'louder 599'],
      ]);
    });

    it('metrics go by age, each resolution by its own', async () => {
      const { database, round } = await openRetention(open, {
        metrics: { minutesMs: HOUR_MS, hoursMs: 2 * HOUR_MS, daysMs: 3 * HOUR_MS },
      });
      const { reads, write } = database;
      const rows = (['MINUTE', 'HOUR', 'DAY'] as const).flatMap((resolution) =>
        [0.5, 1.5, 2.5, 3.5].map(
          (hoursAgo): FlowMetricsTable => ({
            tenant: DEFAULT_TENANT,
            flow_id: `flow ${hoursAgo}`,
            resolution,
            start_at: NOW - hoursAgo * HOUR_MS,
            completed_count: 1,
            failed_count: 0,
            cancelled_count: 0,
            execution_count: 0,
            error_count: 0,
            durations: '{}',
          }),
        ),
      );
      await write([reads.insertInto('flow_metrics').values(rows)]);
      await round();
      const kept = await reads
        .selectFrom('flow_metrics')
        .select(['resolution', 'flow_id'])
        .orderBy('resolution')
        .orderBy('flow_id')
        .execute();
      expect(kept.map(({ resolution, flow_id }) => `${resolution} ${flow_id}`)).toEqual([
        'DAY flow 0.5',
        'DAY flow 1.5',
        'DAY flow 2.5',
        'HOUR flow 0.5',
        'HOUR flow 1.5',
        'MINUTE flow 0.5',
      ]);
    });
  });

  describe('rounds', () => {
    it('that fail in one kind go on with the others, and are told', async () => {
      const { database, endJob, round, jobsIn, warnings } = await openRetention(open, {
        jobs: { ...NEVER, maxAgeMs: HOUR_MS },
        metrics: { minutesMs: HOUR_MS },
      });
      const rename = (from: string, to: string) =>
        database.write([database.reads.schema.alterTable(from).renameTo(to)]);
      await endJob('a', 2);
      await rename('flow_metrics', 'elsewhere');
      await round();
      expect(await jobsIn('jobs')).toEqual([]);
      expect(warnings.length).toBeGreaterThan(0);
      await rename('elsewhere', 'flow_metrics');
      warnings.length = 0;
      await round();
      expect(warnings).toEqual([]);
    });

    it('stop between two steps when it is closed, and begin no more', async () => {
      const { endJob, addRows, manual, pauses, retention, jobsIn } = await openRetention(open, {
        jobs: { ...NEVER, maxAgeMs: HOUR_MS },
      });
      await endJob('a', 2);
      await addRows('b', 1);
      await endJob('c', 2);
      await manual.advance(INTERVAL_MS);
      while (!pauses.includes(1)) await manual.advance(0);
      const closed = retention.close();
      await closed;
      await retention.close();
      await manual.advance(10 * INTERVAL_MS);
      expect(await jobsIn('jobs')).toEqual(['a', 'c']);
      expect(manual.timers).toBe(0);
    });
  });
});
