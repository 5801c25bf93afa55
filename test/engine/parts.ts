import {
  defineRoutine,
  event,
  type JobInspector,
  type JobRun,
  type SlotQueue,
  slot,
} from 'millrace/engine';

/** A source that emits the values, no faster than they are taken. */
export function emits<T>(values: Iterable<T>) {
  return defineRoutine({
    type: 'emits',
    events: { item: event<T>() },
    run: async (_, ctx) => {
      for (const value of values) await ctx.emit('item', value);
    },
  });
}

/** A source that emits all values at once, without waiting. */
export function emitsAtOnce<T>(values: readonly T[]) {
  return defineRoutine({
    type: 'emits-at-once',
    events: { item: event<T>() },
    run: (_, ctx) => {
      for (const value of values) ctx.emit('item', value);
    },
  });
}

/** A consumer that keeps what it gets. */
export function keeps<T>(kept: T[]) {
  return defineRoutine({
    type: 'keeps',
    slots: { item: slot<T>() },
    run: ({ item }) => {
      kept.push(item);
    },
  });
}

/** A routine that passes on what it gets, after code of the test has seen it. */
export function passes<T>(see: (item: T) => unknown = () => undefined) {
  return defineRoutine({
    type: 'passes',
    slots: { item: slot<T>() },
    events: { item: event<T>() },
    run: ({ item }, ctx) => {
      const seen = see(item);
      if (seen instanceof Promise) return seen.then(() => ctx.emit('item', item));
      return ctx.emit('item', item);
    },
  });
}

/** Where asynchronous code of a test waits until the test lets it go on. */
export class Gate {
  readonly #waiting: (() => void)[] = [];

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  readonly pass = (): Promise<void> => new Promise((keep) => this.#waiting.push(keep));

  /** Lets the one that waited longest go on. */
  open(): void {
    this.#waiting.shift()?.();
  }

  openAll(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

export function range(length: number, first = 0): number[] {
  return Array.from({ length }, (_, at) => first + at);
}

export function slotOf(job: JobRun, routine: string, name = 'item'): SlotQueue {
  const found = job.routine(routine).slots.find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`No slot ${routine}.${name}.`);
  return found;
}

/** The counts of a slot, without those that are zero. */
export function countsOf(queue: SlotQueue): Partial<Record<string, number>> {
  const { accepted, inFlight, consumed, failed, skipped, discarded, rejected, length } = queue;
  const { droppedOldest, droppedNewest } = queue;
  const counts = {
    accepted,
    length,
    held: queue.held.length,
    inFlight,
    consumed,
    failed,
    skipped,
    droppedOldest,
    droppedNewest,
    discarded,
    rejected,
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** An inspector that holds nothing but what is said. */
export function inspecting(asked: Partial<JobInspector>): JobInspector {
  return {
    holdsBefore: () => false,
    interestIn: () => ({ starts: true, outputs: false }),
    holdsOutput: () => false,
    holdsFailure: () => false,
    holdsRestored: () => false,
    ...asked,
  };
}
