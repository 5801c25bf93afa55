import type { Clock } from './clock.ts';

/**
 * Waits for a promise for so long at most, and answers whether it was kept by then. It goes on by itself when not.
 * @throws what the promise is rejected with in time
 */
export async function isKeptWithin(
  promise: Promise<unknown>,
  limitMs: number,
  clock: Clock,
): Promise<boolean> {
  let cancelTimer: () => void = () => undefined;
  const isLate = new Promise<false>((resolve) => {
    cancelTimer = clock.setTimer(limitMs, () => resolve(false));
  });
  try {
    return await Promise.race([promise.then(() => true), isLate]);
  } finally {
    cancelTimer();
  }
}
