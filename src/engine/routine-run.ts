import type { CancelTimer } from '../lib/clock.ts';
import type { ActivationHost } from './activation.ts';
import type { ActivationPolicy, RoutineView } from './activation-policy.ts';
import { captureError, restoreError } from './error-snapshot.ts';
import type { FlowRoutine } from './flow.ts';
import type { JobClock, MoveTime } from './job-clock.ts';
import type { RoutineSnapshot } from './job-snapshot.ts';
import { type Item, SlotQueue } from './slot-queue.ts';

/** How far a routine says it is. */
export interface RoutineProgress {
  readonly done: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

/** The values of one output of a job, as far as they are kept. */
export interface OutputBuffer {
  readonly values: unknown[];
  /** How many values were emitted, those not kept included. */
  count: number;
}

/** Where the items of one event go. */
export interface EventTargets {
  readonly slots: readonly SlotQueue[];
  readonly outputs: readonly OutputBuffer[];
}

/** A routine in a job: its queues, its state and its counts. Observers read it, only the job changes it. */
export class RoutineRun implements RoutineView {
  readonly id: string;
  readonly definition: FlowRoutine;
  /** Who runs its activations. For the engine itself. */
  readonly host: ActivationHost;
  readonly policy: ActivationPolicy;
  readonly slots: readonly SlotQueue[];
  /** Filled when the job is put together, before anything runs. */
  readonly targets = new Map<string, EventTargets>();
  /** Made when the job starts, taken over when it is restored. */
  state: unknown = undefined;
  /** Activations that have begun and not ended, retries that wait and outputs that wait outside included. */
  running = 0;
  /** Activations that have begun. */
  begun = 0;
  completed = 0;
  failed = 0;
  skipped = 0;
  retried = 0;
  lastActivationMs: number | undefined = undefined;
  lastOutcome: 'COMPLETED' | 'FAILED' | 'SKIPPED' | undefined = undefined;
  lastError: unknown = undefined;
  progress: RoutineProgress | undefined = undefined;
  /** Whether it stands in the job's list of routines that may be able to run. */
  isReady = false;
  /** Whether what its policy left was handed over. Of a source: that it is not to run. */
  hasFlushed = false;
  /** Whether the inspector wants to be asked about its activations before their code runs, and about what they emit. */
  asksStarts = false;
  asksOutputs = false;
  /** The timer of a policy that waits for a time, and when it fires. */
  timer: CancelTimer | undefined = undefined;
  timerDueMs = 0;
  /**
   * How soon after one of its activations the clock has to be looked at: 64, at once, until its activations have shown
   * to be short; then less and less, down to 1.
   */
  weight = 64;
  readonly #clock: JobClock;

  constructor(definition: FlowRoutine, clock: JobClock, host: ActivationHost) {
    this.#clock = clock;
    this.host = host;
    this.id = definition.id;
    this.definition = definition;
    this.policy = definition.policy;
    this.slots = definition.slots.map((slot) => new SlotQueue(this, slot));
  }

  /** @throws whatever the routine type's `state` throws */
  makeState(): void {
    this.state = this.definition.type.state?.();
  }

  /** The slot of this name, which the flow has. */
  slot(name: string): SlotQueue {
    const slot = this.slots.find((each) => each.name === name);
    if (slot === undefined) throw new RangeError(`Routine "${this.id}" has no slot "${name}".`);
    return slot;
  }

  capture(toWall: MoveTime): RoutineSnapshot {
    const { id, state, begun, completed, failed, skipped, retried, lastOutcome, progress } = this;
    const { lastActivationMs, lastError, hasFlushed } = this;
    return {
      id,
      state,
      begun,
      completed,
      failed,
      skipped,
      retried,
      lastActivationAt: lastActivationMs === undefined ? undefined : toWall(lastActivationMs),
      lastOutcome,
      lastError: lastError === undefined ? undefined : captureError(lastError),
      progress,
      hasFlushed,
      slots: this.slots.map((slot) => slot.capture(toWall)),
    };
  }

  /** Takes over what was captured, `state` included; see `SlotQueue.restore` for its slots. */
  restore(snapshot: RoutineSnapshot, fromWall: MoveTime): void {
    const { lastActivationAt, lastError } = snapshot;
    this.state = snapshot.state;
    this.begun = snapshot.begun;
    this.completed = snapshot.completed;
    this.failed = snapshot.failed;
    this.skipped = snapshot.skipped;
    this.retried = snapshot.retried;
    this.lastActivationMs = lastActivationAt === undefined ? undefined : fromWall(lastActivationAt);
    this.lastOutcome = snapshot.lastOutcome;
    this.lastError = lastError === undefined ? undefined : restoreError(lastError);
    this.progress = snapshot.progress;
    this.hasFlushed = snapshot.hasFlushed;
    for (const slot of snapshot.slots) this.slot(slot.name).restore(slot, fromWall);
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** Items that wait in all slots together. */
  get waiting(): number {
    let count = 0;
    for (const slot of this.slots) count += slot.length;
    return count;
  }

  /** What the code is called with, in the shape the policy takes in. */
  inputsFrom(items: readonly Item[]): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    if (this.policy.shape !== 'many') {
      for (const item of items) inputs[item.slot.name] = item.value;
      return inputs;
    }
    for (const slot of this.slots) inputs[slot.name] = [];
    for (const item of items) (inputs[item.slot.name] as unknown[]).push(item.value); // made above
    return inputs;
  }
}
