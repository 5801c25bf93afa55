import type { CheckResult, Explanation, ServiceStatus, TransitionRule } from './service.ts';

/** The numbers behind a decision. */
export interface Figures {
  readonly threshold: number;
  readonly observed: number;
}

/** Says why a service got a status through a result. */
export function explainResult(
  rule: Exclude<TransitionRule, 'REPORT_MISSED'>,
  to: ServiceStatus,
  figures: Figures,
  result: CheckResult,
  windowSize: number,
): Explanation {
  const text = describe(rule, to, figures, result, windowSize);
  return { rule, text, ...figures, result: withoutDetails(result) };
}

/** Says that a service got a status since it did not report. @param text for people, such as `No report for 15 seconds.` */
export function explainMissed(text: string): Explanation {
  return { rule: 'REPORT_MISSED', text, threshold: 1, observed: 1, result: undefined };
}

/** Says that a missed report was a change too many. @param text as of `explainMissed` */
export function explainMissedFlapping(
  figures: Figures,
  windowSize: number,
  text: string,
): Explanation {
  const flaps = tellFlapping(figures, windowSize, 'report');
  return { rule: 'FLAPPING', text: flaps + theLast(text), ...figures, result: undefined };
}

function describe(
  rule: Exclude<TransitionRule, 'REPORT_MISSED'>,
  to: ServiceStatus,
  { threshold, observed }: Figures,
  result: CheckResult,
  windowSize: number,
): string {
  const what = result.responseTimeMs === undefined ? 'report' : 'check';
  const inARow = observed === 1 ? `1 ${what}` : `${observed} ${what}s in a row`;
  const limit = `(threshold ${threshold})`;
  const last = theLast(result.error);
  switch (rule) {
    case 'FIRST_RESULT':
      return `A ${what} ${FOUND[to]} after nothing was known${result.error === undefined ? '.' : `: ${closed(result.error)}`}`;
    case 'FAILURES_IN_A_ROW':
      return `${inARow} failed ${limit}.${last}`;
    case 'NOT_HEALTHY_IN_A_ROW':
      return `${inARow} ${observed === 1 ? 'was' : 'were'} not healthy ${limit}.${last}`;
    case 'UNKNOWN_IN_A_ROW':
      return `${inARow} did not say how it is ${limit}.${last}`;
    case 'SUCCESSES_IN_A_ROW':
      return to === 'HEALTHY'
        ? `${inARow} ${observed === 1 ? 'was' : 'were'} good ${limit}.`
        : `${inARow} did not fail ${limit}, though ${observed === 1 ? 'it was not' : 'not all were'} healthy.${last}`;
    case 'FLAPPING':
      return tellFlapping({ threshold, observed }, windowSize, what) + last;
    case 'STEADY_AGAIN':
      return `${inARow} agreed: it flaps no longer.${last}`;
  }
}

const FOUND: Readonly<Record<ServiceStatus, string>> = {
  HEALTHY: 'was good',
  DEGRADED: 'was degraded',
  UNHEALTHY: 'failed',
  UNKNOWN: 'did not say how it is',
};

function tellFlapping({ threshold, observed }: Figures, windowSize: number, what: string): string {
  const changes = observed === 1 ? '1 change' : `${observed} changes`;
  return `${changes} within ${windowSize} ${what}s (threshold ${threshold}): it flaps.`;
}

function theLast(error: string | undefined): string {
  return error === undefined ? '' : ` The last: ${closed(error)}`;
}

/** With a full stop at the end, unless it ends a sentence already. */
function closed(text: string): string {
  return /[.!?…]$/u.test(text) ? text : `${text}.`;
}

function withoutDetails(result: CheckResult): Omit<CheckResult, 'details'> {
  const { status, at, responseTimeMs, httpStatus, failure, error } = result;
  return { status, at, responseTimeMs, httpStatus, failure, error };
}
