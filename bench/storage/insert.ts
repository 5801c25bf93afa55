import pg from 'pg';
import { openDatabase } from '../../src/storage/open-database.ts';
import type { ActivationsTable } from '../../src/storage/tables.ts';
import { createWriteBehind } from '../../src/storage/write-behind.ts';
import { formatCount, printTable } from '../harness/print.ts';
import { type Contender, measureInTurn, median, spread } from '../harness/rounds.ts';
import { LoopDelay } from './loop-delay.ts';
import { openBareSqlite, type Place } from './places.ts';
import { judge } from './verdict.ts';

const BATCH_ROWS = 500;
/** Jobs whose rows arrive mixed, and how many rows each has. */
const JOBS_AT_ONCE = 20;
const ROWS_PER_JOB = 1_000;
/** Of the write-behind buffer, in rows: whoever fills it waits above that, so that nothing is dropped. */
const FULL = 15_000;
const WARM_UPS = 1;

/** A contender that knows at the end how many rows are in its table. */
interface Inserting extends Contender {
  readonly delay: LoopDelay;
  /** Closes it. @returns the rows in its table */
  finish(): Promise<number>;
}

/**
 * Inserts rows of traces, a slice each round, through the write-behind buffer and by the bare driver, each into a table
 * of its own with the same key.
 */
export async function measureInserts(place: Place, rounds: number, items: number): Promise<void> {
  const slice = Math.max(BATCH_ROWS, Math.round(items / (rounds + WARM_UPS)));
  const makeBare = place.name === 'SQLite' ? insertBareSqlite : insertBarePostgres;
  const contenders: readonly Inserting[] = [
    await makeBare(await makeTable(place), slice),
    await insertThroughBuffer(await makeTable(place), slice),
  ];
  const watched = contenders.map((contender) => contender.delay.watch(contender));
  const measurements = await measureInTurn(watched, rounds, WARM_UPS);
  const total = slice * (rounds + WARM_UPS);
  for (const { name, finish } of contenders) {
    const found = await finish();
    if (found !== total) throw new Error(`${name}: ${found} rows, not ${total}.`);
  }
  console.log(`Inserts, ${place.name}: ${formatCount(total)} rows of traces each, in slices\n`);
  const rates = measurements.map(({ timesMs }) => (slice * 1000) / median(timesMs));
  printTable(
    ['contender', 'rows/s', 'spread', 'to bare', 'loop p99 ms', 'loop max ms', 'target'],
    measurements.map(({ name, timesMs }, at) => {
      const share = (rates[at] ?? Number.NaN) / (rates[0] ?? Number.NaN);
      const delay = contenders[at]?.delay;
      return [
        name,
        formatCount(rates[at] ?? Number.NaN),
        `±${(spread(timesMs) * 100).toFixed(0)} %`,
        share.toFixed(2),
        delay?.p99.toFixed(1) ?? '',
        delay?.max.toFixed(0) ?? '',
        at === 0 ? '' : judge(share, { must: 0.7, aim: 0.9, isShare: true }),
      ];
    }),
  );
}

/** A new database with Millrace's tables. */
async function makeTable(place: Place): Promise<string> {
  const url = await place.makeUrl();
  const database = await openDatabase(url);
  await database.close();
  return url;
}

async function insertThroughBuffer(url: string, slice: number): Promise<Inserting> {
  const database = await openDatabase(url);
  const buffer = createWriteBehind(database);
  const rows = makeRows();
  return {
    name: 'millrace, write-behind',
    delay: new LoopDelay(WARM_UPS),
    async run() {
      for (let left = slice; left > 0; left -= BATCH_ROWS) {
        buffer.add('activations', take(rows, Math.min(left, BATCH_ROWS)));
        while (buffer.counters.waiting > FULL) await turn();
      }
      await buffer.flush();
    },
    async finish() {
      await buffer.close();
      const { dropped } = buffer.counters;
      if (dropped > 0) throw new Error(`${dropped} rows were dropped.`);
      const counted = await database.scans
        .selectFrom('activations')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      await database.close();
      return Number(counted.count);
    },
  };
}

