import type { AlertRuleConfig, AlertRuleDefinition } from '../alerts/alert-rule.ts';
import { readAlertRule } from '../alerts/read-alert-rule.ts';
import { type Named, readNamedList } from './read-named-list.ts';

/** What the configuration file says of alert rules. */
export interface FoundAlertRules {
  /** As they are written, all of them right; for the app, which fills in the defaults. */
  readonly rules: readonly AlertRuleConfig[];
  /** The same with every default; for people. */
  readonly definitions: readonly Named<AlertRuleDefinition>[];
  readonly faults: readonly string[];
}

/** Reads `alertRules:` of the configuration file. */
export function readAlertRules(written: unknown): FoundAlertRules {
  const { list, faults } = readNamedList('alertRules', written, (rule) => readAlertRule(rule));
  return {
    rules: list.map(({ written: rule }) => rule as AlertRuleConfig),
    definitions: list,
    faults,
  }; // as the reader found
}
