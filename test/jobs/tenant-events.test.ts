import { describe, expect, it, test } from 'vitest';
import type { JobStreamMessage } from '../../src/jobs/job-stream-message.ts';
import type { JobEvent } from '../../src/pubsub/topics.ts';
import { openApp, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { ofTenant } from '../api/of-tenant.ts';
import { Gate, range } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { openEvents, placesOf, readSome } from './told-events.ts';

type Events = Awaited<ReturnType<typeof openEvents>>;

const A = { jobId: 'job of a', tenant: 'a', flowId: 'flow' };
const B = { jobId: 'job of b', tenant: 'b', flowId: 'flow' };

/** Tells so many events of two tenants in turn, those of `a` first. */
function tellBoth(events: Events, count: number) {
  for (let at = 0; at < count; at++) {
    events.record(at % 2 === 0 ? A : B, at, { type: at % 3 === 0 ? 'JOB_PAUSED' : 'JOB_RESUMED' });
  }
}

/** Every way to ask for the events of a tenant's job. */
const filtersOf = ({ tenant, jobId, flowId }: typeof A) =>
  [
    { tenant },
    { tenant, flowId },
    { tenant, jobId, flowId },
    { tenant, types: ['JOB_PAUSED'] },
    { tenant, flowId, types: ['JOB_PAUSED'] },
  ] as const;

const isOf = (of: typeof A) => (message: JobStreamMessage) =>
  message.tenant === of.tenant && message.jobId === of.jobId;

forEachDatabase(({ open }) => {
  describe('O5 M8 events', () => {
    it('reach those of their tenant alone, as they happen', async () => {
      const events = await openEvents(await open());
      const streams = [A, B].flatMap((of) =>
        filtersOf(of).map((filter) => ({ of, filter, stream: events.follow(filter) })),
      );
      const nobodys = events.follow({ tenant: 'c', flowId: 'flow' });
      tellBoth(events, 24);
      for (const { of, filter, stream } of streams) {
        const count = 'types' in filter ? 4 : 12;
        expect(stream.waiting).toBe(count);
        const told = await readSome(stream, count);
        expect(told.every(isOf(of))).toBe(true);
        expect(told).toHaveLength(count);
      }
      expect(nobodys.waiting).toBe(0);
    });

    it('are replayed to those of their tenant alone, from memory, the database, and after a restart', async () => {
      const database = await open();
      const first = await openEvents(database, { heldEvents: 3 });
      tellBoth(first, 2000);
      await first.flush();
      tellBoth(first, 6); // these are in memory alone
      const check = async (events: Events) => {
        for (const of of [A, B]) {
          const own = range(2006).filter((at) => (at % 2 === 0) === (of === A));
          for (const filter of filtersOf(of)) {
            const wanted = own.filter(
              (at) => !('types' in filter) || (at < 2000 ? at : at - 2000) % 3 === 0,
            );
            // Most of these are places of the other tenant's events.
            for (const place of [0, 1, 2, 501, 1000, 1999, 2000, 2001, 2005]) {
              const told = await events.after(first.cursorAt(place, of.tenant), filter);
              expect(told.every(isOf(of))).toBe(true);
              expect(placesOf(told)).toEqual(
                wanted.map((at) => at + 1).filter((each) => each > place),
              );
            }
          }
        }
        expect(await events.after(first.cursorAt(0, 'c'), { tenant: 'c' })).toEqual([]);
      };
      await check(first);
      await first.close();
      await check(await openEvents(database, { heldEvents: 3 }));
    });

    it("of another tenant's job can not be asked for", async () => {
      const events = await openEvents(await open());
      tellBoth(events, 4);
      const own = events.forTenant('b');
      const job = { id: A.jobId, tenant: A.tenant, flowId: A.flowId };
      expect(() => own.subscribe({ job, since: 0 })).toThrow(
        expect.objectContaining({ code: 'NOT_FOUND' }),
      );
      // Nor by an id that somebody gives out as that of a job of the own tenant.
      const lie = { ...job, tenant: 'b' };
      const stream = own.subscribe({ job: lie, since: 0 }, true);
      expect(await stream.next()).toEqual({ value: undefined, done: true });
    });

    it('that are gone are told to each tenant without how many others had', async () => {
      const database = await open();
      const alone = await openEvents(database, { heldEvents: 1 });
      alone.tell(20);
      await alone.flush();
      await alone.trim(10, 100);
      const gapOf = async (events: Events, filter: { readonly tenant?: string } = {}) =>
        (await events.after(alone.cursorAt(2, filter.tenant), filter))[0];
      // While all there ever was is of those who belong to no tenant, they are all theirs.
      expect(await gapOf(alone)).toMatchObject({ type: 'GAP', lostCount: 8 });
      tellBoth(alone, 2);
      const unknown = { type: 'GAP', lostCount: undefined };
      for (const filter of [{}, { tenant: 'a' }, { tenant: 'b', flowId: 'flow' }]) {
        expect(await gapOf(alone, filter)).toMatchObject(unknown);
      }
      await alone.close();
      const again = await openEvents(database, { heldEvents: 1 });
      await again.flush();
      const { reads } = database;
      await database.write([reads.deleteFrom('job_events').where('tenant', 'in', ['a', 'b'])]);
      expect(await gapOf(again)).toMatchObject(unknown);
    });
  });
});

test('O5 streams of two tenants are never one, whatever is asked for', async () => {
  const app = await openApp({ flows: [] });
  const job = (tenant: string) => ({ id: 'x', tenant, flowId: 'f' });
  const topicsOf = async (tenant: string) => {
    const { jobEvents, liveJobs } = ofTenant(app, tenant).createContext();
    const streams = [
      jobEvents.subscribe({ since: 0 }),
      jobEvents.subscribe({ flowId: 'f', since: 0 }),
      jobEvents.subscribe({ job: job(tenant), since: 0 }),
      liveJobs.watchReadings(job(tenant), 1),
      liveJobs.watchMonitoring(job(tenant), 1),
      await liveJobs.watchJobs({}, 1),
      await liveJobs.watchJobs({ flowId: 'f' }, 1),
      await liveJobs.watchJobs({ job: job(tenant) }, 1),
    ];
    const topics = streams.map(({ topic }) => topic);
    await Promise.all(streams.map((stream) => stream.return()));
    return topics;
  };
  const topics = [...(await topicsOf('a')), ...(await topicsOf('b'))];
  expect(new Set(topics).size).toBe(topics.length);
});

test("O5 M9 what is made on demand for one tenant takes no place of another's", async () => {
  const gate = new Gate();
  const own = new Gate();
  const app = await openApp({
    flows: [waiting(gate), waiting(own, 'own')],
    engine: { maxRunningJobs: 200, endGraceMs: 1 },
  });
  const { counts } = app.services.jobEvents;
  expect(counts.producing).toBe(0);
  const [a, b] = [ofTenant(app, 'a'), ofTenant(app, 'b')];
  for (const at of range(103)) await a.jobs.start({ flowId: 'waiting', input: at });
  await until(() => gate.waiting === 103);
  const follow = (each: typeof app) => {
    const { jobEvents } = each.createContext();
    return jobEvents.subscribe({ types: ['ROUTINE_COMPLETED'], since: jobEvents.mark() });
  };
  const [ofA, ofB] = [follow(a), follow(b)];
  expect(app.services.jobEvents.counts.producing).toBe(100);
  const { id } = await b.jobs.start({ flowId: 'own', input: 1 });
  await until(() => own.waiting === 1);
  expect(app.services.jobEvents.counts.producing).toBe(101);
  own.openAll();
  expect((await ofB.next()).value).toMatchObject({ type: 'ROUTINE_COMPLETED', jobId: id });
  expect(ofA.waiting).toBe(0);
  await ofB.return();
  expect(app.services.jobEvents.counts.producing).toBe(100);
  gate.openAll();
  const told: JobEvent[] = [];
  for (const _ of range(100)) told.push((await ofA.next()).value);
  expect(told.every(({ tenant, type }) => tenant === 'a' && type === 'ROUTINE_COMPLETED')).toBe(
    true,
  );
  await ofA.return();
  expect(app.services.jobEvents.counts).toMatchObject({ readers: 0, producing: 0 });
});
