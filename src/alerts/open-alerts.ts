import type { Clock } from '../lib/clock.ts';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';
import type { Alert } from './alert.ts';
import type { AlertBook } from './alert-book.ts';
import type { AlertEvaluator } from './alert-evaluator.ts';
import type { AlertRuleConfig } from './alert-rule.ts';
import { isSameInEffect } from './alert-service.ts';
import type { AlertStore } from './alert-store.ts';
import { readAlertRule } from './read-alert-rule.ts';
import { RuleBook } from './rule-book.ts';
import type { SourcedRule } from './rule-run.ts';

/**
 * The rules of a configuration, with every default filled in.
 * @throws ValidationError with everything that is wrong with any of them; paths are those of `alerts.rules` of the options
 */
export function readConfiguredRules(
  configs: readonly AlertRuleConfig[],
  now: number,
): readonly SourcedRule[] {
  const rules = new RuleBook();
  const issues: Issue[] = [];
  for (const [at, config] of configs.entries()) {
    const tenant = config.tenant ?? DEFAULT_TENANT;
    try {
      const definition = readAlertRule(config);
      if (rules.get(tenant, definition.name) !== undefined) {
        const message = `There are two alert rules "${definition.name}". Give each a name of its own.`;
        issues.push({ path: ['alerts', 'rules', at, 'name'], message });
      }
      rules.put({
        ...definition,
        tenant,
        createdAt: now,
        updatedAt: now,
        idempotencyKey: undefined,
        origin: 'CONFIGURATION',
      });
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push(
        ...error.issues.map(({ path, message }) => ({
          path: ['alerts', 'rules', at, ...path],
          message,
        })),
      );
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return [...rules.all()];
}

export interface OpenAlertsParts {
  readonly store: AlertStore;
  /** With the configured rules. */
  readonly rules: RuleBook;
  readonly book: AlertBook;
  readonly evaluator: AlertEvaluator;
  readonly clock: Clock;
  /** Told of a rule that was made live, and that a configured one of the same name stands in for. */
  readonly onHidden: (rule: { readonly tenant: string; readonly name: string }) => void;
}

/**
 * Takes up what the process before left: rules that were made live, alerts that are open, cool-downs. Alerts whose rule is
 * gone, off or looks for something else now are resolved; of the others those that do not match any more are when they are
 * looked at.
 */
export async function openAlerts(parts: OpenAlertsParts): Promise<void> {
  const { store, rules, book, evaluator, clock, onHidden } = parts;
  for (const rule of await store.loadRules()) {
    if (rules.get(rule.tenant, rule.name) === undefined) rules.put({ ...rule, origin: 'API' });
    else onHidden(rule);
  }
  const enabled = [...rules.all()].filter(({ isEnabled }) => isEnabled);
  const longestMs = Math.max(0, ...enabled.map(({ coolDownMs }) => coolDownMs));
  const since = clock.now() - longestMs;
  const recent = longestMs === 0 ? [] : await store.loadResolvedSince(since);
  const resolved = groupByRule(
    recent.filter((alert) => {
      const rule = rules.get(alert.tenant, alert.rule.name);
      return rule !== undefined && isSameInEffect(alert.rule, rule);
    }),
  );
  const isLeft = (alert: Alert): boolean => {
    const resolution = resolutionOf(alert, rules.get(alert.tenant, alert.rule.name));
    if (resolution === undefined) return true;
    book.restore(alert);
    book.resolve(alert.id, clock.now(), resolution);
    return false;
  };
  const open = groupByRule((await store.loadOpen()).filter(isLeft));
  for (const rule of enabled) {
    const key = keyOf(rule);
    evaluator.add(rule, open.get(key) ?? [], resolved.get(key) ?? []);
  }
  await evaluator.start();
}

/** Why an open alert is over with its rule as that is now. */
function resolutionOf(alert: Alert, rule: SourcedRule | undefined) {
  if (rule === undefined) return 'RULE_REMOVED';
  if (!rule.isEnabled) return 'RULE_DISABLED';
  return isSameInEffect(alert.rule, rule) ? undefined : 'RULE_CHANGED';
}

function groupByRule(alerts: readonly Alert[]): Map<string, readonly Alert[]> {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const key = keyOf({ tenant: alert.tenant, name: alert.rule.name });
    const group = groups.get(key) ?? [];
    group.push(alert);
    groups.set(key, group);
  }
  return groups;
}

function keyOf({ tenant, name }: { readonly tenant: string; readonly name: string }): string {
  return JSON.stringify([tenant, name]);
}
