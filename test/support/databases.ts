import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { type OpenDatabaseOptions, openDatabase } from '../../src/storage/open-database.ts';
import { hasPostgres, makePostgresUrl } from './shared-postgres.ts';

/** A kind of database that a suite of tests runs on. */
export interface TestDatabase {
  readonly name: 'SQLite in memory' | 'SQLite in a file' | 'PostgreSQL';
  readonly dialect: 'sqlite' | 'postgres';
  /** Opens a new, empty database, or the one of a URL. It is closed when the test is over. */
  open(options?: OpenDatabaseOptions, url?: string): Promise<Database>;
  /**
   * The URL of a new, empty database that nobody has open, which is removed when the test is over. Opening the one in
   * memory always makes a new one.
   */
  makeUrl(): Promise<string>;
}

/**
 * Runs a suite of tests on each kind of database: what holds on one must hold on all.
 *
 * ```ts
 * forEachDatabase(({ open }) => {
 *   it('keeps what was written', async () => {
 *     const database = await open();
 *   });
 * });
 * ```
 */
export function forEachDatabase(suite: (database: TestDatabase) => void): void {
  describe('on SQLite in memory', () => {
    suite(offer('SQLite in memory', 'sqlite', async () => ({ url: 'sqlite::memory:' })));
  });
  describe('on SQLite in a file', () => {
    suite(
      offer('SQLite in a file', 'sqlite', async () => {
        const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'));
        return {
          url: `sqlite:${join(directory, 'millrace.db')}`,
          remove: () => rm(directory, { recursive: true }),
        };
      }),
    );
  });
  describe.skipIf(!hasPostgres)('on PostgreSQL', () => {
    suite(offer('PostgreSQL', 'postgres', async () => ({ url: await makePostgresUrl() })));
  });
}

interface Place {
  readonly url: string;
  readonly remove?: () => Promise<void>;
}

function offer(
  name: TestDatabase['name'],
  dialect: TestDatabase['dialect'],
  makePlace: () => Promise<Place>,
): TestDatabase {
  const opened: Database[] = [];
  const places: Place[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
    await Promise.all(places.splice(0).map((place) => place.remove?.()));
  });
  const makeUrl = async () => {
    const place = await makePlace();
    places.push(place);
    return place.url;
  };
  return {
    name,
    dialect,
    makeUrl,
    async open(options, url) {
      const database = await openDatabase(url ?? (await makeUrl()), options);
      opened.push(database);
      return database;
    },
  };
}
