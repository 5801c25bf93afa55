/*
A service has a status that is shown, and one beneath it. They differ only while the service flaps.

The status beneath follows from results in a row. Thresholds are of failure (F) and of success (S).
- UNKNOWN: nothing is known. One HEALTHY or DEGRADED result makes it that (FIRST_RESULT).
- Whatever it was: F results in a row that are UNHEALTHY make it UNHEALTHY (FAILURES_IN_A_ROW), and F that are UNKNOWN, for that is
  all an agent may have to say, make it UNKNOWN (UNKNOWN_IN_A_ROW).
- UNHEALTHY: S results in a row that are HEALTHY or DEGRADED make it HEALTHY when all S are HEALTHY, else DEGRADED
  (SUCCESSES_IN_A_ROW).
- DEGRADED: S HEALTHY results in a row make it HEALTHY (SUCCESSES_IN_A_ROW).
- HEALTHY: F results in a row that are DEGRADED or UNHEALTHY make it DEGRADED (NOT_HEALTHY_IN_A_ROW).
An UNKNOWN result is neither good nor bad: it ends every run of those.

It begins to flap when among the latest results, as many as the window has places, there are too many changes from one to the next.
What is shown is then DEGRADED (FLAPPING) until as many results in a row are the same as half the window has places, at least 2.
Then the window begins anew, and the status beneath is shown (STEADY_AGAIN).

A report that does not come makes the status beneath UNKNOWN, then UNHEALTHY (REPORT_MISSED), and counts as such a result in the
window. Whatever is reported next makes the status that at once (FIRST_RESULT), so what was in a row before counts no longer. One
that makes it UNHEALTHY ends the flapping too, and the window begins anew: silence for so long is more than flapping.
*/
import {
  explainMissed,
  explainMissedFlapping,
  explainResult,
  type Figures,
} from './explain-transition.ts';
import { ResultWindow } from './result-window.ts';
import type {
  CheckResult,
  Explanation,
  ServiceStatus,
  Thresholds,
  Transition,
  TransitionRule,
  WindowReading,
} from './service.ts';

/** What a service was before, as far as it is known. */
export interface StateBefore {
  readonly status: ServiceStatus;
  readonly explanation?: Explanation | undefined;
}

type ResultRule = Exclude<TransitionRule, 'REPORT_MISSED'>;

/**
 * The status of one service, and the rules by which results change it. Knows no clock. A result that changes nothing allocates
 * nothing.
 */
export class HealthState {
  readonly #thresholds: Thresholds;
  readonly #window: ResultWindow;
  /** So many results in a row that are the same end the flapping. */
  readonly #steadyThreshold: number;
  /** What is shown. */
  #status: ServiceStatus;
  #beneath: ServiceStatus;
  #explanation: Explanation | undefined;
  #isFlapping = false;
  /** A report was missed: the next result counts at once. */
  #isMissed = false;
  /** UNHEALTHY in a row. */
  #failedRun = 0;
  /** DEGRADED or UNHEALTHY in a row. */
  #notHealthyRun = 0;
  /** HEALTHY or DEGRADED in a row. */
  #okRun = 0;
  #healthyRun = 0;
  #unknownRun = 0;

  /** @param before what it was before a restart; that stays until results say otherwise. Default: UNKNOWN */
  constructor(thresholds: Thresholds, before?: StateBefore) {
    this.#thresholds = thresholds;
    this.#window = new ResultWindow(thresholds.windowSize);
    this.#steadyThreshold = Math.max(2, Math.ceil(thresholds.windowSize / 2));
    this.#status = before?.status ?? 'UNKNOWN';
    this.#beneath = this.#status;
    this.#explanation = before?.explanation;
  }

