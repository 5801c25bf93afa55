import type { AlertRuleConfig } from '../alerts/alert-rule.ts';
import type { AuthHook } from '../auth/auth-hook.ts';
import type { ConfiguredService } from '../health/health-options.ts';
import type { Option } from './option.ts';
import type { OPTIONS } from './options.ts';

/** A value as it may stand in a configuration file: `on` and `off` may be `true` and `false`, a list may have commas. */
type Written<Value> = Value extends boolean
  ? boolean | 'on' | 'off'
  : Value extends readonly string[]
    ? readonly string[] | string
    : Value;

/** What `millrace.config.ts` exports as default: the options of `millrace start`, all of which may be left out. */
export type ConfigFile = {
  readonly [Name in keyof typeof OPTIONS]?: (typeof OPTIONS)[Name] extends Option<infer Value>
    ? Written<Value> | undefined
    : never;
} & {
  /** Says who somebody is, in a way of your own. With it everybody has to prove who they are. */
  readonly authenticate?: AuthHook | undefined;
  /** Services whose health is watched. They win over services of the same name that were added live. */
  readonly services?: readonly ConfiguredService[] | undefined;
  /** When somebody has to know. They win over rules of the same name that were added live. */
  readonly alertRules?: readonly AlertRuleConfig[] | undefined;
};

/** What stands in the file alone: there is no flag and no variable for it. */
export const FILE_ONLY = ['authenticate', 'services', 'alertRules'] as const;

/**
 * Answers the options as they are: it is there for their types, in `millrace.config.ts`:
 *
 * ```ts
 * import { defineConfig } from 'millrace';
 *
 * export default defineConfig({ port: 8080, trustProxy: 1 });
 * ```
 */
export function defineConfig(options: ConfigFile): ConfigFile {
  return options;
}
