import type { Clock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import type { KeptSession } from './kept-session.ts';
import type { JobSession, SessionStore } from './session-store.ts';

export interface SessionBookDeps {
  readonly store: SessionStore;
  readonly clock: Clock;
  /** Told of what could not be stored. */
  readonly onFailure: (error: unknown, jobId: string) => void;
}

/**
 * The sessions of jobs that have not ended and in which something happened, in memory. What changes in one is stored
 * soon: one write at a time for each job, always of the newest.
 */
export interface SessionBook {
  /** Takes what was stored before this process. */
  fill(stored: readonly JobSession[]): void;
  /** `undefined` while nothing has happened in it. */
  get(jobId: string): KeptSession | undefined;
  /** Changes what is given of a session; answers it as it is then. */
  change(jobId: string, change: Partial<KeptSession>): KeptSession;
  /** Puts a session in that is stored already. */
  put(jobId: string, session: KeptSession): void;
  /**
   * Is kept when a session is stored as it is now.
   * @throws StorageUnavailableError when that takes too long; it will be stored as soon as it can be
   */
  saved(jobId: string): Promise<void>;
  forget(jobId: string): void;
  /** Is kept when all is stored, or `limitMs` are over. */
  drained(limitMs: number): Promise<void>;
}

/** How long a command waits for what it did to be stored, in milliseconds. */
const STORE_LIMIT_MS = 10_000;

/** One in which nothing has happened. */
export const NEW_SESSION: KeptSession = {
  debug: { stop: undefined, stopCount: 0, step: undefined, released: [], progress: {} },
  stopsAtEntry: false,
  owner: undefined,
  leaseUntil: undefined,
  pauseTtlMs: undefined,
  resumeAt: undefined,
  watches: [],
};

interface Entry {
  session: KeptSession;
  isChanged: boolean;
  /** The writes under way; rejected when the last of them failed. */
  saving: Promise<void> | undefined;
}

export function createSessionBook({ store, clock, onFailure }: SessionBookDeps): SessionBook {
  const entries = new Map<string, Entry>();

  const put = (jobId: string, session: KeptSession): Entry => {
    const entry = entries.get(jobId) ?? { session, isChanged: false, saving: undefined };
    entry.session = session;
    entries.set(jobId, entry);
    return entry;
  };

  const save = async (jobId: string, entry: Entry): Promise<void> => {
    try {
      while (entry.isChanged && entries.get(jobId) === entry) {
        entry.isChanged = false;
        await store.save(jobId, entry.session);
      }
    } finally {
      entry.saving = undefined;
    }
  };

  return {
    fill(stored) {
      for (const { jobId, session } of stored) put(jobId, session);
    },
    get: (jobId) => entries.get(jobId)?.session,
    change(jobId, change) {
      const entry = put(jobId, { ...(entries.get(jobId)?.session ?? NEW_SESSION), ...change });
      entry.isChanged = true;
      if (entry.saving === undefined) {
        // Begun a moment later, so that what changes at the same time is one write.
        const saving = Promise.resolve().then(() => save(jobId, entry));
        entry.saving = saving;
        saving.catch((error: unknown) => onFailure(error, jobId));
      }
      return entry.session;
    },
    put,
    async saved(jobId) {
      const saving = entries.get(jobId)?.saving;
      if (saving === undefined || (await isKeptWithin(saving, STORE_LIMIT_MS, clock))) return;
      throw new StorageUnavailableError(
        `The debug session of job ${jobId} can't be stored now. It was changed, and will be stored as soon as the ` +
          'database can be written again.',
        { mayBeStored: true },
      );
    },
    forget: (jobId) => void entries.delete(jobId),
    async drained(limitMs) {
      const all = [...entries.values()].flatMap(({ saving }) => saving ?? []);
      if (all.length > 0) await isKeptWithin(Promise.allSettled(all), limitMs, clock);
    },
  };
}
