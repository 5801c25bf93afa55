import {
  type Activation,
  type Interest,
  InvalidStateError,
  isFinalState,
  type JobInspector,
  type JobRun,
  type RoutineRun,
} from '../engine/index.ts';
import type { Breakpoint } from './breakpoint.ts';
import type { DebugSnapshot, DebugStart, StepKind, Stop, StopReason } from './debug-host.ts';
import { FrameScope } from './frame-scope.ts';
import type { LiveBreakpoint } from './live-breakpoint.ts';
import { type BreakpointLine, LiveBreakpoints, NO_HITS } from './live-breakpoints.ts';
import { Stepper } from './stepper.ts';
import { addToStop, type Cause, makeStop } from './stop.ts';

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
  /** A line is to be written to its log. */
  logged(line: BreakpointLine): void;
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
  readonly #breakpoints: LiveBreakpoints;
  #stepper: Stepper | undefined = undefined;
  /** Whether the step under way is the first, to the entry. */
  #isEntering = false;
  #stop: Stop | undefined = undefined;
  #stopCount = 0;
  /** Numbers of the activations that were let go last. */
  #released: readonly number[] = [];
  /** Whether it stood still in a process before. */
  readonly isRestored: boolean;
  #isDetached = false;

  /** @param start with what it begins; attached before anything happens in the job */
  constructor(job: JobRun, start: DebugStart, listener: JobDebuggerListener, now: () => number) {
    this.job = job;
    this.scope = new FrameScope(job);
    this.#listener = listener;
    this.#now = now;
    this.#breakpoints = new LiveBreakpoints({
      job,
      scope: this.scope,
      now,
      onRearmed: () => this.#attach(),
      onReached: (slot, hit) => this.#stopAt({ reason: 'PRESSURE', slot }, hit),
      onCounted: () => listener.changed(),
      onLine: (line) => listener.logged(line),
    });
    const { before, stopsAtEntry, breakpoints } = start;
    this.#stopCount = before?.stopCount ?? 0;
    this.#stop = before?.stop;
    this.#released = before?.released ?? [];
    this.isRestored = before?.stop !== undefined;
    if (before?.step !== undefined) this.#stepper = new Stepper('OVER', job, undefined);
    if (stopsAtEntry) {
      this.#stepper = new Stepper('OVER', job, undefined);
      this.#isEntering = true;
    }
    this.#breakpoints.set(breakpoints, before?.progress);
    const isHolding = this.held.length > 0;
    // Only a debugger holds anything: what became of its stop was not stored before the process ended.
    const cause = { reason: 'PAUSE', isByHand: !isHolding } as const;
    if (job.state === 'PAUSED') this.#stop ??= this.#newStop(cause);
    else if (!isHolding) this.#stop = undefined; // there is nothing that it could stand at
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

  /** Whether nothing stops the job any more: the process is on its way out. */
  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** What has to outlast the process. */
  get snapshot(): DebugSnapshot {
    return {
      stop: this.#stop,
      stopCount: this.#stopCount,
      step: this.#stepper?.kind,
      released: this.#released,
      progress: this.#breakpoints.progress,
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

  /** Exchanges all breakpoints. One that is there already goes on counting. */
  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    if (this.#isDetached) return; // they count when the job goes on elsewhere
    this.#breakpoints.set(breakpoints);
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
    const released = this.#released;
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
    this.#released = held.map(({ activationId }) => activationId);
    try {
      job.resume();
    } catch (error) {
      this.#stop = stop;
      this.#released = released;
      this.#begin(undefined); // no step is under way
      throw error;
    }
    this.#letGo(held);
    this.#listener.changed();
  }

  /**
   * The process is on its way out: breakpoints count no more, since the job could not be stopped. What is held stays so,
   * and the snapshot is what is to outlast the process.
   */
  detach(): void {
    this.#isDetached = true;
    this.#breakpoints.clear();
    this.job.inspector = undefined;
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

  interestIn(routine: RoutineRun): Interest {
    const { starts, outputs } = this.#breakpoints.interestIn(routine);
    return { starts: starts || this.#stepper !== undefined, outputs };
  }

  holdsBefore(activation: Activation): boolean {
    // A step looks at every activation, also those that a breakpoint stops.
    const endsStep = this.#stepper?.endsAt(activation) === true;
    const hit = this.#breakpoints.before(activation);
    if (hit.length > 0) return this.#holdAt({ reason: 'BREAKPOINT', activation }, hit);
    if (!endsStep) return false;
    return this.#holdAt({ reason: this.#isEntering ? 'ENTRY' : 'STEP', activation }, hit);
  }

  holdsOutput(activation: Activation, event: string, value: unknown): boolean {
    const hit = this.#breakpoints.output(activation, event, value);
    return hit.length > 0 && this.#holdAt({ reason: 'BREAKPOINT', activation }, hit);
  }

  holdsFailure(activation: Activation): boolean {
    const hit = this.#breakpoints.failure(activation);
    return hit.length > 0 && this.#holdAt({ reason: 'EXCEPTION', activation }, hit);
  }

  holdsRestored(activation: Activation): boolean {
    const { activationId } = activation;
    const stop = this.#stop;
    if (stop === undefined && this.#released.includes(activationId)) return false;
    if (stop?.activationIds.includes(activationId) !== true) {
      this.#stopAt({ reason: 'PAUSE', activation });
    } else if (this.job.state === 'RUNNING') {
      // The process ended after the stop, and before it was stored that the job is paused.
      this.job.pause();
    }
    return this.job.state === 'PAUSED';
  }

  // ── Inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Has the job ask while there is something to ask. To be called whenever that may have changed. */
  #attach(): void {
    const { job } = this;
    const isRestoring = !job.hasPlace && this.held.length > 0;
    const isNeeded =
      this.#breakpoints.canHit || this.#stepper !== undefined || this.#stop !== undefined;
    if (isFinalState(job.state)) this.#breakpoints.clear();
    const mayStop = !this.#isDetached && !isFinalState(job.state);
    job.inspector = (isNeeded || isRestoring) && mayStop ? this : undefined;
  }

  /** Whether the activation is held: when the job stands still, which it may not if it is ending. */
  #holdAt(cause: Cause, hit: readonly LiveBreakpoint[]): boolean {
    this.#stopAt(cause, hit);
    return this.job.state === 'PAUSED';
  }

  #stopAt(cause: Cause, hit: readonly LiveBreakpoint[] = NO_HITS): void {
    const { job } = this;
    if (job.isEnding) return;
    const ids = hit.map(({ breakpoint }) => breakpoint.id);
    const before = this.#stop;
    this.#stop = before === undefined ? this.#newStop(cause, ids) : addToStop(before, cause, ids);
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

  #newStop(cause: Cause, breakpointIds: readonly string[] = []): Stop {
    this.#stopCount++;
    return makeStop(cause, breakpointIds, { number: this.#stopCount, at: this.#now() });
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
        this.#stop = this.#newStop({ reason: 'PAUSE', isByHand: true });
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
