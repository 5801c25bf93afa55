/** Names that are longer are not compared, so that the work stays small whatever is asked. */
const LONGEST_NAME = 100;

/** Letters are compared with letters so often at most: then those names that are left are not looked at. */
const MOST_COMPARED = 250_000;

/**
 * The name that somebody may have meant who wrote another: the one that the fewest letters have to be changed, added,
 * left out or swapped for, if those are no more than two in five, and capitals do not count. `undefined` when none is near.
 */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  if (written.length > LONGEST_NAME) return undefined;
  const plain = written.toLowerCase();
  let nearest: string | undefined;
  let least = Math.floor(plain.length * 0.4) + 1;
  let compared = 0;
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= least) continue;
    compared += name.length * written.length;
    if (compared > MOST_COMPARED) break;
    const distance = distanceBetween(plain, name.toLowerCase());
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

/** Levenshtein's distance, row by row, where two letters that change places count once. */
function distanceBetween(one: string, other: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 0; row < one.length; row++) {
    const current = [row + 1];
    for (let at = 0; at < other.length; at++) {
      const replaced = (above[at] ?? 0) + (one[row] === other[at] ? 0 : 1);
      const isSwapped = at > 0 && one[row] === other[at - 1] && one[row - 1] === other[at];
      const swapped = isSwapped ? (twoAbove[at - 1] ?? 0) + 1 : replaced;
      const moved = Math.min((above[at + 1] ?? 0) + 1, (current[at] ?? 0) + 1);
      current.push(Math.min(replaced, swapped, moved));
    }
    twoAbove = above;
    above = current;
  }
  return above[other.length] ?? 0;
}
