/** Cancels the timer it came from. Safe to call more than once, and after the timer fired. */
export type CancelTimer = () => void;

/**
 * Where time comes from. Everything that waits or measures is handed a clock, so that tests can move time by hand.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump; for showing, never for measuring. */
  now(): number;
  /** Milliseconds on a clock that never goes back, with a fraction. Its zero point means nothing. */
  monotonicMs(): number;
  /** Calls `fire` once, no earlier than `delayMs` milliseconds from now. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
}

/** The longest delay a Node timer takes (2^31 − 1 ms, about 24.8 days); longer ones are waited for in parts. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fire) => {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      if (leftMs > LONGEST_TIMER_MS) {
        timer = setTimeout(() => wait(leftMs - LONGEST_TIMER_MS), LONGEST_TIMER_MS);
      } else timer = setTimeout(fire, Math.ceil(leftMs));
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
