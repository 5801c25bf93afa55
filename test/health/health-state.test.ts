import { describe, expect, test } from 'vitest';
import { HealthState } from '../../src/health/health-state.ts';
import type { CheckResult, Transition } from '../../src/health/service.ts';
import { bad, good, silent, slow, THRESHOLDS } from './results.ts';

/** Notes results, at 1, 2, 3 …; answers with the changes, in short. */
function noteAll(state: HealthState, results: readonly CheckResult[]) {
  return results.flatMap((result, at) => tell(state.note({ ...result, at: at + 1 })));
}

function tell(transition: Transition | undefined): string[] {
  if (transition === undefined) return [];
  const { at, from, to, explanation } = transition;
  return [`${at}: ${from} → ${to}. ${explanation.text}`];
}

const times = (count: number, ...results: CheckResult[]) =>
  Array.from({ length: count }, () => results).flat();

const ONE_EACH = { ...THRESHOLDS, failureThreshold: 1, successThreshold: 1 };

describe('the status of a service (H8)', () => {
  test('is UNKNOWN before the first result, and the first good one counts at once', () => {
    const state = new HealthState(THRESHOLDS);
    expect(state.status).toBe('UNKNOWN');
    expect(state.explanation).toBeUndefined();
    expect(noteAll(state, [good, good])).toEqual([
      '1: UNKNOWN → HEALTHY. A check was good after nothing was known.',
    ]);
  });

  test('a first result that is degraded counts at once too, a failure does not', () => {
    expect(noteAll(new HealthState(THRESHOLDS), [bad, bad, slow])).toEqual([
      '3: UNKNOWN → DEGRADED. A check was degraded after nothing was known: Took 300 ms, more than 200.',
    ]);
    expect(noteAll(new HealthState(THRESHOLDS), times(3, bad))).toEqual([
      '3: UNKNOWN → UNHEALTHY. 3 checks in a row failed (threshold 3). The last: HTTP 503.',
    ]);
  });

  test('gets worse after as many failures in a row as the threshold says, and better after as many successes', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    const results = [bad, bad, good, ...times(5, bad), good, bad, good, good, good];
    expect(noteAll(state, results)).toEqual([
      '6: HEALTHY → UNHEALTHY. 3 checks in a row failed (threshold 3). The last: HTTP 503.',
      '12: UNHEALTHY → HEALTHY. 2 checks in a row were good (threshold 2).',
    ]);
  });

  test('a transition has its numbers and the check that tipped the scales, without its details', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    state.note(bad);
    state.note(bad);
    const transition = state.note({ ...bad, at: 77 });
    const { details: _, ...shown } = bad;
    expect(transition).toStrictEqual({
      from: 'HEALTHY',
      to: 'UNHEALTHY',
      at: 77,
      explanation: {
        rule: 'FAILURES_IN_A_ROW',
        text: '3 checks in a row failed (threshold 3). The last: HTTP 503.',
        threshold: 3,
        observed: 3,
        result: { ...shown, at: 77 },
      },
    });
    expect(state.explanation).toBe(transition?.explanation);
  });

  test('is DEGRADED when results in a row are not healthy, though too few of them failed', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    expect(noteAll(state, [bad, slow, bad, good, good])).toEqual([
      '3: HEALTHY → DEGRADED. 3 checks in a row were not healthy (threshold 3). The last: HTTP 503.',
      '5: DEGRADED → HEALTHY. 2 checks in a row were good (threshold 2).',
    ]);
  });

  test('comes back by way of DEGRADED when not all successes were healthy', () => {
    const state = new HealthState(THRESHOLDS, { status: 'UNHEALTHY' });
    expect(noteAll(state, [good, slow, good, good])).toEqual([
      '2: UNHEALTHY → DEGRADED. 2 checks in a row did not fail (threshold 2), though not all were healthy. The last: Took 300 ms, more than 200.',
      '4: DEGRADED → HEALTHY. 2 checks in a row were good (threshold 2).',
    ]);
  });

  test('one result is enough where the thresholds are 1', () => {
    const state = new HealthState(ONE_EACH);
    expect(noteAll(state, [bad, slow, silent, good, slow])).toEqual([
      '1: UNKNOWN → UNHEALTHY. 1 check failed (threshold 1). The last: HTTP 503.',
      '2: UNHEALTHY → DEGRADED. 1 check did not fail (threshold 1), though it was not healthy. The last: Took 300 ms, more than 200.',
      '3: DEGRADED → UNKNOWN. 1 report did not say how it is (threshold 1).',
      '4: UNKNOWN → HEALTHY. A check was good after nothing was known.',
      '5: HEALTHY → DEGRADED. 1 check was not healthy (threshold 1). The last: Took 300 ms, more than 200.',
    ]);
  });

  test('results that say nothing end runs, and make it UNKNOWN after the failure threshold', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    expect(noteAll(state, [bad, bad, silent, bad, bad, silent, silent, silent])).toEqual([
      '8: HEALTHY → UNKNOWN. 3 reports in a row did not say how it is (threshold 3).',
    ]);
  });

  test('an error that is a sentence gets no second full stop', () => {
    const state = new HealthState(ONE_EACH);
    const [told] = noteAll(state, [{ ...bad, error: 'Out of memory!' }]);
    expect(told).toMatch(/The last: Out of memory!$/);
  });

  test('stays as it was before a restart until results say otherwise', () => {
    const explanation = {
      rule: 'FAILURES_IN_A_ROW',
      text: 'Long ago.',
      threshold: 3,
      observed: 3,
      result: undefined,
    } as const;
    const state = new HealthState(THRESHOLDS, { status: 'UNHEALTHY', explanation });
    expect(state.status).toBe('UNHEALTHY');
    expect(state.explanation).toBe(explanation);
    expect(noteAll(state, [bad, bad, bad, good])).toEqual([]);
    expect(state.explanation).toBe(explanation);
    expect(noteAll(state, [good])).toHaveLength(1);
  });
});

