import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { openEvents, readAll } from './told-events.ts';

/** How often others had their turn while something went on. */
async function countTurns(going: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const ended = going.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((keep) => setImmediate(keep));
    turns += 1;
  }
  await ended;
  return turns;
}

async function openStored(count: number) {
  const database = await openDatabase('sqlite::memory:');
  onTestFinished(() => database.close());
  const events = await openEvents(database, { heldEvents: 10 });
  for (let at = 0; at < count; at += 5000) {
    events.tell(5000);
    await events.flush();
  }
  const read = (types: readonly ['JOB_FAILED'], jobId?: string) => {
    const which = jobId === undefined ? {} : { jobId, flowId: 'even' };
    return readAll(events.subscribe({ ...which, types, since: 0 }, true));
  };
  return { ...events, read };
}

test('M9 P5 who reads far back gives others their turn after every page, alone or not', async () => {
  const events = await openStored(20_000);
  const pages = 20_000 / 4 / 500; // of one job of four
  expect(await countTurns(events.read(['JOB_FAILED'], 'job 1'))).toBeGreaterThanOrEqual(pages);
  const several = [1, 1, 1].map(() => events.read(['JOB_FAILED'], 'job 1'));
  expect(await countTurns(Promise.all(several))).toBeGreaterThanOrEqual(3 * pages);
});

test('M9 who wants few of many events has the database look for them', async () => {
  const events = await openStored(30_000);
  events.record({ jobId: 'job 1', tenant: DEFAULT_TENANT, flowId: 'even' }, 1, {
    type: 'JOB_FAILED',
    errorMessage: 'It had to.',
  });
  events.tell(5000);
  await events.flush();
  const reading = events.read(['JOB_FAILED']);
  expect(await countTurns(reading)).toBeLessThan(10); // 71 pages
  expect(await reading).toMatchObject([{ type: 'JOB_FAILED', sequence: 30_001 }]);
});
