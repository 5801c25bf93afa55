import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBreakpointStore } from '../../src/debug-sessions/breakpoint-store.ts';
import type { Job, JobResults } from '../../src/jobs/job.ts';
import { type JobQuery, positionOf } from '../../src/jobs/job-query.ts';
import { createJobStore, type JobStore } from '../../src/jobs/job-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { Database } from '../../src/storage/database.ts';
import { makeBreakpoint } from '../debug-sessions/kept.ts';
import { forEachDatabase } from '../support/databases.ts';
import { matchesFilter, pageOf } from './job-list-specification.ts';
import { makeJob, makeReading, someJobs, someQuery } from './stored-jobs.ts';

/** A job with something in every field, all of it hard to store. */
const ODD_JOB = makeJob({
  id: '01990000-0000-7000-8000-000000000001',
  input: { list: [1, 'two\0', null, 1e-7, Number.MAX_SAFE_INTEGER], '': '\ud800' },
  metadata: { 'key\0': '\u{1f986} "quoted" \\ \u2028', deep: { er: [[]] }, ['__proto__']: 1 },
  owner: 'a\0b\ud800\ue000 Ünï',
  priority: -1000,
  idempotencyKey: 'key\0\udfff%',
  retryOf: '01990000-0000-7000-8000-000000000000',
  createdAt: Number.MAX_SAFE_INTEGER,
});

const ORDERS = (['CREATED_AT', 'FINISHED_AT', 'DURATION', 'STATUS'] as const).flatMap((field) =>
  [false, true].map((isDescending) => ({ field, isDescending })),
);

const ALL: JobQuery = {
  filter: {},
  order: { field: 'CREATED_AT', isDescending: false },
  limit: 1000,
  fromEnd: false,
};

const results = (jobId: string, more: Partial<JobResults> = {}): JobResults => ({
  outputs: { out: { values: [1, { two: 2 }], count: 3 } },
  reading: makeReading(jobId),
  durations: new Map(),
  traceTotal: 7,
  ...more,
});

const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

async function insertAll(store: JobStore, jobs: readonly Job[]) {
  await Promise.all(jobs.map((job) => store.insert(job)));
}

const BELONGINGS = [
  'job_results',
  'job_checkpoints',
  'activations',
  'job_logs',
  'breakpoints',
  'debug_sessions',
] as const;

/** How many rows of each table belong to a job. */
async function belongingsOf({ reads }: Database, jobId: string) {
  const counts = [];
  for (const table of BELONGINGS) {
    const rows = await reads.selectFrom(table).select('job_id').where('job_id', '=', jobId);
    counts.push((await rows.execute()).length);
  }
  return counts;
}

/** Gives a job two rows in its trace and its log, a checkpoint, a breakpoint and a debug session. */
async function addBelongings(database: Database, jobId: string) {
  const { reads, write } = database;
  const activation = { job_id: jobId, routine_id: 'r', outcome: 'COMPLETED', record: '{}' };
  const line = { job_id: jobId, at: 0, level: 'INFO', routine_id: 'r', activation_id: 1 };
  await write([
    ...[1, 2].flatMap((sequence) => [
      reads.insertInto('activations').values({ ...activation, sequence }),
      reads.insertInto('job_logs').values({ ...line, sequence, message: 'm', facts: null }),
    ]),
    reads.insertInto('job_checkpoints').values({
      job_id: jobId,
      taken_at: 1,
      data: '{}',
      hash: 'h',
      problem: null,
      is_final: 0,
    }),
  ]);
  await createBreakpointStore(database).insert([makeBreakpoint({ id: jobId, jobId })]);
  const session = { session: '{}', updated_at: 0, resume_at: null };
  await write([reads.insertInto('debug_sessions').values({ ...session, job_id: jobId })]);
}

