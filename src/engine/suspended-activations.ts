import type { Activation } from './activation.ts';
import { captureActivation, restoreActivation } from './activation-snapshot.ts';
import type { MoveTime, RestoredTimes } from './job-clock.ts';
import type { ActivationSnapshot } from './job-snapshot.ts';
import type { RoutineRun } from './routine-run.ts';

/** Activations that outlive the call that began them, oldest first. */
export interface Suspended extends Iterable<Activation> {
  readonly size: number;
}

/**
 * The same for the engine, which changes it. A list linked through its activations: asynchronous code enters and
 * leaves it with each activation, which a `Set` makes several times as expensive.
 */
export class SuspendedActivations implements Suspended {
  #first: Activation | undefined = undefined;
  #last: Activation | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Activation | undefined {
    return this.#first;
  }

  /** Adds an activation that is not in the list. */
  add(activation: Activation): void {
    const last = this.#last;
    activation.isSuspended = true;
    activation.suspendedBefore = last;
    if (last === undefined) this.#first = activation;
    else last.suspendedAfter = activation;
    this.#last = activation;
    this.#size++;
  }

  /** Removes an activation, if it is in the list. */
  delete(activation: Activation): void {
    if (!activation.isSuspended) return;
    const { suspendedBefore: before, suspendedAfter: after } = activation;
    if (before === undefined) this.#first = after;
    else before.suspendedAfter = after;
    if (after === undefined) this.#last = before;
    else after.suspendedBefore = before;
    activation.isSuspended = false;
    // What has ended may be remembered for long and must not hold on to its neighbours.
    activation.suspendedBefore = undefined;
    activation.suspendedAfter = undefined;
    this.#size--;
  }

  /** Goes through those that are in the list now, whatever becomes of it on the way. */
  [Symbol.iterator](): IterableIterator<Activation> {
    const all: Activation[] = [];
    for (let each = this.#first; each !== undefined; each = each.suspendedAfter) all.push(each);
    return all.values();
  }

  // ── From one process to the next ───────────────────────────────────────────────────────────────────────────────

  capture(nowMs: number, toWall: MoveTime): ActivationSnapshot[] {
    return [...this].map((activation) => captureActivation(activation, nowMs, toWall));
  }

  /** Takes over the activations that were captured, each with its routine. */
  restore(
    snapshots: readonly ActivationSnapshot[],
    routineOf: (id: string) => RoutineRun,
    times: RestoredTimes,
  ): void {
    for (const snapshot of snapshots) {
      this.add(restoreActivation(snapshot, routineOf(snapshot.routineId), times));
    }
  }

  /** Has no retry come due any more. */
  freeze(): void {
    for (const { phase, cancelTimer } of this) if (phase === 'RETRYING') cancelTimer?.();
  }

  /** Whether no code runs any more, but for code that only waits for room, when `countsWaiting`. */
  isStill(countsWaiting: boolean): boolean {
    return [...this].every(
      ({ phase, awaitsDelivery }) => phase !== 'RUNNING' || (countsWaiting && awaitsDelivery),
    );
  }

  /** Leaves all as it is for good: nothing that running code does counts any more. */
  seal(): void {
    for (const activation of this) {
      activation.cancelTimer?.();
      if (activation.phase === 'RUNNING') activation.phase = 'ENDED';
    }
  }
}
