import type { Breakpoint } from './breakpoint.ts';

/** A breakpoint that somebody wants. Enabled, and not once, unless it says otherwise. */
export interface NewBreakpoint extends Pick<Breakpoint, 'kind'> {
  readonly routineId?: string | undefined;
  readonly slot?: string | undefined;
  readonly event?: string | undefined;
  readonly pressureLevel?: Breakpoint['pressureLevel'];
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
  /** Default true. */
  readonly isEnabled?: boolean | undefined;
  /** Default false. */
  readonly isOnce?: boolean | undefined;
  /** Id of the breakpoint that arms it: one of the same job or of its flow. */
  readonly after?: string | undefined;
}

/** A breakpoint that is given with the start of a job. */
export interface StartBreakpoint extends NewBreakpoint {
  /** In place of `after`: the position, from 0, of the breakpoint in the same list that arms it. */
  readonly afterIndex?: number | undefined;
}

/** How a job is to be debugged that is about to be started. */
export interface DebugRequest {
  readonly breakpoints: readonly StartBreakpoint[];
  /** Whether it stops before its first activation. Default false. */
  readonly stopsAtEntry?: boolean | undefined;
  /** How long a stop lasts that nobody does anything about, in milliseconds; 0 for ever. Default: as the server is set. */
  readonly pauseTtlMs?: number | undefined;
}