describe('flapping (H8)', () => {
  test('too many changes in the window make it DEGRADED, until half a window of results agree', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    const timeout = { ...bad, failure: 'TIMEOUT', error: 'Request timeout' } as const;
    expect(noteAll(state, times(4, timeout, good))).toEqual([
      '7: HEALTHY → DEGRADED. 6 changes within 20 checks (threshold 6): it flaps. The last: Request timeout.',
    ]);
    expect(state.isFlapping).toBe(true);
    expect(state.window).toEqual({ count: 8, failedCount: 4, changeCount: 7 });
    expect(noteAll(state, times(9, bad))).toEqual([]);
    expect(noteAll(state, times(10, good))).toEqual([
      '10: DEGRADED → HEALTHY. 10 checks in a row agreed: it flaps no longer.',
    ]);
    expect(state.isFlapping).toBe(false);
    expect(state.window).toEqual({ count: 0, failedCount: 0, changeCount: 0 });
  });

  test('what it was beneath is shown afterwards', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    noteAll(state, times(4, bad, good));
    expect(noteAll(state, times(12, bad))).toEqual([
      '10: DEGRADED → UNHEALTHY. 10 checks in a row agreed: it flaps no longer. The last: HTTP 503.',
    ]);
  });

  test('of what was DEGRADED anyway begins and ends with a new explanation, without a transition', () => {
    const state = new HealthState(THRESHOLDS, { status: 'DEGRADED' });
    expect(noteAll(state, times(4, slow, good))).toEqual([]);
    expect(state.explanation?.rule).toBe('FLAPPING');
    expect(noteAll(state, times(10, slow))).toEqual([]);
    expect(state).toMatchObject({ isFlapping: false, status: 'DEGRADED' });
    expect(state.explanation?.text).toBe(
      '10 checks in a row agreed: it flaps no longer. The last: Took 300 ms, more than 200.',
    );
  });

  test('changes that are further back than the window do not count', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    // Of 20 in a row 4 at most are changes, of all together 49.
    expect(noteAll(state, times(25, bad, bad, ...times(8, good)))).toEqual([]);
    expect(state.isFlapping).toBe(false);
    expect(state.window).toEqual({ count: 20, failedCount: 4, changeCount: 3 });
  });
});

