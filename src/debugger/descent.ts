import type { Activation, Item, JobRun } from '../engine/index.ts';

/** The most activations of which it is remembered that they descend from the first. */
const MOST_MEMBERS = 100_000;

/**
 * What descends from an activation: those that take what it emitted, and what they emit, and so on. To be asked of every
 * activation when its items were taken, in order.
 */
export class Descent {
  readonly #job: JobRun;
  readonly #members: Set<number>;
  /** A waiting item of a member, until it is taken: while there is one nothing has to be searched. */
  #witness: Item | undefined = undefined;

  constructor(job: JobRun, activationId: number) {
    this.#job = job;
    this.#members = new Set([activationId]);
  }

  /** Whether an activation took what a member emitted. */
  isChild({ items }: Activation): boolean {
    let found = false;
    for (const item of items) {
      if (item === this.#witness) this.#witness = undefined;
      if (this.#members.has(item.emittedBy)) found = true;
    }
    return found;
  }

  /** What the activation emits descends from the first, too. False when there are too many. */
  adopt({ activationId }: Activation): boolean {
    if (this.#members.size >= MOST_MEMBERS) return false;
    this.#members.add(activationId);
    return true;
  }

  /** Whether a member has not ended, or something that one emitted still waits to be taken. */
  isAlive(): boolean {
    if (this.#witness !== undefined) return true;
    for (const { activationId } of this.#job.suspended) {
      if (this.#members.has(activationId)) return true;
    }
    return this.#findWaiting();
  }

  #findWaiting(): boolean {
    for (const { slots } of this.#job.routines) {
      for (const slot of slots) {
        for (const item of slot.items) {
          if (!this.#members.has(item.emittedBy)) continue;
          // Where it may be dropped it is searched for again each time.
          if (slot.definition.overflow !== 'dropOldest') this.#witness = item;
          return true;
        }
        for (const { item } of slot.held) {
          if (!this.#members.has(item.emittedBy)) continue;
          this.#witness = item;
          return true;
        }
      }
    }
    return false;
  }
}
