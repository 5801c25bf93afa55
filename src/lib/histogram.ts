const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;

/** Buckets of a histogram that has counted anything: up to half a millisecond. */
const FEWEST_BUCKETS = 256;

/** Of those that have counted nothing, which are many: one per routine of every job that waits. */
const NO_BUCKETS = new Float64Array(0);

/** A histogram as plain data: how many values fell in each bucket that is not empty, by bucket number. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sumMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly buckets: Readonly<Record<number, number>>;
}

/**
 * Counts durations in buckets whose width grows with the value, so that any percentile is known to within
 * 1/32 (3.1 %) of its value at a fixed cost, and histograms of several jobs or machines can be merged exactly.
 *
 * Values are taken in milliseconds and counted in whole nanoseconds. Below 16 ns each value has its own bucket;
 * above, each power of two is cut in 16 equal parts (the log-linear layout of HdrHistogram).
 */
export class Histogram {
  #counts = NO_BUCKETS;
  count = 0;
  sumMs = 0;
  minMs = Number.POSITIVE_INFINITY;
  maxMs = 0;

  /** Counts one duration. What is no positive number counts as 0. */
  record(ms: number): void {
    const value = ms > 0 ? ms : 0;
    this.count++;
    this.sumMs += value;
    if (value < this.minMs) this.minMs = value;
    if (value > this.maxMs) this.maxMs = value;
    const bucket = bucketOf(value);
    if (bucket >= this.#counts.length) this.#grow(bucket);
    (this.#counts[bucket] as number)++; // grown above
  }

  /** Mean in milliseconds; `undefined` when nothing was recorded. */
  get meanMs(): number | undefined {
    return this.count === 0 ? undefined : this.sumMs / this.count;
  }

  /**
   * The value below which the given share of all values lies, in milliseconds.
   * @param share 0.0–1.0, 0.95 for the 95th percentile
   */
  percentileMs(share: number): number | undefined {
    if (this.count === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return Math.min(Math.max(middleMs(bucket), this.minMs), this.maxMs);
    }
    return this.maxMs;
  }

  /** Adds all that another histogram counted. */
  merge(other: Histogram): void {
    if (other.#counts.length > this.#counts.length) this.#grow(other.#counts.length - 1);
    for (let bucket = 0; bucket < other.#counts.length; bucket++) {
      (this.#counts[bucket] as number) += other.#counts[bucket] as number;
    }
    this.count += other.count;
    this.sumMs += other.sumMs;
    this.minMs = Math.min(this.minMs, other.minMs);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
  }

  /** All that was counted, as plain data. `minMs` is 0 when nothing was. */
  toSnapshot(): HistogramSnapshot {
    const buckets: Record<number, number> = {};
    this.#counts.forEach((count, bucket) => {
      if (count > 0) buckets[bucket] = count;
    });
    const minMs = this.count === 0 ? 0 : this.minMs;
    return { count: this.count, sumMs: this.sumMs, minMs, maxMs: this.maxMs, buckets };
  }

  /** The histogram a snapshot was taken of. */
  static fromSnapshot(snapshot: HistogramSnapshot): Histogram {
    const histogram = new Histogram();
    if (snapshot.count === 0) return histogram;
    for (const [key, count] of Object.entries(snapshot.buckets)) {
      const bucket = Number(key);
      if (bucket >= histogram.#counts.length) histogram.#grow(bucket);
      histogram.#counts[bucket] = count;
    }
    histogram.count = snapshot.count;
    histogram.sumMs = snapshot.sumMs;
    histogram.minMs = snapshot.minMs;
    histogram.maxMs = snapshot.maxMs;
    return histogram;
  }

  #grow(bucket: number): void {
    const counts = new Float64Array(Math.max(FEWEST_BUCKETS, this.#counts.length * 2, bucket + 1));
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

function bucketOf(ms: number): number {
  const ns = Math.floor(ms * 1e6);
  if (ns < SUB_BUCKETS) return ns;
  if (ns < 0x8000_0000) {
    const shift = 31 - Math.clz32(ns) - SUB_BITS;
    return ((shift + 1) << SUB_BITS) + ((ns >>> shift) - SUB_BUCKETS);
  }
  const exponent = Math.min(Math.floor(Math.log2(ns)), 62);
  const part = Math.floor(ns / 2 ** (exponent - SUB_BITS)) - SUB_BUCKETS;
  return ((exponent - SUB_BITS + 1) << SUB_BITS) + Math.min(Math.max(part, 0), SUB_BUCKETS - 1);
}

function middleMs(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket / 1e6;
  const shift = (bucket >> SUB_BITS) - 1;
  const part = (bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS;
  return ((part + 0.5) * 2 ** shift) / 1e6;
}
