import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValidationError } from '../../src/lib/domain-error.ts';
import { planRange, planSeries } from '../../src/lib/metrics-range.ts';
import { RESOLUTION_MS, RESOLUTIONS } from '../../src/lib/resolution.ts';

/** A day in the middle of nothing special. */
const DAY = Date.UTC(2026, 4, 10);
const MINUTE_MS = RESOLUTION_MS.MINUTE;
const HOUR_MS = RESOLUTION_MS.HOUR;
const DAY_MS = RESOLUTION_MS.DAY;
const NOON = DAY + 12 * HOUR_MS;

describe('M10 the rows that make up a range', () => {
  const time = fc.integer({ min: DAY - 4 * DAY_MS, max: DAY });
  const kept = fc.record({
    minutesMs: fc.constantFrom(HOUR_MS, 30 * HOUR_MS, Number.POSITIVE_INFINITY),
    hoursMs: fc.constantFrom(30 * HOUR_MS, 60 * HOUR_MS, Number.POSITIVE_INFINITY),
  });

  test('cover it without gap and overlap, and are all still kept', () => {
    fc.assert(
      fc.property(time, time, kept, (a, b, keptRows) => {
        const [since, until] = [Math.min(a, b), Math.max(a, b)];
        const plan = planRange({ since, until }, keptRows, DAY);
        expect(plan.since).toBeLessThanOrEqual(since);
        expect(plan.until).toBeGreaterThanOrEqual(until);
        let at = plan.since;
        for (const { resolution, from, to } of plan.segments.toSorted((x, y) => x.from - y.from)) {
          expect(from).toBe(at);
          expect([from % RESOLUTION_MS[resolution], to % RESOLUTION_MS[resolution]]).toEqual([
            0, 0,
          ]);
          const limits = { MINUTE: keptRows.minutesMs, HOUR: keptRows.hoursMs, DAY: Infinity };
          const needed = RESOLUTIONS.find((each) => from >= DAY - limits[each]);
          expect(RESOLUTIONS.indexOf(resolution)).toBeGreaterThanOrEqual(
            RESOLUTIONS.indexOf(needed ?? 'DAY'),
          );
          at = to;
        }
        expect(at).toBe(plan.until);
        expect(plan.segments.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  test('edges move outwards to the hour and the day where no minutes and hours are kept any more', () => {
    const keptRows = { minutesMs: 2 * HOUR_MS, hoursMs: DAY_MS };
    const plan = (since: number, until: number) => {
      const { since: from = 0, until: to } = planRange({ since, until }, keptRows, NOON);
      return [from - DAY, to - DAY];
    };
    expect(plan(NOON - 90 * MINUTE_MS - 1, NOON - 1)).toEqual([
      10.5 * HOUR_MS - MINUTE_MS,
      12 * HOUR_MS,
    ]);
    expect(plan(DAY + 61 * MINUTE_MS, DAY + 119 * MINUTE_MS)).toEqual([HOUR_MS, 2 * HOUR_MS]);
    expect(plan(DAY - 13 * HOUR_MS, NOON)).toEqual([-DAY_MS, 12 * HOUR_MS]);
  });
});

describe('M10 the ends of what RFC 3339 can write', () => {
  const FIRST = Date.parse('0000-01-01T00:00:00Z');
  const LAST = Date.parse('9999-12-31T23:59:59.999Z');
  const ALL = { minutesMs: Number.POSITIVE_INFINITY, hoursMs: Number.POSITIVE_INFINITY };
  const isRfc3339 = (at: number) => /^\d{4}-/.test(new Date(at).toISOString());

  test('metrics go up to them, and are refused beyond', () => {
    const plan = (since: number | undefined, until: number) =>
      planRange({ since, until }, ALL, DAY);
    expect(plan(FIRST, LAST - MINUTE_MS)).toMatchObject({
      since: FIRST,
      until: LAST + 1 - MINUTE_MS,
    });
    expect(() => plan(DAY, LAST)).toThrow(ValidationError);
    expect(() => plan(undefined, LAST)).toThrow(/year 9999/);
    expect(() => plan(LAST + 1, LAST + 1)).toThrow(/year 9999/);
    expect(() => plan(FIRST - 1, DAY)).toThrow(/year 0/); // with an offset, it can be written
    expect(() => plan(undefined, FIRST - MINUTE_MS)).toThrow(/year 0/);
    const kept = { minutesMs: MINUTE_MS, hoursMs: HOUR_MS };
    expect(() => planRange({ until: LAST - HOUR_MS }, kept, LAST + DAY_MS)).toThrow(/year 9999/);
  });

  test.each(RESOLUTIONS)('series by the %s go up to them, and are refused beyond', (bucket) => {
    const size = RESOLUTION_MS[bucket];
    const plan = (since: number | undefined, until: number) =>
      planSeries({ bucket, since, until }, DAY);
    for (const range of [
      plan(FIRST, FIRST + size),
      plan(LAST - 2 * size, LAST - size),
      plan(undefined, LAST - size),
    ]) {
      expect([isRfc3339(range.from), isRfc3339(range.to)]).toEqual([true, true]);
    }
    expect(() => plan(LAST - size, LAST)).toThrow(ValidationError);
    expect(() => plan(undefined, LAST)).toThrow(/year 9999/);
    expect(() => plan(undefined, FIRST)).toThrow(/year 0/);
    expect(() => plan(FIRST - 1, FIRST + size)).toThrow(/year 0/);
  });
});
