import {
  type JobFilter,
  type JobOrderField,
  type JobQuery,
  positionOf,
} from '../../src/jobs/job-query.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { Statement } from '../../src/storage/backend.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { createQueries } from '../../src/storage/queries.ts';
import { formatCount, printTable } from '../harness/print.ts';
import { type Contender, measureInTurn, median } from '../harness/rounds.ts';
import { fillJobs, LARGEST_FLOW } from './fill.ts';
import { readPlainPage } from './page-queries.ts';
import { openBare, type Place } from './places.ts';
import { judge } from './verdict.ts';

const PAGE = 100;
const ORDERS: readonly JobOrderField[] = ['CREATED_AT', 'FINISHED_AT', 'DURATION', 'STATUS'];
const FILTERS: readonly (readonly [string, JobFilter])[] = [
  ['no filter', {}],
  ['one flow', { flowIds: [LARGEST_FLOW] }],
  ['3 states', { states: ['FAILED', 'CANCELLED', 'RUNNING'] }],
];
const NOTHING = 'a text that no job has';
/** Pages are read several times in a round, for about so long. */
const ROUND_MS = 15;
const MOST_PAGES = 20;
/** Slow ones are read so often at most, in all. */
const SLOW_MS = 200;

/** What it takes to read one page, in milliseconds. */
interface PageCost {
  /** By the statement that one would write by hand, on the bare driver. */
  readonly plain: number;
  /** By the statements of the store, on the bare driver. */
  readonly same: number;
  readonly store: number;
}

/** Reads first and last pages of lists of jobs, by the store and by the bare driver, as the list grows. */
export async function measurePages(place: Place, rounds: number, items: number): Promise<void> {
  for (const amount of [items / 1_000, items / 10, items]) {
    const jobs = Math.max(1_000, Math.round(amount));
    const startMs = performance.now();
    const url = await place.makeUrl();
    await fillJobs(url, jobs);
    const tookS = ((performance.now() - startMs) / 1000).toFixed(0);
    console.log(
      `Pages of ${PAGE} of ${formatCount(jobs)} jobs, ${place.name} (filled in ${tookS} s), milliseconds\n`,
    );
    await measureList(url, rounds);
    if (jobs >= items) return;
  }
}

