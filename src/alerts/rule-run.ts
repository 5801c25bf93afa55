import { compileExpression, type Expression, scopeOf } from '../expression/expression.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import { type Alert, type AlertResolution, keyOfSubject, snapshotOf } from './alert.ts';
import type { AlertBook } from './alert-book.ts';
import type { AlertRuleOrigin, KeptAlertRule } from './alert-rule.ts';
import { type AlertState, IDLE, nextAlertState } from './alert-state.ts';
import { CONDITION_NAMES } from './condition-names.ts';
import type { Look } from './look.ts';

/** The most open alerts of one rule. */
export const MOST_OPEN_ALERTS = 100;

/** The longest message, and the longest text among the values, of an alert. */
const LONGEST_MESSAGE = 2_000;

/** A rule with who said that there is one. */
export type SourcedRule = KeptAlertRule & { readonly origin: AlertRuleOrigin };

/** A subject of a rule for which that is not IDLE. */
interface Tracked {
  state: AlertState;
  /** Of the open alert, while it is FIRING. */
  alertId: string | undefined;
  /** The round in which it was last seen. */
  round: number;
}

/**
 * A rule that is enabled, with how it stands with each of its subjects. Who looks at the subjects tells it of each, and of the
 * end of each round in which all were looked at.
 */
export class RuleRun {
  readonly rule: SourcedRule;
  readonly #book: AlertBook;
  readonly #clock: Clock;
  /** What its condition is, or why that can't be read: one that is stored was made by another version, maybe. */
  readonly #condition: Expression | string | undefined;
  readonly #tracked = new Map<string, Tracked>();
  #round = 0;
  #openCount = 0;
  #problem: string | undefined;
  #problemOfRound: string | undefined;
  #hasEnded = false;

  constructor(rule: SourcedRule, book: AlertBook, clock: Clock) {
    this.rule = rule;
    this.#book = book;
    this.#clock = clock;
    this.#condition = readCondition(rule);
  }

  get hasCondition(): boolean {
    return this.#condition !== undefined;
  }

  /** Whether something of it changes with time alone. */
  get isWaiting(): boolean {
    return this.#tracked.size > 0 || this.problem !== undefined;
  }

  get openCount(): number {
    return this.#openCount;
  }

  get suppressedCount(): number {
    let count = 0;
    for (const { state } of this.#tracked.values()) {
      if (state.kind === 'PENDING' && state.isSuppressed) count += 1;
    }
    return count;
  }

