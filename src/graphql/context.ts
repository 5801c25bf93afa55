import DataLoader from 'dataloader';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { JobEvents } from '../jobs/job-events.ts';
import type { JobHost } from '../jobs/job-host.ts';
import type { JobService } from '../jobs/job-service.ts';
import type { LiveJobs } from '../jobs/live-jobs.ts';
import type { DurationReading, JobReading } from '../monitoring/readings.ts';

/** What somebody may do: `watch` everything there is to see, `control` jobs. */
export type Right = 'watch' | 'control';

export interface Viewer {
  readonly rights: ReadonlySet<Right>;
}

/** Limits of one operation; above them it is refused before it runs. */
export interface OperationLimits {
  /** The most fields an answer may have, as estimated from the page sizes asked for. */
  readonly complexity: number;
  /** The deepest nesting of fields. */
  readonly depth: number;
  /** The most fields written in the operation. */
  readonly breadth: number;
}

/** The parts of the running system that the API speaks for. */
export interface Services {
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly flows: FlowRegistry;
  readonly jobs: JobService;
  readonly jobHost: JobHost;
  readonly jobEvents: JobEvents;
  readonly liveJobs: LiveJobs;
  readonly limits: OperationLimits;
  readonly now: () => number;
}

/** What every resolver gets. One for each operation. */
export interface Context extends Services {
  readonly viewer: Viewer;
  readonly readings: DataLoader<string, JobReading | undefined>;
  readonly durations: DataLoader<string, ReadonlyMap<string, DurationReading>>;
}

/**
 * The loaders gather the look-ups of one tick, so that what is shown of a job side by side is of one moment, and
 * cache nothing: a subscription's context lives as long as the subscription.
 */
export function createContext(services: Services, viewer: Viewer): Context {
  const { jobHost } = services;
  return {
    ...services,
    viewer,
    readings: loadOnce((jobIds) => jobHost.read(jobIds)),
    durations: loadOnce((jobIds) => Promise.all(jobIds.map((id) => jobHost.readDurations(id)))),
  };
}

/** A loader that caches nothing; what is asked for several times in one tick is loaded once. */
function loadOnce<T>(load: (ids: readonly string[]) => Promise<readonly T[]>) {
  return new DataLoader<string, T>(
    async (ids) => {
      const unique = [...new Set(ids)];
      const loaded = await load(unique);
      const byId = new Map(unique.map((id, at) => [id, loaded[at] as T])); // one for each id
      return ids.map((id) => byId.get(id) as T);
    },
    { cache: false },
  );
}