describe('a report that does not come', () => {
  const late = 'No report for 15 seconds.';

  test('makes it UNKNOWN, then UNHEALTHY; the next report counts at once', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    const missed = state.missed('UNKNOWN', 5, late);
    expect(missed).toStrictEqual({
      from: 'HEALTHY',
      to: 'UNKNOWN',
      at: 5,
      explanation: {
        rule: 'REPORT_MISSED',
        text: late,
        threshold: 1,
        observed: 1,
        result: undefined,
      },
    });
    expect(state.missed('UNKNOWN', 6, late)).toBeUndefined();
    expect(tell(state.missed('UNHEALTHY', 9, late))).toEqual([
      '9: UNKNOWN → UNHEALTHY. No report for 15 seconds.',
    ]);
    expect(state.missed('UNHEALTHY', 10, late)).toBeUndefined();
    const report = { ...good, responseTimeMs: undefined, at: 11 };
    expect(tell(state.note(report))).toEqual([
      '11: UNHEALTHY → HEALTHY. A report was good after nothing was known.',
    ]);
  });

  test('ends runs, and a failure reported after it counts at once too', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    noteAll(state, [bad, bad]);
    state.missed('UNKNOWN', 3, late);
    const report = { ...bad, responseTimeMs: undefined, error: 'Out of memory', at: 4 };
    expect(tell(state.note(report))).toEqual([
      '4: UNKNOWN → UNHEALTHY. A report failed after nothing was known: Out of memory.',
    ]);
  });

  test('counts as a change: an agent that reports now and then flaps', () => {
    const state = new HealthState(ONE_EACH);
    const told: string[] = [];
    for (let at = 1; at <= 100; at += 2) {
      told.push(...tell(state.note({ ...good, at })));
      told.push(...tell(state.missed('UNKNOWN', at + 1, late)));
    }
    expect(told).toHaveLength(7);
    expect(told.at(-1)).toBe(
      '7: UNKNOWN → DEGRADED. 6 changes within 20 checks (threshold 6): it flaps.',
    );
  });

  test('may be the change that tips the scales', () => {
    const state = new HealthState({ ...ONE_EACH, flapThreshold: 1 }, { status: 'HEALTHY' });
    state.note(good);
    expect(state.missed('UNKNOWN', 2, late)).toStrictEqual({
      from: 'HEALTHY',
      to: 'DEGRADED',
      at: 2,
      explanation: {
        rule: 'FLAPPING',
        text: '1 change within 20 reports (threshold 1): it flaps. The last: No report for 15 seconds.',
        threshold: 1,
        observed: 1,
        result: undefined,
      },
    });
  });

  test('for long is more than flapping', () => {
    const state = new HealthState(ONE_EACH);
    noteAll(state, times(5, good, bad));
    expect(state.isFlapping).toBe(true);
    expect(state.missed('UNKNOWN', 11, late)).toBeUndefined();
    expect(tell(state.missed('UNHEALTHY', 12, late))).toEqual([
      '12: DEGRADED → UNHEALTHY. No report for 15 seconds.',
    ]);
    expect(state.isFlapping).toBe(false);
    expect(tell(state.note({ ...good, at: 13 }))).toHaveLength(1);
  });
});

describe('other thresholds for a live service', () => {
  test('keep its status and why it has it, and count anew', () => {
    const before = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    noteAll(before, times(3, bad));
    noteAll(before, [good]);
    const after = before.withThresholds({ ...THRESHOLDS, successThreshold: 3 });
    expect(after.status).toBe('UNHEALTHY');
    expect(after.explanation).toBe(before.explanation);
    expect(after.window.count).toBe(0);
    expect(noteAll(after, times(3, good))).toEqual([
      '3: UNHEALTHY → HEALTHY. 3 checks in a row were good (threshold 3).',
    ]);
  });

  test('that are the same change nothing', () => {
    const state = new HealthState(THRESHOLDS);
    expect(state.withThresholds({ ...THRESHOLDS })).toBe(state);
  });
});
