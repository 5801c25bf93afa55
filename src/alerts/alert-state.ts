/*
 * How a rule stands with one subject.
 *
 * - IDLE: it does not hold.
 * - PENDING: it holds, but not for as long as it has to. When it has, and there is room for another alert of the rule, an
 *   alert is raised: FIRING. Without room it stays PENDING, as *suppressed*, until there is. When it does not hold any more:
 *   IDLE, and nobody was told.
 * - FIRING: there is an open alert. When it does not hold any more the alert is resolved: COOLING_DOWN.
 * - COOLING_DOWN: there was an alert. Whether it holds does not matter until the time is over; then it is as IDLE, so that
 *   it has to hold for the whole of its time anew.
 *
 *   IDLE → PENDING → FIRING → COOLING_DOWN → IDLE
 *
 * One look may take several steps: with no times to wait for, IDLE → FIRING. Where a look can't tell whether it holds,
 * nothing changes but that a cool-down may end. Times are of a clock that never goes back.
 */
export type AlertState =
  | { readonly kind: 'IDLE' }
  | { readonly kind: 'PENDING'; readonly sinceMs: number; readonly isSuppressed: boolean }
  | { readonly kind: 'FIRING' }
  | { readonly kind: 'COOLING_DOWN'; readonly sinceMs: number };

/** What one look found. */
export interface AlertObservation {
  readonly nowMs: number;
  /** `undefined` when that can't be told. */
  readonly holds: boolean | undefined;
  /** Whether the rule may have another open alert. */
  readonly hasRoom: boolean;
}

export interface AlertTimes {
  /** It has to hold for so long. */
  readonly forMs: number;
  /** So long after an alert there is no other. */
  readonly coolDownMs: number;
}

export interface AlertStep {
  readonly state: AlertState;
  /** What is to be done: an alert to be raised, or the open one to be resolved. */
  readonly act: 'RAISE' | 'RESOLVE' | undefined;
}

export const IDLE: AlertState = { kind: 'IDLE' };

/** The only way from one state to another. */
export function nextAlertState(
  state: AlertState,
  observation: AlertObservation,
  times: AlertTimes,
): AlertStep {
  const { nowMs, holds, hasRoom } = observation;
  switch (state.kind) {
    case 'IDLE':
      if (holds !== true) return { state, act: undefined };
      return nextAlertState(
        { kind: 'PENDING', sinceMs: nowMs, isSuppressed: false },
        observation,
        times,
      );
    case 'PENDING': {
      if (holds === undefined) return { state, act: undefined };
      if (!holds) return { state: IDLE, act: undefined };
      if (nowMs - state.sinceMs < times.forMs) return { state, act: undefined };
      if (hasRoom) return { state: { kind: 'FIRING' }, act: 'RAISE' };
      return { state: { ...state, isSuppressed: true }, act: undefined };
    }
    case 'FIRING':
      if (holds !== false) return { state, act: undefined };
      return { state: coolDown(nowMs, times), act: 'RESOLVE' };
    case 'COOLING_DOWN':
      if (nowMs - state.sinceMs < times.coolDownMs) return { state, act: undefined };
      return nextAlertState(IDLE, observation, times);
  }
}

function coolDown(nowMs: number, { coolDownMs }: AlertTimes): AlertState {
  return coolDownMs === 0 ? IDLE : { kind: 'COOLING_DOWN', sinceMs: nowMs };
}
