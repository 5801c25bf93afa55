import { describe, expect, it, test } from 'vitest';
import type { JobEvent } from '../../src/pubsub/topics.ts';
import { openApp, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { ofTenant } from '../api/of-tenant.ts';
import { Gate, range } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { openEvents, placesOf, readSome } from './told-events.ts';

const UNKNOWN_RUN = '01a1f9f8-63ff-7237-9cf2-574000000000';

/** The part of a cursor that differs between those of one run, as numbers. */
function bytesOf(cursor: string): readonly number[] {
  const [, name = ''] = cursor.split('.');
  return [...Buffer.from(name, 'base64url')];
}

const refusalOf = (cursor: string) => ({
  code: 'VALIDATION_FAILED',
  message: expect.stringContaining(`"${cursor}" is not a cursor of events`),
});

forEachDatabase(({ open }) => {
  describe('O5 M8 cursors', () => {
    it('of another tenant are refused as any text that is none, also after a restart', async () => {
      const database = await open();
      const before = await openEvents(database);
      const stream = before.follow({ tenant: 'a' });
      before.tell(3, 'a');
      before.tell(3, 'b');
      const [first] = (await readSome(stream, 1)) as JobEvent[];
      const own = before.forTenant('a');
      const cursors = [own.cursorOf(first as JobEvent), own.cursorAt(4)];
      await before.close();
      for (const events of [before, await openEvents(database)]) {
        for (const cursor of [...cursors, 'nonsense']) {
          await expect(events.after(cursor, { tenant: 'b' })).rejects.toMatchObject(
            refusalOf(cursor),
          );
        }
        const told = await Promise.all(
          cursors.map((cursor) => events.after(cursor, { tenant: 'a' })),
        );
        expect(told.map(placesOf)).toEqual([[2, 3], []]);
      }
    });

    it('are those of the tenant in every run, and of an event the same in one run', async () => {
      const database = await open();
      const all: string[] = [];
      for (const at of range(3)) {
        const events = await openEvents(database, { heldEvents: 1 });
        events.tell(5, 'a');
        events.tell(5, 'b');
        const own = events.forTenant('a');
        const told = await events.after(all[0] ?? own.cursorAt(0), { tenant: 'a' });
        const again = await events.after(all[0] ?? own.cursorAt(0), { tenant: 'a' });
        expect(again.map(own.cursorOf)).toEqual(told.map(own.cursorOf));
        const newest = own.cursorOf(told.at(-1) as JobEvent);
        for (const cursor of all)
          expect(await events.after(cursor, { tenant: 'a' })).not.toEqual([]);
        expect(await events.after(newest, { tenant: 'a' })).toEqual([]);
        expect(placesOf(told).at(-1)).toBe(at * 10 + 5);
        all.push(newest);
        await events.close();
      }
    });

    it('that are made up are refused; those of a run that is not known tell a gap', async () => {
      const events = await openEvents(await open());
      events.tell(3);
      const cursor = events.cursorAt(2);
      const [epoch, name = ''] = cursor.split('.');
      // Each letter but the last stands for six bits of what was encrypted, the last for two.
      const changed = range(22).map((at) => {
        const other = name[at] === 'A' ? 'Q' : 'A';
        return `${epoch}.${name.slice(0, at)}${other}${name.slice(at + 1)}`;
      });
      const tails = ['B', 'R', 'h', 'x'].map((last) => `${epoch}.${name.slice(0, -1)}${last}`);
      for (const each of [...changed, ...tails, `${epoch}-2`, `${epoch}.2`, `.${name}`, name]) {
        await expect(events.after(each)).rejects.toMatchObject(refusalOf(each));
      }
      const unknown = `${UNKNOWN_RUN}.${name}`;
      expect(await events.after(unknown)).toMatchObject([
        { type: 'GAP', from: unknown, lostCount: undefined },
        ...[1, 2, 3].map((sequence) => ({ sequence })),
      ]);
    });

    it('say nothing of their place, nor whether it is the same', async () => {
      const events = await openEvents(await open());
      const stream = events.follow({ tenant: 'a' });
      events.tell(64, 'a');
      const own = events.forTenant('a');
      const ofEvents = (await readSome(stream, 64)).map((event) => own.cursorOf(event));
      const ofOnePlace = range(64).map(() => own.cursorAt(7));
      for (const cursors of [ofEvents, ofOnePlace]) {
        expect(new Set(cursors).size).toBe(64);
        expect(new Set(cursors.map(({ length }) => length)).size).toBe(1);
        // Of 128 bits about half differ from one to the next; 16 or fewer by chance once in 10 to the 18th.
        const bits = cursors.map((cursor) =>
          bytesOf(cursor)
            .map((byte) => byte.toString(2).padStart(8, '0'))
            .join(''),
        );
        for (const [at, next] of bits.slice(1).entries()) {
          const differing = [...next].filter((bit, index) => bit !== bits[at]?.[index]).length;
          expect(differing).toBeGreaterThan(16);
        }
      }
    });
  });
});

test('O5 a gap, the end of a stream that fell behind, and the newest place are named anew each time', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)] });
  const own = ofTenant(app, 'a').createContext().jobEvents;
  const names = [own.mark(), own.mark()].map(own.cursorAt);
  const after = `${UNKNOWN_RUN}.${'A'.repeat(22)}`;
  const stream = own.subscribe({ after, since: 0 });
  const { value: gap } = await stream.next();
  expect(gap).toMatchObject({ type: 'GAP' });
  const behind = stream.fallBehind();
  const all = [...names, own.cursorOf(gap), own.cursorOf(gap), own.cursorOf(behind)];
  expect(new Set(all).size).toBe(all.length);
  // Each of them is where what is to come begins.
  await ofTenant(app, 'b').jobs.start({ flowId: 'waiting', input: 1 });
  const { id } = await ofTenant(app, 'a').jobs.start({ flowId: 'waiting', input: 2 });
  await until(() => gate.waiting === 2);
  for (const cursor of all) {
    const told = own.subscribe({ after: cursor, since: 0 });
    expect((await told.next()).value).toMatchObject({ type: 'JOB_CREATED', jobId: id });
    await told.return();
  }
  await stream.return();
  gate.openAll();
});
