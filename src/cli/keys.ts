import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type ApiKey, parseKey } from '../auth/api-key.ts';
import { createKeyring, type Keyring } from '../auth/keyring.ts';
import { isSubject, isTenant, SUBJECT_FORM, TENANT_FORM } from '../auth/names.ts';
import { isScope, readScopes } from '../auth/scopes.ts';
import { describeOptions, entry } from '../config/describe-options.ts';
import { systemClock } from '../lib/clock.ts';
import { DEFAULT_TENANT, SCOPES } from '../lib/identity.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { openShared } from '../storage/open-shared.ts';
import { type Command, type ExitCode, UsageError } from './command.ts';
import { CONFIG_HELP, readCommandConfig } from './command-config.ts';
import { DATABASE_OPTIONS, databaseOf } from './database-config.ts';

/** `millrace keys`: makes, lists and revokes API keys, while a server runs on the database or none. */
export const keys: Command = {
  help: `Usage: millrace keys create --subject NAME [options]
       millrace keys list [options]
       millrace keys revoke ID [options]

Makes, lists and revokes the API keys that people and programs show to a server: \`authorization: Bearer KEY\`.
It works while a server runs on the same database. That knows new keys at once, and revoked ones within seconds.

create writes the key to standard output and nothing else. It is shown only then: what is stored can't be turned back
into it. Once there was a key, \`millrace start\` on that database lets nobody in without one.

${entry('ID', 'what list shows, or the whole key')}

Options of create:
${entry('--subject NAME', 'who will show it; is told in the audit log')}
${entry('--tenant NAME', `whose jobs it opens; default ${DEFAULT_TENANT}`)}
${entry('--scopes LIST', `what it allows, of ${SCOPES.join(',')}; default read`)}
${entry('--expires TIME', 'how long it is good for, such as 90d or 12h; default for ever')}
${entry('--description TEXT', 'what it is for')}

${describeOptions(DATABASE_OPTIONS)}

${CONFIG_HELP}`,
  async run([name, ...args]) {
    const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action !== undefined) return action(args);
    const near = nearestName(name ?? '', Object.keys(ACTIONS));
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw new UsageError(`Say what to do with keys: create, list or revoke.${hint}`);
  },
};

const ACTIONS: Readonly<Record<string, (args: string[]) => Promise<ExitCode>>> = {
  create: createKey,
  list: listKeys,
  revoke: revokeKey,
};

const HOUR_MS = 3_600_000;
const UNITS_MS = { h: HOUR_MS, d: 24 * HOUR_MS } as const;
const EXPIRES_FORM = 'must be a number of days or hours, such as 90d or 12h';

const newKey = z.object({
  subject: z.string('must be given: who will show the key').refine(isSubject, SUBJECT_FORM),
  tenant: z.string().refine(isTenant, TENANT_FORM).optional(),
  scopes: z.string().default('read').transform(readScopeList),
  expires: z.string().transform(readDuration).optional(),
  description: z.string().optional(),
});

/** Options of all three. */
const placeOptions = {
  'data-dir': { type: 'string' },
  'database-url': { type: 'string' },
  config: { type: 'string' },
} as const;

const createOptions = {
  subject: { type: 'string' },
  tenant: { type: 'string' },
  scopes: { type: 'string' },
  expires: { type: 'string' },
  description: { type: 'string' },
  ...placeOptions,
} as const;

async function createKey(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    options: createOptions,
    allowPositionals: true,
  });
  refuseMore(positionals);
  const { subject, tenant, scopes, expires, description } = readNewKey(values);
  return withKeyring(values, async (keyring) => {
    const isFirst = !(await keyring.hasAny());
    const expiresAt = expires === undefined ? undefined : systemClock.now() + expires;
    const key = await keyring.create({ subject, tenant, scopes, expiresAt, description });
    process.stdout.write(`${key.text}\n`);
    console.error(
      `Made ${describeKey(key)}.\nThe key is shown only now: put it where nobody else reads it.`,
    );
    if (isFirst) {
      console.error(
        'It is the first one. A server that runs on this database without asking for keys asks from its next start on.',
      );
    }
    return 0;
  });
}

