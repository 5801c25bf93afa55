import { Histogram } from '../lib/histogram.ts';
import type { DurationReading } from './readings.ts';

/** What a histogram of durations tells. */
export function readDurations(histogram: Histogram): DurationReading {
  const { count } = histogram;
  return {
    count,
    minMs: count === 0 ? undefined : histogram.minMs,
    avgMs: histogram.meanMs,
    p50Ms: histogram.percentileMs(0.5),
    p95Ms: histogram.percentileMs(0.95),
    p99Ms: histogram.percentileMs(0.99),
    maxMs: count === 0 ? undefined : histogram.maxMs,
    histogram: histogram.toSnapshot(),
  };
}

/** Several readings as one: percentiles can't be averaged, so their histograms are added up. */
export function mergeDurations(readings: readonly DurationReading[]): DurationReading {
  const merged = new Histogram();
  for (const { histogram } of readings) merged.merge(Histogram.fromSnapshot(histogram));
  return readDurations(merged);
}
