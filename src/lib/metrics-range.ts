import { ValidationError } from './domain-error.ts';
import { ceilTo, floorTo, RESOLUTION_MS, type Resolution, type Segment } from './resolution.ts';

/** A stretch of time as somebody asks for it, in milliseconds since the Unix epoch. */
export interface MetricsRange {
  /** Default: as far back as anything is kept. */
  readonly since?: number | undefined;
  /** Default: now. */
  readonly until?: number | undefined;
}

/** How long rows are kept, in milliseconds after they begin. Those of days are kept as long as any. */
export interface KeptRows {
  readonly minutesMs: number;
  readonly hoursMs: number;
}

/** The rows that make up a stretch of time. */
export interface RangePlan {
  /** Where it begins when its edge is moved to where rows begin; `undefined` for as far back as anything is kept. */
  readonly since: number | undefined;
  readonly until: number;
  /** They do not overlap, and there are five at most. */
  readonly segments: readonly Segment[];
}

/**
 * Covers a stretch of time with whole days as far as possible, whole hours at its edges, and whole minutes at the
 * edges of these. Edges move outwards to the minute; where minutes are not kept any more to the hour, and where
 * hours are not kept any more to the day.
 * @throws ValidationError when it ends before it begins, or an edge moves out of what RFC 3339 can write
 */
export function planRange(range: MetricsRange, kept: KeptRows, now: number): RangePlan {
  const { since, until = now + 1 } = range;
  if (since !== undefined && since > until) throw notARange('since');
  const end = ceilTo(finestAt(until, kept, now), until);
  const begin = since === undefined ? undefined : floorTo(finestAt(since, kept, now), since);
  const first = begin ?? 0;
  refuseUnwritable(begin, end);
  const hours = { from: ceilTo('HOUR', first), to: floorTo('HOUR', end) };
  const days = { from: ceilTo('DAY', first), to: floorTo('DAY', end) };
  const hasHours = hours.from < hours.to;
  const hasDays = days.from < days.to;
  const minute = (from: number, to: number): Segment => ({ resolution: 'MINUTE', from, to });
  const hour = (from: number, to: number): Segment => ({ resolution: 'HOUR', from, to });
  const segments: readonly Segment[] = [
    ...(hasHours ? [minute(first, hours.from), minute(hours.to, end)] : [minute(first, end)]),
    ...(hasHours && !hasDays ? [hour(hours.from, hours.to)] : []),
    ...(hasDays
      ? [
          hour(hours.from, days.from),
          hour(days.to, hours.to),
          { resolution: 'DAY', ...days } as const,
        ]
      : []),
  ];
  return { since: begin, until: end, segments: segments.filter(({ from, to }) => from < to) };
}

function finestAt(at: number, kept: KeptRows, now: number): Resolution {
  if (floorTo('DAY', at) < now - kept.hoursMs) return 'DAY';
  return floorTo('HOUR', at) < now - kept.minutesMs ? 'HOUR' : 'MINUTE';
}

/** The most points of a series. */
export const MOST_POINTS = 1_500;

/** How many points a series has when it is not said where it begins: an hour, two days, a month. */
const DEFAULT_POINTS: Readonly<Record<Resolution, number>> = { MINUTE: 60, HOUR: 48, DAY: 31 };

/** What a series is asked for. */
export interface SeriesRequest extends MetricsRange {
  /** How much time a point covers. */
  readonly bucket: Resolution;
}

/**
 * Where a series begins and ends: at a whole minute, hour or day, outwards of what was asked for. Without `since` it
 * has a default number of points, up to `until`; without `until` it ends with the point that is not over yet.
 * @throws ValidationError when that is no stretch of time, of more than `MOST_POINTS` points, or when a point begins or
 *   ends outside of what RFC 3339 can write
 */
export function planSeries(
  request: SeriesRequest,
  now: number,
): Segment & { readonly points: number } {
  const { bucket, since, until = now + 1 } = request;
  const size = RESOLUTION_MS[bucket];
  const to = ceilTo(bucket, until);
  const from = since === undefined ? to - DEFAULT_POINTS[bucket] * size : floorTo(bucket, since);
  if (from > to) throw notARange('since');
  refuseUnwritable(from, to);
  const points = (to - from) / size;
  if (points <= MOST_POINTS) return { resolution: bucket, from, to, points };
  const message =
    `That are ${points} points; a series has ${MOST_POINTS} at most. Ask for a shorter range` +
    `${bucket === 'DAY' ? '.' : ' or a larger bucket.'}`;
  throw new ValidationError([{ path: ['since'], message }]);
}

/** RFC 3339 has years of four digits: milliseconds since the Unix epoch, the second no longer. */
const FIRST_MOMENT = Date.parse('0000-01-01T00:00:00Z');
const AFTER_LAST_MOMENT = Date.UTC(10_000, 0);

/** Edges move outwards, so they may be where no moment can be that is asked for. */
function refuseUnwritable(from: number | undefined, to: number): void {
  const isEarly = (from ?? FIRST_MOMENT) < FIRST_MOMENT || to < FIRST_MOMENT;
  if (!isEarly && to < AFTER_LAST_MOMENT && (from ?? 0) < AFTER_LAST_MOMENT) return;
  const message = isEarly
    ? 'This would begin before the year 0. Ask for later moments.'
    : 'This would end after the year 9999. Give an earlier moment, or none for now.';
  throw new ValidationError([{ path: [isEarly ? 'since' : 'until'], message }]);
}

function notARange(argument: string): ValidationError {
  const message = 'It is after `until`. Give a moment before that.';
  return new ValidationError([{ path: [argument], message }]);
}
