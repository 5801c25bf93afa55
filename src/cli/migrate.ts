import { describeOptions } from '../config/describe-options.ts';
import { migrateDatabase } from '../storage/open-database.ts';
import type { Command } from './command.ts';
import { CONFIG_HELP, readCommandConfig } from './command-config.ts';
import { DATABASE_OPTIONS, databaseOf } from './database-config.ts';

/** `millrace migrate`: brings the tables of a database up to date, without serving anything. */
export const migrate: Command = {
  help: `Usage: millrace migrate [options]

Brings the tables of a database up to date with this version of Millrace, and tells what it did. \`millrace start\` does
the same when it starts; this is for doing it at another time, or as another user of PostgreSQL.
No other Millrace may have the database open.

${describeOptions(DATABASE_OPTIONS)}

${CONFIG_HELP}`,
  async run(args) {
    const { config } = await readCommandConfig(args, { names: DATABASE_OPTIONS });
    const applied = await migrateDatabase(databaseOf(config));
    if (applied.length === 0) console.log('The database is up to date.');
    for (const name of applied) console.log(`Migrated: ${name}`);
    return 0;
  },
};
