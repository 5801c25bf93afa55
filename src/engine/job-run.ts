import { backOffDelayMs } from '../lib/back-off.ts';
import type { Clock } from '../lib/clock.ts';
import { Deque } from '../lib/deque.ts';
import { messageOf } from '../lib/domain-error.ts';
import { Activation, type ActivationOutcome } from './activation.ts';
import type { Take } from './activation-policy.ts';
import { findDeadlock } from './deadlock.ts';
import { drainOrder } from './drain-order.ts';
import type { FinalErrorStrategy } from './error-strategy.ts';
import { ActivationTimeoutError, InvalidStateError, SlotFullError } from './errors.ts';
import type { Flow } from './flow.ts';
import {
  type FinalJobState,
  isFinalState,
  type JobResult,
  type JobState,
  NEXT_STATES,
  OUTPUT_LIMIT,
} from './job-state.ts';
import type { JobInspector, JobObserver } from './observer.ts';
import {
  type EventTargets,
  type OutputBuffer,
  type RoutineProgress,
  RoutineRun,
} from './routine-run.ts';
import type { JobContext, LogLevel } from './routine-type.ts';
import type { Sliced } from './scheduler.ts';
import type { Item, SlotQueue } from './slot-queue.ts';

/** Activations of one routine that are begun before others get their turn. */
const TURN_OF_ROUTINE = 256;

export interface JobRunOptions {
  readonly clock: Clock;
  /** Asks for a call of `work` soon. */
  readonly schedule: (job: JobRun) => void;
  /** Whether the event loop was kept as long as it should be at a time. */
  readonly isTurnOver: () => boolean;
  /** How long running code may take to end after the job was ended, in milliseconds. */
  readonly endGraceMs: number;
  /** How long a job may stand still, with running code that waits for room, before it counts as dead-locked. */
  readonly deadlockGraceMs: number;
}

/** One run of a flow. `settled` is kept when it has ended; it is never rejected. */
export class JobRun implements Sliced {
  readonly id: string;
  readonly flow: Flow;
  readonly input: unknown;
  readonly context: JobContext;
  readonly routines: readonly RoutineRun[];
  readonly outputs: ReadonlyMap<string, OutputBuffer>;
  readonly settled: Promise<JobResult>;
  isScheduled = false;
  inspector: JobInspector | undefined = undefined;
  /** The time that what happens now is stamped with: monotonic milliseconds, renewed after each observed activation. */
  nowMs: number;
  /** Items delivered and activations ended, ever. Whoever wants to know whether anything changed compares it. */
  version = 0;
  state: JobState = 'PENDING';
  error: unknown = undefined;
  /** Routines whose code did not end in time after the job was ended. */
  unresponsive: readonly string[] = [];
  /** Activations that outlive the call that began them: asynchronous, held, waiting for room or for a retry. */
  readonly suspended = new Set<Activation>();
  /** Activations whose code asked for its abort signal and has not ended. */
  readonly listening = new Set<Activation>();
  readonly #options: JobRunOptions;
  readonly #byId = new Map<string, RoutineRun>();
  readonly #drainOrder: readonly RoutineRun[];
  readonly #observers: JobObserver[] = [];
  /** Those of the observers that watch activations. */
  readonly #watchers: JobObserver[] = [];
  readonly #ready = new Deque<RoutineRun>();
  /** Inside `work`, which looks at the ready list itself; outside, whoever fills the list has to ask for work. */
  #isWorking = false;
  /** Retries that came due while the job was paused. */
  #parked: Activation[] = [];
  #ending: { readonly to: 'FAILED' | 'CANCELLED'; readonly reason: unknown } | undefined =
    undefined;
  #cancelEndGrace: (() => void) | undefined = undefined;
  #cancelStallCheck: (() => void) | undefined = undefined;
  #activationCount = 0;
  #wallOffsetMs: number;
  #settle: (result: JobResult) => void = () => undefined;

