import pg from 'pg';
import { systemClock } from '../../lib/clock.ts';
import { isKeptWithin } from '../../lib/within.ts';
import {
  type RunStatement,
  type Statement,
  UncertainCommitError,
  type Unit,
  type UnitOutcome,
  type WriteLane,
} from '../backend.ts';
import type { WriteResult } from '../database.ts';
import { type PostgresConfig, toParameters, toWriteResult } from './postgres-config.ts';
import { explainPostgresFault, isOwnerChanged, LOCK_HELD } from './postgres-faults.ts';
import { PreparedNames } from './prepared-names.ts';

/** What the writing connection is made of. */
export interface PostgresWriterParts {
  readonly config: PostgresConfig;
  /** To be told when the connection is lost while nobody uses it. */
  readonly onFault: (error: unknown) => void;
  /**
   * Run over each new connection once it has the lock, or can't have it. Throws an error of `OWNER_CHANGED` when the
   * database must never be written again.
   */
  readonly check: (run: RunStatement) => Promise<void>;
  /** Called with that error, once. */
  readonly onLost: (error: unknown) => void;
}

/** `MILL`, as the first half of the lock's number. The second is the schema, so that each has a lock of its own. */
const LOCK_CLASS = 0x4d_49_4c_4c;

/** A statement that takes longer is taken for lost, with its connection. In milliseconds. */
const STATEMENT_LIMIT_MS = 30_000;

/** How long to wait for a server that does not answer a goodbye, in milliseconds. */
const CLOSE_LIMIT_MS = 2_000;

/**
 * With the last of these a commit is on disk when it is told, also where the server is set up otherwise; what it does
 * beyond that stays. With the others PostgreSQL finds out within half a minute that this machine is gone without a word,
 * and gives up its lock. By default it would take two hours.
 */
const SESSION_SETTINGS = [
  'set tcp_keepalives_idle = 10',
  'set tcp_keepalives_interval = 5',
  'set tcp_keepalives_count = 3',
  `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
];

/**
 * The connection that writes. The lock that makes this process the only writer belongs to its session, so that nothing is
 * ever written without the lock: a session that is lost takes the lock with it, and the next one takes it again first.
 * When another process had the database meanwhile there is no next one.
 */
export class PostgresWriter implements WriteLane {
  readonly #parts: PostgresWriterParts;
  readonly #names = new PreparedNames();
  #connecting: Promise<pg.Client> | undefined;
  /** What `#connecting` came to. */
  #current: pg.Client | undefined;
  /** Why there is no next one. */
  #loss: unknown;
  #isClosed = false;

  constructor(parts: PostgresWriterParts) {
    this.#parts = parts;
  }

  /** Runs one statement, however long it takes. */
  async run({ sql, parameters }: Statement): Promise<WriteResult> {
    const client = await this.#connect();
    return toWriteResult(await client.query(sql, toParameters(parameters)));
  }

  async ready(): Promise<void> {
    await this.#connect();
  }

  async commit(units: readonly Unit[], isIsolated: boolean): Promise<readonly UnitOutcome[]> {
    const client = await this.#connect();
    try {
      const named = units.map((unit) =>
        unit.map((each): NamedStatement => ({ ...each, name: this.#names.of(each.sql) })),
      );
      const outcomes = isIsolated
        ? await runApart(client, named)
        : await runTogether(client, named);
      // Until here nothing is committed, whatever happens. From here on the answer tells, and it may be lost.
      await query(client, 'commit').catch((error: unknown) => {
        throw new UncertainCommitError(error);
      });
      return outcomes;
    } catch (error) {
      await query(client, 'rollback').catch(() => this.#drop(client));
      throw error;
    }
  }

  /** Lets go of the lock. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const client = await this.#connecting?.catch(() => undefined);
    if (client === undefined) return;
    const ended = client.end().catch(() => undefined);
    await isKeptWithin(ended, CLOSE_LIMIT_MS, systemClock);
  }

  #connect(): Promise<pg.Client> {
    if (this.#isClosed) return Promise.reject(new Error('Connection terminated: it was closed.'));
    if (this.#loss !== undefined) return Promise.reject(this.#loss);
    this.#connecting ??= this.#makeClient().catch((error: unknown) => {
      this.#connecting = undefined;
      throw error;
    });
    // A client that is lost again before it is handed out rejects whatever is asked of it.
    return this.#connecting;
  }

  async #makeClient(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#parts.config.client, pipeline: true });
    client.on('error', (error) => {
      this.#drop(client);
      this.#parts.onFault(error);
    });
    try {
      await client.connect();
      for (const setting of SESSION_SETTINGS) await query(client, setting);
      const { rows } = await query(
        client,
        `select pg_try_advisory_lock(${LOCK_CLASS}, hashtext(coalesce(current_schema(), ''))) as "isLocked"`,
      );
      // Without the lock too: it may be another process that has it, or the session that was lost a moment ago.
      await this.#parts.check((statement) => run(client, statement));
      if (rows[0]?.isLocked !== true) {
        throw Object.assign(new Error('Another process has the lock.'), { code: LOCK_HELD });
      }
      this.#current = client;
    } catch (error) {
      client.end().catch(() => undefined);
      if (isOwnerChanged(error)) {
        this.#loss = error;
        this.#parts.onLost(error);
      }
      throw error;
    }
    return client;
  }

  #drop(client: pg.Client): void {
    if (this.#current === client) {
      this.#current = undefined;
      this.#connecting = undefined;
    }
    client.end().catch(() => undefined);
  }
}

interface NamedStatement extends Statement {
  /** What the connection may keep it prepared by. */
  readonly name?: string | undefined;
}

/** The driver takes a limit with each query, which its types don't tell. */
interface LimitedQuery extends pg.QueryConfig {
  readonly query_timeout: number;
}

function query(
  client: pg.Client,
  text: string,
  values: unknown[] = [],
  name?: string,
): Promise<pg.QueryResult> {
  const limited: LimitedQuery = { text, values, query_timeout: STATEMENT_LIMIT_MS };
  return client.query(name === undefined ? limited : { ...limited, name });
}

async function run(
  client: pg.Client,
  { sql, parameters, name }: NamedStatement,
): Promise<WriteResult> {
  return toWriteResult(await query(client, sql, toParameters(parameters), name));
}

/**
 * Sends statements without waiting for one another, which spares the way there and back for each.
 * @throws the error of the first that failed, once all are answered
 */
async function runInRow(
  client: pg.Client,
  statements: readonly NamedStatement[],
): Promise<readonly WriteResult[]> {
  const answers = await Promise.allSettled(statements.map((each) => run(client, each)));
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  });
}

async function runTogether(
  client: pg.Client,
  units: readonly (readonly NamedStatement[])[],
): Promise<readonly UnitOutcome[]> {
  const begin: Statement = { sql: 'begin', parameters: [] };
  const results = await runInRow(client, [begin, ...units.flat()]);
  let end = 1;
  return units.map(({ length }) => {
    end += length;
    return { results: results.slice(end - length, end) };
  });
}

async function runApart(
  client: pg.Client,
  units: readonly (readonly NamedStatement[])[],
): Promise<readonly UnitOutcome[]> {
  await query(client, 'begin');
  const outcomes: UnitOutcome[] = [];
  for (const unit of units) {
    await query(client, 'savepoint unit');
    try {
      outcomes.push({ results: await runInRow(client, unit) });
      await query(client, 'release unit');
    } catch (error) {
      if (explainPostgresFault(error, '') !== undefined) throw error;
      await query(client, 'rollback to unit');
      outcomes.push({ error });
    }
  }
  return outcomes;
}
