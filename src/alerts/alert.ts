import { DomainError } from '../lib/domain-error.ts';
import type { AlertRuleDefinition, AlertRuleKind, AlertSeverity } from './alert-rule.ts';

/** What an alert is about. */
export type AlertSubject =
  | {
      readonly kind: 'QUEUE';
      readonly flowId: string;
      readonly jobId: string;
      readonly routineId: string;
      readonly slot: string;
    }
  | {
      readonly kind: 'ROUTINE';
      readonly flowId: string;
      readonly jobId: string;
      readonly routineId: string;
    }
  | { readonly kind: 'FLOW'; readonly flowId: string }
  | { readonly kind: 'SERVICE'; readonly service: string };

/** Names a subject among those of one rule. */
export function keyOfSubject(subject: AlertSubject): string {
  switch (subject.kind) {
    case 'QUEUE':
      return `${subject.jobId} ${JSON.stringify([subject.routineId, subject.slot])}`;
    case 'ROUTINE':
      return `${subject.jobId} ${JSON.stringify([subject.routineId])}`;
    case 'FLOW':
      return subject.flowId;
    case 'SERVICE':
      return subject.service;
  }
}

/**
 * Why an alert is over.
 *
 * - `CONDITION_GONE`: what the rule looks for is no longer so.
 * - `SUBJECT_GONE`: the job has ended, the service was removed.
 * - `MAINTENANCE`: the service is in maintenance now.
 * - `RULE_CHANGED`, `RULE_DISABLED`, `RULE_REMOVED`: what became of its rule.
 */
export type AlertResolution =
  | 'CONDITION_GONE'
  | 'SUBJECT_GONE'
  | 'MAINTENANCE'
  | 'RULE_CHANGED'
  | 'RULE_DISABLED'
  | 'RULE_REMOVED';

/** A rule as it was when an alert of it was raised: all that decides when it holds. */
export type RuleSnapshot = Pick<
  AlertRuleDefinition,
  'name' | 'severity' | 'condition' | 'forMs' | 'settings'
>;

export function snapshotOf(rule: AlertRuleDefinition): RuleSnapshot {
  const { name, severity, condition, forMs, settings } = rule;
  return { name, severity, condition, forMs, settings };
}

/** Somebody has seen an alert. */
export interface Acknowledgement {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Who; `undefined` when nobody said. */
  readonly by: string | undefined;
  readonly comment: string | undefined;
}

/** What a rule found, until it is over and after. Plain data. Times are in milliseconds since the Unix epoch. */
export interface Alert {
  /** UUID version 7: as text, ids sort by when alerts were raised. */
  readonly id: string;
  readonly tenant: string;
  readonly rule: RuleSnapshot;
  readonly subject: AlertSubject;
  /** A sentence for people, with the values seen when it was raised. */
  readonly message: string;
  /** What was seen when it was raised, by the names of `CONDITION_NAMES`. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly raisedAt: number;
  /** When it was last seen to hold. */
  readonly lastSeenAt: number;
  /** `undefined` while it is open. */
  readonly resolvedAt: number | undefined;
  /** There whenever `resolvedAt` is. */
  readonly resolution: AlertResolution | undefined;
  readonly acknowledgement: Acknowledgement | undefined;
}

/** Which alerts to list: those for which all that is given is true. */
export interface AlertFilter {
  readonly isOpen?: boolean | undefined;
  readonly isAcknowledged?: boolean | undefined;
  readonly severities?: readonly AlertSeverity[] | undefined;
  readonly kinds?: readonly AlertRuleKind[] | undefined;
  /** By name; so is the flow, and the service. */
  readonly ruleId?: string | undefined;
  readonly flowId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly serviceId?: string | undefined;
  readonly raisedSince?: number | undefined;
  readonly raisedUntil?: number | undefined;
}

/** A page of the list of alerts, newest first; positions are ids. */
export interface AlertQuery {
  readonly filter: AlertFilter;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. */
  readonly fromEnd: boolean;
}

/** There is a rule of that name already, or another was made with that idempotency key. */
export class AlertRuleExistsError extends DomainError {
  readonly code = 'ALERT_RULE_EXISTS';
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(message);
    this.rule = rule;
  }
}

/** A rule can't be changed live: it comes from the configuration. */
export class AlertRuleFixedError extends DomainError {
  readonly code = 'ALERT_RULE_FIXED';
  readonly rule: string;

  constructor(rule: string, wanted: string) {
    super(
      `Alert rule "${rule}" comes from the configuration and can't be ${wanted}. Change it there.`,
    );
    this.rule = rule;
  }
}

/** A tenant has as many rules as it may have. */
export class TooManyAlertRulesError extends DomainError {
  readonly code = 'TOO_MANY_ALERT_RULES';

  constructor(limit: number) {
    super(`There are ${limit} alert rules already, which is the most. Remove some first.`);
  }
}