  get thresholds(): Thresholds {
    return this.#thresholds;
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  /**
   * Why it has that status; `undefined` while nothing is known. Also tells of flapping that began or ended without a
   * transition, since the service was DEGRADED anyway.
   */
  get explanation(): Explanation | undefined {
    return this.#explanation;
  }

  get isFlapping(): boolean {
    return this.#isFlapping;
  }

  get window(): WindowReading {
    return this.#window.read();
  }

  /** Takes a result. @returns the change of status that it made, at the time of the result */
  note(result: CheckResult): Transition | undefined {
    const { status } = result;
    this.#window.push(status);
    this.#count(status);
    const rule = this.#decide(status);

    if (this.#isFlapping) {
      if (this.#window.alikeRun < this.#steadyThreshold) return undefined;
      this.#endFlapping();
      return this.#tell('STEADY_AGAIN', result);
    }
    if (this.#window.changeCount >= this.#thresholds.flapThreshold) {
      this.#isFlapping = true;
      return this.#tell('FLAPPING', result);
    }
    return rule === undefined ? undefined : this.#tell(rule, result);
  }

  /**
   * Takes that a report did not come in time. Saying the same again until the next report changes nothing.
   *
   * @param at when that became clear; milliseconds since the Unix epoch
   * @param text for people: `No report for 15 seconds; one was due every 10.`
   * @returns the change of status that it made; none for `UNKNOWN` while the service flaps
   */
  missed(to: 'UNKNOWN' | 'UNHEALTHY', at: number, text: string): Transition | undefined {
    if (this.#isMissed && this.#beneath === to) return undefined;
    this.#window.push(to);
    this.#beneath = to;
    this.#isMissed = true;

    if (to === 'UNHEALTHY') {
      this.#endFlapping();
      return this.#show(to, at, explainMissed(text));
    }
    if (this.#isFlapping) return undefined;
    if (this.#window.changeCount >= this.#thresholds.flapThreshold) {
      this.#isFlapping = true;
      const { windowSize } = this.#thresholds;
      const explanation = explainMissedFlapping(this.#figures('FLAPPING'), windowSize, text);
      return this.#show('DEGRADED', at, explanation);
    }
    return this.#show(to, at, explainMissed(text));
  }

  /** @returns this state under other thresholds: with its status, all else begins anew; itself when they are the same */
  withThresholds(thresholds: Thresholds): HealthState {
    const isSame =
      thresholds.failureThreshold === this.#thresholds.failureThreshold &&
      thresholds.successThreshold === this.#thresholds.successThreshold &&
      thresholds.windowSize === this.#thresholds.windowSize &&
      thresholds.flapThreshold === this.#thresholds.flapThreshold;
    if (isSame) return this;
    return new HealthState(thresholds, { status: this.#status, explanation: this.#explanation });
  }

  #count(status: ServiceStatus): void {
    this.#failedRun = status === 'UNHEALTHY' ? this.#failedRun + 1 : 0;
    this.#unknownRun = status === 'UNKNOWN' ? this.#unknownRun + 1 : 0;
    this.#healthyRun = status === 'HEALTHY' ? this.#healthyRun + 1 : 0;
    this.#okRun = status === 'HEALTHY' || status === 'DEGRADED' ? this.#okRun + 1 : 0;
    this.#notHealthyRun =
      status === 'UNHEALTHY' || status === 'DEGRADED' ? this.#notHealthyRun + 1 : 0;
  }

  /** Changes the status beneath. @returns the rule that says so */
  #decide(status: ServiceStatus): ResultRule | undefined {
    const { failureThreshold, successThreshold } = this.#thresholds;
    if (this.#isMissed) {
      this.#isMissed = false;
      return this.#become(status, 'FIRST_RESULT');
    }
    if (this.#failedRun >= failureThreshold) return this.#become('UNHEALTHY', 'FAILURES_IN_A_ROW');
    if (this.#unknownRun >= failureThreshold) return this.#become('UNKNOWN', 'UNKNOWN_IN_A_ROW');
    switch (this.#beneath) {
      case 'UNKNOWN':
        return this.#okRun > 0 ? this.#become(status, 'FIRST_RESULT') : undefined;
      case 'UNHEALTHY': {
        if (this.#okRun < successThreshold) return undefined;
        const to = this.#healthyRun >= successThreshold ? 'HEALTHY' : 'DEGRADED';
        return this.#become(to, 'SUCCESSES_IN_A_ROW');
      }
      case 'DEGRADED':
        return this.#healthyRun >= successThreshold
          ? this.#become('HEALTHY', 'SUCCESSES_IN_A_ROW')
          : undefined;
      case 'HEALTHY':
        return this.#notHealthyRun >= failureThreshold
          ? this.#become('DEGRADED', 'NOT_HEALTHY_IN_A_ROW')
          : undefined;
    }
  }

  #become(status: ServiceStatus, rule: ResultRule): ResultRule | undefined {
    if (this.#beneath === status) return undefined;
    this.#beneath = status;
    return rule;
  }

  #figures(rule: ResultRule): Figures {
    const { failureThreshold, successThreshold } = this.#thresholds;
    switch (rule) {
      case 'FIRST_RESULT':
        return { threshold: 1, observed: 1 };
      case 'FAILURES_IN_A_ROW':
        return { threshold: failureThreshold, observed: this.#failedRun };
      case 'NOT_HEALTHY_IN_A_ROW':
        return { threshold: failureThreshold, observed: this.#notHealthyRun };
      case 'UNKNOWN_IN_A_ROW':
        return { threshold: failureThreshold, observed: this.#unknownRun };
      case 'SUCCESSES_IN_A_ROW':
        return {
          threshold: successThreshold,
          observed: this.#beneath === 'HEALTHY' ? this.#healthyRun : this.#okRun,
        };
      case 'FLAPPING':
        return { threshold: this.#thresholds.flapThreshold, observed: this.#window.changeCount };
      case 'STEADY_AGAIN':
        return { threshold: this.#steadyThreshold, observed: this.#window.alikeRun };
    }
  }

  #endFlapping(): void {
    this.#isFlapping = false;
    this.#window.clear();
  }

  #tell(rule: ResultRule, result: CheckResult): Transition | undefined {
    const to = this.#isFlapping ? 'DEGRADED' : this.#beneath;
    const { windowSize } = this.#thresholds;
    return this.#show(
      to,
      result.at,
      explainResult(rule, to, this.#figures(rule), result, windowSize),
    );
  }

  /** The only door to another status. */
  #show(to: ServiceStatus, at: number, explanation: Explanation): Transition | undefined {
    const from = this.#status;
    this.#status = to;
    this.#explanation = explanation;
    return from === to ? undefined : { from, to, at, explanation };
  }
}
