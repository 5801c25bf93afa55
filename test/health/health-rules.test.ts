import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HealthState } from '../../src/health/health-state.ts';
import type {
  CheckResult,
  ServiceStatus,
  Thresholds,
  Transition,
  TransitionRule,
} from '../../src/health/service.ts';
import { bad, good, silent, slow } from './results.ts';

/** What a service lives through: the status of a result, or that a report was missed. */
interface Happening {
  readonly status: ServiceStatus;
  readonly isMissed: boolean;
}

const RESULTS: Readonly<Record<ServiceStatus, CheckResult>> = {
  HEALTHY: good,
  DEGRADED: slow,
  UNHEALTHY: bad,
  UNKNOWN: silent,
};

const anyStatus = fc.constantFrom<ServiceStatus>('HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNKNOWN');

const anyThresholds: fc.Arbitrary<Thresholds> = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 5 }),
  successThreshold: fc.integer({ min: 1, max: 5 }),
  windowSize: fc.integer({ min: 1, max: 24 }),
  flapThreshold: fc.integer({ min: 1, max: 10 }),
});

const anyMissed = fc.constantFrom<Happening>(
  { status: 'UNKNOWN', isMissed: true },
  { status: 'UNHEALTHY', isMissed: true },
);

/** Short runs, long runs, and alternation, one after another. */
const anyResults = fc
  .oneof(
    fc.tuple(fc.array(anyStatus, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 8 })),
    fc.tuple(fc.array(anyStatus, { minLength: 1, maxLength: 1 }), fc.integer({ min: 1, max: 16 })),
  )
  .map(([statuses, times]) =>
    Array.from({ length: times }, () =>
      statuses.map((status): Happening => ({ status, isMissed: false })),
    ).flat(),
  );

const anyLife = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: anyResults },
      { weight: 1, arbitrary: anyMissed.map((missed) => [missed]) },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.flat());

/** Lets a service live through it; the first thing happens at 1. Answers with its status and what it said after each. */
function live(state: HealthState, life: readonly Happening[]) {
  return life.map(({ status, isMissed }, index) => {
    const at = index + 1;
    const said =
      isMissed && (status === 'UNKNOWN' || status === 'UNHEALTHY')
        ? state.missed(status, at, 'No report.')
        : state.note({ ...RESULTS[status], at });
    return { status: state.status, isFlapping: state.isFlapping, window: state.window, said };
  });
}

/** The rules again, said as plainly as can be: everything is counted anew from the whole past at each step. */
class Oracle {
  readonly #thresholds: Thresholds;
  readonly past: Happening[] = [];
  beneath: ServiceStatus;
  isFlapping = false;
  /** How much of the past is before the window. */
  #forgotten = 0;

  constructor(thresholds: Thresholds, status: ServiceStatus) {
    this.#thresholds = thresholds;
    this.beneath = status;
  }

  get shown(): ServiceStatus {
    return this.isFlapping ? 'DEGRADED' : this.beneath;
  }

  /** How many of the latest results in a row are one of these, back to a missed report. */
  run(...statuses: ServiceStatus[]): number {
    const last = this.past.findLastIndex(
      ({ status, isMissed }) => isMissed || !statuses.includes(status),
    );
    return this.past.length - 1 - last;
  }

  /** How many of the latest are the same, missed ones included. */
  alike(): number {
    const { status } = this.past.at(-1) ?? {};
    return this.past.length - 1 - this.past.findLastIndex((each) => each.status !== status);
  }

