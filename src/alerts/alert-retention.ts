import type { CancelTimer, Clock } from '../lib/clock.ts';
import type { AlertStore } from './alert-store.ts';

/** How long and how many alerts are kept that were resolved. Open ones always are. */
export interface AlertKeepLimits {
  /** In milliseconds. Default 90 days; `Infinity` for no limit. */
  readonly maxAgeMs?: number | undefined;
  /** Of each tenant. Default 100,000; `Infinity` for no limit. */
  readonly maxCount?: number | undefined;
}

export interface AlertRetentionParts {
  readonly store: Pick<AlertStore, 'removeResolvedBefore' | 'removeBeyond'>;
  readonly clock: Clock;
  readonly keep?: AlertKeepLimits | undefined;
  /** Told of what could not be removed; that is tried again in the next round. */
  readonly onFailure: (error: unknown) => void;
}

const DAY_MS = 86_400_000;
const FIRST_ROUND_MS = 60_000;
const ROUND_MS = 600_000;
const STEP = 500;

/**
 * Removes in the background what is kept no longer: after a minute, so that a server that is often restarted comes to it, and
 * then every ten minutes, until it is closed.
 */
export class AlertRetention {
  readonly #parts: AlertRetentionParts;
  #cancelTimer: CancelTimer | undefined;
  #round: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: AlertRetentionParts) {
    this.#parts = parts;
    this.#plan(FIRST_ROUND_MS);
  }

  /** Removes now what is kept no longer. Never fails. */
  run(): Promise<void> {
    this.#round ??= this.#remove().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** Is kept when the step under way has ended; nothing is removed after it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#round;
  }

  #plan(delayMs: number): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#parts.clock.setTimer(delayMs, () => {
      void this.run().then(() => this.#plan(ROUND_MS));
    });
  }

  async #remove(): Promise<void> {
    const { store, clock, keep, onFailure } = this.#parts;
    const { maxAgeMs = 90 * DAY_MS, maxCount = 100_000 } = keep ?? {};
    try {
      if (Number.isFinite(maxAgeMs)) {
        const end = clock.now() - maxAgeMs;
        await this.#repeat(() => store.removeResolvedBefore(end, STEP));
      }
      if (Number.isFinite(maxCount)) await this.#repeat(() => store.removeBeyond(maxCount, STEP));
    } catch (error) {
      onFailure(error);
    }
  }

  async #repeat(step: () => Promise<number>): Promise<void> {
    while (!this.#isClosed && (await step()) >= STEP);
  }
}