async function insertBareSqlite(url: string, slice: number): Promise<Inserting> {
  const connection = openBareSqlite(url);
  const insert = connection.prepare(
    'insert into activations (job_id, sequence, routine_id, outcome, record) values (?, ?, ?, ?, ?)',
  );
  const insertAll = connection.transaction((batch: readonly ActivationsTable[]) => {
    for (const row of batch) {
      insert.run(row.job_id, row.sequence, row.routine_id, row.outcome, row.record);
    }
  });
  const rows = makeRows();
  return {
    name: 'better-sqlite3, a prepared statement',
    delay: new LoopDelay(WARM_UPS),
    async run() {
      for (let left = slice; left > 0; left -= BATCH_ROWS) {
        insertAll(take(rows, Math.min(left, BATCH_ROWS)));
        await turn();
      }
    },
    async finish() {
      const { count } = connection.prepare('select count(*) as count from activations').get() as {
        count: number;
      }; // as it is written there
      connection.close();
      return count;
    },
  };
}

async function insertBarePostgres(url: string, slice: number): Promise<Inserting> {
  const client = new pg.Client(url);
  await client.connect();
  const rows = makeRows();
  const insert = (batch: readonly ActivationsTable[]) => {
    const places = batch.map((_, at) => {
      const first = at * 5;
      return `($${first + 1}, $${first + 2}, $${first + 3}, $${first + 4}, $${first + 5})`;
    });
    return client.query({
      name: `insert-${batch.length}`,
      text: `insert into activations (job_id, sequence, routine_id, outcome, record) values ${places.join()}`,
      values: batch.flatMap((row) => [
        row.job_id,
        row.sequence,
        row.routine_id,
        row.outcome,
        row.record,
      ]),
    });
  };
  return {
    name: `pg, ${BATCH_ROWS} rows a statement`,
    delay: new LoopDelay(WARM_UPS),
    async run() {
      for (let left = slice; left > 0; left -= BATCH_ROWS) {
        await client.query('begin');
        await insert(take(rows, Math.min(left, BATCH_ROWS)));
        await client.query('commit');
      }
    },
    async finish() {
      const { rows: counted } = await client.query('select count(*) from activations');
      await client.end();
      return Number(counted[0].count);
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function take(rows: Iterator<ActivationsTable, never>, amount: number): ActivationsTable[] {
  return Array.from({ length: amount }, () => rows.next().value);
}

/** Rows of jobs that run at the same time, endlessly: one of each in turn. */
function* makeRows(): Generator<ActivationsTable, never> {
  for (let first = 0; ; first += JOBS_AT_ONCE) {
    // As when they were made: jobs of one time share the beginning of their ids, and nothing else.
    const ids = Array.from({ length: JOBS_AT_ONCE }, (_, at) => {
      const time = (1_790_000_000_000 + first + at).toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
    });
    for (let sequence = 1; sequence <= ROWS_PER_JOB; sequence++) {
      const routine = `stage-${sequence % 10}`;
      const record = writeRecord(sequence, routine);
      for (const id of ids) {
        yield { job_id: id, sequence, routine_id: routine, outcome: 'COMPLETED', record };
      }
    }
  }
}

function writeRecord(sequence: number, routineId: string): string {
  return JSON.stringify({
    sequence,
    activationId: sequence,
    routineId,
    attempt: 1,
    outcome: 'COMPLETED',
    startedAt: 1_790_000_000_000 + sequence,
    waitMs: 0.0123 * sequence,
    runMs: 0.0456,
    blockedMs: 0,
    parentIds: [sequence - 1],
    inputs: [{ slot: 'datum', preview: { type: 'object', text: '{"id":17,"value":4}' } }],
    inputCount: 1,
    outputs: [{ event: 'next', preview: { type: 'object', text: '{"id":17,"value":5}' } }],
    outputCount: 1,
  });
}
