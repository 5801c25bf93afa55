/** What the command line asked for. */
export interface BenchmarkOptions {
  /** Measured rounds of each contender. */
  readonly rounds: number;
  /** Items of one round; each benchmark says in its description what an item is. */
  readonly items: number;
  /** Runs only contenders whose name contains this, e.g. to profile one. */
  readonly only: string | undefined;
  /** Numbers of subscribers to measure with, where there are any; default: those of the benchmark. */
  readonly subscribers: readonly number[] | undefined;
}

/** What each file `bench/<name>.ts` exports as `benchmark`. */
export interface Benchmark {
  readonly description: string;
  readonly defaults: { readonly rounds: number; readonly items: number };
  /** Measures and prints. */
  run(options: BenchmarkOptions): Promise<void>;
}
