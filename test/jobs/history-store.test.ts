import { describe, expect, it, onTestFinished } from 'vitest';
import { createHistoryStore } from '../../src/jobs/history-store.ts';
import type { JobResults } from '../../src/jobs/job.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import { readDurations } from '../../src/monitoring/durations.ts';
import type { ActivationRecord, LogRecord } from '../../src/monitoring/readings.ts';
import type { TraceQuery } from '../../src/monitoring/trace-page.ts';
import { createWriteBehind } from '../../src/storage/write-behind.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';
import { makeJob, makeReading } from './stored-jobs.ts';

function makeRecord(sequence: number, more: Partial<ActivationRecord> = {}): ActivationRecord {
  return {
    sequence,
    activationId: sequence,
    routineId: sequence % 2 === 0 ? 'even' : 'odd',
    attempt: 1,
    outcome: sequence % 5 === 0 ? 'FAILED' : 'COMPLETED',
    error: undefined,
    startedAt: 1_790_000_000_000.25,
    waitMs: 0.5,
    runMs: 1e-6,
    blockedMs: 0,
    parentIds: [],
    inputs: [
      { slot: 'in\0', emittedBy: undefined, item: { text: '"\ud800"', isTruncated: false } },
    ],
    inputCount: 1,
    outputs: [],
    outputCount: 0,
    ...more,
  };
}