  constructor(id: string, flow: Flow, input: unknown, options: JobRunOptions) {
    this.id = id;
    this.flow = flow;
    this.input = input;
    this.#options = options;
    this.nowMs = options.clock.monotonicMs();
    this.#wallOffsetMs = options.clock.now() - this.nowMs;
    this.context = { id, flowId: flow.id, input, data: new Map() };
    this.settled = new Promise((settle) => {
      this.#settle = settle;
    });
    this.routines = flow.routines.map((definition) => new RoutineRun(this, definition));
    for (const routine of this.routines) this.#byId.set(routine.id, routine);
    this.outputs = new Map(
      Object.keys(flow.outputs).map((name) => [name, { values: [], count: 0 }]),
    );
    for (const routine of this.routines) this.#connect(routine);
    this.#drainOrder = drainOrder(flow).map((id) => this.routine(id));
  }

  /** Attaches an observer for the rest of the job's life. What happened before is not told again. */
  observe(observer: JobObserver): void {
    this.#observers.push(observer);
    if (observer.activationEnded !== undefined) this.#watchers.push(observer);
  }

  /** @throws RangeError when the flow has no such routine */
  routine(id: string): RoutineRun {
    const routine = this.#byId.get(id);
    if (routine === undefined)
      throw new RangeError(`Flow "${this.flow.id}" has no routine "${id}".`);
    return routine;
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether the event loop should get a turn before more is done. */
  get isTurnOver(): boolean {
    return this.#options.isTurnOver();
  }

  get endReason(): unknown {
    return this.#ending?.reason;
  }

  // ── What people do to a job ────────────────────────────────────────────────────────────────────────────────────

  /** Begins the work. @throws InvalidStateError unless PENDING */
  start(): void {
    if (this.state !== 'PENDING') throw new InvalidStateError(this.id, this.state, 'started');
    this.#tick();
    this.#transition('RUNNING');
    if (this.isEnding) return; // an observer of the transition may have ended it
    for (const { routine, slot: name } of this.flow.entries) {
      const slot = this.routine(routine).slots.find((each) => each.name === name);
      if (slot !== undefined) this.#enter(slot, this.#itemFor(slot, this.input, 0));
    }
    for (const routine of this.routines) if (routine.slots.length === 0) this.#wake(routine);
    this.#options.schedule(this);
  }

  /** Lets no activation begin until `resume`. @throws InvalidStateError unless RUNNING and not ending */
  pause(): void {
    if (this.state !== 'RUNNING' || this.isEnding) throw this.#refusal('paused');
    this.#transition('PAUSED');
  }

  /** @throws InvalidStateError unless PAUSED and not ending */
  resume(): void {
    if (this.state !== 'PAUSED' || this.isEnding) throw this.#refusal('resumed');
    this.#transition('RUNNING');
    this.#tick();
    const parked = this.#parked;
    this.#parked = [];
    for (const activation of parked) {
      // The code of the one before may have paused or ended the job again.
      if (this.#mayBegin()) this.#runAgain(activation);
      else this.#parked.push(activation);
    }
    for (const routine of this.routines) this.#wake(routine);
    this.#options.schedule(this);
  }

  /**
   * Ends the job as CANCELLED, as soon as running code has ended or had its time.
   * @throws InvalidStateError when it has ended or is ending
   */
  cancel(reason: unknown = new Error('The job was cancelled.')): void {
    if (isFinalState(this.state) || this.isEnding) throw this.#refusal('cancelled');
    this.#end('CANCELLED', reason);
  }

  /** Lets an activation go on that the inspector held, also while the job is paused. Any other is left alone. */
  release(activation: Activation): void {
    if (this.isEnding || !this.suspended.has(activation)) return;
    this.#tick();
    if (activation.phase === 'HELD_BEFORE') {
      activation.phase = 'RUNNING';
      this.suspended.delete(activation);
      activation.startedMs = this.nowMs;
      this.#runCode(activation);
    } else if (activation.phase === 'HELD_AFTER') {
      this.suspended.delete(activation);
      this.#deliverStaged(activation);
    }
    this.#options.schedule(this);
  }

  /** Whether activations may begin now; a function, since any call into user code may change it. */
  #mayBegin(): boolean {
    return this.state === 'RUNNING' && !this.isEnding;
  }

  // ── Scheduling ─────────────────────────────────────────────────────────────────────────────────────────────────

  work(untilMs: number): boolean {
    this.#isWorking = true;
    try {
      return this.#work(untilMs);
    } finally {
      this.#isWorking = false;
    }
  }

  #work(untilMs: number): boolean {
    this.#tick();
    while (this.#mayBegin()) {
      const routine = this.#ready.shift();
      if (routine === undefined) {
        if (!this.#goOnWhenIdle()) return false;
      } else {
        routine.isReady = false;
        if (this.#drive(routine, untilMs)) return true;
      }
    }
    return false;
  }

  /** Begins activations of one routine while its policy allows. True when the slice's time is used up. */
  #drive(routine: RoutineRun, untilMs: number): boolean {
    const { policy, definition } = routine;
    // The clock is read after every `stride` activations: seldom while they are short, always when they are long.
    let stride = 1;
    let sinceRead = 0;
    let readMs = performance.now();
    for (let turn = 0; turn < TURN_OF_ROUTINE; turn++) {
      if (routine.running >= definition.concurrency) return false;
      if (routine.slots.length === 0) {
        if (routine.begun === 0) this.#begin(routine, []);
        return false;
      }
      let decision: ReturnType<typeof policy.decide>;
      try {
        decision = policy.decide(routine);
      } catch (error) {
        this.#end('FAILED', error);
        return false;
      }
      if (!('take' in decision)) {
        this.#wakeAt(routine, decision.waitUntilMs);
        return false;
      }
      if (routine.timer !== undefined) this.#wakeAt(routine, undefined);
      this.#activate(routine, decision);
      if (!this.#mayBegin()) return false;
      if (++sinceRead < stride) continue;
      const nowMs = performance.now();
      if (this.#watchers.length === 0) this.nowMs = this.#options.clock.monotonicMs();
      if (nowMs >= untilMs) {
        this.#wake(routine);
        return true;
      }
      stride = nowMs - readMs < 0.1 ? Math.min(stride * 2, 64) : 1;
      readMs = nowMs;
      sinceRead = 0;
    }
    this.#wake(routine);
    return false;
  }

  #wake(routine: RoutineRun): void {
    if (routine.isReady || routine.running >= routine.definition.concurrency) return;
    routine.isReady = true;
    this.#ready.push(routine);
    if (!this.#isWorking) this.#options.schedule(this);
  }

  /** Replaces the routine's timer by what its policy decided last: a timer left over would hold up the job's end. */
  #wakeAt(routine: RoutineRun, dueMs: number | undefined): void {
    if (dueMs === undefined || !Number.isFinite(dueMs)) {
      routine.timer?.();
      routine.timer = undefined;
      return;
    }
    if (routine.timer !== undefined && routine.timerDueMs <= dueMs) return;
    routine.timer?.();
    routine.timerDueMs = dueMs;
    routine.timer = this.#options.clock.setTimer(Math.max(0, dueMs - this.nowMs), () => {
      routine.timer = undefined;
      this.#tick();
      this.#wake(routine);
      this.#options.schedule(this);
    });
  }

