import {
  type Activation,
  type Interest,
  InvalidStateError,
  isFinalState,
  type JobInspector,
  type JobRun,
  type RoutineRun,
  type SlotQueue,
} from '../engine/index.ts';
import { levelThreshold } from '../monitoring/read-queue.ts';
import type { Breakpoint } from './breakpoint.ts';
import type { DebugSnapshot, DebugStart, StepKind, Stop, StopReason } from './debug-host.ts';
import { FrameScope } from './frame-scope.ts';
import { LiveBreakpoint } from './live-breakpoint.ts';
import { Stepper } from './stepper.ts';

/** What a job's debugger tells. Called from inside the job's work: to be quick about it. */
export interface JobDebuggerListener {
  /** It stopped, went on, or a breakpoint was hit, failed or was changed. */
  changed(): void;
  /** A breakpoint stopped it. */
  breakpointHit(hit: {
    readonly breakpointId: string;
    readonly hitCount: number;
    readonly reason: StopReason;
    readonly routineId: string;
    readonly activationId: number | undefined;
  }): void;
  /** A breakpoint that logs was hit, or one could not be worked out. */
  logged(line: {
    readonly level: 'INFO' | 'WARNING';
    readonly message: string;
    readonly breakpointId: string;
    readonly routineId: string;
    readonly activationId: number;
  }): void;
}

/** The breakpoints of one routine, by where they stop. */
interface Probes {
  readonly before: readonly LiveBreakpoint[];
  readonly outputs: readonly LiveBreakpoint[];
  readonly failures: readonly LiveBreakpoint[];
}

const NONE: readonly LiveBreakpoint[] = [];
const NO_PROBES: Probes = { before: NONE, outputs: NONE, failures: NONE };

/** What made an activation, or a queue, stop the job. */
interface Cause {
  readonly reason: StopReason;
  readonly activation?: Activation | undefined;
  readonly slot?: SlotQueue | undefined;
}

/**
 * Debugs one job that runs: RUNNING ⇄ STOPPED.
 *
 * It stops when a breakpoint is hit, a step has come to its end (STEPPING is RUNNING with a step under way), or somebody
 * pauses the job. A stop pauses the job: nothing begins in it, while code that runs goes on to its end, where it may be
 * held as well. It goes on by `continue`, which lets go all that is held; so it does when the job is resumed, and ends with
 * the job.
 *
 * It attaches to the job only while there is something to ask: a job without breakpoints that nobody steps pays nothing.
 */
export class JobDebugger implements JobInspector {
  readonly job: JobRun;
  readonly scope: FrameScope;
  readonly #listener: JobDebuggerListener;
  readonly #now: () => number;
  #live: ReadonlyMap<string, LiveBreakpoint> = new Map();
  #probes: ReadonlyMap<RoutineRun, Probes> = new Map();
  /** Those that were looked up last: activations of one routine come many in a row. */
  #lastRoutine: RoutineRun | undefined = undefined;
  #lastProbes: Probes = NO_PROBES;
  #stepper: Stepper | undefined = undefined;
  /** Whether the step under way is the first, to the entry. */
  #isEntering = false;
  #stop: Stop | undefined = undefined;
  #stopCount = 0;

