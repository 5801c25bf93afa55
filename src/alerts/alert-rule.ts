import type { ServiceStatus } from '../health/service.ts';
import type { PressureLevel } from '../monitoring/readings.ts';

/** How bad it is; the later in the list, the worse. */
export const ALERT_SEVERITIES = ['INFO', 'WARNING', 'CRITICAL'] as const;

export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/**
 * What a rule looks at.
 *
 * - `QUEUE_PRESSURE`: the queues of running jobs.
 * - `ROUTINE_ERROR_RATE`: how many executions of a routine of a running job failed lately.
 * - `JOB_FAILURES`: how many jobs of a flow failed lately.
 * - `SERVICE_STATUS`: the health of services.
 */
export const ALERT_RULE_KINDS = [
  'QUEUE_PRESSURE',
  'ROUTINE_ERROR_RATE',
  'JOB_FAILURES',
  'SERVICE_STATUS',
] as const;

export type AlertRuleKind = (typeof ALERT_RULE_KINDS)[number];

/** Of which queues; each queue of each running job is a subject of its own. */
export interface QueuePressureSettings {
  readonly kind: 'QUEUE_PRESSURE';
  /** `undefined` for any flow; so are the routine and the slot. */
  readonly flowId: string | undefined;
  readonly routineId: string | undefined;
  readonly slot: string | undefined;
  /** It holds from this level on. */
  readonly level: PressureLevel;
}

/** Of which routines; each routine of each running job is a subject of its own. */
export interface ErrorRateSettings {
  readonly kind: 'ROUTINE_ERROR_RATE';
  readonly flowId: string | undefined;
  readonly routineId: string | undefined;
  /** How far back executions count, in milliseconds. */
  readonly windowMs: number;
  /** With fewer executions in the window nothing is said of the routine. */
  readonly minExecutions: number;
  /** It holds from this share of failed executions on, above 0 and up to 1. */
  readonly errorRate: number;
}

/** Of which flows; each flow is a subject of its own. */
export interface JobFailureSettings {
  readonly kind: 'JOB_FAILURES';
  readonly flowId: string | undefined;
  /** How far back failures count, in milliseconds. */
  readonly windowMs: number;
  /** It holds from so many failed jobs on. */
  readonly minFailures: number;
}

/** Of which services; each service is a subject of its own. */
export interface ServiceStatusSettings {
  readonly kind: 'SERVICE_STATUS';
  /** By name; `undefined` for any. */
  readonly serviceId: string | undefined;
  /** It holds with one of these, and never in maintenance. */
  readonly statuses: readonly ServiceStatus[];
}

/** What a rule looks at, and from when on it holds. Kinds to come are added here: everything that switches on `kind` asks for them. */
export type AlertRuleSettings =
  | QueuePressureSettings
  | ErrorRateSettings
  | JobFailureSettings
  | ServiceStatusSettings;

/** A rule with every default filled in. Plain data. */
export interface AlertRuleDefinition {
  /** Unique in its tenant; it never changes. Letters, digits, `.`, `_`, `/`, `-`. */
  readonly name: string;
  readonly description: string | undefined;
  readonly severity: AlertSeverity;
  readonly isEnabled: boolean;
  /** Expression over the names of its kind (`CONDITION_NAMES`); it has to be true besides. */
  readonly condition: string | undefined;
  /** It has to hold for so long, in milliseconds. */
  readonly forMs: number;
  /** So long after an alert was resolved there is no new one for its subject, in milliseconds. */
  readonly coolDownMs: number;
  readonly settings: AlertRuleSettings;
}

/** Who said that there is such a rule. CONFIGURATION: the configuration, which wins and can't be changed live. API: somebody, live. */
export type AlertRuleOrigin = 'CONFIGURATION' | 'API';

/** A rule of a tenant, as it is kept. Times are in milliseconds since the Unix epoch. */
export interface KeptAlertRule extends AlertRuleDefinition {
  readonly tenant: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Unique within its tenant. */
  readonly idempotencyKey: string | undefined;
}

/** A rule as it is now. */
export interface AlertRule extends KeptAlertRule {
  readonly origin: AlertRuleOrigin;
  /** Why it can't be told whether it holds, of some subject or at all; `undefined` when it can. */
  readonly problem: string | undefined;
  /** Alerts of it that are open now. */
  readonly openCount: number;
  /** Subjects for which it holds and that have no alert, since there are as many open ones as a rule may have. */
  readonly suppressedCount: number;
}

/** What a rule may say besides its kind and its settings. */
interface AlertRuleConfigBase {
  /** Unique in its tenant: 1–100 letters, digits, `.`, `_`, `/`, `-`; begins with a letter or a digit. */
  readonly name: string;
  /** At most 500 characters. */
  readonly description?: string | undefined;
  /** Default WARNING. */
  readonly severity?: AlertSeverity | undefined;
  /** Default true. */
  readonly isEnabled?: boolean | undefined;
  /** Expression that has to be true besides. Default: none. */
  readonly condition?: string | undefined;
  /** Default 0. At most 24 hours. */
  readonly forMs?: number | undefined;
  /** Default 60,000. At most 7 days. */
  readonly coolDownMs?: number | undefined;
  /** Whose it is. Default `default`. */
  readonly tenant?: string | undefined;
}

/** A rule as it is written in a configuration. */
export type AlertRuleConfig = AlertRuleConfigBase &
  (
    | {
        readonly kind: 'QUEUE_PRESSURE';
        readonly flowId?: string | undefined;
        readonly routineId?: string | undefined;
        readonly slot?: string | undefined;
        /** Default CRITICAL: the slot is full. */
        readonly level?: PressureLevel | undefined;
      }
    | {
        readonly kind: 'ROUTINE_ERROR_RATE';
        readonly flowId?: string | undefined;
        readonly routineId?: string | undefined;
        /** 1,000 to 3,600,000; default 60,000. */
        readonly windowMs?: number | undefined;
        /** 1 to 1,000,000; default 10. */
        readonly minExecutions?: number | undefined;
        /** Above 0, up to 1; default 0.1. */
        readonly errorRate?: number | undefined;
      }
    | {
        readonly kind: 'JOB_FAILURES';
        readonly flowId?: string | undefined;
        /** 1,000 to 86,400,000; default 300,000. */
        readonly windowMs?: number | undefined;
        /** 1 to 1,000; default 1. */
        readonly minFailures?: number | undefined;
      }
    | {
        readonly kind: 'SERVICE_STATUS';
        readonly serviceId?: string | undefined;
        /** Default UNHEALTHY. */
        readonly statuses?: readonly ServiceStatus[] | undefined;
      }
  );
