import type { AlertKeepLimits } from './alert-retention.ts';
import type { AlertRuleConfig } from './alert-rule.ts';

/** What an app is told of alerts. */
export interface AlertOptions {
  /** Rules that there are besides those that people add live; they win over those, and can't be changed live. Default: none. */
  readonly rules?: readonly AlertRuleConfig[] | undefined;
  /** How long resolved alerts are kept. Default: 90 days, 100,000 of each tenant. */
  readonly keep?: AlertKeepLimits | undefined;
}
