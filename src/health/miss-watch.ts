import type { CancelTimer, Clock } from '../lib/clock.ts';

/** After so many of its intervals without a report an agent is UNKNOWN, and then UNHEALTHY. */
const MISSED_AFTER = { UNKNOWN: 1.5, UNHEALTHY: 3 } as const;

/** Waits for the next report of an agent. */
export interface MissWatch {
  /** A report came. */
  reported(): void;
  stop(): void;
}

/**
 * Tells when an agent misses its reports: first that nothing is known of it, then that it is taken for down. It begins as
 * if there had just been a report.
 */
export function createMissWatch(
  intervalMs: number,
  clock: Clock,
  onMissed: (to: keyof typeof MISSED_AFTER, text: string) => void,
): MissWatch {
  let cancelTimer: CancelTimer = () => undefined;

  const tell = (to: keyof typeof MISSED_AFTER) => {
    const lateMs = MISSED_AFTER[to] * intervalMs;
    onMissed(to, `No report for ${lateMs} ms, though one is expected every ${intervalMs} ms.`);
  };
  const wait = () => {
    cancelTimer = clock.setTimer(MISSED_AFTER.UNKNOWN * intervalMs, () => {
      const moreMs = (MISSED_AFTER.UNHEALTHY - MISSED_AFTER.UNKNOWN) * intervalMs;
      cancelTimer = clock.setTimer(moreMs, () => tell('UNHEALTHY'));
      tell('UNKNOWN');
    });
  };

  wait();
  return {
    reported() {
      cancelTimer();
      wait();
    },
    stop: () => cancelTimer(),
  };
}
