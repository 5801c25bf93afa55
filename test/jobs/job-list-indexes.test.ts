import { CompiledQuery } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEventStore } from '../../src/jobs/event-store.ts';
import type { JobFilter, JobOrderField, JobPosition } from '../../src/jobs/job-query.ts';
import { createJobStore, type JobStore } from '../../src/jobs/job-store.ts';
import { createRetentionStore } from '../../src/jobs/retention-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open-database.ts';

interface Step {
  readonly id: number;
  readonly parent: number;
  readonly detail: string;
}

/** Tells how SQLite finds what is asked for: for each statement its steps. */
async function openExplained() {
  const statements: string[] = [];
  const database = await openDatabase('sqlite::memory:', {
    onStatement: (sql) => statements.push(sql),
  });
  onTestFinished(() => database.close());
  const store = createJobStore(database);
  return async (ask: (store: JobStore, database: Database) => Promise<unknown>) => {
    statements.length = 0;
    await ask(store, database);
    const plans = statements.splice(0).map(async (sql) => {
      const values = Array.from(sql.matchAll(/\?/g), () => null);
      const query = CompiledQuery.raw(`explain query plan ${sql}`, values);
      return (await database.scans.executeQuery(query)).rows as Step[]; // as SQLite says
    });
    return Promise.all(plans);
  };
}

const PAGES: Record<JobOrderField, JobPosition> = {
  CREATED_AT: { key: 5, id: 'job' },
  FINISHED_AT: { key: 5, id: 'job' },
  DURATION: { key: 5, id: 'job' },
  STATUS: { key: 'PAUSED 0000000000000005', id: 'job' },
};
const RANGES: Record<JobOrderField, JobFilter> = {
  CREATED_AT: { createdAfter: 1, createdBefore: 9 },
  FINISHED_AT: { finishedAfter: 1, finishedBefore: 9 },
  DURATION: {},
  STATUS: { createdAfter: 1, createdBefore: 9 },
};
const SCOPES: readonly JobFilter[] = [
  {},
  { flowIds: ['a'] },
  { flowIds: ['a', 'b'] },
  { owner: 'o' },
];
const STATES: readonly JobFilter[] = [
  {},
  { states: ['FAILED'] },
  { states: ['FAILED', 'RUNNING'] },
];

describe.each(Object.keys(PAGES) as JobOrderField[])('O1 pages by %s', (field) => {
  const lists = SCOPES.flatMap((scope) =>
    STATES.flatMap((states) => [
      { ...scope, ...states },
      { ...scope, ...states, ...RANGES[field] },
    ]),
  );

  it.each(lists)('are found by an index: filter %j', async (filter) => {
    const explain = await openExplained();
    for (const isDescending of [false, true]) {
      for (const fromEnd of [false, true]) {
        for (const range of [{}, { after: PAGES[field] }, { before: PAGES[field] }]) {
          const plans = await explain((store) =>
            store.list('tenant', {
              filter,
              order: { field, isDescending },
              limit: 9,
              fromEnd,
              ...range,
            }),
          );
          expect(plans.length).toBeLessThanOrEqual(2);
          for (const plan of plans) checkPlan(plan, filter);
        }
      }
    }
  });
});

/**
 * Jobs are found by an index that has those of the tenant in order, so that only those on the page, or on it but for another branch, are
 * looked at. Only the first jobs of several branches, a bounded number, may be sorted.
 */
function checkPlan(plan: readonly Step[], filter: JobFilter) {
  const parents = new Map(plan.map((step) => [step.id, step]));
  const isInBranch = (step: Step) =>
    parents.get(step.parent)?.detail.startsWith('CO-ROUTINE branch') ?? false;
  const hasBranches = plan.some(({ detail }) => detail.startsWith('CO-ROUTINE branch'));
  for (const step of plan) {
    const { detail } = step;
    if (/^(SCAN|SEARCH) jobs/.test(detail)) {
      expect(detail).toMatch(/USING (COVERING )?INDEX/);
      expect(usedFilters(detail)).toEqual(expectedFilters(detail, filter));
      expect(detail).toMatch(/^SEARCH/);
    }
    if (detail.startsWith('USE TEMP B-TREE')) {
      expect(hasBranches).toBe(true);
      expect(isInBranch(step)).toBe(false);
    }
  }
}

