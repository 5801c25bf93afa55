import type { Breakpoint } from '../debugger/breakpoint.ts';
import type { NewBreakpoint } from '../debugger/debug-request.ts';

/** The breakpoint with its defaults, under an id. */
export function toBreakpoint(id: string, wanted: NewBreakpoint): Breakpoint {
  return {
    id,
    kind: wanted.kind,
    routineId: wanted.routineId,
    slot: wanted.slot,
    event: wanted.event,
    pressureLevel: wanted.pressureLevel,
    condition: wanted.condition,
    hitCondition: wanted.hitCondition,
    logMessage: wanted.logMessage,
    isEnabled: wanted.isEnabled ?? true,
    isOnce: wanted.isOnce ?? false,
    after: wanted.after,
  };
}

/** What came of a breakpoint that is new. */
export const NEVER_HIT = {
  hitCount: 0,
  lastHitAt: undefined,
  lastHitJobId: undefined,
  lastHitActivationId: undefined,
  lastError: undefined,
} as const;
