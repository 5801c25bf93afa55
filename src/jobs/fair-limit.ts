/**
 * How many of each owner's things may be kept so that all together are at most `total`: who has few keeps them, whatever
 * others have, and those who have most share evenly what is left. `Infinity` when nothing is too much.
 * @param counts how many things each owner has
 */
export function fairLimit(counts: readonly number[], total: number): number {
  let left = total;
  const ascending = [...counts].sort((a, b) => a - b);
  for (const [at, count] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - at));
    if (count > share) return share;
    left -= count;
  }
  return Number.POSITIVE_INFINITY;
}
