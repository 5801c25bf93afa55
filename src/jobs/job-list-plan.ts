import { isFinalState, type JobState } from '../engine/index.ts';
import type { JobFilter, JobOrder, JobPosition, JobQuery } from './job-query.ts';

/*
 * How a page of jobs is read so that an index leads to its first job and gives the others in order, wherever in the
 * list the page begins.
 *
 * - Every index has the jobs of one tenant next to each other, and every list is of one.
 * - Jobs with a key and those without, which come last in both directions, are two segments.
 * - An index orders jobs by key only among those of one state (and flow, or owner). So where states, flows or an
 *   owner are asked for, each combination is a branch of its own, and the first jobs of all branches are merged.
 * - A range asked for on the key itself bounds the branches as a position does. All else is looked at job by job.
 */

/** A place that a branch ends before: in ascending order of key, then of id. */
export interface Bound {
  readonly key: number;
  readonly id: string;
}

/** Jobs that are next to each other in an index. */
export interface Branch {
  readonly flowId: string | undefined;
  readonly state: JobState | undefined;
  readonly lower: Bound | undefined;
  readonly upper: Bound | undefined;
}

export interface Segment {
  /** Whether its jobs have a key; those without are ordered by id alone. */
  readonly isKeyed: boolean;
  readonly branches: readonly Branch[];
  /** Whether jobs have to be looked at that are not on the page. */
  readonly isSearch: boolean;
}

export interface PagePlan {
  readonly tenant: string;
  readonly column: 'created_at' | 'finished_at' | 'duration_ms';
  /** Whether the key comes only after the state. */
  readonly isByState: boolean;
  /** Whether jobs of some flows or of an owner are asked for. */
  readonly isScoped: boolean;
  /** Whether segments and branches are read from their upper ends. */
  readonly isDescending: boolean;
  /** In the order in which to read them. */
  readonly segments: readonly Segment[];
  /** What is asked for and is not in the branches. */
  readonly rest: JobFilter;
}

/** By name: the order in which a list by state has them. */
const STATES: readonly JobState[] = [
  'CANCELLED',
  'COMPLETED',
  'FAILED',
  'PAUSED',
  'PENDING',
  'RUNNING',
];

/** More branches than this would cost more than they save. */
const MOST_BRANCHES = 60;

const COLUMNS = {
  CREATED_AT: 'created_at',
  STATUS: 'created_at',
  FINISHED_AT: 'finished_at',
  DURATION: 'duration_ms',
} as const;

export function planPage(tenant: string, query: JobQuery): PagePlan {
  const { filter, order, after, before, fromEnd } = query;
  const { field, isDescending } = order;
  const isByState = field === 'STATUS';
  const column = COLUMNS[field];
  const flowIds = filter.flowIds && [...new Set(filter.flowIds)];
  const states = STATES.filter((state) => filter.states?.includes(state) ?? true);
  const branchesByFlow = flowIds !== undefined && flowIds.length * states.length <= MOST_BRANCHES;
  const range = rangeOf(filter, field);
  const isScoped = flowIds !== undefined || filter.owner !== undefined;
  const rest: JobFilter = {
    ...filter,
    flowIds: branchesByFlow ? undefined : flowIds,
    states: undefined,
    ...(column === 'created_at' ? { createdAfter: undefined, createdBefore: undefined } : {}),
    ...(column === 'finished_at' ? { finishedAfter: undefined, finishedBefore: undefined } : {}),
  };
  const looksAtMore =
    rest.text !== undefined ||
    rest.flowIds !== undefined ||
    (flowIds !== undefined && filter.owner !== undefined) ||
    [rest.createdAfter, rest.createdBefore, rest.finishedAfter, rest.finishedBefore].some(
      (time) => time !== undefined,
    );

  const segment = (isKeyed: boolean): Segment => {
    const possible = states.filter((state) => isPossible(state, column, isKeyed));
    const [lowest, highest] = isDescending ? [before, after] : [after, before];
    const isByBranch = isScoped || isByState || filter.states !== undefined || !isKeyed;
    const branches: Branch[] = [];
    for (const state of isByBranch ? possible : [undefined]) {
      const lower = boundIn(lowest, isKeyed, order, state, 'lower');
      const upper = boundIn(highest, isKeyed, order, state, 'upper');
      if (lower === 'BEYOND' || upper === 'BEYOND') continue;
      for (const flowId of branchesByFlow ? flowIds : [undefined]) {
        branches.push({
          flowId,
          state,
          lower: isKeyed ? later(lower, range.lower) : lower,
          upper: isKeyed ? earlier(upper, range.upper) : upper,
        });
      }
    }
    return { isKeyed, branches, isSearch: looksAtMore || (isScoped && !isKeyed) };
  };

  const segments: Segment[] = [];
  if (after?.key !== null) segments.push(segment(true));
  const hasKeyless =
    column !== 'created_at' && range.lower === undefined && range.upper === undefined;
  if (hasKeyless && (before === undefined || before.key === null)) segments.push(segment(false));
  if (fromEnd) segments.reverse();
  return {
    tenant,
    column,
    isByState,
    isScoped,
    isDescending: isDescending !== fromEnd,
    segments,
    rest,
  };
}

