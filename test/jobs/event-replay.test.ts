import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../src/pubsub/topics.ts';
import { range } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { openEvents, placesOf, readAll, readSome } from './told-events.ts';

const upTo = (from: number, to: number) => range(to - from).map((at) => from + 1 + at);

forEachDatabase(({ open, makeUrl, name }) => {
  describe('M8 O4 replay', () => {
    it('gives from any place what came after it, in order, wherever it is kept', async () => {
      const events = await openEvents(await open(), { heldEvents: 3 });
      const all = events.follow();
      events.tell(40);
      await events.flush();
      events.tell(7); // these are in memory alone
      const told = (await readSome(all, 47)) as JobEvent[];
      expect(placesOf(told)).toEqual(upTo(0, 47));
      expect(events.counts.held).toBe(7);
      const filters = [
        {},
        { flowId: 'odd' },
        { jobId: 'job 2', flowId: 'odd' },
        { types: ['JOB_PAUSED'] },
        { flowId: 'even', types: ['STOP_EXPIRED', 'GAP'] },
      ] as const;
      for (const filter of filters) {
        const { jobId, flowId, types } = {
          jobId: undefined,
          flowId: undefined,
          types: undefined,
          ...filter,
        };
        for (const place of range(48)) {
          const wanted = told.filter(
            (event) =>
              event.sequence > place &&
              event.jobId === (jobId ?? event.jobId) &&
              event.flowId === (flowId ?? event.flowId) &&
              ((types as readonly string[] | undefined)?.includes(event.type) ?? true),
          );
          expect(await events.after(events.cursorAt(place), filter)).toEqual(wanted);
        }
      }
    });

    it('reads what is stored in pages, and none twice where pages meet', async () => {
      const events = await openEvents(await open(), { heldEvents: 10 });
      const all = events.follow();
      events.tell(2500);
      await events.flush();
      await all.return();
      for (const place of [0, 1, 499, 500, 501, 1499, 1990, 2489, 2490, 2491, 2500]) {
        const told = await events.after(events.cursorAt(place));
        expect(placesOf(told)).toEqual(upTo(place, 2500));
      }
      const ofJob = await events.after(events.cursorAt(0), { jobId: 'job 1', flowId: 'even' });
      expect(placesOf(ofJob)).toEqual(range(625).map((at) => 1 + 4 * at));
    });

    it('of what was deleted with its job is no gap', async () => {
      const database = await open();
      const events = await openEvents(database, { heldEvents: 1 });
      events.tell(20);
      await events.flush();
      const { reads } = database;
      await database.write([reads.deleteFrom('job_events').where('job_id', '=', 'job 1')]);
      const told = await events.after(events.cursorAt(0));
      expect(told.map(({ type }) => type)).not.toContain('GAP');
      expect(placesOf(told)).toEqual(upTo(0, 20).filter((place) => place % 4 !== 1));
    });
  });

  describe('M8 retention', () => {
    it('is told as a gap, with how much is missing', async () => {
      const events = await openEvents(await open(), { heldEvents: 1 });
      events.tell(50);
      await events.flush();
      const cursor = events.cursorAt(13);
      expect(await events.trim(20, 7)).toBe(7);
      const soon = await events.after(cursor); // most are on their way out
      while ((await events.trim(20, 7)) === 7);
      const [gap, ...rest] = await events.after(cursor);
      expect(gap).toMatchObject({
        type: 'GAP',
        from: cursor,
        sequence: 30,
        lostCount: 17,
      });
      expect(placesOf(rest)).toEqual(upTo(30, 50));
      expect(await events.after(events.cursorAt(30))).toEqual(rest);
      expect(soon).toEqual([gap, ...rest]);
      const ofJob = await events.after(cursor, { jobId: 'job 0', flowId: 'odd' });
      expect(ofJob[0]).toMatchObject({ type: 'GAP', jobId: 'job 0', lostCount: 17 });
      expect(placesOf(ofJob)).toEqual([30, 32, 36, 40, 44, 48]);
    });

    it('that overtakes a reader is told to it, and it goes on', async () => {
      const events = await openEvents(await open(), { heldEvents: 1 });
      const stream = events.follow();
      events.tell(3000);
      await events.flush();
      const begun = await readSome(stream, 800);
      expect(placesOf(begun)).toEqual(upTo(0, 800));
      await events.trim(100, 10_000);
      // What it has in memory it gives; what it has to read is gone.
      const rest = await readSome(stream, 3000 - 2900 + 1 + (1000 - 800));
      const at = rest.findIndex(({ type }) => type === 'GAP');
      const gap = rest[at];
      const before = 800 + at;
      expect(gap).toMatchObject({ sequence: 2900, lostCount: 2900 - before });
      expect(placesOf(rest.slice(0, at))).toEqual(upTo(800, before));
      expect(placesOf(rest.slice(at + 1, at + 101))).toEqual(upTo(2900, 3000));
    });
  });

  describe('M8 what could not be stored', () => {
    it('because there was too much at once is told as a gap where it is', async () => {
      const events = await openEvents(await open(), { heldEvents: 3, maxUnstored: 1000 });
      events.tell(1);
      events.tell(4999); // the first 500 are on their way to the database meanwhile
      const told = await events.after(events.cursorAt(0));
      await events.flush();
      expect(await events.after(events.cursorAt(0))).toEqual(told);
      const at = told.findIndex(({ type }) => type === 'GAP');
      expect(placesOf(told.slice(0, at))).toEqual(upTo(0, 500));
      expect(told[at]).toMatchObject({
        from: 500,
        sequence: 4000,
        lostCount: 3500,
      });
      expect(placesOf(told.slice(at + 1))).toEqual(upTo(4000, 5000));
      expect((await events.after(events.cursorAt(3990)))[0]).toMatchObject({ lostCount: 10 });
    });

    it('is remembered by the next run', async () => {
      if (name === 'SQLite in memory') return;
      const url = await makeUrl();
      const database = await open({}, url);
      const events = await openEvents(database, { heldEvents: 3, maxUnstored: 1000 });
      events.tell(1);
      events.tell(4999);
      await events.close();
      await database.close();
      const again = await openEvents(await open({}, url), { heldEvents: 3 });
      const told = await again.after(events.cursorAt(0));
      expect(told.filter(({ type }) => type === 'GAP')).toMatchObject([{ lostCount: 3500 }]);
      expect(told).toHaveLength(1501);
    });
  });

  describe('M8 O1 another run of the server', () => {
    it('goes on where one that was shut down ended: each event once, in order', async () => {
      const database = await open();
      const before = await openEvents(database, { heldEvents: 5 });
      const stream = before.follow();
      before.tell(30);
      const told = await readSome(stream, 20);
      await before.close();
      const now = await openEvents(database, { heldEvents: 5 });
      const again = now.follow({ after: before.cursorAt(20) });
      now.tell(10);
      const rest = await readSome(again, 20);
      expect(placesOf([...told, ...rest])).toEqual(upTo(0, 40));
      expect(rest.map(({ type }) => type)).not.toContain('GAP');
      // Cursors of both runs name the same places.
      expect(placesOf(await now.after(now.cursorAt(3)))).toEqual(upTo(3, 40));
      expect(placesOf(await now.after(before.cursorAt(30)))).toEqual(upTo(30, 40));
    });

    it('tells a gap after one that was told something while it closed', async () => {
      const database = await open();
      const before = await openEvents(database);
      before.tell(3);
      const closed = before.close();
      before.tell(5); // too late to be stored
      await closed;
      const now = await openEvents(database);
      now.tell(1);
      const told = await now.after(before.cursorAt(0));
      const event = expect.stringMatching(/^(JOB_PAUSED|STOP_EXPIRED)$/);
      expect(told.map(({ type }) => type)).toEqual([event, event, event, 'GAP', event]);
    });

    it('tells a gap after one that was killed, where its stored events end', async () => {
      const database = await open();
      const before = await openEvents(database);
      const stream = before.follow();
      before.tell(30);
      await before.flush();
      before.tell(5); // nobody wrote them down
      await readSome(stream, 35);
      const now = await openEvents(database);
      now.tell(3);
      const from = (place: number) => now.after(before.cursorAt(place));
      const whole = await from(0);
      expect(placesOf(whole.slice(0, 30))).toEqual(upTo(0, 30));
      const [gap, ...rest] = whole.slice(30);
      expect(gap).toMatchObject({ type: 'GAP', from: 30, lostCount: undefined });
      expect(rest).toHaveLength(3);
      expect(await now.after(now.cursorAt(gap?.type === 'GAP' ? gap.sequence : 0))).toEqual(rest);
      expect(await from(30)).toMatchObject([
        { type: 'GAP', from: expect.any(String), sequence: 31, lostCount: undefined },
        ...rest,
      ]);
      // Of these it is not known what came after.
      for (const place of [31, 32, 35]) {
        const cursor = before.cursorAt(place);
        expect(await now.after(cursor)).toEqual([{ ...gap, from: cursor }, ...rest]);
      }
      // That it had told nothing that was not stored is not known either.
      const third = await openEvents(database);
      expect(await third.after(now.cursorAt(0))).toMatchObject([
        ...whole.map(({ type }) => ({ type })).slice(0, 31),
        { type: 'GAP', lostCount: undefined },
      ]);
    });

    it('counts no events that were removed before the oldest it knows of', async () => {
      const database = await open();
      const killed = await openEvents(database, { heldEvents: 1 });
      killed.tell(30);
      await killed.flush();
      const now = await openEvents(database, { heldEvents: 1 });
      now.tell(30);
      await now.flush();
      await now.trim(10, 1000);
      const cursor = killed.cursorAt(5);
      const [gap] = await now.after(cursor);
      expect(gap).toMatchObject({ type: 'GAP', from: cursor, lostCount: undefined });
      await now.close();
      const third = await openEvents(database);
      expect(await third.after(killed.cursorAt(5))).toHaveLength(11);
    });

    it('knows no cursor of another database: a gap, then all that is held', async () => {
      const events = await openEvents(await open(), { heldEvents: 4 });
      events.tell(20);
      await events.flush();
      const [gap, ...rest] = await events.after('other-17');
      expect(gap).toMatchObject({ type: 'GAP', from: 'other-17', lostCount: undefined });
      expect(placesOf(rest)).toEqual(upTo(0, 20));
      const [ahead, ...none] = await events.after(events.cursorAt(21));
      expect(ahead).toMatchObject({ type: 'GAP', sequence: 20, lostCount: undefined });
      expect(none).toEqual([]);
    });
  });
});

it('M8 events that wait to be stored are stored a little later, without being asked', async () => {
  const { openDatabase } = await import('../../src/storage/open-database.ts');
  const database = await openDatabase('sqlite::memory:');
  const events = await openEvents(database);
  events.tell(3);
  const count = async () =>
    (await database.reads.selectFrom('job_events').selectAll().execute()).length;
  expect(await count()).toBe(0);
  await events.clock.advance(250);
  await events.flush();
  expect(await count()).toBe(3);
  expect(events.clock.timers).toBe(0);
  expect(await readAll(events.subscribe({ since: 0 }, true))).toHaveLength(3);
  await events.close();
  await database.close();
});
