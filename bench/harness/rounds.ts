import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One way to do the work that is measured. */
export interface Contender {
  readonly name: string;
  /** Does the whole work once. Must throw when the result is wrong: a fast wrong answer is none. */
  run(): Promise<void>;
}

/** The times of one contender, in milliseconds, one a measured round. */
export interface Measurement {
  readonly name: string;
  readonly timesMs: readonly number[];
}

setFlagsFromString('--expose-gc');
/** Collects garbage: all of it, or only what is young. */
export const collectGarbage = runInNewContext('gc') as (options?: {
  readonly type: 'minor';
}) => void; // exposed by the flag above

/**
 * Runs the contenders in turn, round after round, so that what disturbs the machine for a while disturbs all of
 * them. The first `warmUps` rounds are not counted: they are for the compiler.
 */
export async function measureInTurn(
  contenders: readonly Contender[],
  rounds: number,
  warmUps = 2,
): Promise<Measurement[]> {
  const timesMs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round++) {
    for (const { name, run } of contenders) {
      // So that no contender pays for the one before it. Only what is young: a full collection also lets go of
      // compiled code (maps it relies on are held weakly), and those who reuse no objects would pay for that.
      collectGarbage({ type: 'minor' });
      const startMs = performance.now();
      await run();
      const tookMs = performance.now() - startMs;
      if (round >= 0) timesMs.get(name)?.push(tookMs);
    }
  }
  return [...timesMs].map(([name, times]) => ({ name, timesMs: times }));
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Half the range as a share of the median: 0.1 says the rounds lay within about ± 10 %. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}
