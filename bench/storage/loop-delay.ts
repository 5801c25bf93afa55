import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Contender, median } from '../harness/rounds.ts';

const RESOLUTION_MS = 1;

/** How late the timers of this thread are while a contender runs, in milliseconds. */
export class LoopDelay {
  readonly #percentiles: number[] = [];
  #maxMs = 0;
  #warmUps: number;

  /** @param warmUps the first runs, which are not counted */
  constructor(warmUps: number) {
    this.#warmUps = warmUps;
  }

  /** The same contender; while it runs, delays are counted here. */
  watch({ name, run }: Contender): Contender {
    return {
      name,
      run: async () => {
        if (this.#warmUps-- > 0) return run();
        // A new one each time: one that is enabled again counts the time it was not as a delay.
        const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        histogram.enable();
        await run();
        histogram.disable();
        const toDelay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
        this.#percentiles.push(toDelay(histogram.percentile(99)));
        this.#maxMs = Math.max(this.#maxMs, toDelay(histogram.max));
      },
    };
  }

  /** What 99 of 100 samples of a run stay below; the median of all runs. */
  get p99(): number {
    return median(this.#percentiles);
  }

  /** The worst there was. */
  get max(): number {
    return this.#maxMs;
  }
}
