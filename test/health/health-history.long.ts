import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HealthHistory, HealthPoint } from '../../src/health/health-history.ts';
import { SERVICE_STATUSES, type ServiceStatus } from '../../src/health/service.ts';
import { ServiceRecording } from '../../src/health/service-recording.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { DAY, DAY_MS, HOUR_MS, MINUTE_MS, openHistories } from './histories.ts';

const NO_TIME = { HEALTHY: 0, DEGRADED: 0, UNHEALTHY: 0, UNKNOWN: 0 };

/** The points in which something was noted: when each begins after `DAY`, and how long which status was. */
function timesOf(points: readonly HealthPoint[]) {
  return points
    .filter(({ statusMs, maintenanceMs }) => totalOf(statusMs) + maintenanceMs > 0)
    .map(({ startAt, statusMs }) => {
      const known = Object.entries(statusMs).filter(([, ms]) => ms > 0);
      return [startAt - DAY, Object.fromEntries(known)];
    });
}

function totalOf(statusMs: HealthPoint['statusMs']): number {
  return Object.values(statusMs).reduce((sum, ms) => sum + ms, 0);
}

/** What holds whatever the database: in memory, the fastest. */
async function openMemory(): Promise<Database> {
  const database = await openDatabase('sqlite::memory:');
  onTestFinished(() => database.close());
  return database;
}

async function countRows(database: Database): Promise<Record<string, number>> {
  const rows = await database.reads.selectFrom('service_metrics').select('resolution').execute();
  const counts = { MINUTE: 0, HOUR: 0, DAY: 0 };
  for (const { resolution } of rows) counts[resolution]++;
  return counts;
}

const readMinutes = (history: HealthHistory, service = 'a', tenant = 'default') =>
  history.readSeries(tenant, service, { bucket: 'MINUTE', since: DAY, until: DAY + HOUR_MS });

