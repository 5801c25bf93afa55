import type { ActivationOutcome, JobState, LogLevel, RoutineProgress } from '../engine/index.ts';
import type { HistogramSnapshot } from '../lib/histogram.ts';
import type { Preview } from '../lib/preview.ts';

/*
 * What monitoring tells about jobs: plain data that can be stored and sent to another process.
 * Times of day are in milliseconds since the Unix epoch.
 */

/** LOW below 0.6 of a slot's length, MEDIUM from 0.6, HIGH from its watermark, CRITICAL when it is full. */
export type PressureLevel = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';

/** A slot's queue at one moment. */
export interface QueueReading {
  readonly routineId: string;
  readonly slot: string;
  /** Items that wait in the slot. */
  readonly unconsumedCount: number;
  /** Items taken by activations that have not ended. */
  readonly inFlightCount: number;
  /** Items that wait outside because the slot is full. */
  readonly waitingOutsideCount: number;
  readonly maxLength: number;
  /** The count from which the slot is nearly full. */
  readonly watermarkThreshold: number;
  /** `unconsumedCount` as a share of `maxLength`. */
  readonly usage: number;
  readonly pressureLevel: PressureLevel;
  readonly isFull: boolean;
  readonly isNearFull: boolean;
  /** The most items that ever waited. */
  readonly peakCount: number;
  /** Items that ever entered. */
  readonly acceptedCount: number;
  readonly consumedCount: number;
  readonly failedCount: number;
  readonly skippedCount: number;
  /** Lost to the overflow policy. */
  readonly droppedCount: number;
  /** Left over when the job ended. */
  readonly discardedCount: number;
  /** Items a second that entered, over the last second or two. */
  readonly rateInPerSecond: number;
  /** Items a second that were taken, over the last second or two. */
  readonly rateOutPerSecond: number;
  /** How long the oldest item has waited. */
  readonly oldestWaitMs: number | undefined;
  /** How long until the slot is full if the rates stay; `undefined` when it is not filling. */
  readonly timeUntilFullMs: number | undefined;
}

/**
 * PENDING: has not run yet. RUNNING: activations are going on, or begin in the present turn. IDLE: has run and waits
 * for more. COMPLETED: will not run again. FAILED, SKIPPED: how its latest activation ended; a job that ended without
 * ever running the routine leaves it SKIPPED too.
 */
export type RoutineStatus = 'PENDING' | 'RUNNING' | 'IDLE' | 'COMPLETED' | 'FAILED' | 'SKIPPED';

/** Why a routine is not running. */
export type WhyNotRunning =
  | { readonly kind: 'JOB_NOT_STARTED' }
  | { readonly kind: 'JOB_PAUSED' }
  | { readonly kind: 'JOB_ENDING' }
  | { readonly kind: 'DONE'; readonly state: JobState }
  | { readonly kind: 'AT_BREAKPOINT'; readonly activationIds: readonly number[] }
  | { readonly kind: 'WAITING_FOR_DATA'; readonly slots: readonly MissingItems[] }
  | { readonly kind: 'WAITING_FOR_TIME'; readonly until: number }
  | { readonly kind: 'WAITING_FOR_RETRY'; readonly until: number; readonly attempt: number }
  | { readonly kind: 'BLOCKED_BY_FULL_QUEUE'; readonly queues: readonly FullQueue[] };

/** A slot that holds fewer items than the routine's policy wants; `needs` is unknown for custom policies. */
export interface MissingItems {
  readonly slot: string;
  readonly has: number;
  readonly needs: number | undefined;
}

export interface FullQueue {
  readonly routineId: string;
  readonly slot: string;
}

/**
 * How long activations ran, in milliseconds, without the time during which what they emitted waited. Retried runs count
 * each; those that the job's end cut short do not.
 */
export interface DurationReading {
  readonly count: number;
  readonly minMs: number | undefined;
  readonly avgMs: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly maxMs: number | undefined;
  /** What the percentiles were read from; such histograms can be merged. */
  readonly histogram: HistogramSnapshot;
}

export interface FailureReading {
  readonly message: string;
  /** The error's own code, if it has one. */
  readonly code: string | undefined;
}

/** A routine of a job at one moment. */
export interface RoutineReading {
  readonly routineId: string;
  readonly status: RoutineStatus;
  /** Activations that have begun and not ended. */
  readonly activeCount: number;
  /** Whether its code is executing, or begins in the present turn: not while all its activations wait for something. */
  readonly isActive: boolean;
  /** Activations that have ended: completed, failed or skipped. */
  readonly executionCount: number;
  readonly startedCount: number;
  readonly completedCount: number;
  readonly errorCount: number;
  readonly skippedCount: number;
  readonly retryCount: number;
  readonly lastExecutedAt: number | undefined;
  readonly lastError: FailureReading | undefined;
  readonly progress: RoutineProgress | undefined;
  readonly queues: readonly QueueReading[];
  /** `undefined` while the routine is running. */
  readonly whyNotRunning: WhyNotRunning | undefined;
}

