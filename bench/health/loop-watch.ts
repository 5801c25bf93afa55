import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;

/** How late the timers of a process were, in milliseconds. */
export interface LoopDelays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const NOT_WATCHED: LoopDelays = { p99Ms: Number.NaN, maxMs: Number.NaN };

/** Notes how late the timers of this process are, until it is called. */
export function watchLoop(): () => LoopDelays {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return () => {
    delays.disable();
    const toDelay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return { p99Ms: toDelay(delays.percentile(99)), maxMs: toDelay(delays.max) };
  };
}
