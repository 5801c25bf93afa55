/** How long to wait between tries. */
export interface BackOff {
  /** Milliseconds before the second try. */
  readonly delayMs: number;
  /** `fixed`: always `delayMs`. `exponential`: doubles with each try. Default `fixed`. */
  readonly backoff?: 'fixed' | 'exponential';
  /** Longest wait in milliseconds. Default 30,000. */
  readonly maxDelayMs?: number;
  /** Share of the wait, 0.0–1.0, that is made random, so that many do not come back at once. Default 0. */
  readonly jitter?: number;
}

/**
 * Milliseconds to wait after the try number `attempt` (the first is 1) failed.
 * `random` gives numbers in [0, 1).
 */
export function backOffDelayMs(
  policy: BackOff,
  attempt: number,
  random: () => number = Math.random,
): number {
  const factor = policy.backoff === 'exponential' ? 2 ** Math.min(attempt - 1, 52) : 1;
  const full = Math.min(policy.delayMs * factor, policy.maxDelayMs ?? 30_000);
  return full - full * (policy.jitter ?? 0) * random();
}