/** A whole job at one moment. */
export interface JobReading {
  readonly jobId: string;
  readonly flowId: string;
  readonly at: number;
  readonly state: JobState;
  readonly isEnding: boolean;
  readonly routines: readonly RoutineReading[];
}

/** Where an item came from. `JOB_INPUT`: also what a job that begins in the middle of another began with. */
export type ItemOrigin = 'ACTIVATION' | 'JOB_INPUT' | 'BY_HAND';

/** An item that an activation took. */
export interface TracedInput {
  readonly slot: string;
  /** The activation that emitted it; `undefined` for the job's input, and what was put in by hand. */
  readonly emittedBy: number | undefined;
  /** Always told of what was put in by hand. */
  readonly origin?: ItemOrigin | undefined;
  readonly item: Preview;
}

export interface TracedOutput {
  readonly event: string;
  readonly item: Preview;
}

/**
 * What there is of the items that an activation took, so that it can be run again on them. `IN_MEMORY`: they are as they
 * are now, whatever code did to them since. `KEPT`: they were written down, as text of `writeItems`. Else they were not:
 * `TOO_LARGE`, too large by themselves; `NO_ROOM`, what is kept of the job's trace was full; `NOT_WRITABLE`, not plain
 * data.
 */
export type RecordedItems =
  | { readonly kind: 'IN_MEMORY' }
  | { readonly kind: 'TOO_LARGE' | 'NO_ROOM' }
  | { readonly kind: 'KEPT'; readonly text: string }
  | { readonly kind: 'NOT_WRITABLE'; readonly problem: string };

/** What must be known of an activation to follow the trail of items: all but the items. */
export interface TraceLink {
  /** Its place among all runs of the job in the order in which they ended, from 1; `undefined` while it has not ended. */
  readonly sequence: number | undefined;
  /** Number of the activation in its job, from 1; its retries have the same. */
  readonly activationId: number;
  readonly routineId: string;
  readonly attempt: number;
  /** `undefined` while it has not ended. */
  readonly outcome: ActivationOutcome | undefined;
  readonly startedAt: number;
  /** How long the oldest of its items had waited in the slot. */
  readonly waitMs: number;
  /** How long its code took, without `blockedMs`. */
  readonly runMs: number;
  /** How long what it emitted waited: for room in full slots, or at a breakpoint after its code had ended. */
  readonly blockedMs: number;
  /** The activations that emitted what it took. */
  readonly parentIds: readonly number[];
  /** Where else items that it took came from; not in records of old. */
  readonly otherOrigins?: readonly Exclude<ItemOrigin, 'ACTIVATION'>[] | undefined;
  /**
   * Of a job that was taken up again: from where it went on. Activations with higher numbers that ended up to that place
   * in the trace are of a past that did not count: their numbers were given again.
   */
  readonly resumedFrom?: TracePlace | undefined;
}

/** A place in a trace: the last run of a routine that had ended, and how many activations had begun. */
export interface TracePlace {
  readonly sequence: number;
  readonly activationCount: number;
}

/** What is remembered of who emitted what to whom in a job that is running, or has just ended. */
export interface TraceLinks {
  /** In the order in which they ended; then those that have not. */
  readonly links: readonly TraceLink[];
  /** From this place in the trace on none is missing. */
  readonly completeFrom: number;
  /** How many activations have begun: the number of the newest. */
  readonly activationCount: number;
}

/** One run of a routine's code, as the trace tells it. */
export interface ActivationRecord extends TraceLink {
  readonly sequence: number;
  readonly outcome: ActivationOutcome;
  readonly error: FailureReading | undefined;
  /** The first of the items it took. */
  readonly inputs: readonly TracedInput[];
  readonly inputCount: number;
  /** The first of the items it emitted. */
  readonly outputs: readonly TracedOutput[];
  readonly outputCount: number;
  /** Not in records of old. */
  readonly recorded?: RecordedItems | undefined;
}

/** The trace of a job that has ended: activations, oldest first, and how many more there were. */
export interface TraceReading {
  readonly records: readonly ActivationRecord[];
  readonly droppedCount: number;
}

export interface LogRecord {
  /** Its place among all lines of the job's log, from 1. */
  readonly sequence: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Preview | undefined;
  readonly routineId: string;
  readonly activationId: number;
  readonly at: number;
}
