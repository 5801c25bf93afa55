import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobService } from '../../src/jobs/job-service.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { ended, inState, openApp, until } from '../api/api.ts';
import { echo, running, waiting } from '../api/flows.ts';
import { ofTenant } from '../api/of-tenant.ts';
import { Gate } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { matchesFilter, pageOf } from './job-list-specification.ts';
import { makeJob, someJobs, someQuery } from './stored-jobs.ts';

const NO_EDITS = { replace: [], drop: [], add: [] };
const ALL = {
  filter: {},
  order: { field: 'CREATED_AT', isDescending: false },
  limit: 100,
  fromEnd: false,
} as const;

/** Everything that can be asked of one job. */
const BY_ID: Readonly<Record<string, (jobs: JobService, id: string) => Promise<unknown>>> = {
  require: (jobs, id) => jobs.require(id),
  pause: (jobs, id) => jobs.pause(id),
  'pause with a limit': (jobs, id) => jobs.pause(id, { actor: 'x', pauseTtlMs: 5 }),
  resume: (jobs, id) => jobs.resume(id),
  cancel: (jobs, id) => jobs.cancel(id),
  retry: (jobs, id) => jobs.retry(id, 'key'),
  rerunFrom: (jobs, jobId) => jobs.rerunFrom({ jobId, activationId: 1, edits: NO_EDITS }),
  delete: (jobs, id) => jobs.delete(id),
};

const idsOf = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => id);

