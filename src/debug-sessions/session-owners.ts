import { SessionOwnedError } from '../jobs/session-owned-error.ts';
import type { Clock } from '../lib/clock.ts';
import { createTurns } from '../lib/turns.ts';
import type { KeptSession } from './kept-session.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { SessionBook } from './session-book.ts';
import type { StopLimits } from './stop-limits.ts';

export interface SessionOwnersDeps {
  readonly jobs: OpenJobs;
  readonly sessions: SessionBook;
  readonly limits: StopLimits;
  readonly clock: Clock;
  /** How long a lease is, in milliseconds. */
  readonly leaseMs: number;
}

/** Who may change something in which session. An owner is one as long as the lease is not over. */
export interface SessionOwners {
  /**
   * Runs a command of somebody. When it has succeeded, they are the owner where nobody was, or their lease is renewed;
   * one that fails leaves the session as it was. Commands in one session are run one after another, so that of two
   * people at once the first whose command succeeds is the owner. Must not be called from within a command.
   * @throws SessionOwnedError when somebody else is the owner; what the command throws
   */
  run<Result>(
    jobId: string,
    actor: string | undefined,
    command: () => Promise<Result>,
  ): Promise<Result>;
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
  const { jobs, sessions, limits, clock } = deps;
  /** By job. */
  const turns = createTurns();

  const check = (jobId: string, actor = SOMEBODY) => {
    const lease = ownerOf(sessions.get(jobId), clock.now());
    if (lease === undefined || lease.owner === actor) return;
    throw new SessionOwnedError(jobId, lease.owner, lease.leaseUntil);
  };

  const own = (jobId: string, owner = SOMEBODY, leaseUntil: number) => {
    sessions.change(jobId, { owner, leaseUntil });
    limits.renew(jobId);
  };

  /** Somebody may have taken the session over, or the job may have ended, while the command was run. */
  const claim = (jobId: string, actor = SOMEBODY) => {
    if (!jobs.has(jobId)) return;
    const { owner = actor, leaseUntil = 0 } = ownerOf(sessions.get(jobId), clock.now()) ?? {};
    if (owner !== actor) return;
    own(jobId, actor, Math.max(leaseUntil, clock.now() + deps.leaseMs)); // never made shorter
  };

  return {
    run: (jobId, actor, command) =>
      turns.take(jobId, async () => {
        check(jobId, actor);
        const result = await command();
        claim(jobId, actor);
        return result;
      }),
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
