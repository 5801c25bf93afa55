import { parseArgs } from 'node:util';
import { flagOf, variableOf } from './option.ts';
import { type OptionName, optionOf } from './options.ts';
import { suggestName } from './suggest-name.ts';

/** What a command line says. */
export interface Flags {
  /** As they were written, by name of the option; `on` for those that stand alone. */
  readonly values: ReadonlyMap<OptionName, string>;
  /** The path after `--config`. */
  readonly configPath: string | undefined;
  /** Flags of the command itself that stand alone and were given. */
  readonly own: ReadonlySet<string>;
  /** Everything that is wrong with it. Never has a value in it of what may be a secret. */
  readonly faults: readonly string[];
}

/**
 * Reads a command line.
 * @param names the options that the command has
 * @param own flags of its own that stand alone, such as `json`
 */
export function readFlags(
  args: readonly string[],
  names: readonly OptionName[],
  own: readonly string[] = [],
): Flags {
  const byFlag = new Map(names.map((name) => [flagOf(name).slice(2), name]));
  const values = new Map<OptionName, string>();
  const given = new Set<string>();
  const faults: string[] = [];
  let configPath: string | undefined;
  const flags = [...byFlag].filter(([, name]) => optionOf(name).isSecret !== true);
  const known = [...flags.map(([flag]) => flag), 'config', ...own].map((flag) => `--${flag}`);
  /** What follows a flag that is not known may be its value, and a secret. */
  let isAfterUnknown = false;

  for (const token of tokensOf(args, byFlag, own)) {
    if (token.kind === 'positional') {
      if (isAfterUnknown) continue;
      faults.push(`There is an argument "${token.value}" that belongs to no option.`);
    }
    if (token.kind !== 'option') continue;
    isAfterUnknown = false;
    const { name: flag, rawName, value } = token;
    const option = rawName.startsWith('--') ? byFlag.get(flag) : undefined;
    const standsAlone = own.includes(flag) || (option && optionOf(option).kind === 'switch');
    const isKnown = option !== undefined || (rawName === `--${flag}` && known.includes(rawName));
    if (!isKnown) {
      isAfterUnknown = true;
      faults.push(`There is no option ${rawName}.${suggestName(rawName, known)}`);
    } else if (option !== undefined && optionOf(option).isSecret === true) {
      isAfterUnknown = true;
      faults.push(secretFlagFault(rawName, option));
    } else if (standsAlone && value !== undefined) {
      faults.push(`${rawName} stands alone: it takes no value.`);
    } else if (!standsAlone && (value === undefined || isFlagLike(token))) {
      faults.push(`${rawName} needs a value.`);
    } else if (own.includes(flag)) given.add(flag);
    else if (flag === 'config') configPath = value;
    else if (option !== undefined) values.set(option, value ?? 'on');
  }
  return { values, configPath, own: given, faults };
}

function tokensOf(
  args: readonly string[],
  byFlag: ReadonlyMap<string, OptionName>,
  own: readonly string[],
) {
  const options: Record<string, { type: 'string' | 'boolean' }> = { config: { type: 'string' } };
  for (const flag of own) options[flag] = { type: 'boolean' };
  for (const [flag, name] of byFlag) {
    options[flag] = { type: optionOf(name).kind === 'switch' ? 'boolean' : 'string' };
  }
  return parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

/** Whether what was taken for a value looks like the next flag: the value itself was forgotten. */
function isFlagLike({ value, inlineValue }: { value?: unknown; inlineValue?: unknown }): boolean {
  return inlineValue === false && typeof value === 'string' && /^-{1,2}[a-z]/i.test(value);
}

function secretFlagFault(flag: string, name: OptionName): string {
  const instead = `Use ${variableOf(name)}, or name a file with ${flag}-file.`;
  return `${flag} can't be a flag, since everybody on the machine can read command lines. ${instead}`;
}
