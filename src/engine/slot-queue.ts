import { Deque } from '../lib/deque.ts';
import type { Activation, ActivationOutcome } from './activation.ts';
import type { SlotView } from './activation-policy.ts';
import type { SlotDefinition } from './flow.ts';
import type { MoveTime } from './job-clock.ts';
import type { ItemSnapshot, SlotSnapshot } from './job-snapshot.ts';
import type { RoutineRun } from './routine-run.ts';

/**
 * What happens to an item that is emitted into a full slot.
 *
 * - `block`: it waits outside, and so does its activation: producers slow down to the pace of consumers.
 * - `error`: `emit` throws `SlotFullError`.
 * - `dropOldest`: the item that waited longest makes room. Counted.
 * - `dropNewest`: the emitted item is dropped. Counted.
 */
export type OverflowPolicy = 'block' | 'error' | 'dropOldest' | 'dropNewest';

/** `Item.emittedBy` of an item that a person put in a slot. */
export const BY_HAND = -1;

/** One datum in a slot, with its lineage. Times are on the engine's monotonic clock, in milliseconds. */
export interface Item {
  value: unknown;
  /** Number of the activation that emitted it; 0 for the job's input, `BY_HAND` for what a person put in. */
  readonly emittedBy: number;
  /** When it was emitted. */
  readonly emittedMs: number;
  /** When it entered the slot: later than `emittedMs` when it had to wait outside. */
  queuedMs: number;
  /** The slot it waits in or was taken from. */
  readonly slot: SlotQueue;
}

/** Writes an item down. Its value is not copied. */
export function captureItem(item: Item, toWall: MoveTime): ItemSnapshot {
  const { value, emittedBy, emittedMs, queuedMs } = item;
  return { value, emittedBy, emittedAt: toWall(emittedMs), queuedAt: toWall(queuedMs) };
}

/** The item that was written down, in the slot it waits in or was taken from. */
export function restoreItem(snapshot: ItemSnapshot, slot: SlotQueue, fromWall: MoveTime): Item {
  const { value, emittedBy, emittedAt, queuedAt } = snapshot;
  return { value, emittedBy, emittedMs: fromWall(emittedAt), queuedMs: fromWall(queuedAt), slot };
}

/** An item that waits outside a full slot, and the activation that waits with it. */
export interface HeldItem {
  readonly item: Item;
  readonly activation: Activation;
}

/**
 * A slot of a routine in a job: the items that wait, those that wait outside, and the count of what became of
 * all others. At any time
 *
 *     accepted = length + inFlight + consumed + failed + skipped + droppedOldest + discarded
 *
 * where `accepted` counts the items that entered. `droppedNewest` and `rejected` count those that never did.
 */
export class SlotQueue implements SlotView {
  readonly name: string;
  readonly maxLength: number;
  readonly definition: SlotDefinition;
  readonly owner: RoutineRun;
  readonly items = new Deque<Item>();
  readonly held = new Deque<HeldItem>();
  accepted = 0;
  /** Taken by an activation that has not ended. */
  inFlight = 0;
  /** Taken by an activation that succeeded. */
  consumed = 0;
  /** Taken by an activation that failed in the end; the error is on record. */
  failed = 0;
  /** Taken by an activation that failed and was skipped. */
  skipped = 0;
  droppedOldest = 0;
  droppedNewest = 0;
  /** Refused by the overflow policy `error`. */
  rejected = 0;
  /** Left over when the job ended, or taken out by a person. */
  discarded = 0;
  /** The most items that ever waited. */
  peak = 0;
  /** Told whenever an item has entered. For the debugger: it may pause the job, and must change nothing else. */
  onAccepted: (() => void) | undefined = undefined;

  constructor(owner: RoutineRun, definition: SlotDefinition) {
    this.owner = owner;
    this.definition = definition;
    this.name = definition.name;
    this.maxLength = definition.maxLength;
  }

  /** Items that wait in the slot. */
  get length(): number {
    return this.items.length;
  }

  get oldestQueuedMs(): number | undefined {
    return this.items.peek()?.queuedMs;
  }

  get isFull(): boolean {
    return this.items.length >= this.maxLength;
  }

  /** Puts an item in the slot. The caller has made sure that there is room. */
  accept(item: Item, isFirst = false): void {
    if (isFirst) this.items.unshift(item);
    else this.items.push(item);
    this.accepted++;
    const length = this.items.length;
    if (length > this.peak) this.peak = length;
    this.onAccepted?.();
  }

  /** Counts what became of an item that was in flight. */
  acknowledge(outcome: Exclude<ActivationOutcome, 'RETRIED'>): void {
    this.inFlight--;
    if (outcome === 'COMPLETED') this.consumed++;
    else if (outcome === 'FAILED') this.failed++;
    else if (outcome === 'SKIPPED') this.skipped++;
    else this.discarded++;
  }

  capture(toWall: MoveTime): SlotSnapshot {
    const { name, accepted, consumed, failed, skipped, droppedOldest, droppedNewest } = this;
    const { rejected, discarded, peak } = this;
    return {
      name,
      items: Array.from(this.items, (item) => captureItem(item, toWall)),
      held: Array.from(this.held, ({ item, activation }) => ({
        activationId: activation.activationId,
        item: captureItem(item, toWall),
      })),
      accepted,
      consumed,
      failed,
      skipped,
      droppedOldest,
      droppedNewest,
      rejected,
      discarded,
      peak,
    };
  }

  /**
   * Takes over what was captured, but for what is in flight or held: that comes with the activations, and with
   * `Activation.hold`.
   */
  restore(snapshot: SlotSnapshot, fromWall: MoveTime): void {
    for (const item of snapshot.items) this.items.push(restoreItem(item, this, fromWall));
    this.accepted = snapshot.accepted;
    this.consumed = snapshot.consumed;
    this.failed = snapshot.failed;
    this.skipped = snapshot.skipped;
    this.droppedOldest = snapshot.droppedOldest;
    this.droppedNewest = snapshot.droppedNewest;
    this.rejected = snapshot.rejected;
    this.discarded = snapshot.discarded;
    this.peak = snapshot.peak;
  }
}