  /** @param start with what it begins; attached before anything happens in the job */
  constructor(job: JobRun, start: DebugStart, listener: JobDebuggerListener, now: () => number) {
    this.job = job;
    this.scope = new FrameScope(job);
    this.#listener = listener;
    this.#now = now;
    const { before, stopsAtEntry, breakpoints } = start;
    this.#stopCount = before?.stopCount ?? 0;
    this.#stop = before?.stop;
    if (before?.step !== undefined) this.#stepper = new Stepper('OVER', job, undefined);
    if (stopsAtEntry) {
      this.#stepper = new Stepper('OVER', job, undefined);
      this.#isEntering = true;
    }
    this.#setLive(
      breakpoints.map((each) => new LiveBreakpoint(job.flow, each, before?.progress[each.id])),
    );
    if (job.state === 'PAUSED') this.#stop ??= this.#newStop({ reason: 'PAUSE' }, []);
    else if (this.#stop?.reason === 'PAUSE') this.#stop = undefined;
    job.observe({ stateChanged: () => this.#stateChanged() });
  }

  // ── From the outside ───────────────────────────────────────────────────────────────────────────────────────────

  get stop(): Stop | undefined {
    return this.#stop;
  }

  get status(): 'RUNNING' | 'STEPPING' | 'STOPPED' {
    if (this.#stop !== undefined) return 'STOPPED';
    return this.#stepper === undefined ? 'RUNNING' : 'STEPPING';
  }

  /** What has to outlast the process. */
  get snapshot(): DebugSnapshot {
    const progress = [...this.#live].map(([id, live]) => [id, live.progress] as const);
    return {
      stop: this.#stop,
      stopCount: this.#stopCount,
      step: this.#stepper?.kind,
      progress: Object.fromEntries(progress),
    };
  }

  /** The activations that are held, those of the stop first, in its order. */
  get held(): readonly Activation[] {
    const order = this.#stop?.activationIds ?? [];
    const place = ({ activationId }: Activation) => {
      const at = order.indexOf(activationId);
      return at < 0 ? order.length : at;
    };
    return [...this.job.suspended].filter(isHeld).sort((a, b) => place(a) - place(b));
  }

  /** Exchanges all breakpoints. One that is there already and says the same goes on counting. */
  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    this.#setLive(
      breakpoints.map((breakpoint) => {
        const before = this.#live.get(breakpoint.id);
        const wasEnabledAgain =
          before?.breakpoint.isEnabled === false && breakpoint.isEnabled ? { isSpent: false } : {};
        const progress = before && { ...before.progress, ...wasEnabledAgain };
        return new LiveBreakpoint(this.job.flow, breakpoint, progress);
      }),
    );
    this.#listener.changed();
  }

  /**
   * Lets all that is held go, and the job go on.
   * @throws InvalidStateError when it is not stopped, or is ending
   */
  continue(step?: StepKind): void {
    const { job } = this;
    const stop = this.requireStop(step === undefined ? 'continued' : 'stepped');
    const { held } = this;
    if (held.length > 0 && !job.hasPlace) {
      const wanted = 'continued before it has a place among the running jobs again';
      throw new InvalidStateError(job.id, job.state, wanted);
    }
    const from = held[0]?.activationId;
    if (step === 'OUT' && from === undefined) {
      throw new InvalidStateError(job.id, job.state, 'stepped out of: no activation is held');
    }
    const stepper = step === undefined ? undefined : new Stepper(step, job, from);
    this.#begin(stepper);
    try {
      job.resume();
    } catch (error) {
      this.#stop = stop;
      throw error;
    }
    this.#letGo(held);
    this.#listener.changed();
  }

  /** An activation that was held has ended: a person dropped its items. */
  forget({ activationId }: Activation): void {
    const stop = this.#stop;
    if (stop === undefined) return;
    const activationIds = stop.activationIds.filter((id) => id !== activationId);
    this.#stop = { ...stop, activationIds };
    this.#listener.changed();
  }

  /** The present stop. @throws InvalidStateError when there is none */
  requireStop(wanted: string): Stop {
    const { job } = this;
    if (this.#stop === undefined || job.state !== 'PAUSED') {
      const state = job.state === 'RUNNING' ? 'RUNNING (not stopped)' : job.state;
      throw new InvalidStateError(job.id, state, wanted);
    }
    return this.#stop;
  }

  // ── Asked by the job ───────────────────────────────────────────────────────────────────────────────────────────

  holdsBefore(activation: Activation): boolean {
    const { before } = this.#probesOf(activation.routine);
    // A step looks at every activation, also those that a breakpoint stops.
    const endsStep = this.#stepper?.endsAt(activation) === true;
    const hit = this.#testAll(before, activation);
    if (hit === NONE && !endsStep) return false;
    if (hit.length > 0) this.#stopAt({ reason: 'BREAKPOINT', activation }, hit);
    else this.#stopAt({ reason: this.#isEntering ? 'ENTRY' : 'STEP', activation });
    return this.job.state === 'PAUSED';
  }

  interestIn(routine: RoutineRun): Interest {
    const { before, outputs } = this.#probesOf(routine);
    const starts = before.length > 0 || this.#stepper !== undefined;
    return { starts, outputs: outputs.length > 0 };
  }

  holdsOutput(activation: Activation, event: string, value: unknown): boolean {
    const probes = this.#probesOf(activation.routine).outputs;
    this.scope.event = event;
    this.scope.output = value;
    const hit = this.#testAll(
      probes.filter(({ breakpoint }) => breakpoint.event === event),
      activation,
    );
    if (hit.length === 0) return false;
    this.#stopAt({ reason: 'BREAKPOINT', activation }, hit);
    return this.job.state === 'PAUSED';
  }

  holdsFailure(activation: Activation): boolean {
    const probes = this.#probesOf(activation.routine).failures;
    const hit = this.#testAll(probes, activation);
    if (hit.length > 0) this.#stopAt({ reason: 'EXCEPTION', activation }, hit);
    return hit.length > 0 && this.job.state === 'PAUSED';
  }

  holdsRestored(activation: Activation): boolean {
    const { activationId } = activation;
    if (this.#stop?.activationIds.includes(activationId) !== true) {
      this.#stopAt({ reason: 'PAUSE', activation });
    } else if (this.job.state === 'RUNNING') {
      // The process ended after the stop, and before it was stored that the job is paused.
      this.job.pause();
    }
    return this.job.state === 'PAUSED';
  }

  // ── Inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #setLive(all: readonly LiveBreakpoint[]): void {
    this.#live = new Map(all.map((live) => [live.breakpoint.id, live]));
    this.#attach();
  }

