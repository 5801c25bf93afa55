import { type LineageQuery, walkLineage } from '../monitoring/lineage.ts';
import type { LogRecord } from '../monitoring/readings.ts';
import type { SequencePage } from '../monitoring/trace-page.ts';
import type { JobHistory, LogFilter } from './job-history.ts';
import type { JobHost } from './job-host.ts';
import { createLineage, type Lineage } from './job-lineage.ts';
import { readTrail } from './read-trail.ts';

/**
 * Everything that is told of jobs besides the jobs themselves: from the host of those that run, and from what is kept
 * of those that have ended. Of a job that runs, the older part of its trace and its log is among what is kept.
 */
export interface JobRecords
  extends Pick<
    JobHistory,
    | 'readReadings'
    | 'readDurations'
    | 'readOutputs'
    | 'readTrace'
    | 'countTrace'
    | 'readLogs'
    | 'countLogs'
  > {
  /** Where items came from, or what became of them: also of activations that have not ended. */
  readLineage(jobId: string, query: LineageQuery): Promise<Lineage>;
}

export function createJobRecords(host: JobHost, history: JobHistory): JobRecords {
  /** Asks the host first, and the history for those that the host does not know. */
  const both =
    <T>(
      ask: (jobIds: readonly string[]) => Promise<(T | undefined)[]>,
      lookUp: (jobIds: readonly string[]) => Promise<(T | undefined)[]>,
    ) =>
    async (jobIds: readonly string[]): Promise<(T | undefined)[]> => {
      const known = await ask(jobIds);
      const missing = jobIds.filter((_, at) => known[at] === undefined);
      if (missing.length === 0) return known;
      const found = await lookUp(missing);
      const byId = new Map(missing.map((id, at) => [id, found[at]]));
      return jobIds.map((id, at) => known[at] ?? byId.get(id));
    };

  /** The first place in the trace that the host remembers. */
  const firstTraced = async (jobId: string): Promise<number> => {
    const first = await host.readTrace(jobId, { filter: {}, limit: 1, fromEnd: false });
    return first?.[0]?.sequence ?? NEVER;
  };

  return {
    readReadings: both(host.read, history.readReadings),
    readDurations: both(host.readDurations, history.readDurations),
    readOutputs: both(host.readOutputs, history.readOutputs),
    async readTrace(jobId, query) {
      const newer = await host.readTrace(jobId, query);
      if (newer === undefined) return history.readTrace(jobId, query);
      const first = await firstTraced(jobId);
      return joinPages(newer, query, first, (older) => history.readTrace(jobId, older));
    },
    async countTrace(jobId, filter) {
      const newer = await host.countTrace(jobId, filter);
      if (newer === undefined) return history.countTrace(jobId, filter);
      const first = await firstTraced(jobId);
      if (first <= 1) return newer;
      const [matching, all] = await Promise.all(
        [filter, {}].map((wanted) => history.countTrace(jobId, wanted, first)),
      );
      return {
        matching: newer.matching + (matching?.matching ?? 0),
        dropped: Math.max(0, newer.dropped - (all?.matching ?? 0)),
      };
    },
    async readLineage(jobId, query) {
      const walk = walkLineage(await readTrail(jobId, host, history), query);
      return createLineage(jobId, walk, { host, history });
    },
    async readLogs(jobId, query) {
      const lines = await host.readLogs(jobId);
      if (lines === undefined) return history.readLogs(jobId, query);
      const { filter, after = 0, before = NEVER, limit, fromEnd } = query;
      const inRange = lines.filter(
        (line) => line.sequence > after && line.sequence < before && matches(line, filter),
      );
      const newer = fromEnd ? inRange.slice(-limit) : inRange.slice(0, limit);
      const first = lines[0]?.sequence ?? NEVER;
      return joinPages(newer, query, first, (older) => history.readLogs(jobId, older));
    },
    async countLogs(jobId, filter) {
      const lines = await host.readLogs(jobId);
      if (lines === undefined) return history.countLogs(jobId, filter);
      const newer = lines.filter((line) => matches(line, filter)).length;
      const first = lines[0]?.sequence ?? NEVER;
      return first <= 1 ? newer : newer + (await history.countLogs(jobId, filter, first));
    },
  };
}

/** A place behind all others. */
const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * A page of a list whose newer part, from the place `first` on, the host remembers, and whose older part is kept: of a
 * job that has run for long, or was recovered.
 * @param newer what of the page is in the newer part
 */
async function joinPages<Query extends SequencePage, Entry>(
  newer: readonly Entry[],
  query: Query,
  first: number,
  readOlder: (query: Query) => Promise<readonly Entry[]>,
): Promise<readonly Entry[]> {
  const { after = 0, before = NEVER, limit, fromEnd } = query;
  const hasOlder = first > 1 && after < first - 1;
  if (!hasOlder || (fromEnd && newer.length >= limit)) return newer;
  const room = fromEnd ? limit - newer.length : limit;
  const older = await readOlder({ ...query, before: Math.min(before, first), limit: room });
  return [...older, ...newer].slice(0, limit);
}

function matches({ routineId, level }: LogRecord, { routineIds, levels }: LogFilter): boolean {
  return (routineIds?.includes(routineId) ?? true) && (levels?.includes(level) ?? true);
}
