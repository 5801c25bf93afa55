import type { Activation, Interest, JobRun, RoutineRun, SlotQueue } from '../engine/index.ts';
import { levelThreshold } from '../monitoring/read-queue.ts';
import type { Breakpoint, BreakpointProgress } from './breakpoint.ts';
import type { FrameScope } from './frame-scope.ts';
import { LiveBreakpoint, type Outcome } from './live-breakpoint.ts';

/** A line for the job's log: a breakpoint that logs was hit, or one could not be worked out. */
export interface BreakpointLine {
  readonly level: 'INFO' | 'WARNING';
  readonly message: string;
  readonly breakpointId: string;
  readonly routineId: string;
  /** `undefined` where no activation had to do with it. */
  readonly activationId: number | undefined;
}

export interface LiveBreakpointsParts {
  readonly job: JobRun;
  readonly scope: FrameScope;
  readonly now: () => number;
  /** What can be hit has changed: the job has to be asked about other routines. */
  readonly onRearmed: () => void;
  /** A queue has come to a level that stops the job. */
  readonly onReached: (slot: SlotQueue, hit: readonly LiveBreakpoint[]) => void;
  /** A breakpoint has counted, or failed. */
  readonly onCounted: () => void;
  readonly onLine: (line: BreakpointLine) => void;
}

/** The active breakpoints of one routine, by where they stop. */
interface Probes {
  readonly before: readonly LiveBreakpoint[];
  readonly outputs: readonly LiveBreakpoint[];
  readonly failures: readonly LiveBreakpoint[];
}

export const NO_HITS: readonly LiveBreakpoint[] = [];
const NO_PROBES: Probes = { before: NO_HITS, outputs: NO_HITS, failures: NO_HITS };

/**
 * The breakpoints of a running job, sorted by where they can be hit: when that changes, not when it is asked. Answers
 * which of them stop the job; those that only count or log do so by the way.
 */
export class LiveBreakpoints {
  readonly #parts: LiveBreakpointsParts;
  readonly #scope: FrameScope;
  #all: ReadonlyMap<string, LiveBreakpoint> = new Map();
  #probes: ReadonlyMap<RoutineRun, Probes> = new Map();
  /** What was looked up last: activations of one routine come many in a row. */
  #lastRoutine: RoutineRun | undefined = undefined;
  #lastProbes: Probes = NO_PROBES;

  constructor(parts: LiveBreakpointsParts) {
    this.#parts = parts;
    this.#scope = parts.scope;
  }

  get progress(): Readonly<Record<string, BreakpointProgress>> {
    return Object.fromEntries([...this.#all].map(([id, live]) => [id, live.progress]));
  }

  /** Whether any can be hit by an activation. */
  get canHit(): boolean {
    return this.#probes.size > 0;
  }

  /** Takes others in place of those there were. One that is there already goes on counting. */
  set(
    breakpoints: readonly Breakpoint[],
    before: Readonly<Record<string, BreakpointProgress>> = {},
  ): void {
    const { flow } = this.#parts.job;
    const all = breakpoints.map((breakpoint) => {
      const live = this.#all.get(breakpoint.id);
      const progress = live?.progress ?? before[breakpoint.id];
      // Who enables it again wants it to stop once more.
      const isRenewed = live?.breakpoint.isEnabled === false && breakpoint.isEnabled;
      const kept = progress && { ...progress, isSpent: progress.isSpent && !isRenewed };
      const changed = kept && live ? progressOfChanged(kept, live.breakpoint, breakpoint) : kept;
      return [breakpoint.id, new LiveBreakpoint(flow, breakpoint, changed)] as const;
    });
    this.#all = new Map(all);
    this.#sort();
  }

  /** Which of its activations, and whether its outputs, are to be looked at for breakpoints. */
  interestIn(routine: RoutineRun): Interest {
    const { before, outputs } = this.#probesOf(routine);
    return { starts: before.length > 0, outputs: outputs.length > 0 };
  }

  before(activation: Activation): readonly LiveBreakpoint[] {
    const { before } = this.#probesOf(activation.routine);
    const first = before[0];
    // Mostly there is one, and its condition is false: the shortest way, since every activation takes it.
    if (before.length === 1 && first !== undefined && first.slot === undefined) {
      this.#scope.about(activation);
      const met = first.isMet(this.#scope);
      return met !== false && this.#note(first, met, activation.routine.id) ? [first] : NO_HITS;
    }
    return this.#testAll(before, activation);
  }

  output(activation: Activation, event: string, value: unknown): readonly LiveBreakpoint[] {
    const { outputs } = this.#probesOf(activation.routine);
    const own = outputs.filter(({ breakpoint }) => breakpoint.event === event);
    this.#scope.event = event;
    this.#scope.output = value;
    return this.#testAll(own, activation);
  }

  failure(activation: Activation): readonly LiveBreakpoint[] {
    return this.#testAll(this.#probesOf(activation.routine).failures, activation);
  }

  /** Nothing can be hit any more. */
  clear(): void {
    for (const { slots } of this.#parts.job.routines) {
      for (const slot of slots) slot.onAccepted = undefined;
    }
  }

  // ── Where they can be hit ──────────────────────────────────────────────────────────────────────────────────────

  #probesOf(routine: RoutineRun): Probes {
    if (routine !== this.#lastRoutine) {
      this.#lastRoutine = routine;
      this.#lastProbes = this.#probes.get(routine) ?? NO_PROBES;
    }
    return this.#lastProbes;
  }

  #sort(): void {
    const active = [...this.#all.values()].filter(({ isActive }) => isActive);
    const probes = new Map<RoutineRun, Probes>();
    for (const routine of this.#parts.job.routines) {
      const ofKind = (...kinds: readonly Breakpoint['kind'][]) =>
        active.filter(({ breakpoint: { kind, routineId = routine.id } }) => {
          return routineId === routine.id && kinds.includes(kind);
        });
      const before = ofKind('ROUTINE', 'SLOT');
      const outputs = ofKind('EVENT');
      const failures = ofKind('EXCEPTION');
      if (before.length + outputs.length + failures.length > 0) {
        probes.set(routine, { before, outputs, failures });
      }
      for (const slot of routine.slots) this.#watchQueue(slot, ofKind('PRESSURE'));
    }
    this.#probes = probes;
    this.#lastRoutine = undefined;
    this.#parts.onRearmed();
  }

  #watchQueue(slot: SlotQueue, all: readonly LiveBreakpoint[]): void {
    const watching = all.flatMap((live) => {
      const { slot: wanted = slot.name, pressureLevel } = live.breakpoint;
      if (pressureLevel === undefined || wanted !== slot.name) return [];
      return [{ live, threshold: levelThreshold(slot, pressureLevel) }];
    });
    slot.onAccepted = undefined;
    if (watching.length === 0) return;
    let { droppedOldest } = slot;
    slot.onAccepted = () => {
      // An item that took the place of a dropped one did not make the queue longer.
      const isLonger = slot.droppedOldest === droppedOldest;
      droppedOldest = slot.droppedOldest;
      if (!isLonger) return;
      const reached = watching.filter(({ threshold }) => threshold === slot.length);
      if (reached.length > 0)
        this.#reach(
          slot,
          reached.map(({ live }) => live),
        );
    };
  }