forEachDatabase(({ open }) => {
  describe('O1 jobs are kept as they are', () => {
    it('gives back every field, however odd', async () => {
      const store = createJobStore(await open());
      expect(await store.insert(ODD_JOB)).toEqual(ODD_JOB);
      expect(await store.get(ODD_JOB.id)).toEqual(ODD_JOB);
      expect({ ...(await store.get(ODD_JOB.id)) }).toEqual(ODD_JOB);
      expect(
        await store.findByIdempotencyKey(DEFAULT_TENANT, ODD_JOB.idempotencyKey ?? ''),
      ).toEqual(ODD_JOB);
      expect(await store.list(DEFAULT_TENANT, ALL)).toEqual([ODD_JOB]);
      const job = makeJob({ id: 'no input', input: undefined });
      await store.insert(job);
      expect(await store.get(job.id)).toEqual(job);
    });

    it('finds many by one statement, in the order of the ids, and nothing for ids that none has', async () => {
      let statements = 0;
      const store = createJobStore(await open({ onStatement: () => statements++ }));
      await insertAll(store, [makeJob({ id: 'a' }), makeJob({ id: 'b' })]);
      statements = 0;
      const found = await store.getMany(['b', 'none', 'a', 'b', '\0', '\ud800']);
      expect(found.map((job) => job?.id)).toEqual(['b', undefined, 'a', 'b', undefined, undefined]);
      expect(statements).toBe(1);
      expect(await store.getMany([])).toEqual([]);
      expect(await store.get('\0')).toBeUndefined();
      expect(await store.findByIdempotencyKey(DEFAULT_TENANT, '\0')).toBeUndefined();
    });

    it('changes what is given, and knows how long the job took', async () => {
      const store = createJobStore(await open());
      await store.insert(makeJob({ id: 'a', owner: 'ann' }));
      const recovery = { count: 2, crashCount: 1, at: 50, from: undefined };
      await store.update('a', { state: 'RUNNING', startedAt: 10.7, recovery });
      const ended = await store.update('a', {
        state: 'FAILED',
        finishedAt: 35,
        error: { message: 'no\0', code: undefined },
        unresponsiveRoutineIds: ['x', 'y'],
      });
      expect(ended).toEqual(
        makeJob({
          id: 'a',
          owner: 'ann',
          state: 'FAILED',
          startedAt: 10,
          finishedAt: 35,
          error: { message: 'no\0', code: undefined },
          unresponsiveRoutineIds: ['x', 'y'],
          recovery,
        }),
      );
      expect(await store.update('a', {})).toEqual(ended);
      await store.insert(makeJob({ id: 'b', state: 'COMPLETED', startedAt: 0, finishedAt: 24 }));
      await store.insert(makeJob({ id: 'c', state: 'COMPLETED', startedAt: 0, finishedAt: 26 }));
      const byDuration = { field: 'DURATION', isDescending: false } as const;
      expect(idsOf(await store.list(DEFAULT_TENANT, { ...ALL, order: byDuration }))).toEqual([
        'b',
        'a',
        'c',
      ]);
      await store.update('a', { startedAt: undefined });
      expect(idsOf(await store.list(DEFAULT_TENANT, { ...ALL, order: byDuration }))).toEqual([
        'b',
        'c',
        'a',
      ]);
      expect(await store.update('none', { state: 'RUNNING' })).toBeUndefined();
    });
  });

  describe('O1 idempotency', () => {
    it('stores one job for a key, also when many ask at once', async () => {
      const store = createJobStore(await open());
      const asked = Array.from({ length: 20 }, (_, at) =>
        store.insert(makeJob({ id: `job ${at}`, idempotencyKey: 'key\ud800' })),
      );
      const answered = new Set(idsOf(await Promise.all(asked)));
      expect(answered.size).toBe(1);
      expect(await store.count(DEFAULT_TENANT, {})).toBe(1);
      const [id = ''] = answered;
      expect(await store.insert(makeJob({ id: 'other', idempotencyKey: 'key\ud801' }))).toEqual(
        makeJob({ id: 'other', idempotencyKey: 'key\ud801' }),
      );
      await store.delete(id);
      expect((await store.insert(makeJob({ id: 'new', idempotencyKey: 'key\ud800' }))).id).toBe(
        'new',
      );
    });

    it('bears being asked twice to store the same job, with a key and without', async () => {
      const store = createJobStore(await open());
      for (const job of [makeJob({ id: 'a' }), makeJob({ id: 'b', idempotencyKey: 'k' })]) {
        await store.insert(job);
        await store.update(job.id, { state: 'RUNNING', startedAt: 1 });
        expect(await store.insert(job)).toMatchObject({ id: job.id, state: 'RUNNING' });
      }
      expect(await store.count(DEFAULT_TENANT, {})).toBe(2);
    });
  });

  describe('the end of a job', () => {
    it('stores the job, its results and its figures, and lets go of its checkpoint and debug session', async () => {
      const database = await open();
      const store = createJobStore(database);
      await insertAll(store, [makeJob({ id: 'a' }), makeJob({ id: 'b' })]);
      await addBelongings(database, 'a');
      await addBelongings(database, 'b');
      const routine = { executionCount: 4, errorCount: 1 } as JobResults['reading']['routines'][0];
      const reading = { ...makeReading('a'), routines: [routine, routine] };
      const change = { state: 'COMPLETED', finishedAt: 9 } as const;
      // A write that may have been committed is run again: so twice is as once.
      for (const traceTotal of [1, 2]) {
        const ended = await store.finish('a', change, results('a', { reading, traceTotal }));
        expect(ended).toEqual(makeJob({ id: 'a', ...change }));
      }
      expect(await belongingsOf(database, 'a')).toEqual([1, 0, 2, 2, 1, 0]);
      expect(await belongingsOf(database, 'b')).toEqual([0, 1, 2, 2, 1, 1]);
      const row = await database.reads
        .selectFrom('jobs')
        .innerJoin('job_results', 'job_id', 'id')
        .select(['execution_count', 'error_count', 'trace_total', 'is_rolled_up'])
        .executeTakeFirstOrThrow();
      expect(row).toEqual({
        execution_count: 8,
        error_count: 2,
        trace_total: 2,
        is_rolled_up: 0,
      });
      expect(await store.finish('b', change, undefined)).toMatchObject(change);
      expect(await belongingsOf(database, 'b')).toEqual([0, 0, 2, 2, 1, 0]);
    });

    it('keeps nothing of a job that is gone', async () => {
      const database = await open();
      const store = createJobStore(database);
      expect(await store.finish('a', { state: 'FAILED' }, results('a'))).toBeUndefined();
      expect(await belongingsOf(database, 'a')).toEqual([0, 0, 0, 0, 0, 0]);
    });

    it('stores all or nothing', async () => {
      const database = await open();
      const store = createJobStore(database);
      await store.insert(makeJob({ id: 'a' }));
      await addBelongings(database, 'a');
      const broken = results('a', { traceTotal: null as never });
      await expect(store.finish('a', { state: 'FAILED', finishedAt: 1 }, broken)).rejects.toThrow();
      expect(await store.get('a')).toMatchObject({ state: 'PENDING' });
      expect(await belongingsOf(database, 'a')).toEqual([0, 1, 2, 2, 1, 1]);
    });

    it('deletes a job with all that belongs to it, and nothing else', async () => {
      const database = await open();
      const store = createJobStore(database);
      for (const id of ['a', 'b']) {
        await store.insert(makeJob({ id }));
        await store.finish(id, { state: 'COMPLETED', finishedAt: 1 }, results(id));
        await addBelongings(database, id);
      }
      expect(await store.delete('a')).toBe(true);
      expect(await store.get('a')).toBeUndefined();
      expect(await belongingsOf(database, 'a')).toEqual([0, 0, 0, 0, 0, 0]);
      expect(await belongingsOf(database, 'b')).toEqual([1, 1, 2, 2, 1, 1]);
      expect(await store.delete('a')).toBe(false);
    });
  });

  describe('O1 lists', () => {
    it('are those of the specification for any jobs, filter, order and page', async () => {
      const database = await open();
      const store = createJobStore(database);
      const fill = async (jobs: readonly Job[]) => {
        await database.write([database.reads.deleteFrom('jobs')]);
        await insertAll(store, jobs);
      };
      await fc.assert(
        fc.asyncProperty(
          someJobs.chain((jobs) =>
            fc.tuple(
              fc.constant(jobs),
              fc.array(someQuery(jobs), { minLength: 15, maxLength: 15 }),
            ),
          ),
          async ([jobs, queries]) => {
            await fill(jobs);
            for (const query of queries) {
              expect(idsOf(await store.list(DEFAULT_TENANT, query))).toEqual(
                idsOf(pageOf(jobs, query)),
              );
              expect(await store.count(DEFAULT_TENANT, query.filter)).toBe(
                jobs.filter((job) => matchesFilter(job, query.filter)).length,
              );
            }
          },
        ),
        { numRuns: 25 },
      );
    });

    it('find a text wherever it is, and take no letter of it for a pattern', async () => {
      const store = createJobStore(await open());
      await insertAll(store, [
        makeJob({ id: 'job-1', owner: '100%', metadata: { note: 'snow\\man_' } }),
        makeJob({ id: 'job-2', owner: '100', metadata: { note: 'snowXman', Ä: 'ΣΑΣ' } }),
        makeJob({ id: 'job-3', flowId: 'Straße', owner: 'a\0b' }),
      ]);
      const find = async (text: string) => {
        expect(await store.count(DEFAULT_TENANT, { text })).toBe(
          (await store.list(DEFAULT_TENANT, { ...ALL, filter: { text } })).length,
        );
        return idsOf(await store.list(DEFAULT_TENANT, { ...ALL, filter: { text } }));
      };
      expect(await find('100%')).toEqual(['job-1']);
      expect(await find('0_')).toEqual([]);
      expect(await find('snow_man')).toEqual([]);
      expect(await find('man_')).toEqual(['job-1']);
      expect(await find('\\')).toEqual(['job-1']);
      expect(await find('SNOWxMAN')).toEqual(['job-2']);
      expect(await find('ä')).toEqual(['job-2']);
      expect(await find('STRAßE')).toEqual(['job-3']);
      expect(await find('A\0')).toEqual(['job-3']);
      expect(await find('"note":')).toEqual(['job-1', 'job-2']);
      expect(await find('JOB-')).toEqual(['job-1', 'job-2', 'job-3']);
    });

    it('take an owner by the letter', async () => {
      const store = createJobStore(await open());
      const owners = ['a\0', 'a\ud800', 'a\ud801', 'a\ufffd', 'A', 'a'];
      await insertAll(
        store,
        owners.map((owner, at) => makeJob({ id: `job ${at}`, owner })),
      );
      for (const owner of owners) {
        const found = await store.list(DEFAULT_TENANT, { ...ALL, filter: { owner } });
        expect(found.map((job) => job.owner)).toEqual([owner]);
      }
    });

    it('of many flows at once are one list', async () => {
      const store = createJobStore(await open());
      const flowIds = Array.from({ length: 100 }, (_, at) => `flow-${at}`);
      const jobs = flowIds.map((flowId, at) =>
        makeJob({ id: `job ${at}`, flowId, createdAt: -at }),
      );
      await insertAll(store, jobs);
      for (const wanted of [flowIds.slice(0, 10), flowIds, [...flowIds, ...flowIds]]) {
        const query = { ...ALL, filter: { flowIds: wanted }, limit: 5 };
        expect(idsOf(await store.list(DEFAULT_TENANT, query))).toEqual(idsOf(pageOf(jobs, query)));
      }
    });
  });

  describe('O1 pages', () => {
    it.each(ORDERS)(
      'by $field, descending $isDescending: join without overlap or hole, both ways, while jobs come and go',
      async (order) => {
        const store = createJobStore(await open());
        const [jobs = []] = fc.sample(someJobs, { numRuns: 1, seed: 42 });
        await insertAll(store, jobs);
        const present = new Map(jobs.map((job) => [job.id, job]));
        const stays = jobs.filter((_, at) => at % 3 > 0);
        const goes = jobs.filter((_, at) => at % 3 === 0);
        for (const fromEnd of [false, true]) {
          const seen: Job[] = [];
          let edge: Job | undefined;
          for (;;) {
            const position = edge && positionOf(edge, order);
            const range = fromEnd ? { before: position } : { after: position };
            const page = await store.list(DEFAULT_TENANT, {
              ...ALL,
              ...range,
              order,
              fromEnd,
              limit: 4,
            });
            if (page.length === 0) break;
            seen.push(...(fromEnd ? page.toReversed() : page));
            edge = seen.at(-1);
            const leaving = goes.pop();
            if (leaving === undefined) continue;
            await store.delete(leaving.id);
            present.delete(leaving.id);
            const arriving = makeJob({ ...leaving, id: leaving.id.replace(/^..../, 'ffff') });
            await store.insert(arriving);
            present.set(arriving.id, arriving);
          }
          expect(new Set(idsOf(seen)).size).toBe(seen.length);
          const expected = pageOf(stays, { ...ALL, order });
          const stayed = seen.filter(({ id }) => expected.some((job) => job.id === id));
          expect(idsOf(fromEnd ? stayed.toReversed() : stayed)).toEqual(idsOf(expected));
        }
        expect(idsOf(await store.list(DEFAULT_TENANT, { ...ALL, order }))).toEqual(
          idsOf(pageOf([...present.values()], { ...ALL, order })),
        );
      },
    );
  });
});