  window() {
    const from = Math.max(this.#forgotten, this.past.length - this.#thresholds.windowSize);
    const within = this.past.slice(from);
    return {
      count: within.length,
      failedCount: within.filter(({ status }) => status === 'UNHEALTHY').length,
      changeCount: within.filter(({ status }, index) => {
        const before = within[index - 1];
        return before !== undefined && before.status !== status;
      }).length,
    };
  }

  step(now: Happening): void {
    const before = this.past.at(-1);
    const missedBefore = before?.isMissed === true;
    if (now.isMissed && missedBefore && this.beneath === now.status) return;
    this.past.push(now);
    this.beneath = this.#next(now, missedBefore);
    const { changeCount } = this.window();
    if (now.isMissed && now.status === 'UNHEALTHY') this.#anew();
    else if (this.isFlapping && !now.isMissed && this.alike() >= this.steady()) this.#anew();
    else if (changeCount >= this.#thresholds.flapThreshold) this.isFlapping = true;
  }

  steady(): number {
    return Math.max(2, Math.ceil(this.#thresholds.windowSize / 2));
  }

  #anew(): void {
    this.isFlapping = false;
    this.#forgotten = this.past.length;
  }

  #next({ status, isMissed }: Happening, missedBefore: boolean): ServiceStatus {
    const { failureThreshold: f, successThreshold: s } = this.#thresholds;
    if (isMissed || missedBefore) return status;
    if (this.run('UNHEALTHY') >= f) return 'UNHEALTHY';
    if (this.run('UNKNOWN') >= f) return 'UNKNOWN';
    const isGood = status === 'HEALTHY' || status === 'DEGRADED';
    if (this.beneath === 'UNKNOWN' && isGood) return status;
    if (this.beneath === 'UNHEALTHY' && this.run('HEALTHY', 'DEGRADED') >= s) {
      return this.run('HEALTHY') >= s ? 'HEALTHY' : 'DEGRADED';
    }
    if (this.beneath === 'DEGRADED' && this.run('HEALTHY') >= s) return 'HEALTHY';
    if (this.beneath === 'HEALTHY' && this.run('DEGRADED', 'UNHEALTHY') >= f) return 'DEGRADED';
    return this.beneath;
  }
}

/** Counts by hand what an explanation says it observed. */
function recount(oracle: Oracle, changes: number, { to, explanation }: Transition) {
  const counts: Record<TransitionRule, number> = {
    FIRST_RESULT: 1,
    FAILURES_IN_A_ROW: oracle.run('UNHEALTHY'),
    NOT_HEALTHY_IN_A_ROW: oracle.run('DEGRADED', 'UNHEALTHY'),
    UNKNOWN_IN_A_ROW: oracle.run('UNKNOWN'),
    SUCCESSES_IN_A_ROW:
      to === 'HEALTHY' ? oracle.run('HEALTHY') : oracle.run('HEALTHY', 'DEGRADED'),
    FLAPPING: changes,
    STEADY_AGAIN: oracle.alike(),
    REPORT_MISSED: 1,
  };
  return counts[explanation.rule];
}

function thresholdOf(rule: TransitionRule, thresholds: Thresholds, oracle: Oracle): number {
  const { failureThreshold, successThreshold, flapThreshold } = thresholds;
  const all: Record<TransitionRule, number> = {
    FIRST_RESULT: 1,
    FAILURES_IN_A_ROW: failureThreshold,
    NOT_HEALTHY_IN_A_ROW: failureThreshold,
    UNKNOWN_IN_A_ROW: failureThreshold,
    SUCCESSES_IN_A_ROW: successThreshold,
    FLAPPING: flapThreshold,
    STEADY_AGAIN: oracle.steady(),
    REPORT_MISSED: 1,
  };
  return all[rule];
}

describe('for any results and any thresholds (H8)', () => {
  test('the status is what the rules say, and so is the window', () => {
    fc.assert(
      fc.property(anyThresholds, anyStatus, anyLife, (thresholds, status, life) => {
        const oracle = new Oracle(thresholds, status);
        const seen = live(new HealthState(thresholds, { status }), life);
        for (const [index, now] of life.entries()) {
          oracle.step(now);
          expect(seen[index]).toMatchObject({
            status: oracle.shown,
            isFlapping: oracle.isFlapping,
            window: oracle.window(),
          });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('there is a transition just when the status changes, and each goes on where the last one ended', () => {
    fc.assert(
      fc.property(anyThresholds, anyStatus, anyLife, (thresholds, status, life) => {
        let before = status;
        for (const [index, seen] of live(new HealthState(thresholds, { status }), life).entries()) {
          if (seen.status === before) expect(seen.said).toBeUndefined();
          else expect(seen.said).toMatchObject({ from: before, to: seen.status, at: index + 1 });
          before = seen.status;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('no transition without its explanation: its numbers are true when they are counted again', () => {
    const rules = new Set<TransitionRule>();
    fc.assert(
      fc.property(anyThresholds, anyStatus, anyLife, (thresholds, status, life) => {
        const oracle = new Oracle(thresholds, status);
        const state = new HealthState(thresholds, { status });
        for (const [index, { said }] of live(state, life).entries()) {
          const now = life[index];
          if (now === undefined) return;
          const changesBefore = oracle.window().changeCount;
          oracle.step(now);
          if (said === undefined) continue;
          const { rule, text, threshold, observed, result } = said.explanation;
          rules.add(rule);
          expect(threshold).toBe(thresholdOf(rule, thresholds, oracle));
          expect(observed).toBe(recount(oracle, oracle.window().changeCount, said));
          expect(observed).toBeGreaterThanOrEqual(threshold);
          if (rule === 'FLAPPING') expect(changesBefore).toBeLessThan(threshold);
          if (/_ROW$|FLAPPING/.test(rule)) {
            expect(text).toContain(`(threshold ${threshold})`);
            expect(text).toMatch(new RegExp(`^${observed} `));
          }
          const { details: _, ...shown } = { ...RESULTS[now.status], at: index + 1 };
          expect(result).toEqual(now.isMissed ? undefined : shown);
        }
      }),
      { numRuns: 500 },
    );
    expect([...rules].sort()).toEqual([
      'FAILURES_IN_A_ROW',
      'FIRST_RESULT',
      'FLAPPING',
      'NOT_HEALTHY_IN_A_ROW',
      'REPORT_MISSED',
      'STEADY_AGAIN',
      'SUCCESSES_IN_A_ROW',
      'UNKNOWN_IN_A_ROW',
    ]);
  });

  test('what always changes never makes more transitions than the flap threshold and one', () => {
    const guarded = anyThresholds.filter((each) => each.flapThreshold < each.windowSize);
    const anyTwo = fc.uniqueArray(anyStatus, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(guarded, anyStatus, anyTwo, (thresholds, status, turns) => {
        const life = Array.from({ length: 50 }, () =>
          turns.map((each) => ({ status: each, isMissed: false })),
        ).flat();
        const seen = live(new HealthState(thresholds, { status }), life);
        const transitions = seen.filter(({ said }) => said !== undefined);
        expect(transitions.length).toBeLessThanOrEqual(thresholds.flapThreshold + 1);
        expect(seen.at(-1)).toMatchObject({ status: 'DEGRADED', isFlapping: true });
      }),
      { numRuns: 300 },
    );
  });

  test('other thresholds keep the status', () => {
    fc.assert(
      fc.property(anyThresholds, anyThresholds, anyLife, (first, second, life) => {
        const state = new HealthState(first);
        live(state, life);
        const after = state.withThresholds(second);
        expect(after.status).toBe(state.status);
        expect(after.explanation).toBe(state.explanation);
        expect(after.thresholds).toEqual(second);
      }),
    );
  });
});
