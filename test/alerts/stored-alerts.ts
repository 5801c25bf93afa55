import type { Alert } from '../../src/alerts/alert.ts';
import type { KeptAlertRule } from '../../src/alerts/alert-rule.ts';
import { readAlertRule } from '../../src/alerts/read-alert-rule.ts';

export function makeRule(input: object = {}, kept: Partial<KeptAlertRule> = {}): KeptAlertRule {
  return {
    ...readAlertRule({ name: 'full', kind: 'QUEUE_PRESSURE', ...input }),
    tenant: 'default',
    createdAt: 1,
    updatedAt: 2,
    idempotencyKey: undefined,
    ...kept,
  };
}

export function makeAlert(changes: Partial<Alert> = {}): Alert {
  const { name, severity, condition, forMs, settings } = makeRule();
  return {
    id: '0',
    tenant: 'default',
    rule: { name, severity, condition, forMs, settings },
    subject: { kind: 'FLOW', flowId: 'orders' },
    message: 'It is full.',
    values: { usage: 1 },
    raisedAt: 10,
    lastSeenAt: 11,
    resolvedAt: undefined,
    resolution: undefined,
    acknowledgement: undefined,
    ...changes,
  };
}
