import { expect, test } from 'vitest';
import { createHealthRetention, type KeptTransitions } from '../../src/health/health-retention.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Database } from '../../src/storage/database.ts';
import { toStoredText } from '../../src/storage/stored-text.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock, until } from '../support/manual-clock.ts';
import { ALL_KEPT, DAY, DAY_MS, HOUR_MS } from './histories.ts';

async function insertTransitions(database: Database, tenant: string, times: readonly number[]) {
  const rows = times.map((at) => ({
    id: newId(),
    tenant,
    service: 'a',
    at,
    from_status: 'HEALTHY',
    to_status: 'DEGRADED',
    explanation: '{}',
  }));
  for (let at = 0; at < rows.length; at += 500) {
    const some = database.reads.insertInto('service_transitions').values(rows.slice(at, at + 500));
    await database.write([some]);
  }
}

async function listTimes({ reads }: Database, tenant: string): Promise<number[]> {
  const rows = await reads
    .selectFrom('service_transitions')
    .select('at')
    .where('tenant', '=', tenant)
    .orderBy('id')
    .execute();
  return rows.map(({ at }) => at - DAY);
}

const upTo = (count: number) => Array.from({ length: count }, (_none, at) => at);

function openRetention(database: Database, transitions: KeptTransitions) {
  const clock = new ManualClock(DAY);
  const retention = createHealthRetention({ database, clock, kept: ALL_KEPT, transitions });
  return {
    clock,
    /** Lets time go on for pauses between steps. */
    async removeOld(signal = new AbortController().signal) {
      let isDone = false;
      const removing = retention.removeOld(signal).finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await until(() => isDone || clock.timers > 0);
        if (!isDone) await clock.advance(20);
      }
      await removing;
      expect(clock.timers).toBe(0);
    },
  };
}

forEachDatabase(({ open }) => {
  test('transitions are kept for a time, those of all tenants', async () => {
    const database = await open();
    const { removeOld, clock } = openRetention(database, { maxAgeMs: DAY_MS, maxCount: 10_000 });
    await insertTransitions(
      database,
      'default',
      upTo(1_200).map((at) => DAY - DAY_MS - 1_200 + at),
    );
    await insertTransitions(database, 'other', [DAY - DAY_MS - 1, DAY - DAY_MS]);
    await insertTransitions(database, 'default', [DAY - DAY_MS, DAY]);
    await removeOld();
    // Pauses took some of the time that they are kept for.
    const start = clock.now() - DAY;
    expect(start).toBeGreaterThan(0);
    expect(await listTimes(database, 'default')).toEqual([-DAY_MS, 0]);
    expect(await listTimes(database, 'other')).toEqual([-DAY_MS]);
  });

  test('of many transitions each tenant keeps the newest, counted once an hour', async () => {
    const database = await open();
    const { removeOld, clock } = openRetention(database, { maxAgeMs: DAY_MS, maxCount: 3 });
    const many = upTo(1_100).map((at) => DAY + at);
    await insertTransitions(database, toStoredText('nul \0'), many);
    await insertTransitions(database, 'few', [DAY, DAY + 1, DAY + 2]);
    await removeOld();
    expect(await listTimes(database, toStoredText('nul \0'))).toEqual([1_097, 1_098, 1_099]);
    expect(await listTimes(database, 'few')).toEqual([0, 1, 2]);

    await insertTransitions(database, 'few', [DAY + 3]);
    await removeOld();
    expect(await listTimes(database, 'few')).toHaveLength(4);
    await clock.advance(HOUR_MS);
    await removeOld();
    expect(await listTimes(database, 'few')).toEqual([1, 2, 3]);
  });

  test('what is removed no more ends at the signal', async () => {
    const database = await open();
    const { removeOld } = openRetention(database, { maxAgeMs: 1, maxCount: 1 });
    await insertTransitions(database, 'default', [DAY - 10, DAY - 9]);
    await removeOld(AbortSignal.abort());
    expect(await listTimes(database, 'default')).toHaveLength(2);
  });
});
