import type { Activation, Output } from './activation.ts';
import { SlotFullError } from './errors.ts';
import type { JobClock, RestoredTimes } from './job-clock.ts';
import type { JobLife } from './job-life.ts';
import type { JobNews } from './job-news.ts';
import type { SlotSnapshot } from './job-snapshot.ts';
import { OUTPUT_LIMIT } from './job-state.ts';
import type { ReadyList } from './ready-list.ts';
import type { EventTargets, RoutineRun } from './routine-run.ts';
import { type Item, restoreItem, type SlotQueue } from './slot-queue.ts';

/** What a delivery is put together from. */
export interface DeliveryParts {
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  /** Called when the last output of an activation that waited has found its place, or was given up. */
  readonly onDelivered: (activation: Activation) => void;
}

/**
 * Brings what is emitted to the slots and outputs it goes to. What finds its slot full is treated by the slot's
 * overflow policy; what is blocked waits outside, in `SlotQueue.held`, until `admit`.
 */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #life: JobLife;
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#news = parts.news;
    this.#ready = parts.ready;
  }

  /** Brings an emitted item to all it goes to. @throws SlotFullError when a slot refuses it */
  deliver(activation: Activation, event: string, targets: EventTargets, value: unknown): void {
    if (this.#clock.isStale) {
      // Emitted by code that went on later.
      this.#clock.tick();
      this.#ready.requestWork();
    }
    activation.emitted++;
    if (this.#news.isWatched) activation.remember(event, value);
    for (const output of targets.outputs) {
      output.count++;
      if (output.values.length < OUTPUT_LIMIT) output.values.push(value);
    }
    let refusal: SlotFullError | undefined;
    for (const slot of targets.slots) {
      const item = this.#itemFor(slot, value, activation.activationId);
      if (this.#life.isEnding) {
        slot.accepted++;
        slot.discarded++;
      } else if (!slot.isFull && slot.held.length === 0) {
        this.enter(item);
      } else {
        refusal = this.#overflow(slot, item, activation) ?? refusal;
      }
    }
    // Those that have room get the item even when another refuses it.
    if (refusal !== undefined) throw refusal;
  }

  /**
   * Brings on their way outputs of an activation that were kept back. One that a slot refuses fails the activation: its
   * code can't be told any more.
   */
  deliverAll(activation: Activation, outputs: readonly Output[]): void {
    for (const { event, value } of outputs) {
      const targets = activation.routine.targets.get(event);
      if (targets === undefined) continue;
      try {
        this.deliver(activation, event, targets, value);
      } catch (error) {
        // What it emitted after this one is not lost.
        if (!activation.hasFailed) activation.error = error;
        activation.hasFailed = true;
      }
    }
  }

  /** Puts the job's input in a slot. */
  enterInput(slot: SlotQueue, input: unknown): void {
    this.enter(this.#itemFor(slot, input, 0));
  }

  /** Puts an item in its slot, where there is room, behind or before those that wait. */
  enter(item: Item, isFirst = false): void {
    const { slot } = item;
    slot.accept(item, isFirst);
    this.#news.version++;
    this.#ready.wake(slot.owner);
  }

  /** Lets in what waits outside, as far as there is room, in the order it came. */
  admit(slot: SlotQueue): void {
    while (slot.held.length > 0 && !slot.isFull) {
      const held = slot.held.shift();
      if (held === undefined) return;
      held.item.queuedMs = this.#clock.nowMs;
      this.enter(held.item);
      this.#settle(held.activation, slot);
    }
  }

  /** Gives up what waits outside: the job is ending. */
  discardHeld(routines: readonly RoutineRun[]): void {
    this.#clock.tick(); // the job may be ended between two pieces of work
    for (const { slots } of routines) {
      for (const slot of slots) {
        for (const { activation } of slot.held.drain()) {
          slot.accepted++;
          slot.discarded++;
          this.#settle(activation, slot);
        }
      }
    }
  }

  /** Has items wait outside again that did when the job was captured. */
  restoreHeld(
    slot: SlotQueue,
    held: SlotSnapshot['held'],
    activations: ReadonlyMap<number, Activation>,
    { takenMs, fromWall }: RestoredTimes,
  ): void {
    for (const { activationId, item } of held) {
      const activation = activations.get(activationId);
      if (activation === undefined) continue; // no snapshot that was captured has such an item
      activation.hold(slot, takenMs);
      slot.held.push({ item: restoreItem(item, slot, fromWall), activation });
    }
  }

  #overflow(slot: SlotQueue, item: Item, activation: Activation): SlotFullError | undefined {
    switch (slot.definition.overflow) {
      case 'block':
        this.#news.version++;
        // A stamp would do for the queue, but code may have run for long before it had to wait.
        if (activation.pending === 0 && this.#news.isWatched) this.#clock.tick();
        activation.hold(slot, this.#clock.nowMs);
        slot.held.push({ item, activation });
        this.#ready.requestWork();
        return undefined;
      case 'dropNewest':
        slot.droppedNewest++;
        return undefined;
      case 'dropOldest':
        slot.items.shift();
        slot.droppedOldest++;
        this.enter(item);
        return undefined;
      case 'error':
        slot.rejected++;
        return new SlotFullError(`${slot.owner.id}.${slot.name}`, slot.maxLength);
    }
  }

  #itemFor(slot: SlotQueue, value: unknown, emittedBy: number): Item {
    const { nowMs } = this.#clock;
    return { value, emittedBy, emittedMs: nowMs, queuedMs: nowMs, slot };
  }

  #settle(activation: Activation, slot: SlotQueue): void {
    activation.settleDelivery(slot, this.#clock.nowMs);
    if (activation.pending === 0) this.#parts.onDelivered(activation);
  }
}