  #reach(slot: SlotQueue, reached: readonly LiveBreakpoint[]): void {
    if (this.#parts.job.isEnding) return;
    this.#scope.aboutQueue(slot);
    const hit = reached.filter((live) => this.#test(live, slot.owner.id));
    if (hit.length > 0) this.#parts.onReached(slot, hit);
  }

  // ── Whether they are hit ───────────────────────────────────────────────────────────────────────────────────────

  #testAll(probes: readonly LiveBreakpoint[], activation: Activation): readonly LiveBreakpoint[] {
    if (probes.length === 0) return NO_HITS;
    this.#scope.about(activation);
    let hit: LiveBreakpoint[] | undefined;
    for (const live of probes) {
      const isHit =
        live.slot === undefined
          ? this.#test(live, activation.routine.id)
          : this.#testItems(live, live.slot, activation);
      if (!isHit) continue;
      if (hit === undefined) hit = [live];
      else hit.push(live);
    }
    return hit ?? NO_HITS;
  }

  /** Whether one of the items of a slot stops the job. Without a condition there is one hit for all of them. */
  #testItems(live: LiveBreakpoint, slot: string, activation: Activation): boolean {
    let isHit = false;
    for (const item of activation.items) {
      if (item.slot.name !== slot || !live.isActive) continue;
      this.#scope.item = item;
      isHit = this.#test(live, activation.routine.id);
      if (isHit || live.breakpoint.condition === undefined) break;
    }
    this.#scope.about(activation);
    return isHit;
  }

  /** Whether a breakpoint that was come to stops the job. */
  #test(live: LiveBreakpoint, routineId: string): boolean {
    const met = live.isMet(this.#scope);
    return met !== false && this.#note(live, met, routineId);
  }

  /** A breakpoint was hit, or its condition failed: whether it stops the job. */
  #note(live: LiveBreakpoint, met: true | Outcome, routineId: string): boolean {
    const outcome = met === true ? this.#count(live) : met;
    if (outcome?.kind === 'STOP') return true;
    this.#parts.onCounted();
    if (outcome === undefined || (outcome.kind === 'FAILED' && !outcome.isNew)) return false;
    const { id } = live.breakpoint;
    const isFailure = outcome.kind === 'FAILED';
    this.#parts.onLine({
      level: isFailure ? 'WARNING' : 'INFO',
      message: isFailure ? `Breakpoint ${id}: ${outcome.message}` : outcome.message,
      breakpointId: id,
      routineId,
      activationId: this.#scope.activation?.activationId,
    });
    return false;
  }

  #count(live: LiveBreakpoint) {
    const outcome = live.hit(this.#scope, this.#parts.now());
    let isChanged = live.isSpent;
    for (const other of this.#all.values()) {
      if (other.breakpoint.after !== live.breakpoint.id || other.isArmed) continue;
      other.isArmed = true;
      isChanged = true;
    }
    if (isChanged) this.#sort();
    return outcome;
  }
}

/** What is left of its progress when a breakpoint is changed: who arms it by another one wants it to wait for that. */
function progressOfChanged(
  progress: BreakpointProgress,
  was: Breakpoint,
  is: Breakpoint,
): BreakpointProgress {
  const isSame = was.condition === is.condition && was.logMessage === is.logMessage;
  return {
    ...progress,
    isArmed: progress.isArmed && was.after === is.after,
    lastError: isSame ? progress.lastError : undefined,
  };
}
