import { expect, onTestFinished } from 'vitest';
import { createHealthHistory, type HealthHistory } from '../../src/health/health-history.ts';
import type { KeptHealth } from '../../src/health/health-retention.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Database } from '../../src/storage/database.ts';
import { ManualClock, until } from '../support/manual-clock.ts';

/** A day in the middle of nothing special; its hours and minutes are whole. */
export const DAY = Date.UTC(2026, 4, 10);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export const ALL_KEPT: KeptHealth = {
  minutesMs: Number.POSITIVE_INFINITY,
  hoursMs: Number.POSITIVE_INFINITY,
  daysMs: Number.POSITIVE_INFINITY,
};

/** A clock whose wall can be set, as an administrator does. */
export class SettableClock implements Clock {
  readonly #inner: ManualClock;
  #offsetMs = 0;

  constructor(inner: ManualClock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now() + this.#offsetMs;
  }

  monotonicMs(): number {
    return this.#inner.monotonicMs();
  }

  setTimer(delayMs: number, fire: () => void) {
    return this.#inner.setTimer(delayMs, fire);
  }

  /** Sets the wall clock forward, or back. */
  setBy(ms: number): void {
    this.#offsetMs += ms;
  }
}

/** Histories of one database, one after another as the server is started again, on a clock moved by hand. */
export function openHistories(database: Database, startMs = DAY) {
  const inner = new ManualClock(startMs);
  const clock = new SettableClock(inner);
  const warnings: string[] = [];
  const logger = { warn: (_facts: object, message: string) => void warnings.push(message) };
  const opened: HealthHistory[] = [];
  onTestFinished(async () => {
    await Promise.all(opened.map((history) => history.close()));
    expect(inner.timers).toBe(0);
  });
  return {
    clock,
    warnings,
    timers: () => inner.timers,
    start(kept = ALL_KEPT) {
      const history = createHealthHistory({ database, clock, kept, logger });
      opened.push(history);
      return history;
    },
    /** Moves time on. What is done at the ends of minutes is done when this is kept. */
    async advance(ms: number) {
      const endMs = inner.monotonicMs() + ms;
      while (inner.monotonicMs() < endMs) {
        const toMinute = MINUTE_MS - (clock.now() % MINUTE_MS);
        const isAwake = inner.timers > 0;
        await inner.advance(Math.min(toMinute, endMs - inner.monotonicMs()));
        // A round that is under way has no timer for the next one, or one for its pause.
        if (isAwake) await until(() => inner.timers > 0);
      }
    },
  };
}