async function measureList(url: string, rounds: number): Promise<void> {
  const database = await openDatabase(url);
  const { dialect } = database.capabilities;
  const store = createJobStore(database);
  const driver = await openBare(url);

  /** The statements by which the store reads something. */
  const findStatements = async (read: (recorded: typeof store) => Promise<unknown>) => {
    const statements: Statement[] = [];
    const queries = createQueries(dialect, async ({ sql, parameters }) => {
      statements.push({ sql, parameters });
      return { rows: await driver.query(sql, parameters), changes: 0 };
    });
    await read(createJobStore({ ...database, reads: queries, scans: queries }));
    return statements;
  };
  const runAll = async (statements: readonly Statement[]) => {
    let rows: Readonly<Record<string, unknown>>[] = [];
    for (const { sql, parameters } of statements) rows = await driver.query(sql, parameters);
    return rows;
  };
  const measurePage = async (query: JobQuery): Promise<PageCost> => {
    const statements = await findStatements((recorded) => recorded.list(DEFAULT_TENANT, query));
    const listed = (await store.list(DEFAULT_TENANT, query)).map(({ id }) => id).join();
    const plain = (await readPlainPage(driver, dialect, query)).map(({ id }) => id).join();
    if (listed !== plain) throw new Error('The store lists other jobs than a plain query does.');
    return compare(rounds, {
      plain: () => readPlainPage(driver, dialect, query),
      same: () => runAll(statements),
      store: () => store.list(DEFAULT_TENANT, query),
    });
  };

  const rows: string[][] = [];
  const worst = { toBare: 0, toSame: 0, lastToFirst: 0 };
  for (const [name, filter] of FILTERS) {
    for (const field of ORDERS) {
      const first: JobQuery = {
        filter,
        order: { field, isDescending: true },
        limit: PAGE,
        fromEnd: false,
      };
      const [before] = await store.list(DEFAULT_TENANT, {
        ...first,
        fromEnd: true,
        limit: PAGE + 1,
      });
      if (before === undefined) throw new Error('There are no jobs.');
      const last = { ...first, after: positionOf(before, first.order) };
      const [atFirst, atLast] = [await measurePage(first), await measurePage(last)];
      const [firstToBare, lastToBare] = [atFirst, atLast].map(toBare);
      const lastToFirst = atLast.store / atFirst.store;
      worst.toBare = Math.max(worst.toBare, firstToBare ?? 0, lastToBare ?? 0);
      for (const { store: storeMs, same } of [atFirst, atLast]) {
        worst.toSame = Math.max(worst.toSame, storeMs / same);
      }
      worst.lastToFirst = Math.max(worst.lastToFirst, lastToFirst);
      rows.push([
        `${field}, ${name}`,
        ...show(atFirst),
        firstToBare?.toFixed(2) ?? '',
        ...show(atLast),
        lastToBare?.toFixed(2) ?? '',
        lastToFirst.toFixed(2),
      ]);
    }
  }
  printTable(
    [
      'list, descending',
      'first: by hand',
      'bare',
      'store',
      'to best',
      'last: by hand',
      'bare',
      'store',
      'to best',
      'last to first',
    ],
    rows,
  );
  console.log(
    `Worst page to the best of the bare queries: ${worst.toBare.toFixed(2)}, must 2: ${worst.toBare <= 2 ? 'must met' : 'NOT met'}`,
  );
  console.log(
    `Worst page to its own statements on the bare driver: ${worst.toSame.toFixed(2)}, must 2: ${worst.toSame <= 2 ? 'must met' : 'NOT met'}`,
  );
  console.log(
    `Worst last page to first: ${worst.lastToFirst.toFixed(2)}, ${judge(worst.lastToFirst, { must: 2, aim: 1.3, isShare: false })}\n`,
  );

  const scans: [string, (recorded: typeof store) => Promise<unknown>][] = [
    ['totalCount, no filter', (recorded) => recorded.count(DEFAULT_TENANT, {})],
    [
      'totalCount, one flow',
      (recorded) => recorded.count(DEFAULT_TENANT, { flowIds: [LARGEST_FLOW] }),
    ],
    [
      'page, text that finds nothing',
      (recorded) =>
        recorded.list(DEFAULT_TENANT, {
          filter: { text: NOTHING },
          order: { field: 'CREATED_AT', isDescending: true },
          limit: PAGE,
          fromEnd: false,
        }),
    ],
  ];
  const scanRows: string[][] = [];
  for (const [name, read] of scans) {
    const statements = await findStatements(read);
    const cost = await compare(Math.min(rounds, 3), {
      same: () => runAll(statements),
      store: () => read(store),
    });
    scanRows.push([
      name,
      cost.same.toFixed(2),
      cost.store.toFixed(2),
      (cost.store / cost.same).toFixed(2),
    ]);
  }
  printTable(['looks at many jobs', 'bare', 'store', 'to bare'], scanRows);
  await driver.close();
  await database.close();
}

function toBare({ plain, same, store }: PageCost): number {
  return store / Math.min(plain, same);
}

function show({ plain, same, store }: PageCost): string[] {
  return [plain, same, store].map((ms) => ms.toFixed(2));
}

/** The median time of each way to read, in milliseconds. They are run in turn. */
async function compare<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, () => Promise<unknown>>>,
): Promise<Record<Name, number>> {
  const repeats = new Map<string, number>();
  const contenders: Contender[] = [];
  let slowestMs = 0;
  for (const [name, read] of Object.entries<() => Promise<unknown>>(ways)) {
    await read();
    const startMs = performance.now();
    await read();
    const tookMs = performance.now() - startMs;
    slowestMs = Math.max(slowestMs, tookMs);
    const times = Math.min(MOST_PAGES, Math.max(1, Math.round(ROUND_MS / tookMs)));
    repeats.set(name, times);
    contenders.push({
      name,
      async run() {
        for (let time = 0; time < times; time++) await read();
      },
    });
  }
  const measured = slowestMs > SLOW_MS ? Math.min(rounds, 3) : rounds;
  const measurements = await measureInTurn(contenders, measured, slowestMs > SLOW_MS ? 0 : 1);
  return Object.fromEntries(
    measurements.map(({ name, timesMs }) => [name, median(timesMs) / (repeats.get(name) ?? 1)]),
  ) as Record<Name, number>; // one for each way
}
