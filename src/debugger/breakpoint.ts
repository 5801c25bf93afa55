import type { PressureLevel } from '../monitoring/readings.ts';

/**
 * Where a breakpoint stops its job.
 *
 * - `ROUTINE`: before an activation of the routine runs.
 * - `SLOT`: the same, when it took an item from the slot.
 * - `EVENT`: when the routine emits the event, before the item is delivered.
 * - `EXCEPTION`: when the code of a routine has failed, before its error strategy acts.
 * - `PRESSURE`: when a queue comes to a pressure level.
 */
export type BreakpointKind = 'ROUTINE' | 'SLOT' | 'EVENT' | 'EXCEPTION' | 'PRESSURE';

/** A breakpoint, as it is kept. Plain data. */
export interface Breakpoint {
  /** UUID version 7. */
  readonly id: string;
  readonly kind: BreakpointKind;
  /** `undefined` for any; only of `EXCEPTION` and `PRESSURE`. */
  readonly routineId: string | undefined;
  /** Of `SLOT`; of `PRESSURE` `undefined` for any. */
  readonly slot: string | undefined;
  /** Of `EVENT`. */
  readonly event: string | undefined;
  /** Of `PRESSURE`. */
  readonly pressureLevel: Exclude<PressureLevel, 'LOW'> | undefined;
  /** Expression; it counts as a hit only when this is true. */
  readonly condition: string | undefined;
  /** `>= 3`, `% 10`, `5`: which of the hits in one job stop it; all without. */
  readonly hitCondition: string | undefined;
  /** With it nothing stops: the text is logged, with each `{expression}` in it worked out. */
  readonly logMessage: string | undefined;
  readonly isEnabled: boolean;
  /** Whether it disables itself when it has stopped a job, or logged. */
  readonly isOnce: boolean;
  /** Id of the breakpoint that has to be hit in the same job before this one counts. */
  readonly after: string | undefined;
}

/** What became of a breakpoint in one job. Plain data. */
export interface BreakpointProgress {
  /** How often it was hit: was come to, armed and enabled, and its condition was true. */
  readonly hitCount: number;
  /** Whether the breakpoint that arms it was hit. True when there is none. */
  readonly isArmed: boolean;
  /** Whether it is one that stops once, and has. */
  readonly isSpent: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly lastHitAt: number | undefined;
  readonly lastHitActivationId: number | undefined;
  /** Why its condition, or its message, could not be worked out the last time it was tried. */
  readonly lastError: string | undefined;
  /** Why it can't be hit in this job; `undefined` when it can. */
  readonly problem: string | undefined;
}
