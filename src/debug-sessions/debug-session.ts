import type { FrameReading, Stop } from '../debugger/debug-host.ts';

/** An expression that is worked out at every stop. */
export interface Watch {
  readonly id: string;
  readonly expression: string;
}

/** What a person does to one job. Every job has one. Times are in milliseconds since the Unix epoch. */
export interface DebugSession {
  readonly jobId: string;
  readonly flowId: string;
  /**
   * `RUNNING`: the job runs, or waits to. `STEPPING`: the same, and a step will stop it. `STOPPED`: it stands still.
   * `ENDED`: the job has ended.
   */
  readonly status: 'RUNNING' | 'STEPPING' | 'STOPPED' | 'ENDED';
  readonly stop: Stop | undefined;
  readonly frames: readonly FrameReading[];
  /** Who may change something; `undefined` when anybody may. All who give no name are `somebody`. */
  readonly owner: string | undefined;
  /** Until when, if the owner does nothing more. */
  readonly leaseUntil: number | undefined;
  /**
   * How long a stop lasts that nobody does anything about; `undefined` for ever: a job that somebody paused stays
   * paused, unless a limit was given for the session.
   */
  readonly pauseTtlMs: number | undefined;
  /** When the present stop ends by itself. */
  readonly resumesAt: number | undefined;
  readonly watches: readonly Watch[];
}