async function listKeys(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    options: placeOptions,
    allowPositionals: true,
  });
  refuseMore(positionals);
  return withKeyring(values, async (keyring) => {
    const found = await keyring.list();
    if (found.length === 0) console.error('There are no keys.');
    else process.stdout.write(formatTable(found, systemClock.now()));
    return 0;
  });
}

async function revokeKey(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    options: placeOptions,
    allowPositionals: true,
  });
  const [text, ...rest] = positionals;
  if (text === undefined) {
    throw new UsageError('Name the key: its id, as `millrace keys list` shows it.');
  }
  refuseMore(rest);
  return withKeyring(values, async (keyring) => {
    const key = await keyring.revoke(parseKey(text)?.id ?? text);
    console.error(`Revoked ${describeKey(key)}. Servers that run know it within seconds.`);
    return 0;
  });
}

function readNewKey(values: Readonly<Record<string, string | undefined>>) {
  const { success, data, error } = newKey.safeParse(values);
  if (success) return data;
  const faults = error.issues.map(({ path: [option], message }) => {
    const value = values[String(option)];
    return `--${String(option)}${value === undefined ? '' : ` is ${JSON.stringify(value)} and`} ${message}.`;
  });
  throw new UsageError(faults.join(' '));
}

/** What is too much is not repeated: it may be a key. */
function refuseMore(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError('There are more arguments than this takes.');
}

/** Opens the database that options, the environment or the configuration file name. */
async function withKeyring(
  values: Readonly<Record<string, string | undefined>>,
  use: (keyring: Keyring) => Promise<ExitCode>,
): Promise<ExitCode> {
  const args = Object.keys(placeOptions).flatMap((flag) => {
    const value = values[flag];
    return value === undefined ? [] : [`--${flag}=${value}`];
  });
  const { config } = await readCommandConfig(args, { names: DATABASE_OPTIONS });
  const database = await openShared(databaseOf(config));
  try {
    return await use(createKeyring({ database, clock: systemClock }));
  } finally {
    await database.close();
  }
}

function readScopeList(text: string, context: z.RefinementCtx) {
  const names = text.split(',').map((name) => name.trim());
  const scopes = readScopes(names);
  const unknown = names.find((name) => !isScope(name));
  if (unknown === undefined) return scopes;
  const near = nearestName(unknown, SCOPES);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  const message = `must name scopes with commas, of ${SCOPES.join(',')}${hint}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

function readDuration(text: string, context: z.RefinementCtx): number {
  const [, digits, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const durationMs = Number(digits) * (UNITS_MS[unit as keyof typeof UNITS_MS] ?? 0); // one of them if it matched
  if (durationMs > 0) return durationMs;
  context.addIssue({ code: 'custom', message: EXPIRES_FORM });
  return z.NEVER;
}

/** In one line, for people. */
function describeKey({ id, subject, tenant, scopes, expiresAt }: ApiKey): string {
  const end = expiresAt === undefined ? 'never expires' : `expires ${formatTime(expiresAt)}`;
  return `key ${id} of ${subject}, tenant ${tenant}, for ${[...scopes].join(', ')}; it ${end}`;
}

const COLUMNS = ['ID', 'STATE', 'SUBJECT', 'TENANT', 'SCOPES', 'CREATED', 'EXPIRES', 'DESCRIPTION'];

function formatTable(found: readonly ApiKey[], now: number): string {
  const rows = found.map((key) => [
    key.id,
    stateOf(key, now),
    key.subject,
    key.tenant,
    [...key.scopes].join(','),
    formatTime(key.createdAt),
    key.expiresAt === undefined ? 'never' : formatTime(key.expiresAt),
    key.description ?? '',
  ]);
  const table = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): string {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'valid';
}

/** To the second. */
function formatTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
