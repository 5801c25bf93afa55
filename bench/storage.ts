import type { Benchmark } from './harness/benchmark.ts';
import { measureInserts } from './storage/insert.ts';
import { measureJobs } from './storage/jobs.ts';
import { measurePages } from './storage/pages.ts';
import { makePostgresPlace, makeSqlitePlace, type Place } from './storage/places.ts';

/** What is measured, on each kind of database. `--only` takes one of these words. */
const PARTS = { inserts: measureInserts, pages: measurePages };
const JOBS = 'jobs';

export const benchmark: Benchmark = {
  description: `inserts, pages of jobs, jobs from start to end; an item is a row (--only ${[...Object.keys(PARTS), JOBS].join(', ')})`,
  defaults: { rounds: 5, items: 1_000_000 },
  async run({ rounds, items, only }) {
    const postgres = await makePostgresPlace();
    const places: readonly Place[] = [
      await makeSqlitePlace(),
      ...(postgres === undefined ? [] : [postgres]),
    ];
    if (postgres === undefined) console.log('PostgreSQL is not installed: left out.\n');
    try {
      for (const [name, measure] of Object.entries(PARTS)) {
        if (only !== undefined && only !== name) continue;
        for (const place of places) await measure(place, rounds, items);
      }
      if (only === undefined || only === JOBS) await measureJobs(places, rounds, items);
    } finally {
      for (const place of places) await place.remove();
    }
  },
};
