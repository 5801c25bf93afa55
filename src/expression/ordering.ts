import { dateTime } from '../lib/intrinsics.ts';
import type { Run, Work } from './run.ts';
import { isSmall, requireSmall } from './text-of.ts';
import { aType, BYTES, isDate, isProxy } from './values.ts';

/** Of two texts that are compared by order the shorter is no longer, in UTF-16 characters. */
const LONGEST_ORDERED = 65_536;
/** How many characters are compared in about the time of a step, as a power of 2. */
const CHARACTERS_PER_STEP_LOG2 = 7;

/**
 * Negative, 0, positive as `left` comes before, with, or after `right`; NaN when one of them is NaN. Two numbers, two
 * texts (by UTF-16 units, as JavaScript does), or two dates.
 * @throws ExpressionError for anything else
 */
export function compareOrder(run: Run, at: number, left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number')
    return left - right || order(left, right);
  if (isNumeric(left) && isNumeric(right)) {
    if (typeof left === 'bigint' && typeof right === 'bigint' && !isSmall(left)) {
      requireSmall(run, at, right);
    }
    return order(left, right);
  }
  if (typeof left === 'string' && typeof right === 'string') {
    const shorter = Math.min(left.length, right.length);
    if (shorter > LONGEST_ORDERED) run.fail('TYPE', at, 'These texts are too long to be compared.');
    run.spend(shorter >> CHARACTERS_PER_STEP_LOG2, at);
    return order(left, right);
  }
  if (isDateOnly(left) && isDateOnly(right)) return order(dateTime(left), dateTime(right));
  return run.fail('TYPE', at, `Can't compare ${aType(left)} with ${aType(right)} by order.`);
}

function order<Value extends number | bigint | string>(left: Value, right: Value): number {
  if (left < right) return -1;
  if (left > right) return 1;
  return left >= right ? 0 : Number.NaN;
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isDateOnly(value: unknown): value is Date {
  return typeof value === 'object' && value !== null && !isProxy(value) && isDate(value);
}

/**
 * A list of the items in the order of their keys. Those of equal keys keep the order they have, in reverse as well.
 */
export function* sortByKeys(
  run: Run,
  at: number,
  items: readonly unknown[],
  keys: readonly unknown[],
  isReverse: boolean,
): Work<unknown[]> {
  run.requireSteps(items.length * (1 + Math.ceil(Math.log2(items.length + 1))), at);
  run.allocate(items.length * 2 * BYTES.element, at);
  const sign = isReverse ? -1 : 1;
  // A merge sort from the bottom up, of the positions.
  let from = new Uint32Array(items.length);
  let to = new Uint32Array(items.length);
  for (let position = 0; position < items.length; position++) from[position] = position;
  for (let width = 1; width < items.length; width *= 2) {
    for (let start = 0; start < items.length; start += 2 * width) {
      const middle = Math.min(start + width, items.length);
      const end = Math.min(start + 2 * width, items.length);
      let left = start;
      let right = middle;
      for (let into = start; into < end; into++) {
        if (run.spend(1, at)) yield;
        const isRight =
          left >= middle ||
          (right < end &&
            sign * compareOrder(run, at, keys[from[left] ?? 0], keys[from[right] ?? 0]) > 0);
        to[into] = from[isRight ? right++ : left++] ?? 0;
      }
    }
    [from, to] = [to, from];
  }
  const sorted: unknown[] = [];
  for (const position of from) {
    if (run.spend(1, at)) yield;
    sorted.push(items[position]);
  }
  return sorted;
}
