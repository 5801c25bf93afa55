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
 * The loaders gather the look-ups of one tick and cache nothing: a subscription's context lives as long as the
 * subscription, and what it shows must be of the moment.
 */
export function createContext(services: Services, viewer: Viewer): Context {
  const { jobHost } = services;
  return {
    ...services,
    viewer,
    readings: new DataLoader((jobIds) => jobHost.read(jobIds), { cache: false }),
    durations: new DataLoader((ids) => Promise.all(ids.map((id) => jobHost.readDurations(id))), {
      cache: false,
    }),
  };
}
