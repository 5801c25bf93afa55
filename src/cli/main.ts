#!/usr/bin/env node
import { createRequire } from 'node:module';
import { DomainError, messageOf } from '../lib/domain-error.ts';
import { type Command, type ExitCode, isUsageFault, UsageError } from './command.ts';
import { holdYoungMemory } from './young-memory.ts';

/** Loaded when asked for: `run` needs no server, `validate` needs no engine. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.ts')).start,
  run: async () => (await import('./run.ts')).run,
  watch: async () => (await import('./watch.ts')).watch,
  migrate: async () => (await import('./migrate.ts')).migrate,
  keys: async () => (await import('./keys.ts')).keys,
  config: async () => (await import('./config.ts')).config,
  validate: async () => (await import('./validate.ts')).validate,
};

const HELP = `Usage: millrace <command> [options]

Runs dataflow jobs, and lets people watch and control them over GraphQL.

Commands:
  start           serve flows over GraphQL, with GraphiQL
  run FLOW        run one job of a flow here, without a server
  watch JOB       show a job of a server live, until it ends
  validate FLOW   check a flow and show its graph
  config          show the options that start would take, and where they come from
  migrate         bring the tables of a database up to date
  keys            make, list and revoke API keys

  millrace <command> --help   says more about a command

Options:
  -h, --help      show this
  -v, --version   show the version
`;

async function main([name, ...args]: string[]): Promise<ExitCode> {
  if (name === '--version' || name === '-v') {
    const { version } = createRequire(import.meta.url)('millrace/package.json') as {
      version: string;
    }; // our own manifest
    console.log(version);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    if (name === undefined) throw new UsageError('No command was given.');
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) {
      const known = Object.keys(COMMANDS).join(', ');
      throw new UsageError(`There is no command "${name}". Commands: ${known}.`);
    }
    const letGrow = holdYoungMemory();
    const command = await load().finally(letGrow);
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(command.help);
      return 0;
    }
    return await command.run(args);
  } catch (error) {
    if (isUsageFault(error)) {
      const isCommand = name !== undefined && Object.hasOwn(COMMANDS, name);
      const more = isCommand ? `millrace ${name} --help` : 'millrace --help';
      console.error(`millrace: ${error.message}\nSee \`${more}\`.`);
      return 2;
    }
    // What can be expected says what to do; anything else is a fault of ours, whose place matters.
    const text =
      error instanceof DomainError ? error.message : ((error as Error)?.stack ?? messageOf(error));
    console.error(`millrace: ${text}`);
    return 1;
  }
}

// Whoever reads our output may stop reading, as `head` does: then there is nobody left to work for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

// Node's code for a top-level await that is never kept, with nothing left that could keep it.
process.once('exit', (code) => {
  if (code === 13)
    console.error('millrace: a flow module never finished loading: its await is never kept.');
});

const exitCode = await main(process.argv.slice(2));
// Output goes out first; then the process ends, whatever a flow may have left open.
process.stdout.write('', () => process.exit(exitCode));
