/** Random choices that are the same again with the same seed. */
export interface Dice {
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** True in so many cases of 1. */
  chance(share: number): boolean;
  /** @throws RangeError when there is nothing to pick from */
  pick<T>(from: readonly T[]): T;
}

/** Dice by mulberry32, which is random enough for tests. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(roll() * (most - least + 1));
  return {
    between,
    chance: (share) => roll() < share,
    pick(from) {
      const picked = from[between(0, from.length - 1)];
      if (picked === undefined) throw new RangeError('There is nothing to pick from.');
      return picked;
    },
  };
}

/** The seed in MILLRACE_SEED, or another one each time. */
export function readSeed(): number {
  const { MILLRACE_SEED: given } = process.env;
  return given === undefined ? Date.now() % 1_000_000 : Number(given);
}
