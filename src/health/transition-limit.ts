import type { Clock } from '../lib/clock.ts';

/** So many transitions of a tenant are kept at once, so that an outage of everything is; and then so many a second. */
const AT_ONCE = 10_000;
const PER_SECOND = 10;

interface Bucket {
  left: number;
  atMs: number;
  /** Whether it was told that some are not kept. */
  isTold: boolean;
}

/**
 * Bounds how many transitions a tenant has kept: an agent that changes its mind all day would fill the disk.
 * Agents have a bound of their own, so that those who report leave no hole in what is told of others.
 * @param onOmitted is told when some are not kept any more; again only after it was quiet for some minutes
 */
export function createTransitionLimit(clock: Clock, onOmitted: (tenant: string) => void) {
  const buckets = new Map<string, Bucket>();
  return {
    /** Whether one more is to be kept. */
    take({ tenant, name }: { readonly tenant: string; readonly name: string }): boolean {
      const nowMs = clock.monotonicMs();
      const key = JSON.stringify([tenant, name.startsWith('agent:')]);
      const bucket = buckets.get(key) ?? { left: AT_ONCE, atMs: nowMs, isTold: false };
      buckets.set(key, bucket);
      const back = ((nowMs - bucket.atMs) / 1000) * PER_SECOND;
      bucket.left = Math.min(AT_ONCE, bucket.left + back);
      bucket.atMs = nowMs;
      if (bucket.left >= 1) {
        bucket.left--;
        if (bucket.left > AT_ONCE / 2) bucket.isTold = false;
        return true;
      }
      if (!bucket.isTold) onOmitted(tenant);
      bucket.isTold = true;
      return false;
    },
  };
}
