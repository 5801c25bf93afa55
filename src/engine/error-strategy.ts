import type { BackOff } from '../lib/back-off.ts';

/** What is done in the end with an activation that failed. */
export type FinalErrorStrategy = 'stop' | 'continue' | 'skip';

/** The same items are tried again, each time after a longer delay if the back-off says so. Made by `retry`. */
export interface RetryStrategy extends BackOff {
  readonly kind: 'retry';
  /** How often the code runs at most, the first run included. */
  readonly maxAttempts: number;
  /** Says which errors are worth another attempt. Default: all. */
  readonly retryOn?: (error: unknown) => boolean;
  /** What happens when the last attempt failed, or the error is not worth another. Default `stop`. */
  readonly then: FinalErrorStrategy;
}

/**
 * What happens when a routine's code throws or its promise is rejected.
 *
 * - `stop`: the job fails. The default.
 * - `continue`: the error is counted, the items are recorded with it, the job goes on.
 * - `skip`: the routine is skipped for these items and marked SKIPPED; not counted as an error.
 * - a `RetryStrategy`: the same items are tried again.
 */
export type ErrorStrategy = FinalErrorStrategy | RetryStrategy;

/** What `retry` takes; the fields are those of `RetryStrategy`. */
export interface RetryOptions extends BackOff {
  /** How often the code runs at most, the first run included. */
  readonly maxAttempts: number;
  /** Says which errors are worth another attempt. Default: all. */
  readonly retryOn?: (error: unknown) => boolean;
  /** What happens when the last attempt failed, or the error is not worth another. Default `stop`. */
  readonly then?: FinalErrorStrategy;
}

/**
 * Tries again, `maxAttempts` times in all.
 * @throws RangeError when `maxAttempts` is below 1, `delayMs` is negative or `jitter` is outside 0–1
 */
export function retry(options: RetryOptions): RetryStrategy {
  const { maxAttempts, delayMs, jitter = 0 } = options;
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(`retry: maxAttempts is ${maxAttempts}, must be a whole number from 1.`);
  }
  if (!(delayMs >= 0)) throw new RangeError(`retry: delayMs is ${delayMs}, must not be negative.`);
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new RangeError(`retry: jitter is ${jitter}, must be from 0 to 1.`);
  }
  return { kind: 'retry', then: 'stop', ...options };
}
