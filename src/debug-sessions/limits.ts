import type { Issue } from '../lib/domain-error.ts';

/** The most breakpoints of a job, and of a flow. */
export const MOST_BREAKPOINTS = 100;

/** Says that there are too many. */
export const TOO_MANY = `A job has at most ${MOST_BREAKPOINTS} breakpoints of its own, and a flow as many. Remove some.`;

/** The longest a stop can be said to last, in milliseconds: 30 days. */
const LONGEST_PAUSE_MS = 30 * 86_400_000;

/** How long a lease can be, in milliseconds: a second to a day. */
const SHORTEST_LEASE_MS = 1_000;
const LONGEST_LEASE_MS = 86_400_000;

/** What is wrong with a limit of stops. */
export function checkPauseTtl(ms: number | undefined, path: Issue['path']): Issue[] {
  return checkWhole(ms, 0, LONGEST_PAUSE_MS, path);
}

/** What is wrong with the length of a lease. */
export function checkLease(ms: number | undefined, path: Issue['path']): Issue[] {
  return checkWhole(ms, SHORTEST_LEASE_MS, LONGEST_LEASE_MS, path);
}

function checkWhole(
  ms: number | undefined,
  least: number,
  most: number,
  path: Issue['path'],
): Issue[] {
  if (ms === undefined || (Number.isInteger(ms) && ms >= least && ms <= most)) return [];
  return [{ path, message: `Must be a whole number of milliseconds from ${least} to ${most}.` }];
}