/** Whether jobs in a state may have a key, or none: one that has ended knows when, but may never have started. */
function isPossible(state: JobState, column: PagePlan['column'], isKeyed: boolean): boolean {
  if (column === 'created_at') return true;
  return isFinalState(state) === isKeyed || (column === 'duration_ms' && !isKeyed);
}

/** The range of keys that a filter asks for. */
function rangeOf(filter: JobFilter, field: JobOrder['field']) {
  const [after, before] =
    field === 'FINISHED_AT'
      ? [filter.finishedAfter, filter.finishedBefore]
      : field === 'DURATION'
        ? []
        : [filter.createdAfter, filter.createdBefore];
  // Times are whole milliseconds, and no id sorts before the empty one.
  return {
    lower: after === undefined ? undefined : { key: toWhole(Math.floor(after) + 1), id: '' },
    upper: before === undefined ? undefined : { key: toWhole(Math.ceil(before)), id: '' },
  };
}

/** What a position means for the jobs of one state; `BEYOND` when all of them are on its far side. */
function boundIn(
  position: JobPosition | undefined,
  isKeyed: boolean,
  { field }: JobOrder,
  state: JobState | undefined,
  side: 'lower' | 'upper',
): Bound | 'BEYOND' | undefined {
  if (position === undefined || (position.key !== null) !== isKeyed) return undefined;
  const { key, id } = position;
  if (key === null) return { key: 0, id };
  if (field === 'DURATION') return { key: Number(key), id };
  if (field !== 'STATUS' || state === undefined) return boundAt(Number(key), id);
  const [boundState = '', createdAt] = String(key).split(' ');
  if (boundState === state) return boundAt(Number(createdAt), id);
  return (side === 'lower') === state < boundState ? 'BEYOND' : undefined;
}

/** Between whole numbers a bound is the same as just before the next one. */
function boundAt(key: number, id: string): Bound {
  return Number.isInteger(key)
    ? { key: toWhole(key), id }
    : { key: toWhole(Math.ceil(key)), id: '' };
}

/** No time is as far from 0 as this, and both databases can hold it. */
const FAR = 2 ** 53;

/** A whole number that is on the same side of all times, and that the databases can hold. */
export function toWhole(key: number): number {
  return Math.min(Math.max(key, -FAR), FAR);
}

function later(a: Bound | undefined, b: Bound | undefined): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isBefore(a, b) ? b : a;
}

function earlier(a: Bound | undefined, b: Bound | undefined): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isBefore(a, b) ? a : b;
}

function isBefore(a: Bound, b: Bound): boolean {
  return a.key === b.key ? a.id < b.id : a.key < b.key;
}
