import { describe, expect, it } from 'vitest';
import type { KeptSession } from '../../src/debug-sessions/kept-session.ts';
import { createSessionStore } from '../../src/debug-sessions/session-store.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { makeJob } from '../jobs/stored-jobs.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeSession } from './kept.ts';

const ODD_TEXT = 'a\0b\ud800\ue000 "Ünï" \u2028 🦆';

/** One with something in every field. */
const STOPPED: KeptSession = makeSession({
  debug: {
    stop: {
      number: 2,
      reason: 'PRESSURE',
      at: 1_790_000_000_000.5,
      breakpointIds: ['x', 'y'],
      activationIds: [7, 3],
      queue: { routineId: ODD_TEXT, slot: 'in' },
      isByHand: true,
    },
    stopCount: 2,
    step: 'OUT',
    released: [2, 5],
    progress: {
      x: {
        hitCount: 3,
        isArmed: true,
        isSpent: false,
        lastHitAt: 5,
        lastHitActivationId: 7,
        lastError: ODD_TEXT,
        problem: 'There is no routine "ecco".',
      },
      y: {
        hitCount: 0,
        isArmed: false,
        isSpent: true,
        lastHitAt: undefined,
        lastHitActivationId: undefined,
        lastError: undefined,
        problem: undefined,
      },
    },
  },
  owner: ODD_TEXT,
  leaseUntil: 9,
  pauseTtlMs: 0,
  resumeAt: Number.MAX_SAFE_INTEGER,
  watches: [{ id: 'w', expression: ODD_TEXT }],
});

async function openWithJobs(open: TestDatabase['open']) {
  const database = await open();
  const jobs = createJobStore(database);
  for (const id of ['a', 'b', 'c']) await jobs.insert(makeJob({ id, state: 'RUNNING' }));
  const damaged: string[] = [];
  const store = createSessionStore(database, {
    clock: new ManualClock(),
    onDamaged: (jobId, problem) => damaged.push(`${jobId}: ${problem}`),
  });
  return { database, jobs, store, damaged };
}

forEachDatabase(({ open }) => {
  describe('O2 debug sessions', () => {
    it('are kept as they are, the newest of each job', async () => {
      const { store, damaged } = await openWithJobs(open);
      await store.save('b', STOPPED);
      expect(await store.find('b')).toEqual(STOPPED);
      await store.save('a', makeSession(), 30_000);
      await store.save('b', makeSession({ owner: 'ann' }));
      await store.save('b', makeSession({ owner: 'bob', resumeAt: 4 }));
      const bob = makeSession({ owner: 'bob', resumeAt: 4 });
      expect(await store.findMany(['b', 'c', 'a', '\0'])).toEqual([
        bob,
        undefined,
        makeSession(),
        undefined,
      ]);
      expect(await store.findMany([])).toEqual([]);
      expect(await store.listUnfinished()).toEqual([
        { jobId: 'a', session: makeSession() },
        { jobId: 'b', session: bob },
      ]);
      await store.remove('b');
      expect(await store.find('b')).toBeUndefined();
      expect(damaged).toEqual([]);
    });

    it('go when their job ends or is deleted, and do not come back', async () => {
      const { store, jobs } = await openWithJobs(open);
      for (const id of ['a', 'b', 'c']) await store.save(id, STOPPED);
      await jobs.finish('a', { state: 'COMPLETED', finishedAt: 1 }, undefined);
      await jobs.delete('b');
      for (const id of ['a', 'b', 'never stored', '\0']) await store.save(id, STOPPED);
      expect(await store.findMany(['a', 'b', 'c', 'never stored'])).toEqual([
        undefined,
        undefined,
        STOPPED,
        undefined,
      ]);
      expect(await store.listUnfinished()).toEqual([{ jobId: 'c', session: STOPPED }]);
    });

    it('that are damaged are taken for none, and this is told', async () => {
      const { database, store, damaged } = await openWithJobs(open);
      const { reads, write } = database;
      await store.save('a', STOPPED);
      await store.save('b', STOPPED);
      const whim = JSON.stringify(STOPPED).replace('PRESSURE', 'WHIM');
      for (const [session, problem] of [
        ['{', /^a: Its debug session can't be read: ./],
        ['null', /expected object/],
        ['{"debug":{},"watches":[]}', /debug\.stopCount: /],
        [whim, /debug\.stop\.reason: /],
      ] as const) {
        await write([
          reads.updateTable('debug_sessions').set({ session }).where('job_id', '=', 'a'),
        ]);
        expect(await store.findMany(['a', 'b'])).toEqual([undefined, STOPPED]);
        expect(damaged.splice(0)).toEqual([expect.stringMatching(problem)]);
      }
      expect(await store.listUnfinished()).toEqual([{ jobId: 'b', session: STOPPED }]);
      await store.save('a', STOPPED);
      expect(await store.find('a')).toEqual(STOPPED);
    });

    it('say that they could not be stored within a deadline', async () => {
      const { database, store } = await openWithJobs(open);
      await database.close();
      const refusal = { code: 'STORAGE_UNAVAILABLE' };
      await expect(store.save('a', STOPPED, 50)).rejects.toMatchObject(refusal);
    });
  });
});
