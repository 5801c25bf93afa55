import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { WriteResult } from '../database.ts';

/** How PostgreSQL is reached, and how it is named to people. */
export interface PostgresConfig {
  readonly client: pg.ClientConfig;
  /** Such as `PostgreSQL at db.example:5432`. Holds no password. */
  readonly place: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

/** What is not in the URL is taken from the environment, as PostgreSQL's own programs do. @throws when it makes no sense */
export function readPostgresUrl(
  url: string,
  ssl: boolean | ConnectionOptions | undefined,
): PostgresConfig {
  const client: pg.ClientConfig = {
    connectionString: url,
    ssl,
    application_name: 'millrace',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: { getTypeParser },
  };
  const { host, port } = new pg.Client(client);
  return { client, place: `PostgreSQL at ${host}:${port}` };
}

/** Types whose values come as text, because not each fits into a number: ours do. */
const INT8 = 20;
const NUMERIC = 1700;

const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = (oid: number, format?: string) =>
  oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format as 'text'); // it takes either

/** Text with NUL, which PostgreSQL can't hold, gets the replacement character in its place. */
export function toParameters(values: readonly unknown[]): unknown[] {
  return values.map((value) => {
    if (typeof value === 'string')
      return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
    if (typeof value === 'object' && value !== null) {
      throw new TypeError(
        'Only text, numbers, booleans and null can be stored. Turn it into text.',
      );
    }
    return value;
  });
}

/** What a statement did, as both databases tell it. */
export function toWriteResult({ command, rowCount, rows }: pg.QueryResult): WriteResult {
  return { rows: rows ?? [], changes: command === 'SELECT' ? 0 : (rowCount ?? 0) };
}
