import { describe, expect, it } from 'vitest';
import { createBreakpointStore } from '../../src/debug-sessions/breakpoint-store.ts';
import type {
  BreakpointFilter,
  BreakpointQuery,
  KeptBreakpoint,
} from '../../src/debug-sessions/kept-breakpoint.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { makeJob } from '../jobs/stored-jobs.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';
import { makeBreakpoint } from './kept.ts';

const ODD_TEXT = 'a\0b\ud800\ue000 "Ünï" \u2028 🦆';

/** One with something in every field, all of it hard to store. */
const ODD = makeBreakpoint({
  id: '01990000-0000-7000-8000-000000000001',
  jobId: 'a',
  kind: 'PRESSURE',
  routineId: ODD_TEXT,
  slot: ODD_TEXT,
  event: ODD_TEXT,
  pressureLevel: 'CRITICAL',
  condition: ODD_TEXT,
  hitCondition: '>= 3',
  logMessage: ODD_TEXT,
  isEnabled: false,
  isOnce: true,
  after: '01990000-0000-7000-8000-000000000000',
  createdAt: Number.MAX_SAFE_INTEGER,
  updatedAt: Number.MAX_SAFE_INTEGER,
  hitCount: Number.MAX_SAFE_INTEGER,
  lastHitAt: 1,
  lastHitJobId: 'a',
  lastHitActivationId: 2,
  lastError: ODD_TEXT,
});

const HITS = {
  lastHitAt: 7,
  lastHitJobId: 'a',
  lastHitActivationId: 3,
  lastError: undefined,
};

const idsOf = (breakpoints: readonly KeptBreakpoint[]) => breakpoints.map(({ id }) => id);

/** Two jobs, of which one has ended, and breakpoints of them, of their flow, and of another flow. */
async function openFilled(open: TestDatabase['open']) {
  const database = await open();
  const jobs = createJobStore(database);
  await jobs.insert(makeJob({ id: 'a', state: 'RUNNING' }));
  await jobs.insert(makeJob({ id: 'b', state: 'COMPLETED', finishedAt: 1 }));
  const store = createBreakpointStore(database);
  await store.insert([
    makeBreakpoint({ id: '4 b', jobId: 'b' }),
    makeBreakpoint({ id: '1 a', jobId: 'a' }),
    makeBreakpoint({ id: '3 a', jobId: 'a', kind: 'EXCEPTION', isEnabled: false }),
    makeBreakpoint({ id: '2 flow' }),
    makeBreakpoint({ id: '5 other', flowId: 'other', kind: 'SLOT' }),
  ]);
  return { database, jobs, store };
}

const ALL = ['1 a', '2 flow', '3 a', '4 b', '5 other'];

const FILTERS: readonly [BreakpointFilter, string[]][] = [
  [{}, ALL],
  [{ jobId: 'a' }, ['1 a', '3 a']],
  [{ flowId: 'echo' }, ['1 a', '2 flow', '3 a', '4 b']],
  [{ flowId: 'echo', isOfFlow: true }, ['2 flow']],
  [{ isOfFlow: true }, ['2 flow', '5 other']],
  [{ isOfFlow: false }, ['1 a', '3 a', '4 b']],
  [{ kinds: ['SLOT', 'EXCEPTION'] }, ['3 a', '5 other']],
  [{ kinds: [] }, []],
  [{ isEnabled: false }, ['3 a']],
  [{ jobId: 'a', flowId: 'echo', isEnabled: true }, ['1 a']],
  [{ jobId: '\0', flowId: '\ud800' }, []],
];

const PAGES: readonly [Omit<BreakpointQuery, 'filter'>, string[]][] = [
  [{ limit: 2, fromEnd: false }, ['1 a', '2 flow']],
  [{ limit: 2, fromEnd: false, after: '2 flow' }, ['3 a', '4 b']],
  [{ limit: 2, fromEnd: false, after: '2' }, ['2 flow', '3 a']],
  [{ limit: 2, fromEnd: true }, ['4 b', '5 other']],
  [{ limit: 2, fromEnd: true, before: '4 b' }, ['2 flow', '3 a']],
  [{ limit: 9, fromEnd: false, after: '1 a', before: '3 a' }, ['2 flow']],
];

