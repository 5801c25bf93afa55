import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { localId } from '../graphql/ids.ts';
import type { AlertSeverity } from './alert-rule.ts';
import type { TenantAlerts } from './alert-service.ts';
import { AlertSeverityType } from './enums.schema.ts';
import type { WatchedAlerts } from './live-alerts.ts';
import { AlertType } from './schema.ts';

const DEFAULT_RATE_HZ = 10;
const MAX_RATE = {
  defaultValue: DEFAULT_RATE_HZ,
  description: 'The most messages a second, 0.1–20, counted for each alert. Default 10.',
  validate: z.number().min(0.1).max(20),
} as const;
const MIN_SEVERITY = 'Only alerts that are so bad, or worse. Default: all.';
const RULE = 'Only alerts of this rule, by id or name.';

/** @throws NotFoundError when there is no such rule */
function readWatched(
  {
    minSeverity,
    ruleId,
  }: {
    readonly minSeverity?: AlertSeverity | null | undefined;
    readonly ruleId?: string | null | undefined;
  },
  alerts: TenantAlerts,
): WatchedAlerts {
  const rule =
    typeof ruleId === 'string'
      ? alerts.requireRule(localId('AlertRule', ruleId, ['ruleId'])).name
      : undefined;
  return { minSeverity: minSeverity ?? undefined, rule };
}

builder.subscriptionField('alertRaised', (t) =>
  t.field({
    type: AlertType,
    description:
      'Kind: *state*. Alerts of your tenant: first those that are open, then each that is raised. One that is resolved ' +
      'before it was read comes as resolved.',
    authScopes: { read: true },
    args: {
      minSeverity: t.arg({ type: AlertSeverityType, description: MIN_SEVERITY }),
      ruleId: t.arg.id({ description: RULE }),
      maxRateHz: t.arg.float(MAX_RATE),
    },
    subscribe: (_root, { maxRateHz, ...which }, { alerts, liveAlerts }) =>
      liveAlerts.watchRaised(readWatched(which, alerts), maxRateHz ?? DEFAULT_RATE_HZ),
    resolve: (alert) => alert,
  }),
);

builder.subscriptionField('alertResolved', (t) =>
  t.field({
    type: AlertType,
    description: 'Kind: *state*. Alerts of your tenant, each when it is resolved, from now on.',
    authScopes: { read: true },
    args: {
      minSeverity: t.arg({ type: AlertSeverityType, description: MIN_SEVERITY }),
      ruleId: t.arg.id({ description: RULE }),
      maxRateHz: t.arg.float(MAX_RATE),
    },
    subscribe: (_root, { maxRateHz, ...which }, { alerts, liveAlerts }) =>
      liveAlerts.watchResolved(readWatched(which, alerts), maxRateHz ?? DEFAULT_RATE_HZ),
    resolve: (alert) => alert,
  }),
);