/** The columns of a filter that an index was searched by. */
function usedFilters(detail: string): string[] {
  return ['tenant', 'flow_id', 'owner', 'state'].filter((column) => detail.includes(`${column}=?`));
}

/** Those without a key are few, and found by their state; a page that was put together is found by id. */
function expectedFilters(detail: string, { flowIds, owner, states }: JobFilter): string[] {
  if (detail.includes('(id=?)')) return [];
  if (detail.includes('jobs_without_duration')) return ['tenant', 'state'];
  const scope = [...(flowIds ? ['flow_id'] : []), ...(owner ? ['owner'] : [])];
  const isByState = scope.length > 0 || states || detail.includes('_state_');
  return ['tenant', ...(isByState ? [...scope, 'state'] : [])];
}

describe('O1 other lists', () => {
  it('a filter that lets nothing through asks the database nothing', async () => {
    const explain = await openExplained();
    const order = { field: 'CREATED_AT', isDescending: true } as const;
    for (const filter of [{ flowIds: [] }, { states: [] }]) {
      const plans = await explain(async (store) => {
        await store.list('tenant', { filter, order, limit: 9, fromEnd: false });
        await store.count('tenant', filter);
      });
      expect(plans).toEqual([]);
    }
  });

  it('a look-up by id, ids or key is found by an index', async () => {
    const explain = await openExplained();
    const plans = await explain(async (store) => {
      await store.get('a');
      await store.getMany(['a', 'b']);
      await store.findByIdempotencyKey('tenant', 'k');
    });
    expect(plans.flat().map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH jobs USING INDEX .*\(id=\?\)$/),
      expect.stringMatching(/^SEARCH jobs USING INDEX .*\(id=\?\)$/),
      expect.stringMatching(/^SEARCH jobs USING INDEX .*\(tenant=\? AND idempotency_key=\?\)$/),
    ]);
  });
});

describe('O1 what is read of all tenants together', () => {
  const detailsOf = (plans: readonly Step[][]) => plans.flat().map(({ detail }) => detail);

  it('is found by an index in its order', async () => {
    const explain = await openExplained();
    expect(detailsOf(await explain((store) => store.listUnfinished('a', 9)))).toEqual([
      'SEARCH jobs USING INDEX jobs_unfinished (id>?)',
    ]);
    const retention = await explain(async (_, database) => {
      const place = { at: 1, id: 'a' };
      const store = createRetentionStore(database);
      await store.findEnd(9);
      await store.listEnded(undefined, place, 9);
      await store.listEnded(place, place, 9);
      await store.listRemovable(place, 9);
      await store.listRunning('a', 9);
    });
    expect(detailsOf(retention)).toEqual([
      'SCAN jobs USING COVERING INDEX jobs_ended',
      'SEARCH jobs USING COVERING INDEX jobs_ended ((finished_at,id)<(?,?))',
      'SEARCH jobs USING COVERING INDEX jobs_ended ((finished_at,id)>(?,?) AND (finished_at,id)<(?,?))',
      'SEARCH jobs USING INDEX jobs_ended ((finished_at,id)<(?,?))',
      'SEARCH jobs USING INDEX jobs_unfinished (id>?)',
    ]);
  });
});

describe('M8 events', () => {
  it('of one job, of a flow and of all are found by an index that has no other tenant between', async () => {
    const explain = await openExplained();
    const plans = await explain(async (_, database) => {
      const store = createEventStore(database);
      const range = { after: 1, upTo: 9, limit: 9 };
      for (const which of [{}, { flowId: 'f' }, { jobId: 'j', flowId: 'f' }]) {
        const of = { tenant: 'tenant', ...which };
        await store.read({ which: of, types: undefined }, range);
        await store.read({ which: of, types: new Set(['JOB_PAUSED']) }, range);
      }
    });
    const indexes = plans.map(([step, ...others]) => {
      expect(others).toEqual([]);
      return step?.detail.replace(/^SEARCH job_events USING INDEX /, '');
    });
    const ofAll = 'job_events_by_tenant (tenant=? AND sequence>? AND sequence<?)';
    const ofFlow =
      'job_events_by_tenant_flow_id (tenant=? AND flow_id=? AND sequence>? AND sequence<?)';
    const ofJob = 'job_events_by_job_id (job_id=? AND sequence>? AND sequence<?)';
    expect(indexes).toEqual([ofAll, ofAll, ofFlow, ofFlow, ofJob, ofJob]);
  });
});
