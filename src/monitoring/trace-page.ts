import type { ActivationOutcome } from '../engine/index.ts';

/** Which activations of a trace to list: those for which all that is given is true. */
export interface TraceFilter {
  readonly routineIds?: readonly string[] | undefined;
  readonly outcomes?: readonly ActivationOutcome[] | undefined;
}

/** A page of a list whose elements are numbered in order. */
export interface SequencePage {
  /** Only what comes after this number. */
  readonly after?: number | undefined;
  /** Only what comes before it. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. */
  readonly fromEnd: boolean;
}

export interface TraceQuery extends SequencePage {
  readonly filter: TraceFilter;
}

/** How much of a trace there is. */
export interface TraceCounts {
  /** Activations that a filter lets through. */
  readonly matching: number;
  /** Runs of routines that are not in the trace any more. */
  readonly dropped: number;
}

/** What must be known of an activation to tell whether it is on a page. */
export interface TraceEntry {
  readonly sequence: number;
  readonly routineId: string;
  readonly outcome: ActivationOutcome;
}

export function matchesTraceFilter(
  { routineId, outcome }: TraceEntry,
  { routineIds, outcomes }: TraceFilter,
): boolean {
  return (routineIds?.includes(routineId) ?? true) && (outcomes?.includes(outcome) ?? true);
}

/** The entries of a trace that are on a page; `entries` are in order. */
export function selectTracePage<Entry extends TraceEntry>(
  entries: readonly Entry[],
  { filter, after, before, limit, fromEnd }: TraceQuery,
): Entry[] {
  const inRange = entries.filter(
    (entry) =>
      (after === undefined || entry.sequence > after) &&
      (before === undefined || entry.sequence < before) &&
      matchesTraceFilter(entry, filter),
  );
  return fromEnd ? inRange.slice(Math.max(0, inRange.length - limit)) : inRange.slice(0, limit);
}
