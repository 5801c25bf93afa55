import type { Clock } from '../lib/clock.ts';
import { SessionOwnedError } from './debug-errors.ts';
import type { KeptSession } from './kept-session.ts';
import type { SessionBook } from './session-book.ts';
import type { StopLimits } from './stop-limits.ts';

export interface SessionOwnersDeps {
  readonly sessions: SessionBook;
  readonly limits: StopLimits;
  readonly clock: Clock;
  /** How long a lease is, in milliseconds. */
  readonly leaseMs: number;
}

/** Who may change something in which session. An owner is one as long as the lease is not over. */
export interface SessionOwners {
  /** Makes somebody the owner, or renews the lease. @throws SessionOwnedError when somebody else is the owner */
  claim(jobId: string, actor: string | undefined): void;
  /** @throws SessionOwnedError when somebody else is the owner */
  check(jobId: string, actor: string | undefined): void;
  /** Makes somebody the owner, whoever was. */
  takeOver(jobId: string, actor: string | undefined, leaseMs?: number): void;
  /** @throws SessionOwnedError when somebody else is the owner */
  release(jobId: string, actor: string | undefined): void;
}

/** What all who give no name are called. */
export const SOMEBODY = 'somebody';

/** Who owns a session now. */
export function ownerOf(
  session: KeptSession | undefined,
  now: number,
): { readonly owner: string; readonly leaseUntil: number } | undefined {
  const { owner, leaseUntil = 0 } = session ?? {};
  return owner === undefined || leaseUntil <= now ? undefined : { owner, leaseUntil };
}

export function createSessionOwners(deps: SessionOwnersDeps): SessionOwners {
  const { sessions, limits, clock } = deps;

  /** Until when the lease is that there is. */
  const check = (jobId: string, actor = SOMEBODY): number => {
    const lease = ownerOf(sessions.get(jobId), clock.now());
    if (lease === undefined) return 0;
    if (lease.owner !== actor) throw new SessionOwnedError(jobId, lease.owner, lease.leaseUntil);
    return lease.leaseUntil;
  };

  const own = (jobId: string, owner = SOMEBODY, leaseUntil: number) => {
    sessions.change(jobId, { owner, leaseUntil });
    limits.renew(jobId);
  };

  return {
    claim(jobId, actor) {
      const until = check(jobId, actor); // one that was taken for longer is not made shorter
      own(jobId, actor, Math.max(until, clock.now() + deps.leaseMs));
    },
    check,
    takeOver(jobId, actor, leaseMs = deps.leaseMs) {
      own(jobId, actor, clock.now() + leaseMs);
    },
    release(jobId, actor) {
      check(jobId, actor);
      sessions.change(jobId, { owner: undefined, leaseUntil: undefined });
    },
  };
}
