/** How a routine's code gets what its policy took: one item of one slot, one item of each slot, or lists. */
export type InputShape = 'one' | 'each' | 'many';

/** The kinds of policy, as people are told them; see the functions of the same names. */
export type ActivationPolicyKind =
  | 'IMMEDIATE'
  | 'BATCH_SIZE'
  | 'TIME_INTERVAL'
  | 'ALL_SLOTS_READY'
  | 'CUSTOM'
  | 'NONE';

/** What a policy may know of one slot when it decides. */
export interface SlotView {
  readonly name: string;
  /** Items waiting in the slot. */
  readonly length: number;
  readonly maxLength: number;
  /** When the oldest waiting item was queued, in milliseconds on the clock of `RoutineView.nowMs`. */
  readonly oldestQueuedMs: number | undefined;
}

/** What a policy may know when it decides. */
export interface RoutineView {
  readonly slots: readonly SlotView[];
  /** The present time in milliseconds, monotonic; its zero point means nothing. */
  readonly nowMs: number;
  /** When the routine's latest activation began, on the same clock. */
  readonly lastActivationMs: number | undefined;
}

/** How many items to take from each slot, in the order of the routine's slots. */
export interface Take {
  readonly take: readonly number[];
}

/** Nothing now. Ask again at `waitUntilMs` (clock of `RoutineView.nowMs`) or, without it, when data arrives. */
export interface Wait {
  readonly take?: undefined;
  readonly waitUntilMs?: number;
  /** What is missing, for `whyNotRunning`. */
  readonly missing?: readonly MissingData[];
}

/** A slot that holds fewer items than a policy wants. */
export interface MissingData {
  readonly slot: string;
  readonly has: number;
  readonly needs: number;
}

/** What a policy answers: take these, or wait. */
export type Decision = Take | Wait;

/**
 * Says when a routine may run and what it takes then. `decide` is a pure function of what it is shown: it is
 * called often, and its answer must not depend on anything else.
 */
export interface ActivationPolicy<Shape extends InputShape = InputShape> {
  readonly kind: ActivationPolicyKind;
  /** What people see: the kind's own name, or the name a custom policy gave itself. */
  readonly name: string;
  readonly description: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
  /** Whether items that the policy leaves behind are handed over in one last activation when the job drains. */
  readonly flush: boolean;
  /** The fewest items a slot must be able to hold for the policy ever to take. */
  readonly smallestCapacity: number;
  decide(view: RoutineView): Decision;
}

const WAIT: Wait = {};

/** Runs the routine for each item by itself, as soon as it is there. The default. */
export function immediate(): ActivationPolicy<'one'> {
  return IMMEDIATE;
}

/** `takeOneOf[n]`: one item from slot number n. */
const takeOneOf: Take[] = [];

function takeOne(slot: number): Take {
  let take = takeOneOf[slot];
  if (take === undefined) {
    take = { take: Array.from({ length: slot + 1 }, (_, at) => (at === slot ? 1 : 0)) };
    takeOneOf[slot] = take;
  }
  return take;
}

const IMMEDIATE: ActivationPolicy<'one'> = {
  kind: 'IMMEDIATE',
  name: 'immediate',
  description: 'Runs for each item by itself, as soon as it is there.',
  config: {},
  shape: 'one',
  flush: false,
  smallestCapacity: 1,
  decide: ({ slots }) => {
    // Of several slots the one whose item waited longest goes first, so that none starves.
    let oldest = -1;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at] as SlotView; // within the length
      if (slot.length === 0) continue;
      if (slots.length === 1) return takeOne(0);
      const queuedMs = slot.oldestQueuedMs ?? 0;
      if (queuedMs < oldestMs) {
        oldest = at;
        oldestMs = queuedMs;
      }
    }
    return oldest < 0 ? WAIT : takeOne(oldest);
  },
};

/** Options of policies that gather items. */
export interface GatherOptions {
  /** Hand over what is left when the job drains. Default true; with false it is discarded and counted. */
  readonly flush?: boolean;
}

/**
 * Runs the routine on `size` items of one slot at a time.
 * @throws RangeError when `size` is not a whole number of at least 1
 */
export function batchSize(size: number, options: GatherOptions = {}): ActivationPolicy<'many'> {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`batchSize(${size}): the size must be a whole number of at least 1.`);
  }
  const takeFrom = new Map<number, Take>();
  return {
    kind: 'BATCH_SIZE',
    name: 'batchSize',
    description: `Runs on ${size} items of one slot at a time.`,
    config: { size, flush: options.flush ?? true },
    shape: 'many',
    flush: options.flush ?? true,
    smallestCapacity: size,
    decide: ({ slots }) => {
      for (let at = 0; at < slots.length; at++) {
        if ((slots[at] as SlotView).length < size) continue; // within the length
        let take = takeFrom.get(at);
        if (take === undefined) {
          take = { take: slots.map((_, other) => (other === at ? size : 0)) };
          takeFrom.set(at, take);
        }
        return take;
      }
      return { missing: slots.map((slot) => ({ slot: slot.name, has: slot.length, needs: size })) };
    },
  };
}

