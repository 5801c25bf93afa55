import type { Clock } from '../lib/clock.ts';
import type { JobReading } from './readings.ts';

/** Gets readings of a job: one at once, then one after each change, then the last one and the end. */
export interface ReadingSink {
  /** @param place grows with every change of the job; `LAST_PLACE` for the last reading */
  push(reading: JobReading, place: number): void;
  end(): void;
}

/** Place of the last reading of a job. */
export const LAST_PLACE = Number.POSITIVE_INFINITY;

/** What a sampler looks at. */
export interface SampledJob {
  /** Changes whenever the reading may have changed. */
  readonly version: () => number;
  readonly read: () => JobReading;
}

interface Group {
  readonly sinks: Set<ReadingSink>;
  version: number;
  cancelTimer: () => void;
}

/**
 * Looks at a job at a steady rate on behalf of all who watch it. Those who want the same rate share one look, so a
 * thousand watchers cost the job as much as one. While nobody watches there is no timer.
 */
export class JobSampler {
  readonly #job: SampledJob;
  readonly #clock: Clock;
  readonly #groups = new Map<number, Group>();

  constructor(job: SampledJob, clock: Clock) {
    this.#job = job;
    this.#clock = clock;
  }

  /** Hands `sink` the present reading and then at most `rateHz` a second. The answer ends that. */
  watch(rateHz: number, sink: ReadingSink): () => void {
    let group = this.#groups.get(rateHz);
    if (group === undefined) {
      group = { sinks: new Set(), version: this.#job.version(), cancelTimer: () => undefined };
      this.#groups.set(rateHz, group);
      this.#arm(rateHz, group);
    }
    const { sinks } = group;
    sinks.add(sink);
    sink.push(this.#job.read(), this.#job.version());
    return () => {
      sinks.delete(sink);
      if (sinks.size > 0) return;
      group.cancelTimer();
      this.#groups.delete(rateHz);
    };
  }

  /** Hands everybody the job's last reading and ends their streams. */
  end(): void {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    if (groups.length === 0) return;
    const reading = this.#job.read();
    for (const { sinks, cancelTimer } of groups) {
      cancelTimer();
      for (const sink of [...sinks]) {
        sink.push(reading, LAST_PLACE);
        sink.end();
      }
    }
  }

  #arm(rateHz: number, group: Group): void {
    group.cancelTimer = this.#clock.setTimer(1000 / rateHz, () => {
      this.#arm(rateHz, group);
      const version = this.#job.version();
      if (version === group.version) return;
      group.version = version;
      const reading = this.#job.read();
      for (const sink of [...group.sinks]) sink.push(reading, version);
    });
  }
}
