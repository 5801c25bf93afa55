import type { LineageStep, LineageWalk } from '../monitoring/lineage.ts';
import type { ActivationRecord } from '../monitoring/readings.ts';
import type { JobHistory } from './job-history.ts';
import type { JobHost } from './job-host.ts';
import { isRecord, readTrail } from './read-trail.ts';

/** The place of an activation in a lineage. */
export interface LineagePosition {
  readonly depth: number;
  readonly activationId: number;
}

/** An activation in a lineage. */
export interface LineageHop extends LineageStep {
  /** All that the trace tells of it; `undefined` while it has not ended, and when it left the trace just now. */
  readonly record: ActivationRecord | undefined;
}

/** A page of a lineage. */
export interface LineagePage {
  readonly after?: LineagePosition | undefined;
  readonly before?: LineagePosition | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. Default false. */
  readonly fromEnd?: boolean | undefined;
}

/** Where items came from, or what became of them. It is of one moment; only the records of its pages are read later. */
export interface Lineage extends Omit<LineageWalk, 'steps'> {
  readonly totalCount: number;
  /** Previews are made of what is on the page, of nothing else. */
  readPage(page: LineagePage): Promise<LineageHop[]>;
}

export interface LineageDeps {
  readonly host: Pick<JobHost, 'readLinks' | 'readActivations'>;
  readonly history: Pick<JobHistory, 'readTrace' | 'readReadings'>;
}

export function createLineage(
  jobId: string,
  { steps, isComplete, missingIds }: LineageWalk,
  { host, history }: LineageDeps,
): Lineage {
  const readKeptOnes = async (ids: readonly number[]): Promise<ActivationRecord[]> => {
    const { byId } = await readTrail(jobId, host, history);
    return ids.flatMap((id) => {
      const link = byId.get(id);
      return link !== undefined && isRecord(link) ? [link] : [];
    });
  };

  /** The records of activations that have ended and are not among those read already. */
  const readRecords = async (ids: readonly number[]) => {
    if (ids.length === 0) return new Map<number, ActivationRecord>();
    const found = await host.readActivations(jobId, ids);
    // A job that the host does not know any more is all among what is kept.
    const all = found ?? (await readKeptOnes(ids));
    return new Map(
      all.flatMap((record) => (record === undefined ? [] : [[record.activationId, record]])),
    );
  };

  return {
    isComplete,
    missingIds,
    totalCount: steps.length,
    async readPage({ after, before, limit, fromEnd = false }) {
      const inRange = steps.filter(
        (step) =>
          (after === undefined || compare(positionOf(step), after) > 0) &&
          (before === undefined || compare(positionOf(step), before) < 0),
      );
      const page = fromEnd
        ? inRange.slice(Math.max(0, inRange.length - limit))
        : inRange.slice(0, limit);
      const wanted = page.flatMap(({ link }) =>
        link.outcome === undefined || isRecord(link) ? [] : [link.activationId],
      );
      const records = await readRecords(wanted);
      return page.map(({ depth, link }) => {
        const record = isRecord(link) ? link : records.get(link.activationId);
        return { depth, link, record };
      });
    },
  };
}

/** Where a step stands among the others. */
export function positionOf({ depth, link }: LineageStep): LineagePosition {
  return { depth, activationId: link.activationId };
}

function compare(a: LineagePosition, b: LineagePosition): number {
  return a.depth - b.depth || a.activationId - b.activationId;
}
