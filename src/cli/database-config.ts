import { join } from 'node:path';
import { z } from 'zod';

/** Where jobs are kept, unless said otherwise. */
export const DEFAULT_DATA_DIR = './millrace-data';

/** Options that say where jobs are kept, for `parseArgs`. */
export const databaseOptions = {
  'data-dir': { type: 'string' },
  'database-url': { type: 'string' },
} as const;

/** How they are checked. */
export const databaseShape = {
  'data-dir': z.string().min(1, 'must name a directory').optional(),
  'database-url': z
    .string()
    .regex(/^(sqlite|postgres|postgresql):/, 'must be sqlite:PATH or postgres://…')
    .optional(),
};

/** The environment variables that stand in for them. */
export const DATABASE_VARIABLES = {
  'data-dir': 'MILLRACE_DATA_DIR',
  'database-url': 'MILLRACE_DATABASE_URL',
} as const;

/** What `--help` says of them. */
export const DATABASE_HELP = `  --data-dir DIR  directory that jobs are kept in, made if it is not there; default ${DEFAULT_DATA_DIR}
  --database-url URL  keep them there instead: sqlite:PATH, sqlite::memory: (until it stops) or postgres://…`;

/** The URL of the database that options name. */
export function databaseUrl(options: {
  readonly 'data-dir'?: string | undefined;
  readonly 'database-url'?: string | undefined;
}): string {
  const { 'data-dir': directory = DEFAULT_DATA_DIR, 'database-url': url } = options;
  return url ?? `sqlite:${join(directory, 'millrace.db')}`;
}

/** Where a database is, for people: never with a password, wherever in the URL that stands. */
export function describeDatabase(url: string): string {
  if (url.startsWith('sqlite:')) return url.slice('sqlite:'.length);
  const behindPassword = url.slice(url.lastIndexOf('@') + 1).replace(/^\w+:\/\//, '');
  const [address = ''] = behindPassword.split(/[?#]/, 1);
  return `PostgreSQL at ${address}`;
}
