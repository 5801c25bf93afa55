import type { Breakpoint, BreakpointKind } from '../debugger/breakpoint.ts';

/** A breakpoint with where it belongs and what came of it. Times are in milliseconds since the Unix epoch. */
export interface KeptBreakpoint extends Breakpoint {
  /** Whose it is: it counts in no job of another tenant. */
  readonly tenant: string;
  readonly flowId: string;
  /** `undefined` for one of the flow: every job of it has it that is of the same tenant. */
  readonly jobId: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** In all jobs together. */
  readonly hitCount: number;
  readonly lastHitAt: number | undefined;
  readonly lastHitJobId: string | undefined;
  readonly lastHitActivationId: number | undefined;
  /** Why its condition, or its message, could not be worked out the last time it was tried in any job. */
  readonly lastError: string | undefined;
  /** The key that it was made with; no two of a tenant have the same. */
  readonly idempotencyKey: string | undefined;
}

/** What changes in a breakpoint when people edit it. What is given as `undefined` is taken away. */
export type BreakpointPatch = Partial<Omit<Breakpoint, 'id' | 'kind'>> &
  Pick<KeptBreakpoint, 'updatedAt'>;

/** What became of a breakpoint: the whole of it, not what is new. */
export type BreakpointHits = Pick<
  KeptBreakpoint,
  'id' | 'hitCount' | 'lastHitAt' | 'lastHitJobId' | 'lastHitActivationId' | 'lastError'
>;

/** Which breakpoints to list: those for which all that is given is true. */
export interface BreakpointFilter {
  /** Of this job itself; those of its flow are not among them. */
  readonly jobId?: string | undefined;
  /** Of this flow and of its jobs. */
  readonly flowId?: string | undefined;
  /** Whether they are of a flow, not of a job. */
  readonly isOfFlow?: boolean | undefined;
  readonly kinds?: readonly BreakpointKind[] | undefined;
  readonly isEnabled?: boolean | undefined;
}

/** A page of the list of breakpoints, in the order of their ids: that in which they were made. */
export interface BreakpointQuery {
  readonly filter: BreakpointFilter;
  /** Only what comes after this id. */
  readonly after?: string | undefined;
  /** Only what comes before it. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** Take the last ones instead of the first; still answered in order. */
  readonly fromEnd: boolean;
}