function makeLine(sequence: number, more: Partial<LogRecord> = {}): LogRecord {
  return {
    sequence,
    level: sequence % 3 === 0 ? 'ERROR' : 'INFO',
    message: `line ${sequence}`,
    facts: undefined,
    routineId: sequence % 2 === 0 ? 'even' : 'odd',
    activationId: sequence,
    at: sequence,
    ...more,
  };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
const ALL = { filter: {}, limit: 1000, fromEnd: false };
const sequences = (records: readonly { readonly sequence: number }[]) =>
  records.map(({ sequence }) => sequence);

async function openHistory(open: TestDatabase['open']) {
  let statements = 0;
  const database = await open({ onStatement: () => statements++ });
  const writeBehind = createWriteBehind(database);
  onTestFinished(() => writeBehind.close());
  const history = createHistoryStore(database, writeBehind);
  const store = createJobStore(database);
  const end = async (id: string, results: Partial<JobResults> = {}) => {
    await store.insert(makeJob({ id }));
    const kept = { outputs: {}, reading: makeReading(id), durations: new Map(), traceTotal: 0 };
    await store.finish(id, { state: 'COMPLETED', finishedAt: 1 }, { ...kept, ...results });
  };
  const countStatements = async (ask: () => Promise<unknown>) => {
    const before = statements;
    await ask();
    return statements - before;
  };
  return { history, store, end, countStatements };
}

forEachDatabase(({ open }) => {
  describe('M10 what is kept of ended jobs', () => {
    it('gives back readings, durations and outputs of many jobs by one statement each', async () => {
      const { history, end, countStatements } = await openHistory(open);
      const histogram = new Histogram();
      histogram.record(12.5);
      // Routines are told in their own order, whatever their names.
      const durations = new Map(
        ['b', '2', '1', '__proto__'].map((id) => [id, readDurations(histogram)]),
      );
      const reading = { ...makeReading('a'), at: 5.5 };
      const outputs = { 'out\0': { values: [{ deep: ['\ud800', null] }], count: 2 ** 53 - 1 } };
      await end('a', { durations, reading, outputs });
      await end('b');
      const ids = ['b', 'none', 'a', 'b'];
      expect(
        await countStatements(async () => {
          expect(await history.readReadings(ids)).toEqual([
            makeReading('b'),
            undefined,
            reading,
            makeReading('b'),
          ]);
        }),
      ).toBe(1);
      expect(
        await countStatements(async () => {
          const [, none, ofA] = await history.readDurations(ids);
          expect(none).toBeUndefined();
          expect([...(ofA ?? [])]).toEqual([...durations]);
        }),
      ).toBe(1);
      expect(
        await countStatements(async () => {
          expect(await history.readOutputs(ids)).toEqual([{}, undefined, outputs, {}]);
        }),
      ).toBe(1);
      expect(await history.readReadings([])).toEqual([]);
    });
  });

  describe('M7 traces', () => {
    it('are kept as they are, and replaced by what is handed in later', async () => {
      const { history } = await openHistory(open);
      history.keepTrace('a', [makeRecord(1), makeRecord(2)]);
      history.keepTrace('b', [makeRecord(1, { routineId: 'other' })]);
      await history.flush();
      const retried = makeRecord(2, { outcome: 'RETRIED', error: { message: '\0', code: 'X' } });
      history.keepTrace('a', [retried, makeRecord(3)]);
      await history.flush();
      expect(await history.readTrace('a', ALL)).toEqual([makeRecord(1), retried, makeRecord(3)]);
      expect(await history.readTrace('none', ALL)).toEqual([]);
    });

    it('are read in pages from both ends, with any filter', async () => {
      const { history } = await openHistory(open);
      const records = numbers(1, 40).map((sequence) => makeRecord(sequence));
      history.keepTrace('a', records);
      await history.flush();
      const read = async (query: Partial<TraceQuery>) =>
        sequences(await history.readTrace('a', { ...ALL, ...query }));
      expect(await read({ limit: 3 })).toEqual([1, 2, 3]);
      expect(await read({ limit: 3, fromEnd: true })).toEqual([38, 39, 40]);
      expect(await read({ after: 3, limit: 2 })).toEqual([4, 5]);
      expect(await read({ before: 3, limit: 5, fromEnd: true })).toEqual([1, 2]);
      expect(await read({ after: 7, before: 12 })).toEqual([8, 9, 10, 11]);
      expect(await read({ filter: { outcomes: ['FAILED'] }, limit: 3 })).toEqual([5, 10, 15]);
      expect(await read({ filter: { outcomes: ['FAILED'], routineIds: ['odd', '\0'] } })).toEqual([
        5, 15, 25, 35,
      ]);
      expect(await read({ filter: { routineIds: [] } })).toEqual([]);
    });

    it('tell how many activations there are, and how many more there were', async () => {
      const { history, end } = await openHistory(open);
      history.keepTrace(
        'a',
        numbers(1, 40).map((sequence) => makeRecord(sequence)),
      );
      await history.flush();
      expect(await history.countTrace('a', {})).toEqual({ matching: 40, dropped: 0 });
      await end('a', { traceTotal: 50 });
      const failed = { outcomes: ['FAILED'] } as const;
      expect(await history.countTrace('a', failed)).toEqual({ matching: 8, dropped: 10 });
      history.trimTrace('a', 20);
      await history.flush();
      expect(await history.countTrace('a', failed)).toEqual({ matching: 4, dropped: 30 });
      expect(await history.countTrace('none', {})).toEqual({ matching: 0, dropped: 0 });
    });

    it('are trimmed of what was handed in just before, too', async () => {
      const { history } = await openHistory(open);
      history.keepTrace(
        'a',
        [1, 2, 3].map((sequence) => makeRecord(sequence)),
      );
      history.keepTrace('b', [makeRecord(1)]);
      history.trimTrace('a', 1);
      history.trimTrace('a', 2);
      history.trimTrace('a', 1);
      await history.flush();
      expect(sequences(await history.readTrace('a', ALL))).toEqual([3]);
      expect(sequences(await history.readTrace('b', ALL))).toEqual([1]);
      expect(await history.readLastPlaces('a')).toEqual({ trace: 3, log: 0 });
    });
  });

  describe('logs', () => {
    it('are kept as they are, read in pages and counted with any filter', async () => {
      const { history } = await openHistory(open);
      const odd = makeLine(1, {
        message: 'NUL \0, half \ud83e, private \ue000, 🦆',
        facts: { text: '{"a":"\\u0000"}', isTruncated: true },
        at: 1_790_000_000_000,
      });
      history.keepLogs('a', [odd, ...numbers(2, 30).map((sequence) => makeLine(sequence))]);
      history.keepLogs('b', [makeLine(1)]);
      await history.flush();
      expect((await history.readLogs('a', ALL)).at(0)).toEqual(odd);
      const read = async (query: object) =>
        sequences(await history.readLogs('a', { ...ALL, ...query }));
      expect(await read({ limit: 2 })).toEqual([1, 2]);
      expect(await read({ limit: 2, fromEnd: true, before: 30 })).toEqual([28, 29]);
      const filter = { levels: ['ERROR'], routineIds: ['odd'] };
      expect(await read({ filter, after: 3 })).toEqual([9, 15, 21, 27]);
      expect(await history.countLogs('a', filter)).toBe(5);
      expect(await history.countLogs('a', {})).toBe(30);
      expect(await history.countLogs('none', {})).toBe(0);
      expect(await history.readLastPlaces('a')).toEqual({ trace: 0, log: 30 });
      expect(await history.readLastPlaces('none')).toEqual({ trace: 0, log: 0 });
    });
  });
});