describe('the history of a service', () => {
  forEachDatabase(({ open }) => {
    test('tells how long it had each status, its checks and its uptime', async () => {
      const { start, advance } = openHistories(await open(), DAY + 10_000);
      const history = start();
      const recorder = history.record('default', 'a', 'UNKNOWN', false);
      await advance(10_000);
      recorder.state('HEALTHY', false);
      await advance(60_000);
      recorder.state('DEGRADED', false);
      await advance(15_000);
      recorder.state('UNHEALTHY', false);
      await advance(25_000);
      recorder.check(10, false);
      recorder.check(30, true);
      recorder.check(undefined, true);
      recorder.state('UNHEALTHY', true);
      recorder.check(999, true);
      await advance(30_000);
      recorder.stop();
      recorder.check(999, true);
      recorder.state('HEALTHY', false);
      await advance(60_000);
      const expected = {
        statusMs: { HEALTHY: 60_000, DEGRADED: 15_000, UNHEALTHY: 25_000, UNKNOWN: 10_000 },
        maintenanceMs: 30_000,
        uptime: 0.75,
        checkCount: 3,
        failedCount: 2,
        responseTimes: { count: 2, minMs: 10, avgMs: 20, maxMs: 30 },
      };
      expect(await history.readSummary('default', 'a', {})).toMatchObject({
        ...expected,
        since: DAY,
        until: DAY + 4 * MINUTE_MS,
      });
      expect(timesOf(await readMinutes(history))).toEqual([
        [0, { UNKNOWN: 10_000, HEALTHY: 40_000 }],
        [MINUTE_MS, { HEALTHY: 20_000, DEGRADED: 15_000, UNHEALTHY: 25_000 }],
        [2 * MINUTE_MS, {}],
      ]);
      await history.close();
      expect(await start().readSummary('default', 'a', {})).toMatchObject(expected);
    });

    test('is empty of one that nobody looked at', async () => {
      const { start } = openHistories(await open());
      const summary = await start().readSummary('default', 'a', {});
      expect(summary).toMatchObject({
        since: undefined,
        statusMs: NO_TIME,
        maintenanceMs: 0,
        uptime: undefined,
        checkCount: 0,
        responseTimes: { count: 0, p99Ms: undefined },
      });
      expect(timesOf(await readMinutes(start()))).toEqual([]);
      expect(await readMinutes(start())).toHaveLength(60);
    });

    test('is in memory and in the database as one, before and after each is written', async () => {
      const database = await open();
      const { start, advance } = openHistories(database);
      const history = start();
      const recorder = history.record('default', 'a', 'HEALTHY', false);
      for (let second = 1; second <= 200; second++) {
        await advance(1_000);
        recorder.check(second, false);
        if (second % 20 !== 0) continue;
        const summary = await history.readSummary('default', 'a', {});
        expect(summary).toMatchObject({
          checkCount: second,
          statusMs: { ...NO_TIME, HEALTHY: second * 1_000 },
          responseTimes: { count: second, maxMs: second },
        });
      }
      await advance(MINUTE_MS);
      expect(await countRows(database)).toEqual({ MINUTE: 4, HOUR: 1, DAY: 1 });
      const [hour] = await history.readSeries('default', 'a', {
        bucket: 'HOUR',
        since: DAY,
        until: DAY + 1,
      });
      expect(hour).toMatchObject({ startAt: DAY, endAt: DAY + HOUR_MS, checkCount: 200 });
    });

    test('O1 goes on in the same minute, hour and day when the server is started again', async () => {
      const database = await open();
      const { start, advance } = openHistories(database, DAY + HOUR_MS / 2);
      for (let run = 1; run <= 3; run++) {
        const history = start();
        const recorder = history.record('default', 'a', 'HEALTHY', false);
        await advance(10_000);
        recorder.check(run, run === 2);
        const read = await history.readSummary('default', 'a', {});
        expect([read.checkCount, read.statusMs.HEALTHY]).toEqual([run, run * 10_000]);
        await history.close();
      }
      expect(await countRows(database)).toEqual({ MINUTE: 1, HOUR: 1, DAY: 1 });
      const history = start();
      for (const bucket of ['MINUTE', 'HOUR', 'DAY'] as const) {
        const points = await history.readSeries('default', 'a', { bucket });
        expect(points.at(-1)).toMatchObject({
          checkCount: 3,
          failedCount: 1,
          statusMs: { HEALTHY: 30_000 },
          responseTimes: { count: 3, minMs: 1, avgMs: 2, maxMs: 3 },
        });
      }
    });

    test('has percentiles of all response times, not of the averages of minutes', async () => {
      const { start, advance } = openHistories(await open(), DAY + 22 * HOUR_MS);
      const all = new Histogram();
      let history = start();
      let recorder = history.record('default', 'a', 'HEALTHY', false);
      for (let minute = 0; minute < 5; minute++) {
        // One minute is very unlike the others.
        for (let check = 0; check < (minute === 3 ? 7 : 100); check++) {
          const ms = minute === 3 ? 5_000 + check : 1 + check / 100;
          recorder.check(ms, false);
          all.record(ms);
        }
        await advance(55 * MINUTE_MS);
        if (minute !== 2) continue;
        await history.close();
        history = start();
        recorder = history.record('default', 'a', 'HEALTHY', false);
      }
      const { responseTimes } = await history.readSummary('default', 'a', {});
      expect(responseTimes).toMatchObject({
        count: 407,
        p50Ms: all.percentileMs(0.5),
        p95Ms: all.percentileMs(0.95),
        p99Ms: all.percentileMs(0.99),
        maxMs: 5_006,
      });
      expect(responseTimes.histogram.buckets).toEqual(all.toSnapshot().buckets);
    });

    test('is one for each tenant, whatever the names', async () => {
      const database = await open();
      const { start, advance } = openHistories(database);
      const odd = 'nul \0 and \ud800';
      const history = start();
      history.record('default', 'a', 'HEALTHY', false);
      history.record('other', 'a', 'UNHEALTHY', false);
      history.record(odd, odd, 'DEGRADED', false);
      await advance(30_000);
      for (const each of [history, start()]) {
        const uptime = async (tenant: string, service: string) =>
          (await each.readSummary(tenant, service, {})).uptime;
        expect(await uptime('default', 'a')).toBe(1);
        expect(await uptime('other', 'a')).toBe(0);
        expect(await uptime(odd, odd)).toBe(1);
        expect(await uptime(odd, 'a')).toBeUndefined();
        await history.close();
      }
    });

    test('is not written where nothing changed, and the present minute not before it is over', async () => {
      const statements: string[] = [];
      const database = await open({ onStatement: (sql) => statements.push(sql) });
      const { start, advance } = openHistories(database);
      const history = start();
      const recorder = history.record('default', 'a', 'HEALTHY', false);
      await advance(59_999);
      expect(await countRows(database)).toEqual({ MINUTE: 0, HOUR: 0, DAY: 0 });
      await advance(1);
      expect(await countRows(database)).toEqual({ MINUTE: 1, HOUR: 1, DAY: 1 });
      recorder.stop();
      await advance(MINUTE_MS);
      statements.length = 0;
      await advance(5 * MINUTE_MS);
      expect(statements.filter((sql) => sql.startsWith('insert'))).toEqual([]);
      expect(await countRows(database)).toEqual({ MINUTE: 1, HOUR: 1, DAY: 1 });
    });

    test('H6 is forgotten with what is not written yet, even while that is being written', async () => {
      const told: { statement: (sql: string) => void } = { statement: () => undefined };
      const database = await open({ onStatement: (sql) => told.statement(sql) });
      const { start, advance } = openHistories(database);
      const history = start();
      history.record('default', 'a', 'HEALTHY', false);
      history.record('default', 'b', 'HEALTHY', false);
      // The first rows of both are looked up before they are written.
      let lookUps = 0;
      told.statement = (sql) => {
        if (!sql.startsWith('select * from "service_metrics"')) return;
        lookUps += 1;
        history.forget('default', 'a');
      };
      await advance(2 * MINUTE_MS);
      expect(lookUps).toBe(1);
      await history.close();
      const rows = await database.reads.selectFrom('service_metrics').select('service').execute();
      expect(new Set(rows.map(({ service }) => service))).toEqual(new Set(['b']));
    });

    test('is noted by the recorder that was given out last', async () => {
      const { start, advance } = openHistories(await open());
      const history = start();
      const old = history.record('default', 'a', 'UNHEALTHY', false);
      await advance(10_000);
      const recorder = history.record('default', 'a', 'HEALTHY', false);
      old.check(1, true);
      old.state('UNKNOWN', true);
      old.stop();
      await advance(10_000);
      recorder.check(1, false);
      expect(await history.readSummary('default', 'a', {})).toMatchObject({
        statusMs: { ...NO_TIME, UNHEALTHY: 10_000, HEALTHY: 10_000 },
        maintenanceMs: 0,
        checkCount: 1,
        failedCount: 0,
      });
    });

    test('begins anew for a service that was removed and is added again', async () => {
      const database = await open();
      const { start, advance } = openHistories(database);
      const history = start();
      const old = history.record('default', 'a', 'UNHEALTHY', false);
      await advance(10_000);
      history.forget('default', 'a');
      const recorder = history.record('default', 'a', 'HEALTHY', false);
      old.check(5, true);
      old.stop();
      await advance(5_000);
      recorder.check(1, false);
      await history.close();
      const summary = await start().readSummary('default', 'a', {});
      expect(summary).toMatchObject({
        statusMs: { ...NO_TIME, HEALTHY: 5_000 },
        checkCount: 1,
        failedCount: 0,
      });
    });

    test('is kept by minute, hour and day for as long as each is', async () => {
      const database = await open();
      const { start, advance, clock } = openHistories(database, DAY + 22 * HOUR_MS);
      const kept = { minutesMs: 10 * MINUTE_MS, hoursMs: 3 * HOUR_MS, daysMs: 2 * DAY_MS };
      const history = start(kept);
      const recorder = history.record('default', 'a', 'HEALTHY', false);
      await advance(20 * MINUTE_MS);
      expect(await countRows(database)).toEqual({ MINUTE: 10, HOUR: 1, DAY: 1 });
      for (let hour = 0; hour < 6; hour++) {
        clock.setBy(HOUR_MS);
        await advance(2 * MINUTE_MS);
      }
      // The minute in which the clock was set counts to the time before.
      expect(await countRows(database)).toEqual({ MINUTE: 1, HOUR: 3, DAY: 2 });
      const summary = await history.readSummary('default', 'a', {});
      expect(summary.statusMs.HEALTHY).toBe(32 * MINUTE_MS);
      recorder.stop();
      clock.setBy(3 * DAY_MS);
      await advance(3 * MINUTE_MS);
      expect(await countRows(database)).toEqual({ MINUTE: 0, HOUR: 0, DAY: 0 });
      expect(await history.readSummary('default', 'a', {})).toMatchObject({ since: undefined });
    });

    test('is stored as soon as the database takes it again', async () => {
      const database = await open();
      const { start, advance, warnings } = openHistories(database);
      const rename = async (from: string, to: string) => {
        const table = database.reads.schema.alterTable(from).renameTo(to);
        await database.write([table]);
      };
      const history = start();
      history.record('default', 'a', 'HEALTHY', false);
      await advance(MINUTE_MS);
      await rename('service_metrics', 'gone');
      await advance(3 * MINUTE_MS);
      expect(warnings).toContain('The history of services could not be stored now.');
      await rename('gone', 'service_metrics');
      expect(await countRows(database)).toEqual({ MINUTE: 1, HOUR: 1, DAY: 1 });
      const before = await history.readSummary('default', 'a', {});
      expect(before.statusMs.HEALTHY).toBe(4 * MINUTE_MS);
      await advance(MINUTE_MS);
      expect(await countRows(database)).toEqual({ MINUTE: 5, HOUR: 1, DAY: 1 });
      expect(timesOf(await readMinutes(history))).toHaveLength(5);
      expect((await history.readSummary('default', 'a', {})).statusMs.HEALTHY).toBe(5 * MINUTE_MS);
    });

    test('is refused for a range that is none, and for too many points', async () => {
      const history = openHistories(await open()).start();
      await expect(
        history.readSummary('default', 'a', { since: DAY + 1, until: DAY }),
      ).rejects.toThrow(ValidationError);
      await expect(
        history.readSeries('default', 'a', { bucket: 'MINUTE', since: DAY - 2 * DAY_MS }),
      ).rejects.toThrow(ValidationError);
    });
  });
});