  get problem(): string | undefined {
    if (typeof this.#condition === 'string') return this.#condition;
    return this.#problemOfRound ?? this.#problem;
  }

  /** Goes on with an alert that was open before. An older one of the same subject is over: that was not stored, then. */
  restore(alert: Alert): void {
    const older = this.#tracked.get(keyOfSubject(alert.subject))?.alertId;
    this.#resolve(older, 'CONDITION_GONE');
    this.#book.restore(alert);
    this.#track(alert, { kind: 'FIRING' }, alert.id);
    this.#openCount += 1;
  }

  /** Goes on with what is left of the cool-down after an alert that was resolved before. */
  restoreCoolDown(alert: Alert): void {
    const { resolvedAt = 0, resolution } = alert;
    const goneMs = Math.max(0, this.#clock.now() - resolvedAt);
    const isCooling = resolution === 'CONDITION_GONE' || resolution === 'MAINTENANCE';
    if (!isCooling || goneMs >= this.rule.coolDownMs) return;
    if (this.#tracked.has(keyOfSubject(alert.subject))) return;
    const sinceMs = this.#clock.monotonicMs() - goneMs;
    this.#track(alert, { kind: 'COOLING_DOWN', sinceMs }, undefined);
  }

  /** Takes note of what was found of one subject. */
  observe(look: Look): void {
    if (this.#hasEnded || (look.holds !== true && this.#tracked.size === 0)) return;
    const key = keyOfSubject(look.subject);
    const tracked = this.#tracked.get(key);
    if (tracked === undefined && look.holds !== true) return;
    if (tracked !== undefined) tracked.round = this.#round;
    const holds = this.#holds(look);
    if (holds === 'UNKNOWN') return; // it stays as it is, and that is told
    const nowMs = this.#clock.monotonicMs();
    const { state, act } = nextAlertState(
      tracked?.state ?? IDLE,
      { nowMs, holds, hasRoom: this.#openCount < MOST_OPEN_ALERTS },
      this.rule,
    );
    let alertId = tracked?.alertId;
    if (act === 'RAISE') alertId = this.#raise(look);
    else if (act === 'RESOLVE') {
      this.#resolve(alertId, look.isInMaintenance === true ? 'MAINTENANCE' : 'CONDITION_GONE');
      alertId = undefined;
    } else if (state.kind === 'FIRING' && holds === true && alertId !== undefined) {
      this.#book.noteSeen(alertId, this.#clock.now());
    }
    if (state.kind === 'IDLE') this.#tracked.delete(key);
    else this.#tracked.set(key, { state, alertId, round: this.#round });
  }

  /** A subject is not there any more: what is open of it is resolved. */
  forget(key: string, resolution: AlertResolution): void {
    const tracked = this.#tracked.get(key);
    if (tracked === undefined || this.#hasEnded) return;
    this.#resolve(tracked.alertId, resolution);
    this.#tracked.delete(key);
  }

  /**
   * All subjects were looked at. What was not seen is not there any more. Where that is since there is nothing to tell of it
   * (CONDITION_GONE), and not since it is gone for good, a cool-down of it goes on.
   */
  endRound(resolution: 'CONDITION_GONE' | 'SUBJECT_GONE'): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { state, round }] of this.#tracked) {
      if (round === this.#round) continue;
      const isCooling =
        resolution === 'CONDITION_GONE' &&
        state.kind === 'COOLING_DOWN' &&
        nowMs - state.sinceMs < this.rule.coolDownMs;
      if (!isCooling) this.forget(key, resolution);
    }
    this.#round += 1;
    this.#problem = this.#problemOfRound;
    this.#problemOfRound = undefined;
  }

  /** It can't be told whether it holds. Goes away with the next round in which it can. */
  noteProblem(problem: string): void {
    this.#problemOfRound ??= problem;
  }

  /** The rule is no more what it was: all that is open of it is resolved. */
  end(resolution: AlertResolution): void {
    for (const key of [...this.#tracked.keys()]) this.forget(key, resolution);
    this.#hasEnded = true;
  }

  /** Hands what is open over to a run of the same rule that differs in nothing that decides when it holds. */
  handOver(next: RuleRun): void {
    for (const [key, tracked] of this.#tracked) next.#tracked.set(key, { ...tracked, round: 0 });
    next.#openCount = this.#openCount;
    this.#tracked.clear();
    this.#hasEnded = true;
  }

  #holds(look: Look): boolean | undefined | 'UNKNOWN' {
    if (look.holds !== true || this.#condition === undefined) return look.holds;
    if (typeof this.#condition === 'string') return 'UNKNOWN';
    try {
      return this.#condition.isTrueNow(scopeOf(look.values()));
    } catch (error) {
      this.noteProblem(`The condition could not be worked out: ${messageOf(error)}`);
      return 'UNKNOWN';
    }
  }

  #track({ subject }: Alert, state: AlertState, alertId: string | undefined): void {
    this.#tracked.set(keyOfSubject(subject), { state, alertId, round: this.#round });
  }

  #raise(look: Look): string {
    const at = this.#clock.now();
    const alert: Alert = {
      id: newId(),
      tenant: this.rule.tenant,
      rule: snapshotOf(this.rule),
      subject: look.subject,
      message: cut(look.message()),
      values: cutTexts(look.values()),
      raisedAt: at,
      lastSeenAt: at,
      resolvedAt: undefined,
      resolution: undefined,
      acknowledgement: undefined,
    };
    this.#openCount += 1;
    this.#book.raise(alert);
    return alert.id;
  }

  #resolve(alertId: string | undefined, resolution: AlertResolution): void {
    if (alertId === undefined) return;
    this.#openCount -= 1;
    this.#book.resolve(alertId, this.#clock.now(), resolution);
  }
}

function readCondition({ condition, settings }: SourcedRule): Expression | string | undefined {
  if (condition === undefined) return undefined;
  try {
    return compileExpression(condition, Object.keys(CONDITION_NAMES[settings.kind]));
  } catch (error) {
    return `The condition can't be read: ${messageOf(error)}`;
  }
}

function cut(text: string): string {
  return text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE - 1)}…`;
}

function cutTexts(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'string' ? cut(value) : value,
    ]),
  );
}
