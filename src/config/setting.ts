import type { OptionName } from './options.ts';

/** Where the value of an option comes from, the strongest first. */
export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

/** The value of one option. */
export interface Setting {
  readonly value: unknown;
  readonly from: ConfigSource;
  /** What it is called there: `--port`, `MILLRACE_PORT`, `port`. */
  readonly as: string;
}

export type Settings = Readonly<Record<OptionName, Setting>>;