describe('the wall clock of a history', () => {
  test('may be set forward: what was not looked at has no time', async () => {
    const { start, advance, clock } = openHistories(await openMemory());
    const history = start();
    history.record('default', 'a', 'HEALTHY', false);
    await advance(90_000);
    clock.setBy(10 * MINUTE_MS);
    await advance(60_000);
    expect(timesOf(await readMinutes(history))).toEqual([
      [0, { HEALTHY: 60_000 }],
      [MINUTE_MS, { HEALTHY: 60_000 }],
      [12 * MINUTE_MS, { HEALTHY: 30_000 }],
    ]);
  });

  test('may be set back: what was noted before stays, and more is added', async () => {
    const database = await openMemory();
    const { start, advance, clock } = openHistories(database);
    const history = start();
    const recorder = history.record('default', 'a', 'HEALTHY', false);
    await advance(5 * MINUTE_MS);
    clock.setBy(-4 * MINUTE_MS);
    recorder.state('UNHEALTHY', false);
    await advance(6 * MINUTE_MS);
    recorder.stop();
    await advance(MINUTE_MS);
    const expected = [
      [0, { HEALTHY: 60_000 }],
      ...[1, 2, 3, 4].map((minute) => [minute * MINUTE_MS, { HEALTHY: 60_000, UNHEALTHY: 60_000 }]),
      ...[5, 6].map((minute) => [minute * MINUTE_MS, { UNHEALTHY: 60_000 }]),
    ];
    expect(timesOf(await readMinutes(history))).toEqual(expected);
    await history.close();
    expect(timesOf(await readMinutes(start()))).toEqual(expected);
    expect(await countRows(database)).toEqual({ MINUTE: 7, HOUR: 1, DAY: 1 });
  });

  test('stands for nothing while the process stood still', async () => {
    const { start, advance, clock } = openHistories(await openMemory());
    const history = start();
    const recorder = history.record('default', 'a', 'HEALTHY', false);
    await advance(30_000);
    // The machine slept.
    clock.setBy(8 * HOUR_MS);
    recorder.check(1, false);
    await advance(30_000);
    expect((await history.readSummary('default', 'a', {})).statusMs.HEALTHY).toBe(60_000);
  });

  test('whatever happens, nothing is lost or counted twice', async () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 200_000 }) }),
      fc.record({ type: fc.constant('check' as const), isFailed: fc.boolean() }),
      fc.record({
        type: fc.constant('state' as const),
        status: fc.constantFrom(...SERVICE_STATUSES),
        isInMaintenance: fc.boolean(),
      }),
      fc.record({
        type: fc.constant('set clock' as const),
        // By less than a second it is a clock that is kept right.
        ms: fc.integer({ min: -500, max: 500 }).map((times) => times * 10_000),
      }),
      fc.record({ type: fc.constantFrom('restart' as const, 'stop' as const, 'read' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const { start, advance, clock } = openHistories(await openMemory(), DAY - HOUR_MS);
        let history = start();
        let state: { status: ServiceStatus; isInMaintenance: boolean } | undefined = {
          status: 'UNKNOWN',
          isInMaintenance: false,
        };
        let recorder = history.record('default', 'a', 'UNKNOWN', false);
        const expected = { ...NO_TIME, MAINTENANCE: 0, checks: 0, failures: 0 };
        const check = async () => {
          const span = { since: DAY - DAY_MS, until: DAY + DAY_MS * 5 };
          const whole = await history.readSummary('default', 'a', span);
          expect(figuresOf([whole])).toEqual(expected);
          for (const bucket of ['HOUR', 'DAY'] as const) {
            const points = await history.readSeries('default', 'a', { bucket, ...span });
            expect(figuresOf(points)).toEqual(expected);
          }
        };
        for (const event of events) {
          if (event.type === 'wait') {
            await advance(event.ms);
            if (state?.isInMaintenance) expected.MAINTENANCE += event.ms;
            else if (state !== undefined) expected[state.status] += event.ms;
          } else if (event.type === 'check') {
            recorder.check(1, event.isFailed);
            if (state === undefined || state.isInMaintenance) continue;
            expected.checks += 1;
            if (event.isFailed) expected.failures += 1;
          } else if (event.type === 'state') {
            state = { status: event.status, isInMaintenance: event.isInMaintenance };
            recorder = history.record('default', 'a', event.status, event.isInMaintenance);
          } else if (event.type === 'set clock') {
            clock.setBy(event.ms);
          } else if (event.type === 'read') {
            await check();
          } else {
            recorder.stop();
            state = undefined;
            if (event.type === 'stop') continue;
            await history.close();
            history = start();
          }
        }
        await check();
        await history.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** What some points tell together, in whole milliseconds. */
function figuresOf(
  points: readonly Pick<HealthPoint, 'statusMs' | 'maintenanceMs' | 'checkCount' | 'failedCount'>[],
) {
  const sum = { ...NO_TIME, MAINTENANCE: 0, checks: 0, failures: 0 };
  for (const { statusMs, maintenanceMs, checkCount, failedCount } of points) {
    for (const status of SERVICE_STATUSES) sum[status] += statusMs[status];
    sum.MAINTENANCE += maintenanceMs;
    sum.checks += checkCount;
    sum.failures += failedCount;
  }
  return sum;
}

describe('a history that can not be stored', () => {
  test('keeps the newest minutes, and all of the hour and the day', async () => {
    const clock = new ManualClock(DAY);
    const recording = new ServiceRecording('default', 'a', clock);
    recording.begin('HEALTHY', false);
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(MINUTE_MS);
      recording.settle();
    }
    recording.keepMinutes(3);
    const kept = recording.listChanged(clock.now(), true);
    expect(
      kept.map(({ resolution, startAt, tally }) => [
        resolution,
        startAt - DAY,
        tally.statusMs.HEALTHY,
      ]),
    ).toEqual([
      ['HOUR', 0, 10 * MINUTE_MS],
      ['DAY', 0, 10 * MINUTE_MS],
      // The present minute has no time yet.
      ['MINUTE', 8 * MINUTE_MS, MINUTE_MS],
      ['MINUTE', 9 * MINUTE_MS, MINUTE_MS],
    ]);
    expect(recording.isDone).toBe(false);
  });
});

describe('H9 many services', () => {
  test('are written a few at a time, and all at the end', async () => {
    const database = await openMemory();
    const { start, advance } = openHistories(database, DAY);
    const history = start();
    const recorders = Array.from({ length: 120 }, (_none, at) =>
      history.record('default', `service-${at}`, 'HEALTHY', false),
    );
    await advance(MINUTE_MS);
    const { MINUTE = 0 } = await countRows(database);
    expect(MINUTE).toBe(50);
    await advance(5_000);
    expect(await countRows(database)).toEqual({ MINUTE: 120, HOUR: 120, DAY: 120 });
    for (const recorder of recorders) recorder.check(1, false);
    await history.close();
    expect(await countRows(database)).toEqual({ MINUTE: 240, HOUR: 120, DAY: 120 });
  });
});
