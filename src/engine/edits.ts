import type { Activation } from './activation.ts';
import type { ActivationRunner } from './activation-runner.ts';
import type { Delivery } from './delivery.ts';
import { SlotFullError } from './errors.ts';
import type { JobClock } from './job-clock.ts';
import type { JobNews } from './job-news.ts';
import type { ReadyList } from './ready-list.ts';
import type { RoutineRun } from './routine-run.ts';
import { BY_HAND, type Item, type SlotQueue } from './slot-queue.ts';

/** What edits are put together from. */
export interface EditsParts {
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  readonly delivery: Delivery;
  readonly runner: ActivationRunner;
  readonly routines: readonly RoutineRun[];
}

/** What a person changes in a job by hand, so that all counts stay right. Meant for a job that stands still. */
export class Edits {
  readonly #parts: EditsParts;

  constructor(parts: EditsParts) {
    this.#parts = parts;
  }

  /** Something was changed that the engine does not see: a value, a state, shared data. */
  note(): void {
    this.#parts.news.version++;
  }

  /**
   * Puts an item in a slot, behind those that wait there or before them.
   * @throws SlotFullError
   */
  inject(slot: SlotQueue, value: unknown, isFirst: boolean): Item {
    const { clock, delivery, routines } = this.#parts;
    if (slot.isFull) {
      const advice = 'Drop an item first, or let the job go on.';
      throw new SlotFullError(`${slot.owner.id}.${slot.name}`, slot.maxLength, advice);
    }
    clock.tick();
    const { nowMs } = clock;
    const item = { value, emittedBy: BY_HAND, emittedMs: nowMs, queuedMs: nowMs, slot };
    delivery.enter(item, isFirst);
    // The job may have come to its end already, where remainders are handed over: they will have to be once more.
    for (const routine of routines) if (routine.slots.length > 0) routine.hasFlushed = false;
    return item;
  }

  /** Takes an item out of the slot it waits in. False when it does not wait there any more. */
  dropWaiting(item: Item): boolean {
    const { clock, news, ready, delivery } = this.#parts;
    const { slot } = item;
    if (!slot.items.remove(item)) return false;
    slot.discarded++;
    news.version++;
    clock.tick();
    delivery.admit(slot);
    ready.requestWork();
    return true;
  }

  /**
   * Takes an item from an activation that is held before its code. Unless that takes lists of items and has others, it
   * is skipped as a whole. False when it is not held there, or has no such item.
   */
  dropTaken(activation: Activation, item: Item): boolean {
    const { news, runner } = this.#parts;
    if (activation.phase !== 'HELD_BEFORE' || !activation.items.includes(item)) return false;
    if (activation.routine.policy.shape === 'many' && activation.items.length > 1) {
      activation.items = activation.items.filter((each) => each !== item);
      item.slot.inFlight--;
      item.slot.discarded++;
      news.version++;
    } else runner.skip(activation);
    return true;
  }
}