forEachDatabase(({ open }) => {
  describe('O2 breakpoints are kept as they are', () => {
    it('gives back every field, however odd', async () => {
      const store = createBreakpointStore(await open());
      await store.insert([ODD]);
      expect(await store.find(DEFAULT_TENANT, ODD.id)).toEqual(ODD);
      const plain = makeBreakpoint({ id: 'plain' });
      await store.insert([plain, { ...ODD, slot: 'in' }]); // the second is there already
      expect(
        await store.findMany(DEFAULT_TENANT, ['plain', 'none', '\0', ODD.id, 'plain']),
      ).toEqual([plain, undefined, undefined, ODD, plain]);
      expect(await store.findMany(DEFAULT_TENANT, [])).toEqual([]);
      await store.insert([]);
    });

    it('changes what is given, takes away what is given as nothing, and leaves the rest', async () => {
      const store = createBreakpointStore(await open());
      await store.insert([ODD, makeBreakpoint({ id: 'other' })]);
      const patch = { condition: undefined, hitCondition: '% 2', isEnabled: true, updatedAt: 5 };
      const changed = { ...ODD, ...patch };
      expect(await store.update(ODD.id, patch)).toEqual(changed);
      expect(await store.find(DEFAULT_TENANT, ODD.id)).toEqual(changed);
      expect(await store.find(DEFAULT_TENANT, 'other')).toEqual(makeBreakpoint({ id: 'other' }));
      expect(await store.update('none', patch)).toBeUndefined();
    });

    it('keeps what became of them, once however often it is told', async () => {
      const store = createBreakpointStore(await open());
      await store.insert([makeBreakpoint({ id: 'x' }), makeBreakpoint({ id: 'y' })]);
      const x = { ...HITS, id: 'x', hitCount: 3 };
      const y = { ...HITS, id: 'y', hitCount: 1, lastError: ODD_TEXT };
      for (const _ of [1, 2]) await store.noteHits([x, y, { ...HITS, id: 'gone', hitCount: 9 }]);
      expect(await store.find(DEFAULT_TENANT, 'x')).toEqual(makeBreakpoint(x));
      expect(await store.find(DEFAULT_TENANT, 'y')).toEqual(makeBreakpoint(y));
      expect(await store.count(DEFAULT_TENANT, {})).toBe(2);
      await store.noteHits([]);
    });
  });

  describe('O2 lists of breakpoints', () => {
    it('has all that may count now', async () => {
      const { store, jobs } = await openFilled(open);
      const active = async () => idsOf(await store.listForFlowsAndUnfinishedJobs());
      expect(await active()).toEqual(['1 a', '2 flow', '3 a', '5 other']);
      await jobs.finish('a', { state: 'FAILED', finishedAt: 2 }, undefined);
      expect(await active()).toEqual(['2 flow', '5 other']);
    });

    it('are filtered', async () => {
      const { store } = await openFilled(open);
      for (const [filter, expected] of FILTERS) {
        const query = { filter, limit: 100, fromEnd: false };
        expect(idsOf(await store.list(DEFAULT_TENANT, query)), JSON.stringify(filter)).toEqual(
          expected,
        );
        expect(await store.count(DEFAULT_TENANT, filter)).toBe(expected.length);
      }
    });

    it('are read in pages', async () => {
      const { store } = await openFilled(open);
      for (const [page, expected] of PAGES) {
        const listed = await store.list(DEFAULT_TENANT, { filter: {}, ...page });
        expect(idsOf(listed), JSON.stringify(page)).toEqual(expected);
      }
    });
  });

  describe('the end of breakpoints', () => {
    it('is that somebody removes them, one or all of a job or a flow', async () => {
      const { store } = await openFilled(open);
      const left = async () =>
        idsOf(await store.list(DEFAULT_TENANT, { filter: {}, limit: 100, fromEnd: false }));
      expect(await store.remove('4 b')).toBe(true);
      expect(await store.remove('4 b')).toBe(false);
      expect(await store.removeAll({ tenant: DEFAULT_TENANT, flowId: 'echo' })).toBe(1);
      expect(await left()).toEqual(['1 a', '3 a', '5 other']);
      expect(await store.removeAll({ jobId: 'a' })).toBe(2);
      expect(await store.removeAll({ jobId: 'a' })).toBe(0);
      expect(await left()).toEqual(['5 other']);
    });

    it('is that their job is deleted, not that it ends', async () => {
      const { store, jobs } = await openFilled(open);
      await jobs.finish('a', { state: 'COMPLETED', finishedAt: 2 }, undefined);
      expect(await store.count(DEFAULT_TENANT, {})).toBe(5);
      await jobs.delete('a');
      expect(await store.count(DEFAULT_TENANT, { jobId: 'a' })).toBe(0);
      expect(await store.count(DEFAULT_TENANT, {})).toBe(3);
    });

    it('is that their job was never stored, or is gone', async () => {
      const { store } = await openFilled(open);
      await store.insert([makeBreakpoint({ id: 'lost', jobId: 'never stored' })]);
      expect(await store.removeOrphans()).toBe(1);
      expect(
        idsOf(await store.list(DEFAULT_TENANT, { filter: {}, limit: 100, fromEnd: false })),
      ).toEqual(ALL);
    });
  });

  it('says that a change could not be stored within its deadline', async () => {
    const database = await open();
    const store = createBreakpointStore(database, { deadlineMs: 50 });
    await database.close();
    const refusal = { code: 'STORAGE_UNAVAILABLE' };
    await expect(store.insert([makeBreakpoint({ id: 'y' })])).rejects.toMatchObject(refusal);
    await expect(store.remove('x')).rejects.toMatchObject(refusal);
    await expect(store.noteHits([{ ...HITS, id: 'x', hitCount: 1 }])).rejects.toMatchObject(
      refusal,
    );
  });
});
