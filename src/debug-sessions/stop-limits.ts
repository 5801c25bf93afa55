import type { CancelTimer, Clock } from '../lib/clock.ts';
import type { KeptSession } from './kept-session.ts';
import type { SessionBook } from './session-book.ts';

export interface StopLimitsDeps {
  readonly sessions: SessionBook;
  readonly clock: Clock;
  /** How long a stop lasts that nobody does anything about, unless its session says otherwise; 0 for ever. */
  readonly pauseTtlMs: number;
  /** Lets a job go on whose stop has lasted long enough. */
  readonly onExpired: (jobId: string) => void;
}

/**
 * Ends stops that were forgotten. A job that somebody paused stays paused, unless a limit was given for its session.
 * There is a timer for each job that stands still and has a limit, and for no other.
 */
export interface StopLimits {
  /** How long a stop lasts in a session, in milliseconds; `undefined` for ever. */
  limitOf(session: KeptSession | undefined): number | undefined;
  /** Begins the limit of the present stop anew; without one there is none. */
  renew(jobId: string): void;
  /** Goes on with a limit from before this process: it is over in a second at the earliest. */
  takeUp(jobId: string): void;
  forget(jobId: string): void;
  /** Ends no more stops from now on. */
  close(): void;
}

/** A job that should have gone on while there was no server stands still so long at least, in milliseconds. */
const LEAST_AFTER_START_MS = 1_000;

export function createStopLimits(deps: StopLimitsDeps): StopLimits {
  const { sessions, clock, onExpired } = deps;
  const timers = new Map<string, CancelTimer>();
  let isClosed = false;

  const forget = (jobId: string) => {
    timers.get(jobId)?.();
    timers.delete(jobId);
  };

  const endAt = (jobId: string, at: number | undefined) => {
    forget(jobId);
    if (isClosed || at === undefined) return;
    const fire = () => {
      timers.delete(jobId);
      onExpired(jobId);
    };
    timers.set(jobId, clock.setTimer(Math.max(0, at - clock.now()), fire));
  };

  const limitOf = (session: KeptSession | undefined): number | undefined => {
    const isMeant = session?.debug.stop?.isByHand === true;
    const limitMs = session?.pauseTtlMs ?? (isMeant ? 0 : deps.pauseTtlMs);
    return limitMs === 0 ? undefined : limitMs;
  };

  return {
    limitOf,
    renew(jobId) {
      const session = sessions.get(jobId);
      const limitMs = session?.debug.stop === undefined ? undefined : limitOf(session);
      const resumeAt = limitMs === undefined ? undefined : clock.now() + limitMs;
      if (session?.resumeAt !== resumeAt) sessions.change(jobId, { resumeAt });
      endAt(jobId, resumeAt);
    },
    takeUp(jobId) {
      const { debug, resumeAt } = sessions.get(jobId) ?? {};
      if (debug?.stop === undefined || resumeAt === undefined) return;
      endAt(jobId, Math.max(resumeAt, clock.now() + LEAST_AFTER_START_MS));
    },
    forget,
    close() {
      isClosed = true;
      for (const jobId of timers.keys()) forget(jobId);
    },
  };
}
