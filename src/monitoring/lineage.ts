import type { TraceLink } from './readings.ts';

/** `ANCESTORS`: what emitted the items that were taken. `DESCENDANTS`: what took the items that were emitted. */
export type LineageDirection = 'ANCESTORS' | 'DESCENDANTS';

export interface LineageQuery {
  /** Activations to set out from. Those that are none, the job's input say, are passed over. */
  readonly from: readonly number[];
  readonly direction: LineageDirection;
}

/** An activation that was come to. */
export interface LineageStep {
  /** How many activations lie between it and the nearest of those that were set out from, it included; 0 for themselves. */
  readonly depth: number;
  readonly link: TraceLink;
}

/** What was come to, and whether that is all there was. */
export interface LineageWalk {
  /** Nearest first, those that are equally near by number. Each once. */
  readonly steps: readonly LineageStep[];
  /**
   * Whether nothing is missing: all ancestors are known, or no activation has left the trace that could be a descendant.
   */
  readonly isComplete: boolean;
  /** Activations that are known by their numbers alone, in order: those set out from, and ancestors. */
  readonly missingIds: readonly number[];
}

/** What is known of the activations of a job. */
export interface Trail {
  readonly byId: ReadonlyMap<number, TraceLink>;
  /** How many activations have begun: the number of the newest. */
  readonly activationCount: number;
}

/**
 * The last run of each activation. Left out is what a job did that was taken up again from before that: its numbers were
 * given again, so it is no part of the trail.
 */
export function indexLinks(links: readonly TraceLink[]): Map<number, TraceLink> {
  const byId = new Map<number, TraceLink>();
  const resumptions = new Map(
    links.flatMap(({ resumedFrom }) =>
      resumedFrom === undefined ? [] : [[resumedFrom.sequence, resumedFrom]],
    ),
  );
  for (const link of links) {
    const { activationId, sequence = Number.POSITIVE_INFINITY } = link;
    const isOfAnotherPast = [...resumptions.values()].some(
      (place) => sequence <= place.sequence && activationId > place.activationCount,
    );
    if (isOfAnotherPast) continue;
    const other = byId.get(activationId);
    if (other === undefined || (other.sequence ?? Number.POSITIVE_INFINITY) <= sequence) {
      byId.set(activationId, link);
    }
  }
  return byId;
}

/** Follows the trail of items, breadth first. The work is in proportion to what is known of the job. */
export function walkLineage(
  { byId, activationCount }: Trail,
  { from, direction }: LineageQuery,
): LineageWalk {
  const start = [...new Set(from)].filter((id) => id > 0);
  const children = direction === 'DESCENDANTS' ? indexChildren(byId) : new Map();
  const nextOf = (id: number): readonly number[] =>
    direction === 'ANCESTORS' ? (byId.get(id)?.parentIds ?? []) : (children.get(id) ?? []);
  const steps: LineageStep[] = [];
  const missingIds: number[] = [];
  const met = new Set(start);
  for (let level = start, depth = 0; level.length > 0; depth++) {
    const next: number[] = [];
    for (const id of level.sort((a, b) => a - b)) {
      const link = byId.get(id);
      if (link === undefined) missingIds.push(id);
      else steps.push({ depth, link });
      for (const other of nextOf(id)) {
        if (met.has(other)) continue;
        met.add(other);
        next.push(other);
      }
    }
    level = next;
  }
  const isComplete =
    missingIds.length === 0 &&
    (direction === 'ANCESTORS' || countUnknownAfter(start, byId, activationCount) === 0);
  return { steps, isComplete, missingIds: missingIds.sort((a, b) => a - b) };
}

function indexChildren(byId: ReadonlyMap<number, TraceLink>): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const { activationId, parentIds } of byId.values()) {
    for (const parentId of parentIds) {
      const known = children.get(parentId);
      if (known === undefined) children.set(parentId, [activationId]);
      else known.push(activationId);
    }
  }
  return children;
}

/** How many activations are not known that began after the first of some. */
function countUnknownAfter(
  ids: readonly number[],
  byId: ReadonlyMap<number, TraceLink>,
  activationCount: number,
): number {
  if (ids.length === 0) return 0;
  const first = ids.reduce((least, id) => Math.min(least, id));
  let known = 0;
  for (const id of byId.keys()) if (id > first) known++;
  return Math.max(0, activationCount - first - known);
}
