import type { Job } from '../jobs/job.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';

/** The breakpoints that may count now, in memory: those of flows, and those of jobs that have not ended. */
export interface BreakpointBook {
  get(id: string): KeptBreakpoint | undefined;
  /** Those of a job, in the order they were made. */
  ofJob(jobId: string): readonly KeptBreakpoint[];
  /** A tenant's of a flow that are not of one of its jobs, in the order they were made. */
  ofFlow(tenant: string, flowId: string): readonly KeptBreakpoint[];
  /** All that count in a job: those that its tenant has of its flow and its own, in the order they were made. */
  inJob(job: Pick<Job, 'id' | 'tenant' | 'flowId'>): readonly KeptBreakpoint[];
  /** Those that a breakpoint arms. */
  armedBy(id: string): readonly KeptBreakpoint[];
  /** Puts a breakpoint in, in the place of the one before. */
  put(breakpoint: KeptBreakpoint): void;
  remove(id: string): void;
  /** Forgets those of a job. */
  forgetJob(jobId: string): void;
}

export function createBreakpointBook(): BreakpointBook {
  const byId = new Map<string, KeptBreakpoint>();
  const byJob = new Map<string, Set<string>>();
  const byFlow = new Map<string, Set<string>>();

  const placeOf = ({ jobId, tenant, flowId }: KeptBreakpoint) =>
    jobId === undefined ? ([byFlow, flowKey(tenant, flowId)] as const) : ([byJob, jobId] as const);

  const list = (ids: Iterable<string> | undefined): KeptBreakpoint[] =>
    [...(ids ?? [])].sort().flatMap((id) => byId.get(id) ?? []);

  const remove = (id: string) => {
    const breakpoint = byId.get(id);
    if (breakpoint === undefined) return;
    byId.delete(id);
    const [index, key] = placeOf(breakpoint);
    const ids = index.get(key);
    ids?.delete(id);
    if (ids?.size === 0) index.delete(key);
  };

  return {
    get: (id) => byId.get(id),
    ofJob: (jobId) => list(byJob.get(jobId)),
    ofFlow: (tenant, flowId) => list(byFlow.get(flowKey(tenant, flowId))),
    inJob: ({ id, tenant, flowId }) =>
      list([...(byFlow.get(flowKey(tenant, flowId)) ?? []), ...(byJob.get(id) ?? [])]),
    armedBy: (id) => [...byId.values()].filter(({ after }) => after === id),
    put(breakpoint) {
      byId.set(breakpoint.id, breakpoint);
      const [index, key] = placeOf(breakpoint);
      const ids = index.get(key) ?? new Set();
      index.set(key, ids.add(breakpoint.id));
    },
    remove,
    forgetJob(jobId) {
      for (const id of byJob.get(jobId) ?? []) remove(id);
    },
  };
}

function flowKey(tenant: string, flowId: string): string {
  return JSON.stringify([tenant, flowId]);
}
