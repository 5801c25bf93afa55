import { expect, it } from 'vitest';
import { createEventStore } from '../../src/jobs/event-store.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { migrate } from '../../src/storage/migrate.ts';
import * as first from '../../src/storage/migrations/0001-first.ts';
import * as debuggerTables from '../../src/storage/migrations/0002-debugger.ts';
import * as eventTables from '../../src/storage/migrations/0003-events.ts';
import { openPlain } from '../storage/plain-database.ts';
import { forEachDatabase } from '../support/databases.ts';
import { makeJob } from './stored-jobs.ts';
import { openEvents, placesOf } from './told-events.ts';

const ALL = {
  filter: {},
  order: { field: 'CREATED_AT', isDescending: false },
  limit: 10,
  fromEnd: false,
} as const;

/** Makes a database from before there were tenants: with jobs of every kind, and what happened in them. */
async function makeThird(url: string): Promise<void> {
  const { queries, capabilities, insert, close } = openPlain(url);
  const migrations = [
    { name: '0001-first', up: first.up },
    { name: '0002-debugger', up: debuggerTables.up },
    { name: '0003-events', up: eventTables.up },
  ];
  await migrate({ queries, capabilities, place: 'here', migrations });
  const job = {
    flow_id: 'echo',
    state: 'PENDING',
    priority: 7,
    recovery_count: 0,
    crash_count: 0,
    is_rolled_up: 0,
    metadata: '{"a":1}',
    search_text: 'found',
    input: '[1]',
  };
  await insert('jobs', { ...job, id: 'waits', created_at: 1, idempotency_key: 'key' });
  await insert('jobs', {
    ...job,
    id: 'ended',
    state: 'FAILED',
    owner: 'ann',
    retry_of: 'waits',
    rerun_of: '{"jobId":"waits","activationId":3,"routineId":"r"}',
    rerun_items: 'the items',
    created_at: 2,
    started_at: 3,
    finished_at: 5,
    duration_ms: 2,
    cancel_requested_at: 4,
    recovery_count: 2,
    crash_count: 1,
    recovered_at: 3,
    recovered_from: 2,
    execution_count: 11,
    error_count: 10,
    is_rolled_up: 1,
    unresponsive_routine_ids: '["r"]',
    error: '{"message":"no"}',
  });
  await insert('job_event_runs', {
    number: 1,
    epoch: 'third',
    first_sequence: 1,
    last_sequence: 3,
    removed_to: 0,
    holes: '[]',
  });
  for (const sequence of [1, 2, 3]) {
    const event = { sequence, job_id: 'ended', flow_id: 'echo', at: sequence };
    await insert('job_events', { ...event, type: 'JOB_PAUSED', details: '{}' });
  }
  await close();
}

forEachDatabase(({ name, open, makeUrl }) => {
  it.skipIf(name === 'SQLite in memory')(
    'O1 O5 jobs and events from before there were tenants are of the default one, with all that they have',
    async () => {
      const url = await makeUrl();
      await makeThird(url);
      const database = await open({}, url);
      const store = createJobStore(database);
      const common = { priority: 7, metadata: { a: 1 }, input: [1] };
      const waits = makeJob({ ...common, id: 'waits', createdAt: 1, idempotencyKey: 'key' });
      const ended = makeJob({
        ...common,
        id: 'ended',
        state: 'FAILED',
        owner: 'ann',
        retryOf: 'waits',
        rerunOf: { jobId: 'waits', activationId: 3, routineId: 'r', edits: undefined },
        createdAt: 2,
        startedAt: 3,
        finishedAt: 5,
        cancelRequestedAt: 4,
        error: { message: 'no', code: undefined },
        unresponsiveRoutineIds: ['r'],
        recovery: { count: 2, crashCount: 1, at: 3, from: 2 },
      });
      expect(await store.list(DEFAULT_TENANT, ALL)).toEqual([waits, ended]);
      expect(await store.readRerunItems('ended')).toBe('the items');
      const row = await database.reads
        .selectFrom('jobs')
        .select(['execution_count', 'error_count', 'is_rolled_up', 'search_text', 'duration_ms'])
        .where('id', '=', 'ended')
        .executeTakeFirst();
      expect(row).toEqual({
        execution_count: 11,
        error_count: 10,
        is_rolled_up: 1,
        search_text: 'found',
        duration_ms: 2,
      });

      // A key is taken in its tenant, and in no other.
      expect(await store.insert(makeJob({ id: 'again', idempotencyKey: 'key' }))).toEqual(waits);
      const others = makeJob({ id: 'others', tenant: 'b', idempotencyKey: 'key' });
      expect(await store.insert(others)).toEqual(others);
      expect(await store.list('b', ALL)).toEqual([others]);

      expect((await createEventStore(database).readRuns())[0]).toMatchObject({ isShared: false });
      const events = await openEvents(database);
      expect(placesOf(await events.after('third-0'))).toEqual([1, 2, 3]);
      expect(placesOf(await events.after('third-1', { flowId: 'echo' }))).toEqual([2, 3]);
      // Nobody else was there then.
      await expect(events.after('third-0', { tenant: 'b' })).rejects.toThrow('is not a cursor');
    },
  );
});