  /**
   * Called when no routine can be activated. Either something will come by itself (running code, a timer, a retry),
   * or remainders are handed over, or the job is dead-locked, or it is done. True when there is work again.
   */
  #goOnWhenIdle(): boolean {
    if (this.suspended.size > 0) {
      this.#watchForDeadlock();
      return false;
    }
    if (this.routines.some(({ timer }) => timer !== undefined)) return false;
    const rest = this.#drainOrder.find(
      (routine) => routine.policy.flush && !routine.hasFlushed && routine.waiting > 0,
    );
    if (rest === undefined) {
      this.#finish('COMPLETED', undefined);
      return false;
    }
    rest.hasFlushed = true;
    this.#activate(rest, { take: rest.slots.map(({ length }) => length) });
    return true;
  }

  #watchForDeadlock(): void {
    const deadlock = findDeadlock(this);
    if (deadlock === undefined || this.#cancelStallCheck !== undefined) return;
    if (deadlock.isCertain) {
      this.#end('FAILED', deadlock.error);
      return;
    }
    const { version } = this;
    this.#cancelStallCheck = this.#options.clock.setTimer(this.#options.deadlockGraceMs, () => {
      this.#cancelStallCheck = undefined;
      if (this.state !== 'RUNNING' || this.isEnding) return;
      const still = findDeadlock(this);
      if (still !== undefined && this.version === version) this.#end('FAILED', still.error);
      else this.#options.schedule(this);
    });
  }

  // ── An activation's life ───────────────────────────────────────────────────────────────────────────────────────

  #activate(routine: RoutineRun, take: Take): void {
    this.#begin(routine, this.#take(routine, take));
    // Only now: what is let in may conclude the activation it came from, and so end or pause the job.
    for (let at = 0; at < routine.slots.length; at++) {
      const slot = routine.slots[at] as SlotQueue; // within the length
      if (slot.held.length > 0) this.#admit(slot);
    }
  }

  #take(routine: RoutineRun, { take }: Take): Item[] {
    const items: Item[] = [];
    for (let at = 0; at < routine.slots.length; at++) {
      const slot = routine.slots[at] as SlotQueue; // within the length
      for (let count = take[at] ?? 0; count > 0; count--) {
        const item = slot.items.shift();
        if (item === undefined) break;
        slot.inFlight++;
        items.push(item);
      }
    }
    return items;
  }

  #begin(routine: RoutineRun, items: readonly Item[]): void {
    routine.running++;
    routine.begun++;
    routine.lastActivationMs = this.nowMs;
    const activation = new Activation(routine, items, ++this.#activationCount, 1, this.nowMs);
    if (this.inspector !== undefined) {
      this.#stage(activation);
      if (this.#isHeld(activation, 'holdsBefore')) {
        activation.phase = 'HELD_BEFORE';
        this.suspended.add(activation);
        return;
      }
      if (this.isEnding) {
        this.#conclude(activation, 'ABANDONED');
        return;
      }
    }
    this.#runCode(activation);
  }

  #stage(activation: Activation): void {
    try {
      if (this.inspector?.stagesOutputs(activation.routine) === true) activation.staged = [];
    } catch (error) {
      this.writeLog(activation, 'WARNING', `The inspector failed: ${messageOf(error)}`);
    }
  }

  /** An inspector that throws holds nothing: the job must not suffer from being looked at. */
  #isHeld(activation: Activation, question: 'holdsBefore' | 'holdsAfter'): boolean {
    try {
      return this.inspector?.[question](activation) === true && !this.isEnding;
    } catch (error) {
      this.writeLog(activation, 'WARNING', `The inspector failed: ${messageOf(error)}`);
      return false;
    }
  }

  #runCode(activation: Activation): void {
    const { routine } = activation;
    let result: unknown;
    let lasts: boolean;
    try {
      // The inputs are in the shape the policy declares, which `defineRoutine` checked the code against.
      result = routine.definition.type.run(
        routine.inputsFrom(activation.items) as never,
        activation as never,
      );
      // Code that answers what `emit` gave it has ended: only its outputs wait.
      lasts = isThenable(result) && !activation.isDelivery(result);
    } catch (error) {
      this.#codeEnded(activation, true, error);
      return;
    }
    if (lasts) this.#waitFor(activation, result);
    else this.#codeEnded(activation, false, undefined);
  }

  #waitFor(activation: Activation, result: unknown): void {
    this.suspended.add(activation);
    const { timeoutMs } = activation.routine.definition;
    if (timeoutMs !== undefined) {
      activation.cancelTimer = this.#options.clock.setTimer(timeoutMs, () => {
        const error = new ActivationTimeoutError(activation.routine.id, timeoutMs);
        activation.abort(error);
        this.#codeEndedLater(activation, true, error);
      });
    }
    Promise.resolve(result).then(
      () => this.#codeEndedLater(activation, false, undefined),
      (error: unknown) => this.#codeEndedLater(activation, true, error),
    );
  }

  #codeEndedLater(activation: Activation, hasFailed: boolean, error: unknown): void {
    // The code may end after its activation did: it timed out, or the job did not wait any longer.
    if (activation.phase !== 'RUNNING') return;
    activation.cancelTimer?.();
    this.suspended.delete(activation);
    this.#tick();
    this.#codeEnded(activation, hasFailed, error);
    this.#options.schedule(this);
  }

  #codeEnded(activation: Activation, hasFailed: boolean, error: unknown): void {
    activation.hasFailed = hasFailed;
    activation.error = error;
    if (activation.staged !== undefined) {
      if (!this.isEnding && this.#isHeld(activation, 'holdsAfter')) {
        activation.phase = 'HELD_AFTER';
        this.suspended.add(activation);
        return;
      }
      this.#deliverStaged(activation);
      return;
    }
    this.#awaitDelivery(activation);
  }

  #deliverStaged(activation: Activation): void {
    const { staged = [], routine } = activation;
    activation.staged = undefined;
    for (const { event, value } of staged) {
      const targets = routine.targets.get(event);
      if (targets === undefined) continue;
      try {
        this.deliver(activation, event, targets, value);
      } catch (error) {
        // The code can't be told any more. What it emitted after this one is not lost.
        if (!activation.hasFailed) activation.error = error;
        activation.hasFailed = true;
      }
    }
    this.#awaitDelivery(activation);
  }

  #awaitDelivery(activation: Activation): void {
    if (activation.pending > 0) {
      activation.phase = 'DELIVERING';
      this.suspended.add(activation);
    } else if (activation.hasFailed) {
      this.#handleFailure(activation);
    } else {
      this.#conclude(activation, 'COMPLETED');
    }
  }

  #handleFailure(activation: Activation): void {
    const strategy = activation.routine.definition.onError;
    if (typeof strategy === 'string') {
      this.#giveUp(activation, strategy);
      return;
    }
    let isWorthIt = activation.attempt < strategy.maxAttempts && !this.isEnding;
    try {
      if (isWorthIt) isWorthIt = strategy.retryOn?.(activation.error) ?? true;
    } catch (error) {
      this.writeLog(activation, 'WARNING', `retryOn failed: ${messageOf(error)}`);
      isWorthIt = false;
    }
    if (!isWorthIt) {
      this.#giveUp(activation, strategy.then);
      return;
    }
    activation.routine.retried++;
    this.#tell(activation, 'RETRIED');
    activation.phase = 'RETRYING';
    if (this.isEnding) {
      // An observer ended the job just now.
      this.#giveUp(activation, 'continue');
      return;
    }
    this.suspended.add(activation);
    const delayMs = backOffDelayMs(strategy, activation.attempt);
    activation.retryDueMs = this.nowMs + delayMs;
    activation.cancelTimer = this.#options.clock.setTimer(delayMs, () => {
      activation.cancelTimer = undefined;
      if (this.state === 'RUNNING') {
        this.#runAgain(activation);
        this.#options.schedule(this);
      } else this.#parked.push(activation);
    });
  }

  #runAgain(failed: Activation): void {
    const { routine, items, activationId, attempt } = failed;
    this.suspended.delete(failed);
    failed.phase = 'ENDED';
    this.#tick();
    const next = new Activation(routine, items, activationId, attempt + 1, this.nowMs);
    if (this.inspector !== undefined) this.#stage(next);
    this.#runCode(next);
  }

  #giveUp(activation: Activation, strategy: FinalErrorStrategy): void {
    activation.routine.lastError = activation.error;
    this.#conclude(activation, strategy === 'skip' ? 'SKIPPED' : 'FAILED');
    if (strategy === 'stop' && !this.isEnding) this.#end('FAILED', activation.error);
  }

  /** Acknowledges the items, once, and makes room for the next activation. */
  #conclude(activation: Activation, outcome: Exclude<ActivationOutcome, 'RETRIED'>): void {
    const { routine, items } = activation;
    for (const { slot } of items) {
      slot.inFlight--;
      if (outcome === 'COMPLETED') slot.consumed++;
      else if (outcome === 'FAILED') slot.failed++;
      else if (outcome === 'SKIPPED') slot.skipped++;
      else slot.discarded++;
    }
    routine.running--;
    if (outcome === 'COMPLETED') routine.completed++;
    else if (outcome === 'FAILED') routine.failed++;
    else if (outcome === 'SKIPPED') routine.skipped++;
    if (outcome !== 'ABANDONED') routine.lastOutcome = outcome;
    // The end of a run that waited for another attempt was told when it failed.
    if (activation.phase === 'RETRYING') activation.phase = 'ENDED';
    else this.#tell(activation, outcome);
    if (this.isEnding) this.#finishWhenQuiet();
    else if (routine.waiting > 0) this.#wake(routine);
  }

  #tell(activation: Activation, outcome: ActivationOutcome): void {
    activation.outcome = outcome;
    activation.phase = 'ENDED';
    this.version++;
    if (this.listening.size > 0) this.listening.delete(activation);
    if (this.#watchers.length === 0) return;
    this.nowMs = this.#options.clock.monotonicMs();
    activation.endedMs = this.nowMs;
    for (const watcher of this.#watchers) {
      try {
        watcher.activationEnded?.(this, activation);
      } catch {
        // An observer that throws must not disturb the job it watches.
      }
    }
  }

  // ── Delivery ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Brings an emitted item to all it goes to. @throws SlotFullError when a slot refuses it */
  deliver(activation: Activation, event: string, targets: EventTargets, value: unknown): void {
    activation.emitted++;
    if (this.#watchers.length > 0) activation.remember(event, value);
    for (const output of targets.outputs) {
      output.count++;
      if (output.values.length < OUTPUT_LIMIT) output.values.push(value);
    }
    let refusal: SlotFullError | undefined;
    for (const slot of targets.slots) {
      const item = this.#itemFor(slot, value, activation.activationId);
      if (this.isEnding) {
        slot.accepted++;
        slot.discarded++;
      } else if (!slot.isFull && slot.held.length === 0) {
        this.#enter(slot, item);
      } else {
        refusal = this.#overflow(slot, item, activation) ?? refusal;
      }
    }
    // Those that have room get the item even when another refuses it.
    if (refusal !== undefined) throw refusal;
  }

  #overflow(slot: SlotQueue, item: Item, activation: Activation): SlotFullError | undefined {
    switch (slot.definition.overflow) {
      case 'block':
        activation.pending++;
        slot.held.push({ item, activation });
        // Nothing may be left that could move: only the work finds out.
        if (!this.#isWorking) this.#options.schedule(this);
        return undefined;
      case 'dropNewest':
        slot.droppedNewest++;
        return undefined;
      case 'dropOldest':
        slot.items.shift();
        slot.droppedOldest++;
        this.#enter(slot, item);
        return undefined;
      case 'error':
        slot.rejected++;
        return new SlotFullError(`${slot.owner.id}.${slot.name}`, slot.maxLength);
    }
  }

  #itemFor(slot: SlotQueue, value: unknown, emittedBy: number): Item {
    return { value, emittedBy, emittedMs: this.nowMs, queuedMs: this.nowMs, slot };
  }

  #enter(slot: SlotQueue, item: Item): void {
    slot.accept(item);
    this.version++;
    this.#wake(slot.owner);
  }

  /** Lets in what waits outside, in the order it came. */
  #admit(slot: SlotQueue): void {
    while (slot.held.length > 0 && !slot.isFull) {
      const held = slot.held.shift();
      if (held === undefined) return;
      held.item.queuedMs = this.nowMs;
      this.#enter(slot, held.item);
      this.#delivered(held.activation);
    }
  }

  #delivered(activation: Activation): void {
    activation.settleDelivery();
    if (activation.pending > 0 || activation.phase !== 'DELIVERING') return;
    this.suspended.delete(activation);
    activation.phase = 'RUNNING';
    this.#awaitDelivery(activation);
  }

  // ── What routines tell ─────────────────────────────────────────────────────────────────────────────────────────

  writeLog(
    activation: Activation,
    level: LogLevel,
    message: string,
    facts?: Readonly<Record<string, unknown>>,
  ): void {
    const { routineId, activationId } = activation;
    const entry = { level, message, facts, routineId, activationId, at: this.#options.clock.now() };
    this.#notify((observer) => observer.logged?.(this, entry));
  }

  reportProgress({ routine }: Activation, progress: RoutineProgress): void {
    routine.progress = progress;
    this.version++;
    this.#notify((observer) => observer.progressed?.(this, routine));
  }

  /** The present time in monotonic milliseconds, read afresh; `nowMs` may be old while nothing happens. */
  readClockMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** Wall-clock milliseconds since the Unix epoch of a monotonic time. */
  wallTime(monotonicMs: number): number {
    return monotonicMs + this.#wallOffsetMs;
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  #end(to: 'FAILED' | 'CANCELLED', reason: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = { to, reason };
    this.#ready.drain();
    this.#parked = [];
    this.#cancelStallCheck?.();
    for (const routine of this.routines) {
      routine.timer?.();
      routine.timer = undefined;
      for (const slot of routine.slots) {
        for (const { activation } of slot.held.drain()) {
          slot.accepted++;
          slot.discarded++;
          this.#delivered(activation);
        }
      }
    }
    for (const activation of [...this.listening]) activation.abort(reason);
    for (const activation of [...this.suspended]) {
      if (activation.phase === 'RUNNING') continue;
      this.suspended.delete(activation);
      activation.cancelTimer?.();
      if (activation.phase === 'RETRYING') this.#giveUp(activation, 'continue');
      else if (activation.phase === 'HELD_AFTER') this.#deliverStaged(activation);
      else this.#conclude(activation, 'ABANDONED');
    }
    this.#finishWhenQuiet();
    if (isFinalState(this.state)) return;
    this.#cancelEndGrace = this.#options.clock.setTimer(this.#options.endGraceMs, () => {
      const left = [...this.suspended];
      this.unresponsive = [...new Set(left.map(({ routine }) => routine.id))];
      this.suspended.clear();
      for (const activation of left) {
        activation.cancelTimer?.();
        this.#conclude(activation, 'ABANDONED');
      }
      this.#finishWhenQuiet();
    });
  }

  #finishWhenQuiet(): void {
    if (this.#ending === undefined || isFinalState(this.state)) return;
    if (this.routines.some(({ running }) => running > 0)) return;
    this.#finish(this.#ending.to, this.#ending.reason);
  }

  #finish(state: FinalJobState, error: unknown): void {
    this.#cancelEndGrace?.();
    this.#cancelStallCheck?.();
    for (const routine of this.routines) {
      for (const slot of routine.slots) slot.discarded += slot.items.drain().length;
    }
    this.error = error;
    this.#transition(state);
    const outputs = Object.fromEntries(
      [...this.outputs].map(([name, { values }]) => [name, values]),
    );
    this.#settle({ state, outputs, error });
  }

  /** The only place where the state changes. */
  #transition(to: JobState): void {
    const from = this.state;
    if (!NEXT_STATES[from].includes(to)) throw new InvalidStateError(this.id, from, to);
    this.state = to;
    this.version++;
    this.#notify((observer) => observer.stateChanged?.(this, from));
  }

  #notify(call: (observer: JobObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        call(observer);
      } catch {
        // As in `#tell`.
      }
    }
  }

  #refusal(wanted: string): InvalidStateError {
    const state = this.isEnding ? `${this.state} and ending` : this.state;
    return new InvalidStateError(this.id, state, wanted);
  }

  #tick(): void {
    this.nowMs = this.#options.clock.monotonicMs();
  }

  #connect(routine: RoutineRun): void {
    for (const event of Object.keys(routine.definition.events)) {
      const isFromHere = (from: { routine: string; event: string }) =>
        from.routine === routine.id && from.event === event;
      const slots = this.flow.connections
        .filter(({ from }) => isFromHere(from))
        .flatMap(({ to }) => this.routine(to.routine).slots.filter(({ name }) => name === to.slot));
      const outputs = Object.entries(this.flow.outputs)
        .filter(([, from]) => isFromHere(from))
        .flatMap(([name]) => this.outputs.get(name) ?? []);
      routine.targets.set(event, { slots, outputs });
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
