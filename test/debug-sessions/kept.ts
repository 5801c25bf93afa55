import type { KeptBreakpoint } from '../../src/debug-sessions/kept-breakpoint.ts';
import type { KeptSession } from '../../src/debug-sessions/kept-session.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';

/** A breakpoint of the flow `echo` that was never hit, except for what is given. */
export function makeBreakpoint(
  given: Partial<KeptBreakpoint> & Pick<KeptBreakpoint, 'id'>,
): KeptBreakpoint {
  return {
    tenant: DEFAULT_TENANT,
    flowId: 'echo',
    jobId: undefined,
    kind: 'ROUTINE',
    routineId: 'echo',
    slot: undefined,
    event: undefined,
    pressureLevel: undefined,
    condition: undefined,
    hitCondition: undefined,
    logMessage: undefined,
    isEnabled: true,
    isOnce: false,
    after: undefined,
    createdAt: 0,
    updatedAt: 0,
    hitCount: 0,
    lastHitAt: undefined,
    lastHitJobId: undefined,
    lastHitActivationId: undefined,
    lastError: undefined,
    idempotencyKey: undefined,
    ...given,
  };
}

/** A session of a job that runs, and that nobody owns, except for what is given. */
export function makeSession(given: Partial<KeptSession> = {}): KeptSession {
  return {
    debug: { stop: undefined, stopCount: 0, step: undefined, released: [], progress: {} },
    stopsAtEntry: false,
    owner: undefined,
    leaseUntil: undefined,
    pauseTtlMs: undefined,
    resumeAt: undefined,
    watches: [],
    ...given,
  };
}
