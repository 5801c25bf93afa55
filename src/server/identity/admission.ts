import { type CancelTimer, systemClock } from '../../lib/clock.ts';
import type { Identity } from '../../lib/identity.ts';
import { isKeptWithin } from '../../lib/within.ts';
import type { Beating, Heartbeat } from '../socket/heartbeat.ts';

/** What takes longer, in milliseconds, can't be found out now. */
const RECHECK_LIMIT_MS = 10_000;

/**
 * That a client was let in, for as long as who it is holds: until it expires, or is found at a heartbeat not to hold any
 * more. Who only can't be asked whether it does stays.
 */
export class Admission implements Beating {
  readonly #identity: Identity;
  readonly #heartbeat: Heartbeat;
  readonly #onEnd: (problem: string) => void;
  readonly #place: number;
  #cancelTimer: CancelTimer = () => undefined;
  #isChecking = false;
  #isOver = false;

  /** @param onEnd is called once, with the reason, unless it is closed before */
  constructor(identity: Identity, heartbeat: Heartbeat, onEnd: (problem: string) => void) {
    this.#identity = identity;
    this.#heartbeat = heartbeat;
    this.#onEnd = onEnd;
    this.#place = heartbeat.join(this);
    this.#awaitExpiry();
  }

  /** Once a heartbeat. */
  beat(): void {
    // The clock may have been set since the timer was.
    if (isExpired(this.#identity)) this.#end('Token expired');
    else if (!this.#isChecking) void this.#check();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#heartbeat.leave(this, this.#place);
  }

  async #check(): Promise<void> {
    const { recheck } = this.#identity;
    if (recheck === undefined) return;
    this.#isChecking = true;
    try {
      const holds = recheck();
      const isKnown = await isKeptWithin(holds, RECHECK_LIMIT_MS, systemClock);
      if (isKnown && !(await holds)) this.#end('Token revoked');
    } catch {
      // It can't be found out now; the next heartbeat asks again.
    } finally {
      this.#isChecking = false;
    }
  }

  #awaitExpiry(): void {
    const { expiresAt } = this.#identity;
    if (expiresAt === undefined) return;
    this.#cancelTimer = systemClock.setTimer(Math.max(0, expiresAt - Date.now()), () => {
      if (isExpired(this.#identity)) this.#end('Token expired');
      else this.#awaitExpiry(); // timers may be early, and the clock may have been set
    });
  }

  #end(problem: string): void {
    if (this.#isOver) return;
    this.close();
    this.#onEnd(problem);
  }
}

/** Whether who somebody is does not hold any more. */
export function isExpired({ expiresAt }: Identity): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}
