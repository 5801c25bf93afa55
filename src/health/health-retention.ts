import type { Clock } from '../lib/clock.ts';
import { pause } from '../lib/pause.ts';
import type { Resolution } from '../lib/resolution.ts';
import type { Database } from '../storage/database.ts';
import { createHealthRetentionStore } from './health-retention-store.ts';

/** For how long services have a history by minute, hour and day, in milliseconds after each begins. */
export interface KeptHealth {
  readonly minutesMs: number;
  readonly hoursMs: number;
  readonly daysMs: number;
}

/** How many changes of status are kept, and how long. */
export interface KeptTransitions {
  /** In milliseconds. Default: 90 days. */
  readonly maxAgeMs: number;
  /** Of each tenant. Default 100,000. */
  readonly maxCount: number;
}

const DEFAULT_TRANSITIONS: KeptTransitions = { maxAgeMs: 90 * 86_400_000, maxCount: 100_000 };

export interface HealthRetentionParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly kept: KeptHealth;
  readonly transitions?: KeptTransitions | undefined;
}

/** Removes what is kept no longer of the history of services. */
export interface HealthRetention {
  /** Removes what there is now, with pauses between; ends early when the signal is given. @throws what the database throws */
  removeOld(signal: AbortSignal): Promise<void>;
}

const STEP_ROWS = 500;

/** How long others have the database for themselves after each step, in milliseconds. */
const PAUSE_MS = 20;

/** How often transitions are counted, in milliseconds: that looks at all of them. */
const COUNT_INTERVAL_MS = 3_600_000;

export function createHealthRetention(parts: HealthRetentionParts): HealthRetention {
  const { database, clock, kept, transitions = DEFAULT_TRANSITIONS } = parts;
  const store = createHealthRetentionStore(database);
  let countedAt: number | undefined;

  /** Runs steps until one found less than a full one. */
  const repeat = async (signal: AbortSignal, step: () => Promise<number>) => {
    while (!signal.aborted && (await step()) >= STEP_ROWS) await pause(PAUSE_MS, clock, signal);
  };

  const removeTooMany = async (signal: AbortSignal) => {
    const now = clock.monotonicMs();
    if (countedAt !== undefined && now - countedAt < COUNT_INTERVAL_MS) return;
    for (const { tenant, upToId } of await store.listLongTransitions(transitions.maxCount)) {
      await repeat(signal, () => store.removeTransitions(tenant, upToId, STEP_ROWS));
    }
    countedAt = now;
  };

  return {
    async removeOld(signal) {
      const now = clock.now();
      const ages: readonly (readonly [Resolution, number])[] = [
        ['MINUTE', kept.minutesMs],
        ['HOUR', kept.hoursMs],
        ['DAY', kept.daysMs],
      ];
      for (const [resolution, maxAgeMs] of ages) {
        if (!Number.isFinite(maxAgeMs)) continue;
        const before = Math.floor(now - maxAgeMs);
        await repeat(signal, () => store.removeMetrics(resolution, before, STEP_ROWS));
      }
      const before = Math.floor(now - transitions.maxAgeMs);
      await repeat(signal, () => store.removeOldTransitions(before, STEP_ROWS));
      if (!signal.aborted) await removeTooMany(signal);
    },
  };
}