/**
 * Runs the routine on all that gathered, `ms` milliseconds after the first of it was queued. So an item waits at
 * most `ms`, whether or not others come.
 * @throws RangeError when `ms` is not a positive number
 */
export function timeInterval(ms: number, options: GatherOptions = {}): ActivationPolicy<'many'> {
  if (!(ms > 0 && Number.isFinite(ms))) {
    throw new RangeError(`timeInterval(${ms}): the interval must be a positive number of ms.`);
  }
  return {
    kind: 'TIME_INTERVAL',
    name: 'timeInterval',
    description: `Runs on all that gathered, ${ms} ms after the first of it was queued.`,
    config: { intervalMs: ms, flush: options.flush ?? true },
    shape: 'many',
    flush: options.flush ?? true,
    smallestCapacity: 1,
    decide: ({ slots, nowMs }) => {
      let oldestMs = Number.POSITIVE_INFINITY;
      for (const slot of slots) oldestMs = Math.min(oldestMs, slot.oldestQueuedMs ?? oldestMs);
      if (oldestMs === Number.POSITIVE_INFINITY) return WAIT;
      const dueMs = oldestMs + ms;
      return nowMs < dueMs ? { waitUntilMs: dueMs } : { take: slots.map((slot) => slot.length) };
    },
  };
}

/** Runs the routine on one item of every slot, once each slot holds one. What finds no partner is discarded. */
export function allSlotsReady(): ActivationPolicy<'each'> {
  return ALL_SLOTS_READY;
}

/** `takeOneOfEach[n]`: one item from each of n slots. */
const takeOneOfEach: Take[] = [];

const ALL_SLOTS_READY: ActivationPolicy<'each'> = {
  kind: 'ALL_SLOTS_READY',
  name: 'allSlotsReady',
  description: 'Runs on one item of every slot, once each slot holds one.',
  config: {},
  shape: 'each',
  flush: false,
  smallestCapacity: 1,
  decide: ({ slots }) => {
    for (const slot of slots) {
      if (slot.length > 0) continue;
      return { missing: slots.map(({ name, length }) => ({ slot: name, has: length, needs: 1 })) };
    }
    takeOneOfEach[slots.length] ??= { take: slots.map(() => 1) };
    return takeOneOfEach[slots.length] as Take; // set in the line above
  },
};

/** How a custom policy describes itself to people. */
export interface CustomPolicyMetadata extends GatherOptions {
  readonly name: string;
  readonly description: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A custom policy's decision, slots by name. A slot that is not named gives nothing. */
export type CustomDecision = { readonly take: Readonly<Record<string, number>> } | Wait;

/**
 * A policy of your own. `decide` must be a pure function of the view. To take more than a slot holds takes all
 * that is there; to take nothing at all is to wait. A `decide` that throws fails the job.
 */
export function custom(
  decide: (view: RoutineView) => CustomDecision,
  metadata: CustomPolicyMetadata,
): ActivationPolicy<'many'> {
  return {
    kind: 'CUSTOM',
    name: metadata.name,
    description: metadata.description,
    config: metadata.config ?? {},
    shape: 'many',
    flush: metadata.flush ?? true,
    smallestCapacity: 1,
    decide: (view) => {
      const decision = decide(view);
      if (decision.take === undefined) return decision;
      const wanted = decision.take;
      const take = view.slots.map(({ name, length }) =>
        Math.max(0, Math.min(Math.floor(wanted[name] ?? 0), length)),
      );
      return take.some((count) => count > 0) ? { take } : WAIT;
    },
  };
}

/**
 * No data activates the routine. Without slots it is a source and runs once, when the job starts. With slots it
 * runs once on all that gathered, when the job drains. Until then nothing empties its slots: each must hold all that
 * ever comes (`maxLength`), or the job dead-locks, unless its overflow policy drops or refuses.
 */
export function none(): ActivationPolicy<'many'> {
  return NONE;
}

const NONE: ActivationPolicy<'many'> = {
  kind: 'NONE',
  name: 'none',
  description:
    'No data activates it: a source runs once at the start, a gatherer once when the job drains.',
  config: {},
  shape: 'many',
  flush: true,
  smallestCapacity: 1,
  decide: () => WAIT,
};
