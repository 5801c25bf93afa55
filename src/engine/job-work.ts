import type { Take } from './activation-policy.ts';
import type { ActivationRunner } from './activation-runner.ts';
import { findDeadlock } from './deadlock.ts';
import type { Delivery } from './delivery.ts';
import type { JobClock } from './job-clock.ts';
import type { JobLife } from './job-life.ts';
import type { JobNews } from './job-news.ts';
import type { ReadyList } from './ready-list.ts';
import type { RoutineRun } from './routine-run.ts';
import type { Sliced } from './scheduler.ts';
import type { Item, SlotQueue } from './slot-queue.ts';

/** Activations of one routine that are begun before others get their turn. */
const TURN_OF_ROUTINE = 256;

/** The clock is looked at once activations of this weight have begun; see `RoutineRun.weight`. */
const LOOK_AT_WEIGHT = 64;

/** When so little time has gone by between two looks, the next may come later. */
const SHORT_MS = 0.1;

/** What a job's work is put together from. */
export interface JobWorkParts {
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  readonly delivery: Delivery;
  readonly runner: ActivationRunner;
  readonly routines: readonly RoutineRun[];
  /** The routines, each after all that feed it. */
  readonly drainOrder: readonly RoutineRun[];
  /** How long the job may stand still, with running code that waits for room, before it counts as dead-locked. */
  readonly deadlockGraceMs: number;
  /** Called after each slice in a frozen job: code may have ended. */
  readonly onFrozenSlice: () => void;
}

/**
 * The work of a job, done a slice at a time: gives routines their turn, in which their policies decide and activations
 * begin. When none can be activated it finds out why.
 */
export class JobWork implements Sliced {
  isScheduled = false;
  /** Whether a slice is in the middle of its work. */
  isWorking = false;
  readonly #life: JobLife;
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;
  readonly #delivery: Delivery;
  readonly #runner: ActivationRunner;
  readonly #routines: readonly RoutineRun[];
  readonly #drainOrder: readonly RoutineRun[];
  readonly #deadlockGraceMs: number;
  readonly #onFrozenSlice: () => void;
  #cancelStallCheck: (() => void) | undefined = undefined;
  /** When the clock was looked at last in this slice, in real milliseconds. */
  #lookedMs = 0;
  /** The weight of the activations begun since then. */
  #unlooked = 0;

  constructor(parts: JobWorkParts) {
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#news = parts.news;
    this.#ready = parts.ready;
    this.#delivery = parts.delivery;
    this.#runner = parts.runner;
    this.#routines = parts.routines;
    this.#drainOrder = parts.drainOrder;
    this.#deadlockGraceMs = parts.deadlockGraceMs;
    this.#onFrozenSlice = parts.onFrozenSlice;
  }

