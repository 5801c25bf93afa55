import type { LogRecord } from '../monitoring/readings.ts';
import type { JobHistory, LogFilter } from './job-history.ts';
import type { JobHost } from './job-host.ts';

/**
 * Everything that is told of jobs besides the jobs themselves: from the host of those that run, and from what is kept
 * of those that have ended.
 */
export type JobRecords = Pick<
  JobHistory,
  | 'readReadings'
  | 'readDurations'
  | 'readOutputs'
  | 'readTrace'
  | 'countTrace'
  | 'readLogs'
  | 'countLogs'
>;

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

  return {
    readReadings: both(host.read, history.readReadings),
    readDurations: both(host.readDurations, history.readDurations),
    readOutputs: both(host.readOutputs, history.readOutputs),
    readTrace: async (jobId, query) =>
      (await host.readTrace(jobId, query)) ?? history.readTrace(jobId, query),
    countTrace: async (jobId, filter) =>
      (await host.countTrace(jobId, filter)) ?? history.countTrace(jobId, filter),
    async readLogs(jobId, query) {
      const lines = await host.readLogs(jobId);
      if (lines === undefined) return history.readLogs(jobId, query);
      const { filter, after = 0, before = Number.POSITIVE_INFINITY, limit, fromEnd } = query;
      const inRange = lines.filter(
        (line) => line.sequence > after && line.sequence < before && matches(line, filter),
      );
      return fromEnd ? inRange.slice(Math.max(0, inRange.length - limit)) : inRange.slice(0, limit);
    },
    async countLogs(jobId, filter) {
      const lines = await host.readLogs(jobId);
      if (lines === undefined) return history.countLogs(jobId, filter);
      return lines.filter((line) => matches(line, filter)).length;
    },
  };
}

function matches({ routineId, level }: LogRecord, { routineIds, levels }: LogFilter): boolean {
  return (routineIds?.includes(routineId) ?? true) && (levels?.includes(level) ?? true);
}
