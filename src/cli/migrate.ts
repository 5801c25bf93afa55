import { parseArgs } from 'node:util';
import { migrateDatabase } from '../storage/open-database.ts';
import { type Command, UsageError } from './command.ts';
import {
  DATABASE_HELP,
  DATABASE_VARIABLES,
  databaseOptions,
  databaseShape,
  databaseUrl,
} from './database-config.ts';
import { readOptions } from './read-options.ts';

/** `millrace migrate`: brings the tables of a database up to date, without serving anything. */
export const migrate: Command = {
  help: `Usage: millrace migrate [options]

Brings the tables of a database up to date with this version of Millrace, and tells what it did. \`millrace start\` does
the same when it starts; this is for doing it at another time, or as another user of PostgreSQL.
No other Millrace may have the database open.

Options:
${DATABASE_HELP}
  -h, --help      show this

Environment: MILLRACE_DATA_DIR and MILLRACE_DATABASE_URL stand in for options that are not given.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      options: databaseOptions,
      allowPositionals: true,
    });
    if (positionals.length > 0) {
      throw new UsageError(`What is "${positionals[0]}"? A database is named by --database-url.`);
    }
    const options = readOptions(databaseShape, DATABASE_VARIABLES, values, process.env);
    const applied = await migrateDatabase(databaseUrl(options));
    if (applied.length === 0) console.log('The database is up to date.');
    for (const name of applied) console.log(`Migrated: ${name}`);
    return 0;
  },
};
