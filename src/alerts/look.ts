import type { AlertSubject } from './alert.ts';

/** What one look at one subject of a rule found. */
export interface Look {
  readonly subject: AlertSubject;
  /** By the settings of the rule alone, without its condition; `undefined` when that can't be told yet. */
  readonly holds: boolean | undefined;
  /** Whether it does not hold since the service is in maintenance. Default false. */
  readonly isInMaintenance?: boolean;
  /** By the names of `CONDITION_NAMES`. Asked for only when they are wanted. */
  values(): Readonly<Record<string, unknown>>;
  /** A sentence for people. */
  message(): string;
}
