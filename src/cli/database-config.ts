import { join } from 'node:path';
import type { Config, OptionName } from '../config/options.ts';

/** The options that say where jobs are kept. */
export const DATABASE_OPTIONS = ['dataDir', 'databaseUrl'] as const satisfies OptionName[];

/** The URL of the database that options name. */
export function databaseOf({
  dataDir,
  databaseUrl: url,
}: Pick<Config, 'dataDir' | 'databaseUrl'>): string {
  return url ?? `sqlite:${join(dataDir, 'millrace.db')}`;
}

/** Where a database is, for people: never with a password, wherever in the URL that stands. */
export function describeDatabase(url: string): string {
  if (url.startsWith('sqlite:')) return url.slice('sqlite:'.length);
  const behindPassword = url.slice(url.lastIndexOf('@') + 1).replace(/^\w+:\/\//, '');
  const [address = ''] = behindPassword.split(/[?#]/, 1);
  return `PostgreSQL at ${address}`;
}
