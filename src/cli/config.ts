import { describeOptions } from '../config/describe-options.ts';
import { OPTION_GROUPS, OPTION_NAMES, optionOf } from '../config/options.ts';
import type { FoundConfig } from '../config/read-config.ts';
import type { Setting } from '../config/setting.ts';
import { showNames, showWhole } from '../config/show-named.ts';
import { showValue } from '../config/show-value.ts';
import type { Command } from './command.ts';
import { CONFIG_HELP, readCommandConfig } from './command-config.ts';

/** `millrace config`: what `millrace start` would make of the options it is given. */
export const config: Command = {
  help: `Usage: millrace config [options of start] [--json]

Prints the value of every option as \`millrace start\` would take it, and where it comes from. Secrets are masked. Starts
nothing, and does not open the database. Exits with 0, or with 2 and all faults when something is wrong.

  --json  print it as one JSON object

${describeOptions(OPTION_NAMES)}

${CONFIG_HELP}`,
  async run(args) {
    const found = await readCommandConfig(args, { own: ['json'] });
    process.stdout.write(found.own.has('json') ? writeJson(found) : writeText(found));
    return 0;
  },
};

function writeText(found: FoundConfig): string {
  const { settings, path } = found;
  const lines = [`File: ${path ?? 'none'}`];
  for (const { title, names } of OPTION_GROUPS) {
    lines.push('', title);
    for (const name of names) {
      const setting = settings[name];
      lines.push(line(name, originOf(setting), showValue(optionOf(name), setting.value)));
    }
  }
  const alone = listAlone(found);
  if (alone.length > 0) lines.push('', 'What can only stand in the file');
  lines.push(...alone.map(({ name, text }) => line(name, 'file', text)));
  return `${lines.join('\n')}\n`;
}

/** What the configuration file says besides options; as a text, and as plain data. */
function listAlone(found: FoundConfig) {
  const { authenticate } = found;
  const whole = showWhole(found);
  return [
    ...(authenticate === undefined
      ? []
      : [{ name: 'authenticate', text: 'a function', value: true }]),
    ...(['services', 'alertRules'] as const)
      .filter((name) => whole[name].length > 0)
      .map((name) => ({ name, text: showNames(whole[name]), value: whole[name] })),
  ];
}

function line(name: string, origin: string, value: string): string {
  return `  ${name.padEnd(26)} ${origin.padEnd(24)} ${value}`;
}

function originOf({ from, as }: Setting): string {
  return from === 'flag' || from === 'environment' ? `${from} ${as}` : from;
}

/** What is text there is text here, masked; numbers, booleans and lists are themselves; null is what has no value. */
function writeJson(found: FoundConfig): string {
  const { settings, path } = found;
  const options: Record<string, unknown> = Object.fromEntries(
    OPTION_NAMES.map((name) => {
      const { value, from, as } = settings[name];
      return [name, { value: jsonOf(name, value), from, as }];
    }),
  );
  for (const { name, value } of listAlone(found)) options[name] = { value, from: 'file', as: name };
  return `${JSON.stringify({ file: path ?? null, options }, undefined, 2)}\n`;
}

function jsonOf(name: (typeof OPTION_NAMES)[number], value: unknown): unknown {
  const option = optionOf(name);
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map((each) => showValue(option, each));
  return typeof value === 'string' ? showValue(option, value) : value;
}
