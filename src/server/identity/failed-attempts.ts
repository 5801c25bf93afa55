/** For how long what failed is counted, in milliseconds. */
const WINDOW_MS = 60_000;

/** So many places are remembered; beyond that the oldest is forgotten. */
const MOST_PLACES = 10_000;

interface Window {
  count: number;
  readonly endsAtMs: number;
}

/** Counts what failed from each place within a minute. Has no timers, and its memory is bounded. */
export class FailedAttempts {
  readonly #most: number;
  readonly #windows = new Map<string, Window>();

  /** @param most so many may fail in a minute */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many places are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  /** How long a place has to wait since too much failed there, in milliseconds; 0 when it has not. */
  waitMs(place: string): number {
    const window = this.#windows.get(place);
    if (window === undefined || window.count < this.#most) return 0;
    return Math.max(0, window.endsAtMs - performance.now());
  }

  /** Something failed. */
  add(place: string): void {
    const now = performance.now();
    const window = this.#windows.get(place);
    if (window !== undefined && window.endsAtMs > now) {
      window.count++;
      return;
    }
    this.#windows.delete(place); // so that the oldest comes first
    this.#windows.set(place, { count: 1, endsAtMs: now + WINDOW_MS });
    if (this.#windows.size <= MOST_PLACES) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
