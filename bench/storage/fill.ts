import pg from 'pg';
import { isFinalState, type JobState } from '../../src/engine/index.ts';
import type { Job } from '../../src/jobs/job.ts';
import { toRow } from '../../src/jobs/job-row.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import type { JobsTable } from '../../src/storage/tables.ts';
import { openBareSqlite } from './places.ts';

const BATCH_ROWS = 2_000;
const FIRST_AT = 1_790_000_000_000;

/** The flow that has the most jobs. */
export const LARGEST_FLOW = 'flow-0';

/** Shares of all jobs. */
const STATES: readonly (readonly [JobState, number])[] = [
  ['COMPLETED', 0.87],
  ['FAILED', 0.08],
  ['CANCELLED', 0.04],
  ['PENDING', 0.006],
  ['PAUSED', 0.002],
  ['RUNNING', 0.002],
];

/**
 * Fills a new database with jobs, a second apart: ten flows of which the first has a third of all jobs, nine in ten jobs
 * completed, two hundred owners. Indexes are made afterwards, which is much faster.
 */
export async function fillJobs(url: string, amount: number): Promise<void> {
  await (await openDatabase(url)).close(); // makes the tables
  await (url.startsWith('sqlite:') ? fillSqlite : fillPostgres)(url, amount);
}

async function fillSqlite(url: string, amount: number): Promise<void> {
  const connection = openBareSqlite(url);
  connection.pragma('synchronous = off');
  const indexes = connection
    .prepare(
      `select name, sql from sqlite_master where type = 'index' and tbl_name = 'jobs' and sql is not null`,
    )
    .all() as { name: string; sql: string }[]; // as it is written there
  const random = makeRandom();
  const columns = Object.keys(toRow(makeJob(0, random)));
  const insert = connection.prepare(
    `insert into jobs (${columns.join()}) values (${columns.map((name) => `@${name}`).join()})`,
  );
  connection.transaction(() => {
    for (const { name } of indexes) connection.exec(`drop index "${name}"`);
    for (let at = 0; at < amount; at++) insert.run(makeRow(at, random));
    for (const { sql } of indexes) connection.exec(sql);
  })();
  connection.pragma('wal_checkpoint(truncate)');
  connection.close();
}

async function fillPostgres(url: string, amount: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows: indexes } = await client.query<{ name: string; sql: string }>(
    `select indexname as name, indexdef as sql from pg_indexes
     where schemaname = current_schema() and tablename = 'jobs' and indexname like 'jobs\\_by%'`,
  );
  for (const { name } of indexes) await client.query(`drop index "${name}"`);
  const random = makeRandom();
  for (let at = 0; at < amount; at += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, amount - at);
    const rows = Array.from({ length }, (_, offset) => makeRow(at + offset, random));
    await client.query('insert into jobs select * from json_populate_recordset(null::jobs, $1)', [
      JSON.stringify(rows),
    ]);
  }
  for (const { sql } of indexes) await client.query(sql);
  // As its own housekeeping does after a while.
  await client.query('vacuum analyze jobs');
  await client.query('checkpoint');
  await client.end();
}

function makeRow(at: number, random: () => number): JobsTable {
  const job = makeJob(at, random);
  const hasEnded = isFinalState(job.state);
  return {
    ...toRow(job),
    is_rolled_up: hasEnded ? 1 : 0,
    execution_count: hasEnded ? 10 + (at % 90) : null,
    error_count: hasEnded ? at % 3 : null,
  };
}

function makeJob(at: number, random: () => number): Job {
  const createdAt = FIRST_AT + at * 1_000;
  const startedAt = createdAt + Math.floor(random() * 900);
  const state = chooseState(random());
  const hasStarted = state !== 'PENDING';
  const flow = random() < 0.25 ? 0 : Math.floor(random() * 10);
  const owner = random();
  return {
    id: makeId(createdAt, random),
    tenant: DEFAULT_TENANT,
    flowId: `flow-${flow}`,
    state,
    input: { source: `https://data.example/${at}.json`, limit: 100, verbose: false },
    metadata: { team: `team-${at % 17}`, region: at % 5 === 0 ? 'north' : 'south', run: at },
    owner: owner < 0.3 ? undefined : `owner-${Math.floor(owner * 200)}`,
    priority: at % 3,
    idempotencyKey: at % 10 === 0 ? `order-${at}` : undefined,
    retryOf: undefined,
    createdAt,
    startedAt: hasStarted ? startedAt : undefined,
    finishedAt: isFinalState(state) ? startedAt + Math.floor(random() ** 4 * 600_000) : undefined,
    cancelRequestedAt: state === 'CANCELLED' ? startedAt + 10 : undefined,
    error:
      state === 'FAILED' ? { message: 'The service did not answer.', code: 'GONE' } : undefined,
    unresponsiveRoutineIds: [],
    recovery: undefined,
  };
}

function chooseState(share: number): JobState {
  let sum = 0;
  for (const [state, part] of STATES) {
    sum += part;
    if (share < sum) return state;
  }
  return 'COMPLETED';
}

/** A UUID of version 7. */
function makeId(at: number, random: () => number): string {
  const digits = (count: number) =>
    Math.floor(random() * 16 ** count)
      .toString(16)
      .padStart(count, '0');
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(3)}-8${digits(3)}-${digits(6)}${digits(6)}`;
}

/** The same numbers in each run, from 0 up to 1 (mulberry32). */
function makeRandom(): () => number {
  let state = 42;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
