import type { AuthHook } from '../auth/auth-hook.ts';
import { checkTogether } from './check-together.ts';
import { FILE_ONLY } from './config-file.ts';
import { loadConfigFile } from './load-config-file.ts';
import { flagOf, readText, variableOf } from './option.ts';
import { type Config, OPTION_NAMES, type OptionName, optionOf } from './options.ts';
import { type FoundAlertRules, readAlertRules } from './read-alert-rules.ts';
import { readFlags } from './read-flags.ts';
import { readSecretFile } from './read-secret-file.ts';
import { type FoundServices, readServices } from './read-services.ts';
import { readTrustedDocuments } from './read-trusted-documents.ts';
import type { Setting, Settings } from './setting.ts';
import { quoteValue } from './show-value.ts';
import { suggestName } from './suggest-name.ts';

/** Where options are looked for. */
export interface ConfigSources {
  /** The command line, without the command's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the configuration file is looked for. */
  readonly directory: string;
}

/** What was found. With faults, `config` and `settings` hold defaults in the place of what is wrong. */
export interface FoundConfig {
  readonly config: Config;
  readonly settings: Settings;
  /** Absolute path of the configuration file, if there is one. */
  readonly path: string | undefined;
  /** Who people are, as the configuration file says it. */
  readonly authenticate: AuthHook | undefined;
  /** What the configuration file says of services. */
  readonly services: FoundServices;
  /** What it says of alert rules. */
  readonly alertRules: FoundAlertRules;
  /** The documents of the manifest, by their SHA-256, if there is one. */
  readonly trustedDocuments: ReadonlyMap<string, string> | undefined;
  /** Flags of the command's own that were given. */
  readonly own: ReadonlySet<string>;
  /** Everything that is wrong, each a sentence for people, without secrets. */
  readonly faults: readonly string[];
}

/** Variables that say where the configuration is, or that other commands know. */
const OTHER_VARIABLES = ['MILLRACE_CONFIG', 'MILLRACE_TOKEN'];

/**
 * Reads all options: of the command line, else of the environment, else of the configuration file, else the default. An
 * empty variable counts as none.
 * @param command the options that the command has, all others are taken for not given; and flags of its own that stand
 *   alone. Default: all, and none
 */
export async function readConfig(
  { args, environment, directory }: ConfigSources,
  { names = OPTION_NAMES, own = [] as readonly string[] } = {},
): Promise<FoundConfig> {
  const flags = readFlags(args, names, own);
  const { MILLRACE_CONFIG: variable } = environment;
  const named = flags.configPath ?? (variable || undefined);
  const file = await loadConfigFile(directory, named);
  const { authenticate, services: saidServices, alertRules: saidRules, ...written } = file.values;
  const faults = [...flags.faults, ...unknownVariables(environment), ...file.faults];
  faults.push(...unknownKeys(written, file.path));

  const settle = (name: OptionName): Setting => {
    const option = optionOf(name);
    if (!names.includes(name)) return { value: option.default, from: 'default', as: name };
    const variable = variableOf(name);
    const flag = flags.values.get(name);
    const sources: readonly Setting[] = [
      { value: flag, from: 'flag', as: flagOf(name) },
      { value: environment[variable] || undefined, from: 'environment', as: variable },
      { value: Object.hasOwn(written, name) ? written[name] : undefined, from: 'file', as: name },
    ];
    const said = sources.find(({ value }) => value !== undefined);
    if (said === undefined) return { value: option.default, from: 'default', as: name };
    const { value, from, as } = said;
    const read = option.schema.safeParse(
      typeof value === 'string' ? readText(option, value) : value,
    );
    if (read.success) return { value: read.data, from, as };
    const [{ message } = { message: 'is wrong' }] = read.error.issues;
    const where = from === 'file' ? `${file.path}: ${as}` : as;
    const shown = option.isSecret === true ? '' : ` is ${quoteValue(option, value)} and`;
    faults.push(`${where}${shown} ${message}.`);
    return { value: option.default, from: 'default', as: name };
  };
  const found = Object.fromEntries(OPTION_NAMES.map((name) => [name, settle(name)]));
  const settings = found as Record<OptionName, Setting>; // one for each name
  if (authenticate !== undefined && typeof authenticate !== 'function')
    faults.push(`${file.path}: authenticate must be a function.`);

  const secret = await readSecretFile(settings, directory);
  if (typeof secret === 'string') faults.push(secret);
  else if (secret !== undefined) settings.jwtSecret = secret;
  const documents = await readTrustedDocuments(settings, directory);
  if (typeof documents === 'string') faults.push(documents);
  const config = Object.fromEntries(
    OPTION_NAMES.map((name) => [name, settings[name].value]),
  ) as Config; // each of them has passed its schema, or is the default
  // That it is a function is all that can be known; what it answers is checked each time.
  const hook = typeof authenticate === 'function' ? (authenticate as AuthHook) : undefined;
  faults.push(...checkTogether(config, settings, hook !== undefined));
  const isOfServer = names.includes('maxServices');
  const services = readServices(isOfServer ? saidServices : undefined, config.maxServices);
  const alertRules = readAlertRules(isOfServer ? saidRules : undefined);
  for (const fault of [...services.faults, ...alertRules.faults])
    faults.push(`${file.path}: ${fault}`);
  return {
    config,
    settings,
    path: file.path,
    authenticate: hook,
    services,
    alertRules,
    trustedDocuments: typeof documents === 'string' ? undefined : documents,
    own: flags.own,
    faults,
  };
}

function unknownVariables(environment: ConfigSources['environment']): string[] {
  const known = [...OPTION_NAMES.map(variableOf), ...OTHER_VARIABLES];
  return Object.keys(environment)
    .filter((name) => name.startsWith('MILLRACE_') && !known.includes(name))
    .sort()
    .map((name) => {
      const isOfKubernetes = /^MILLRACE_.*(SERVICE_(HOST|PORT)|PORT_\d+_\w+)/.test(name);
      const advice = isOfKubernetes
        ? ' Kubernetes sets it for a service called "millrace": set enableServiceLinks: false.'
        : suggestName(name, known);
      return `There is no option for the environment variable ${name}.${advice}`;
    });
}

function unknownKeys(written: object, path: string | undefined): string[] {
  const known: readonly string[] = [...OPTION_NAMES, ...FILE_ONLY];
  return Object.keys(written)
    .filter((key) => !known.includes(key))
    .map((key) => `${path}: There is no option ${key}.${suggestName(key, known)}`);
}
