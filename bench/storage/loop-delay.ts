import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Contender } from '../harness/rounds.ts';

const RESOLUTION_MS = 1;

/** How late the timers of this thread are while a contender runs, in milliseconds. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
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
        this.#histogram.enable();
        await run();
        this.#histogram.disable();
      },
    };
  }

  /** What 99 of 100 samples stay below. */
  get p99(): number {
    return Math.max(0, this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS);
  }

  get max(): number {
    return Math.max(0, this.#histogram.max / 1e6 - RESOLUTION_MS);
  }
}
