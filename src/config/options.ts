import { accessOptions } from './access-options.ts';
import { healthOptions } from './health-options.ts';
import { operationLimitOptions, serverLimitOptions } from './limit-options.ts';
import type { Option } from './option.ts';
import { placeOptions } from './place-options.ts';
import { webOptions } from './web-options.ts';
import { workOptions } from './work-options.ts';

/** Every option of `millrace start`, in the order in which people are shown them. */
export const OPTIONS = {
  ...placeOptions,
  ...accessOptions,
  ...webOptions,
  ...workOptions,
  ...healthOptions,
  ...operationLimitOptions,
  ...serverLimitOptions,
};

export type OptionName = keyof typeof OPTIONS;

/** The effective value of every option. */
export type Config = {
  readonly [Name in OptionName]: (typeof OPTIONS)[Name] extends Option<infer Value> ? Value : never;
};

/** The options in groups, for people. */
export const OPTION_GROUPS: readonly {
  readonly title: string;
  readonly names: readonly OptionName[];
}[] = [
  { title: 'Where it listens, what it serves, where it keeps it', names: namesOf(placeOptions) },
  { title: 'Who may use it', names: namesOf(accessOptions) },
  { title: 'Web pages, proxies, programs', names: namesOf(webOptions) },
  { title: 'What it does, and what it says of it', names: namesOf(workOptions) },
  { title: 'Health of services', names: namesOf(healthOptions) },
  { title: 'Limits of one operation', names: namesOf(operationLimitOptions) },
  { title: 'Limits of clients and connections', names: namesOf(serverLimitOptions) },
];

export const OPTION_NAMES = namesOf(OPTIONS);

/** An option of the table. */
export function optionOf(name: OptionName): Option {
  return OPTIONS[name];
}

function namesOf<Name extends string>(options: Readonly<Record<Name, Option>>): readonly Name[] {
  return Object.keys(options) as Name[]; // the keys of a literal of ours
}
