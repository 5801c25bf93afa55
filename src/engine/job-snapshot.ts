import type { ErrorSnapshot } from './error-snapshot.ts';
import type { FlowShape } from './flow-shape.ts';
import type { JobState } from './job-state.ts';
import type { RoutineProgress } from './routine-run.ts';

/*
 * A job that has not ended, written down at one moment between two pieces of its work, so that another process can
 * go on with it. Plain data, but for what flows put in it: inputs, items, outputs, routine states and shared data are
 * as they are in the job, by reference; whoever wants to keep a snapshot has to write them down at once.
 *
 * Times are in milliseconds since the Unix epoch. What code was doing at that moment is not in it: its activation is,
 * and is run again from its beginning. What it had emitted by then stays emitted, so it may be emitted twice.
 */

/** An item, without the slot it stands in. */
export interface ItemSnapshot {
  readonly value: unknown;
  readonly emittedBy: number;
  readonly emittedAt: number;
  readonly queuedAt: number;
}

/** An activation that had begun and not ended. */
export interface ActivationSnapshot {
  readonly activationId: number;
  readonly routineId: string;
  readonly attempt: number;
  /**
   * RUN: its code has to be run, from the beginning; what it had emitted, and an inspector kept back (`staged`), stays
   * emitted. BEGIN: the same, but it never began: an inspector is to be asked first. HOLD: an inspector was, and held it.
   * RETRY: its code has to be run as the next attempt, when it is due. DELIVER: its code had ended; what it emitted waits
   * outside full slots. RELEASE: its code had ended; an inspector held what came of it: its error, and what it emitted and
   * was kept back (`staged`).
   */
  readonly next: 'BEGIN' | 'RUN' | 'HOLD' | 'RETRY' | 'DELIVER' | 'RELEASE';
  readonly items: readonly { readonly slot: string; readonly item: ItemSnapshot }[];
  readonly startedAt: number;
  readonly blockedMs: number;
  readonly emitted: number;
  /** How its code ended, when it had. */
  readonly error: ErrorSnapshot | undefined;
  readonly retryDueAt: number | undefined;
  readonly staged: readonly { readonly event: string; readonly value: unknown }[] | undefined;
}

/** A slot; what is in flight follows from the activations. */
export interface SlotSnapshot {
  readonly name: string;
  readonly items: readonly ItemSnapshot[];
  /** Those that wait outside, in order, and the activation each waits with. */
  readonly held: readonly { readonly activationId: number; readonly item: ItemSnapshot }[];
  readonly accepted: number;
  readonly consumed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly droppedOldest: number;
  readonly droppedNewest: number;
  readonly rejected: number;
  readonly discarded: number;
  readonly peak: number;
}

/** A routine; how many of its activations run follows from the activations. */
export interface RoutineSnapshot {
  readonly id: string;
  readonly state: unknown;
  readonly begun: number;
  readonly completed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly retried: number;
  readonly lastActivationAt: number | undefined;
  readonly lastOutcome: 'COMPLETED' | 'FAILED' | 'SKIPPED' | undefined;
  readonly lastError: ErrorSnapshot | undefined;
  readonly progress: RoutineProgress | undefined;
  readonly hasFlushed: boolean;
  readonly slots: readonly SlotSnapshot[];
}

/** A job, as the head of this file says. */
export interface JobSnapshot {
  readonly takenAt: number;
  readonly state: Extract<JobState, 'RUNNING' | 'PAUSED'>;
  /** How the job will end and why, when it is ending already. */
  readonly ending:
    | { readonly to: 'FAILED' | 'CANCELLED'; readonly error: ErrorSnapshot }
    | undefined;
  /** As the flow's input schema left it. */
  readonly input: unknown;
  /** The shape of the flow that it is a snapshot of. */
  readonly shape: FlowShape;
  /** Shared data of the job. */
  readonly data: readonly (readonly [string, unknown])[];
  readonly outputs: readonly {
    readonly name: string;
    readonly values: readonly unknown[];
    readonly count: number;
  }[];
  readonly routines: readonly RoutineSnapshot[];
  readonly activations: readonly ActivationSnapshot[];
  /** Number of the newest activation. */
  readonly activationCount: number;
  readonly version: number;
}