forEachDatabase(({ open, makeUrl }) => {
  const openBoth = async () => {
    const gate = new Gate();
    const broken = running(() => Promise.reject(new Error('no')), 'broken');
    const app = await openApp({
      flows: [echo(), waiting(gate), broken],
      database: await makeUrl(),
    });
    const [a, b] = [ofTenant(app, 'a'), ofTenant(app, 'b')];
    return { app, gate, a, b };
  };

  describe('O5 a job of another tenant', () => {
    it('is answered as one that is not there, whatever is asked of it, in any state', async () => {
      const { app, gate, a, b } = await openBoth();
      const runs = await a.jobs.start({ flowId: 'waiting', input: 1 });
      const paused = await a.jobs.start({ flowId: 'waiting', input: 2 });
      const failed = await a.jobs.start({ flowId: 'broken', input: 3 });
      await ended(a, failed.id);
      await until(() => gate.waiting === 2);
      await a.jobs.pause(paused.id);
      const before = await a.jobs.list(ALL);
      for (const { id } of before) {
        for (const jobs of [b.jobs, app.jobs]) {
          for (const [name, ask] of Object.entries(BY_ID)) {
            const unknown = id.replace(/.{4}$/, 'ffff');
            const [told, wanted] = await Promise.all(
              [id, unknown].map((each) => ask(jobs, each).catch((error: unknown) => error)),
            );
            expect(wanted, name).toMatchObject({ code: 'NOT_FOUND' });
            const { message } = wanted as Error;
            expect(told, name).toMatchObject({
              code: 'NOT_FOUND',
              message: message.replace(unknown, id),
            });
          }
          expect(await jobs.find(id)).toBeUndefined();
          expect(await jobs.getMany([id, id])).toEqual([undefined, undefined]);
        }
      }
      expect(await a.jobs.list(ALL)).toEqual(before);
      expect(before.map(({ state }) => state)).toEqual(['RUNNING', 'PAUSED', 'FAILED']);
      expect(await b.jobs.list(ALL)).toEqual([]);
      expect(await a.jobs.find(runs.id)).toMatchObject({ tenant: 'a', state: 'RUNNING' });
      gate.openAll();
    });

    it('that is made of another stays with that: a retry, a rerun', async () => {
      const { a, b } = await openBoth();
      const failed = await a.jobs.start({ flowId: 'broken', input: 3 });
      await ended(a, failed.id);
      const again = await a.jobs.retry(failed.id);
      const rerun = await a.jobs.rerunFrom({
        jobId: failed.id,
        activationId: 1,
        edits: NO_EDITS,
      });
      await Promise.all([ended(a, again.id), ended(a, rerun.id)]);
      expect(await a.jobs.count({})).toBe(3);
      for (const { id } of [again, rerun]) {
        expect(await a.jobs.require(id)).toMatchObject({ tenant: 'a' });
        expect(await b.jobs.find(id)).toBeUndefined();
      }
      expect(await b.jobs.count({})).toBe(0);
    });
  });

  describe('O5 idempotency keys', () => {
    it('are taken within a tenant: the same key of another neither finds nor hinders', async () => {
      const { app, a, b } = await openBoth();
      const all = [a, b, app];
      const start = (input: number) =>
        Promise.all(
          all.map((each) => each.jobs.start({ flowId: 'echo', input, idempotencyKey: 'key' })),
        );
      const first = await start(1);
      expect(new Set(idsOf(first)).size).toBe(3);
      expect(first.map(({ tenant }) => tenant)).toEqual(['a', 'b', 'default']);
      expect(idsOf(await start(1))).toEqual(idsOf(first));
      for (const [at, { jobs }] of all.entries()) {
        const conflict = jobs.start({ flowId: 'echo', input: 2, idempotencyKey: 'key' });
        await expect(conflict).rejects.toMatchObject({
          code: 'IDEMPOTENCY_CONFLICT',
          jobId: first[at]?.id,
        });
        expect(idsOf(await jobs.list(ALL))).toEqual([first[at]?.id]);
      }
      await Promise.all(all.map((each, at) => ended(each, first[at]?.id ?? '')));
    });

    it('answer the job that has the key in the tenant, also where both are stored at once', async () => {
      const store = createJobStore(await open());
      const make = (id: string, tenant: string) =>
        makeJob({ id, tenant, idempotencyKey: 'k\0', createdAt: 1 });
      const jobs = [make('1', 'a'), make('2', 'b'), make('3', 'a\0'), make('4', 'A')];
      expect(await Promise.all(jobs.map((job) => store.insert(job)))).toEqual(jobs);
      for (const job of jobs) {
        expect(await store.insert({ ...job, id: `${job.id}x` })).toEqual(job);
        expect(await store.findByIdempotencyKey(job.tenant, 'k\0')).toEqual(job);
      }
      expect(await store.findByIdempotencyKey('c', 'k\0')).toBeUndefined();
    });
  });

  it("O5 O1 every list and count has a tenant's jobs alone, at whatever place of whatever list it begins", async () => {
    const database = await open();
    const store = createJobStore(database);
    const tenants = ['a', 'A', 'b\0'];
    await fc.assert(
      fc.asyncProperty(
        someJobs.chain((jobs) =>
          fc.tuple(
            fc.tuple(
              ...jobs.map((job) =>
                fc.constantFrom(...tenants).map((tenant) => ({ ...job, tenant })),
              ),
            ),
            // Places are of jobs of all tenants.
            fc.array(someQuery(jobs), { minLength: 10, maxLength: 10 }),
          ),
        ),
        async ([jobs, queries]) => {
          await database.write([database.reads.deleteFrom('jobs')]);
          for (const job of jobs) await store.insert(job);
          for (const tenant of [...tenants, 'c']) {
            const own = jobs.filter((job) => job.tenant === tenant);
            for (const query of queries) {
              expect(idsOf(await store.list(tenant, query))).toEqual(idsOf(pageOf(own, query)));
              expect(await store.count(tenant, query.filter)).toBe(
                own.filter((job) => matchesFilter(job, query.filter)).length,
              );
            }
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  it('O5 O1 jobs of all tenants are taken up after a restart, each in its tenant', async ({
    skip,
  }) => {
    const url = await makeUrl();
    if (url === 'sqlite::memory:') return skip();
    const gate = new Gate();
    const options = { flows: [waiting(gate)], database: url };
    const first = await openApp(options);
    const started = await Promise.all(
      ['a', 'b', 'default'].map((tenant) =>
        first.jobs.forTenant(tenant).start({ flowId: 'waiting', input: tenant }),
      ),
    );
    await until(() => gate.waiting === 3);
    await first.close();
    const second = await openApp(options);
    gate.openAll();
    for (const { id, tenant } of started) {
      const own = ofTenant(second, tenant);
      await inState(own, id, 'COMPLETED');
      expect(await own.jobs.list(ALL)).toMatchObject([{ id, tenant, recovery: { count: 1 } }]);
    }
  });
});
