import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { RunStatement } from './backend.ts';
import type { Capabilities } from './capabilities.ts';
import type { Tables } from './tables.ts';

type DialectParts = Omit<Dialect, 'createDriver'>;

const PARTS: Readonly<Record<Capabilities['dialect'], DialectParts>> = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  },
};

/**
 * A Kysely over something that runs one statement. It has no transactions of its own: what must be atomic is written by
 * `Database.write`.
 */
export function createQueries(dialect: Capabilities['dialect'], run: RunStatement): Kysely<Tables> {
  const connection: DatabaseConnection = {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery) {
      const { rows, changes } = await run({ sql, parameters });
      // Kysely's types say what the rows of a query look like; the database knows no more than columns.
      return { rows: [...rows] as Row[], numAffectedRows: BigInt(changes) };
    },
    // biome-ignore lint/correctness/useYield: rows are not streamed
    async *streamQuery() {
      throw new Error('Rows are not streamed. Read them in pages.');
    },
  };
  const refuse = async () => {
    throw new Error('There are no transactions here. Write by `Database.write`.');
  };
  const driver: Driver = {
    init: async () => undefined,
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: async () => undefined,
    destroy: async () => undefined,
  };
  return new Kysely<Tables>({ dialect: { ...PARTS[dialect], createDriver: () => driver } });
}

/** Runs a statement that takes no parameters and is the same on both databases, such as `begin`. */
export async function runPlain(queries: Kysely<Tables>, sql: string): Promise<void> {
  await queries.executeQuery(CompiledQuery.raw(sql));
}