  work(fromMs: number, untilMs: number): boolean {
    this.#ready.beginWork();
    this.#lookedMs = fromMs;
    this.#unlooked = 0;
    this.#clock.tickAt(fromMs);
    this.isWorking = true;
    try {
      return this.#work(untilMs);
    } finally {
      this.isWorking = false;
      this.#ready.endWork();
      this.#clock.isStale = true;
      if (this.#life.isFrozen) this.#onFrozenSlice();
    }
  }

  /** Ends all that would bring the job more work: it is ending, or frozen. */
  stop(): void {
    this.#ready.clear();
    this.#cancelStallCheck?.();
    for (const routine of this.#routines) this.#wakeAt(routine, undefined);
  }

  #work(untilMs: number): boolean {
    while (this.#life.mayBegin) {
      const routine = this.#ready.next();
      if (routine === undefined) {
        if (!this.#goOnWhenIdle()) return false;
      } else if (this.#drive(routine, untilMs)) return true;
    }
    return false;
  }

  /** Begins activations of one routine while its policy allows. True when the slice's time is used up. */
  #drive(routine: RoutineRun, untilMs: number): boolean {
    const { policy, definition } = routine;
    for (let turn = 0; turn < TURN_OF_ROUTINE; turn++) {
      if (routine.running >= definition.concurrency) return false;
      if (routine.slots.length === 0) {
        if (routine.begun === 0 && !routine.hasFlushed) this.#runner.begin(routine, []);
        return false;
      }
      let decision: ReturnType<typeof policy.decide>;
      try {
        decision = policy.decide(routine);
      } catch (error) {
        this.#life.end('FAILED', error);
        return false;
      }
      if (decision.take === undefined) {
        this.#wakeAt(routine, decision.waitUntilMs);
        return false;
      }
      if (routine.timer !== undefined) this.#wakeAt(routine, undefined);
      this.#activate(routine, decision);
      if (!this.#life.mayBegin) return false;
      if (this.#isTimeUp(routine, untilMs)) {
        this.#ready.wake(routine);
        return true;
      }
    }
    this.#ready.wake(routine);
    return false;
  }

  /** Looks at the clock, but only now and then while activations are short; after each that may be long. */
  #isTimeUp(routine: RoutineRun, untilMs: number): boolean {
    this.#unlooked += routine.weight;
    if (this.#unlooked < LOOK_AT_WEIGHT) return false;
    const nowMs = performance.now();
    const isShort = nowMs - this.#lookedMs < SHORT_MS;
    routine.weight = isShort ? Math.max(1, routine.weight / 2) : LOOK_AT_WEIGHT;
    this.#lookedMs = nowMs;
    this.#unlooked = 0;
    this.#clock.tickAt(nowMs);
    return nowMs >= untilMs;
  }

  #activate(routine: RoutineRun, take: Take): void {
    this.#runner.begin(routine, takeItems(routine, take));
    // Only now: what is let in may conclude the activation it came from, and so end or pause the job.
    for (let at = 0; at < routine.slots.length; at++) {
      const slot = routine.slots[at] as SlotQueue; // within the length
      if (slot.held.length > 0) this.#delivery.admit(slot);
    }
  }

  /** Replaces the routine's timer by what its policy decided last: a timer left over would hold up the job's end. */
  #wakeAt(routine: RoutineRun, dueMs: number | undefined): void {
    if (dueMs === undefined || !Number.isFinite(dueMs)) {
      routine.timer?.();
      routine.timer = undefined;
      return;
    }
    if (routine.timer !== undefined && routine.timerDueMs <= dueMs) return;
    routine.timer?.();
    routine.timerDueMs = dueMs;
    routine.timer = this.#clock.setTimer(Math.max(0, dueMs - this.#clock.nowMs), () => {
      routine.timer = undefined;
      this.#clock.tick();
      this.#ready.wake(routine);
      this.#ready.requestWork();
    });
  }

  /**
   * Called when no routine can be activated. Either something will come by itself (running code, a timer, a retry),
   * or remainders are handed over, or the job is dead-locked, or it is done. True when there is work again.
   */
  #goOnWhenIdle(): boolean {
    if (this.#runner.suspended.size > 0) {
      this.#watchForDeadlock();
      return false;
    }
    if (this.#routines.some(({ timer }) => timer !== undefined)) return false;
    const rest = this.#drainOrder.find(
      (routine) => routine.policy.flush && !routine.hasFlushed && routine.waiting > 0,
    );
    if (rest === undefined) {
      this.#life.complete();
      return false;
    }
    rest.hasFlushed = true;
    this.#activate(rest, { take: rest.slots.map(({ length }) => length) });
    return true;
  }

  #watchForDeadlock(): void {
    const deadlock = findDeadlock(this.#routines, this.#runner.suspended);
    if (deadlock === undefined || this.#cancelStallCheck !== undefined) return;
    if (deadlock.isCertain) {
      this.#life.end('FAILED', deadlock.error);
      return;
    }
    const { version } = this.#news;
    this.#cancelStallCheck = this.#clock.setTimer(this.#deadlockGraceMs, () => {
      this.#cancelStallCheck = undefined;
      if (!this.#life.mayBegin) return;
      const still = findDeadlock(this.#routines, this.#runner.suspended);
      if (still !== undefined && this.#news.version === version) {
        this.#life.end('FAILED', still.error);
      } else this.#ready.requestWork();
    });
  }
}

function takeItems(routine: RoutineRun, { take }: Take): readonly Item[] {
  let items: Item[] | undefined;
  for (let at = 0; at < routine.slots.length; at++) {
    const slot = routine.slots[at] as SlotQueue; // within the length
    for (let count = take[at] ?? 0; count > 0; count--) {
      const item = slot.items.shift();
      if (item === undefined) break;
      slot.inFlight++;
      // A list that begins with what it holds has no room to spare; one that begins empty gets it for 17.
      if (items === undefined) items = [item];
      else items.push(item);
    }
  }
  return items ?? [];
}
