import type { BreakpointProgress } from '../debugger/breakpoint.ts';
import type { DebugHost } from '../debugger/debug-host.ts';
import type { BreakpointBook } from './breakpoint-book.ts';
import type { BreakpointStore } from './breakpoint-store.ts';
import type { BreakpointFilter, BreakpointQuery, KeptBreakpoint } from './kept-breakpoint.ts';
import { MOST_BREAKPOINTS } from './limits.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { SessionBook } from './session-book.ts';

/** A breakpoint as it counts in one job. */
export interface BreakpointInJob {
  readonly breakpoint: KeptBreakpoint;
  /** `undefined` while nothing is known of it there, and when the job has ended. */
  readonly progress: BreakpointProgress | undefined;
}

/** Reads breakpoints of one tenant, each as it is now: what is counted is stored a moment later. */
export interface BreakpointReader {
  /** In the order of the ids; `undefined` where there is no such breakpoint. */
  find(ids: readonly string[]): Promise<(KeptBreakpoint | undefined)[]>;
  list(query: BreakpointQuery): Promise<KeptBreakpoint[]>;
  count(filter: BreakpointFilter): Promise<number>;
  /** Those that count in a job, in the order they were made. @throws NotFoundError */
  ofJob(jobId: string): Promise<readonly BreakpointInJob[]>;
}

export interface BreakpointReaderDeps {
  readonly book: BreakpointBook;
  readonly store: BreakpointStore;
  readonly jobs: OpenJobs;
  readonly sessions: SessionBook;
  readonly host: Pick<DebugHost, 'read'>;
}

export function createBreakpointReader(
  deps: BreakpointReaderDeps,
  tenant: string,
): BreakpointReader {
  const { book, store, sessions, host } = deps;
  const jobs = deps.jobs.forTenant(tenant);
  const newest = (breakpoint: KeptBreakpoint) => book.get(breakpoint.id) ?? breakpoint;
  return {
    async find(ids) {
      const found = await store.findMany(tenant, ids);
      return found.map((breakpoint) => breakpoint && newest(breakpoint));
    },
    list: async (query) => (await store.list(tenant, query)).map(newest),
    count: (filter) => store.count(tenant, filter),
    async ofJob(jobId) {
      const { flowId } = await jobs.find(jobId);
      const reading = await host.read(jobId);
      const progress = (reading ?? sessions.get(jobId)?.debug)?.progress ?? {};
      const page = { limit: MOST_BREAKPOINTS, fromEnd: false };
      // The book has those of all jobs that have not ended.
      const isOpen = deps.jobs.has(jobId);
      const own = isOpen
        ? book.ofJob(jobId)
        : await store.list(tenant, { filter: { jobId }, ...page });
      const all = [...book.ofFlow(tenant, flowId), ...own].sort((a, b) => (a.id < b.id ? -1 : 1));
      return all.map((breakpoint) => ({ breakpoint, progress: progress[breakpoint.id] }));
    },
  };
}
