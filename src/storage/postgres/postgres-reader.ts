import pg from 'pg';
import { systemClock } from '../../lib/clock.ts';
import { isKeptWithin } from '../../lib/within.ts';
import type { Statement } from '../backend.ts';
import type { WriteResult } from '../database.ts';
import { type PostgresConfig, toParameters, toWriteResult } from './postgres-config.ts';
import { PreparedNames } from './prepared-names.ts';

/** How connections that read are made and kept. */
export interface PostgresReaderOptions {
  readonly config: PostgresConfig;
  /** The most connections at once. */
  readonly size: number;
  /**
   * Whether statements that come again are kept prepared. PostgreSQL may then plan them without looking at the values,
   * which suits those that an index answers.
   */
  readonly keepsPrepared: boolean;
  /** To be told when a connection is lost while nobody uses it. */
  readonly onFault: (error: unknown) => void;
}

/** A query that takes longer is given up, with its connection. In milliseconds. */
const QUERY_LIMIT_MS = 60_000;
/** How long queries under way may take when it is closed, in milliseconds. */
const CLOSE_LIMIT_MS = 2_000;

/** A pool of connections that read. They are made when they are needed, and again when they were lost. */
export class PostgresReader {
  readonly #pool: pg.Pool;
  readonly #clients = new Set<pg.PoolClient>();
  readonly #names: PreparedNames | undefined;

  constructor({ config, size, keepsPrepared, onFault }: PostgresReaderOptions) {
    if (keepsPrepared) this.#names = new PreparedNames();
    this.#pool = new pg.Pool({
      max: size,
      // Also how long to wait for a connection that another query has.
      connectionTimeoutMillis: QUERY_LIMIT_MS,
      Client: class extends pg.Client {
        constructor() {
          super({ ...config.client, query_timeout: QUERY_LIMIT_MS });
        }
      },
    });
    this.#pool.on('error', onFault);
    this.#pool.on('connect', (client) => this.#clients.add(client));
    this.#pool.on('remove', (client) => this.#clients.delete(client));
  }

  /** Runs one statement. */
  async run({ sql, parameters }: Statement): Promise<WriteResult> {
    const name = this.#names?.of(sql);
    const query: pg.QueryConfig = { text: sql, values: toParameters(parameters) };
    return toWriteResult(await this.#pool.query(name === undefined ? query : { ...query, name }));
  }

  async close(): Promise<void> {
    const ended = this.#pool.end();
    await isKeptWithin(ended, CLOSE_LIMIT_MS, systemClock);
    // One that still works on a query breaks it off.
    for (const client of this.#clients) if (client instanceof pg.Client) void client.end();
  }
}