  #probesOf(routine: RoutineRun): Probes {
    if (routine !== this.#lastRoutine) {
      this.#lastRoutine = routine;
      this.#lastProbes = this.#probes.get(routine) ?? NO_PROBES;
    }
    return this.#lastProbes;
  }

  /** Has the job ask about what is active, and about nothing else. To be called whenever that may have changed. */
  #attach(): void {
    const { job } = this;
    const active = [...this.#live.values()].filter(({ isActive }) => isActive);
    const probes = new Map<RoutineRun, Probes>();
    for (const routine of job.routines) {
      const own = active.filter(({ breakpoint: { routineId } }) => {
        return routineId === undefined || routineId === routine.id;
      });
      const ofKind = (...kinds: readonly Breakpoint['kind'][]) =>
        own.filter(({ breakpoint }) => kinds.includes(breakpoint.kind));
      const found = {
        before: ofKind('ROUTINE', 'SLOT'),
        outputs: ofKind('EVENT'),
        failures: ofKind('EXCEPTION'),
      };
      const all = [...found.before, ...found.outputs, ...found.failures];
      if (all.length > 0) probes.set(routine, found);
      for (const slot of routine.slots) this.#watchQueue(slot, ofKind('PRESSURE'));
    }
    this.#probes = probes;
    this.#lastRoutine = undefined;
    const isNeeded = probes.size > 0 || this.#stepper !== undefined || this.#stop !== undefined;
    job.inspector = isNeeded && !isFinalState(job.state) ? this : undefined;
  }

  #watchQueue(slot: SlotQueue, all: readonly LiveBreakpoint[]): void {
    const watching = all.flatMap((live) => {
      const { slot: wanted, pressureLevel } = live.breakpoint;
      if (pressureLevel === undefined || (wanted !== undefined && wanted !== slot.name)) return [];
      return [{ live, threshold: levelThreshold(slot, pressureLevel) }];
    });
    if (watching.length === 0) {
      slot.onAccepted = undefined;
      return;
    }
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
    if (this.job.isEnding) return;
    const { scope } = this;
    scope.activation = undefined;
    scope.item = undefined;
    scope.routine = slot.owner;
    scope.slot = slot;
    const hit = reached.filter((live) => this.#test(live, slot.owner.id));
    if (hit.length > 0) this.#stopAt({ reason: 'PRESSURE', slot }, hit);
  }

  #testAll(probes: readonly LiveBreakpoint[], activation: Activation): readonly LiveBreakpoint[] {
    if (probes.length === 0) return NONE;
    this.scope.about(activation);
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
    return hit ?? NONE;
  }

  /** Whether one of the items of a slot hits. */
  #testItems(live: LiveBreakpoint, slot: string, activation: Activation): boolean {
    for (const item of activation.items) {
      if (item.slot.name !== slot) continue;
      this.scope.item = item;
      if (live.isActive && this.#test(live, activation.routine.id)) {
        this.scope.about(activation);
        return true;
      }
      if (live.breakpoint.condition === undefined) break; // one hit for all of them
    }
    this.scope.about(activation);
    return false;
  }

  /** Whether a breakpoint that was come to stops the job. */
  #test(live: LiveBreakpoint, routineId: string): boolean {
    const { scope } = this;
    const met = live.isMet(scope);
    if (met === false) return false;
    const outcome = met === true ? this.#count(live) : met;
    if (outcome?.kind === 'STOP') return true;
    if (outcome === undefined) return false;
    const isFailure = outcome.kind === 'FAILED';
    if (!isFailure || outcome.isNew) {
      const { id } = live.breakpoint;
      this.#listener.logged({
        level: isFailure ? 'WARNING' : 'INFO',
        message: isFailure ? `Breakpoint ${id}: ${outcome.message}` : outcome.message,
        breakpointId: id,
        routineId,
        activationId: scope.activation?.activationId ?? 0,
      });
    }
    this.#listener.changed();
    return false;
  }

  #count(live: LiveBreakpoint) {
    const outcome = live.hit(this.scope, this.#now());
    let hasArmed = false;
    for (const other of this.#live.values()) {
      if (other.breakpoint.after !== live.breakpoint.id || other.isArmed) continue;
      other.isArmed = true;
      hasArmed = true;
    }
    if (hasArmed || live.isSpent) this.#attach();
    this.#listener.changed();
    return outcome;
  }

  #stopAt(cause: Cause, hit: readonly LiveBreakpoint[] = NONE): void {
    const { job } = this;
    if (job.isEnding) return;
    const ids = hit.map(({ breakpoint }) => breakpoint.id);
    const before = this.#stop;
    this.#stop = before === undefined ? this.#newStop(cause, ids) : addTo(before, cause, ids);
    try {
      if (job.state === 'RUNNING') job.pause();
    } catch {
      this.#stop = before; // it is frozen: nothing can be changed in it any more
      return;
    }
    this.#begin(undefined);
    for (const { breakpoint, hitCount } of hit) {
      this.#listener.breakpointHit({
        breakpointId: breakpoint.id,
        hitCount,
        reason: cause.reason,
        routineId: cause.activation?.routineId ?? cause.slot?.owner.id ?? '',
        activationId: cause.activation?.activationId,
      });
    }
    this.#listener.changed();
  }

  #newStop({ reason, activation, slot }: Cause, breakpointIds: readonly string[]): Stop {
    this.#stopCount++;
    return {
      number: this.#stopCount,
      reason,
      at: this.#now(),
      breakpointIds,
      activationIds: activation === undefined ? [] : [activation.activationId],
      queue: slot && { routineId: slot.owner.id, slot: slot.name },
    };
  }

  #begin(stepper: Stepper | undefined): void {
    this.#stepper = stepper;
    this.#isEntering = false;
    this.#attach();
  }

  /** Lets what was held at a stop go. What comes of the first may stop the job again: then the others wait on. */
  #letGo(held: readonly Activation[]): void {
    for (const [at, activation] of held.entries()) {
      const stop = this.#stop;
      if (stop !== undefined) {
        const left = held.slice(at).map(({ activationId }) => activationId);
        this.#stop = { ...stop, activationIds: [...new Set([...stop.activationIds, ...left])] };
        return;
      }
      this.job.release(activation);
    }
  }

  #stateChanged(): void {
    const { state } = this.job;
    if (state === 'PAUSED') {
      if (this.#stop === undefined) {
        this.#stop = this.#newStop({ reason: 'PAUSE' }, []);
        this.#begin(undefined);
      }
    } else {
      this.#stop = undefined;
      if (isFinalState(state)) this.#begin(undefined);
      else this.#attach();
    }
    this.#listener.changed();
  }
}

/** Whether something of the activation is held until it is released. */
export function isHeld({ phase, staged }: Activation): boolean {
  return phase === 'HELD_BEFORE' || phase === 'HELD_AFTER' || staged !== undefined;
}

/** The stop, with one more cause. Somebody who paused the job is told why it would have stopped. */
function addTo(stop: Stop, { reason, activation, slot }: Cause, ids: readonly string[]): Stop {
  const { activationIds, breakpointIds, queue } = stop;
  const added = activation === undefined ? [] : [activation.activationId];
  return {
    ...stop,
    reason: stop.reason === 'PAUSE' ? reason : stop.reason,
    activationIds: [...new Set([...activationIds, ...added])],
    breakpointIds: [...new Set([...breakpointIds, ...ids])],
    queue: queue ?? (slot && { routineId: slot.owner.id, slot: slot.name }),
  };
}
