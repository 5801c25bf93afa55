import { cutText } from '../lib/preview.ts';
import { DeliveryPromise } from './delivery-promise.ts';
import { ActivationEndedError, UnknownEventError } from './errors.ts';
import type { JobLife } from './job-life.ts';
import type { EventTargets, RoutineProgress, RoutineRun } from './routine-run.ts';
import type { ActivationContext, JobContext, LogLevel, RoutineLog } from './routine-type.ts';
import type { Item, SlotQueue } from './slot-queue.ts';

/**
 * Where an activation is.
 *
 * HELD_BEFORE → RUNNING → HELD_AFTER → DELIVERING → ENDED, and when it failed → RETRYING → ENDED at the last.
 * RESTORED → RUNNING in a job that was restored, when its code was running as the job was captured.
 * PARKED → HELD_BEFORE or RUNNING when the job was paused as it began with this one.
 * Only an inspector makes it stop at the two HELD phases, or keeps back what it emits while it is RUNNING (`staged`); what
 * is kept back stays so when it is RESTORED.
 * DELIVERING: the code has ended, some of its outputs wait for room. RETRYING: the code failed and runs again after a
 * delay, as a new activation object with the same id and items.
 */
export type ActivationPhase =
  | 'PARKED'
  | 'HELD_BEFORE'
  | 'RESTORED'
  | 'RUNNING'
  | 'HELD_AFTER'
  | 'DELIVERING'
  | 'RETRYING'
  | 'ENDED';

/** How a run of a routine's code ended. `ABANDONED`: the job ended first. */
export type ActivationOutcome = 'COMPLETED' | 'FAILED' | 'SKIPPED' | 'RETRIED' | 'ABANDONED';

/** One item that an activation emitted. */
export interface Output {
  readonly event: string;
  readonly value: unknown;
}

/** The most outputs of one activation that are remembered for its trace. */
const REMEMBERED_OUTPUTS = 16;

/** Longer messages of a routine's progress are cut, in characters. */
const LONGEST_PROGRESS_MESSAGE = 1000;

/** After so many outputs of one activation it is looked at whether the event loop needs a turn. */
const EMITTED_AT_A_TIME = 64;

/** How many emitted items of one activation wait outside a full slot. */
export interface Blockage {
  readonly slot: SlotQueue;
  count: number;
}

const NO_BLOCKAGES: Blockage[] = [];

/** What running code asks of its job, through its activation. */
export interface ActivationHost {
  readonly context: JobContext;
  readonly life: Pick<JobLife, 'isEnding' | 'isStopping' | 'stopReason'>;
  /** Whether the event loop should get a turn before more is done. */
  isTurnOver(): boolean;
  /** Whether the inspector wants an emitted item to be kept back; then it is. */
  keepsBack(activation: Activation, event: string, value: unknown): boolean;
  /** Brings an emitted item to all it goes to. @throws SlotFullError when a slot refuses it */
  deliver(activation: Activation, event: string, targets: EventTargets, value: unknown): void;
  /** Running code began to wait for what it emitted: it may be that nothing in the job can move any more. */
  codeAwaits(): void;
  /** Has `abort` called when the job is ended before the activation is. */
  listen(activation: Activation): void;
  writeLog(
    activation: Activation,
    level: LogLevel,
    message: string,
    facts?: Readonly<Record<string, unknown>>,
  ): void;
  reportProgress(activation: Activation, progress: RoutineProgress): void;
}

/** One execution of a routine's code on the items its policy took; also the context the code is handed. */
export class Activation implements ActivationContext {
  readonly activationId: number;
  readonly attempt: number;
  readonly routine: RoutineRun;
  /** What it took. Only a person changes it, while it is held before its code. */
  items: readonly Item[];
  phase: ActivationPhase = 'RUNNING';
  outcome: ActivationOutcome | undefined = undefined;
  error: unknown = undefined;
  hasFailed = false;
  /** Monotonic milliseconds. A synchronous run's start is the end of what the job did before it. */
  startedMs: number;
  endedMs = 0;
  /** Emitted items that wait outside full slots. */
  pending = 0;
  /**
   * Milliseconds during which something that it emitted, or its failure, waited: outside a full slot, or for the
   * inspector. Up to date when nothing waits; exact only while somebody observes activations.
   */
  blockedMs = 0;
  /** How many items it emitted. */
  emitted = 0;
  /** Its first outputs, remembered only while somebody observes activations. */
  outputs: Output[] | undefined = undefined;
  /** Outputs kept back for the inspector, until the activation is released. */
  staged: Output[] | undefined = undefined;
  /** The timer of its time-out or of its next attempt. */
  cancelTimer: (() => void) | undefined = undefined;
  /** When a RETRYING one runs again, in monotonic milliseconds. */
  retryDueMs = 0;
  /** Its place in the list `SuspendedActivations`, which alone changes these three. */
  isSuspended = false;
  suspendedBefore: Activation | undefined = undefined;
  suspendedAfter: Activation | undefined = undefined;
  #blockedSinceMs = 0;
  #blockages: Blockage[] = NO_BLOCKAGES;
  #delivered: DeliveryPromise | undefined = undefined;
  #abort: AbortController | undefined = undefined;

  constructor(
    routine: RoutineRun,
    items: readonly Item[],
    activationId: number,
    attempt: number,
    startedMs: number,
  ) {
    this.routine = routine;
    this.items = items;
    this.activationId = activationId;
    this.attempt = attempt;
    this.startedMs = startedMs;
  }

  get routineId(): string {
    return this.routine.id;
  }

  /**
   * Milliseconds that the code took, without the time during which what it emitted waited. 0 until it has ended, and
   * when nobody observes activations.
   */
  get runMs(): number {
    return Math.max(0, this.endedMs - this.startedMs - this.blockedMs);
  }

  /** The full slots outside which emitted items wait, each once. */
  get blockedBy(): readonly Readonly<Blockage>[] {
    return this.#blockages;
  }

  /** Whether the code waits for room for what it emitted. Code that has not asked to be told works on. */
  get awaitsDelivery(): boolean {
    return this.#delivered?.isAwaited === true;
  }

  // The code's declared types are what `defineRoutine` checked it against; here they are unknown.
  get config(): unknown {
    return this.routine.definition.config;
  }

  get state(): unknown {
    return this.routine.state;
  }

  get job(): JobContext {
    return this.routine.host.context;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const { host } = this.routine;
      this.#abort = new AbortController();
      if (host.life.isStopping) this.#abort.abort(host.life.stopReason);
      else if (this.phase === 'RUNNING') host.listen(this);
    }
    return this.#abort.signal;
  }

  get log(): RoutineLog {
    const write =
      (level: LogLevel) => (message: string, facts?: Readonly<Record<string, unknown>>) =>
        this.routine.host.writeLog(this, level, String(message), facts); // code may be untyped
    return {
      debug: write('DEBUG'),
      info: write('INFO'),
      warning: write('WARNING'),
      error: write('ERROR'),
    };
  }

  emit(event: string, value: unknown): Promise<void> | undefined {
    const { routine } = this;
    const targets = routine.targets.get(event);
    if (targets === undefined) throw new UnknownEventError(routine.id, event);
    if (this.phase !== 'RUNNING') {
      const error = new ActivationEndedError(routine.id, event);
      routine.host.writeLog(this, 'WARNING', error.message);
      throw error;
    }
    const isAsked = routine.asksOutputs || this.staged !== undefined;
    if (isAsked && routine.host.keepsBack(this, event, value)) return this.whenDelivered();
    const pending = this.pending;
    routine.host.deliver(this, event, targets, value);
    if (this.pending > pending) return this.whenDelivered();
    // A loop that awaits what it emits must let timers and sockets have their turn: where nothing makes it wait,
    // and above all when the job is ending and the loop does not heed its signal.
    const { host } = routine;
    const isLong = this.emitted % EMITTED_AT_A_TIME === 0 && host.isTurnOver();
    return isLong || host.life.isEnding ? nextTurn() : undefined;
  }

  progress(done: number, total?: number, message?: string): void {
    // Code may count wrongly. What is no number is no progress; a total that is none is not known.
    if (this.phase === 'ENDED' || !Number.isFinite(done)) return;
    this.routine.host.reportProgress(this, {
      done,
      total: Number.isFinite(total) ? total : undefined,
      message:
        message === undefined ? undefined : cutText(String(message), LONGEST_PROGRESS_MESSAGE),
    });
  }

  remember(event: string, value: unknown): void {
    if (this.outputs === undefined) this.outputs = [{ event, value }];
    else if (this.outputs.length < REMEMBERED_OUTPUTS) this.outputs.push({ event, value });
  }

  /** Kept once none of its outputs waits any more, for room or for the inspector. */
  whenDelivered(): Promise<void> {
    this.#delivered ??= new DeliveryPromise(this);
    return this.#delivered;
  }

  /** Running code began to wait for `whenDelivered`. */
  codeAwaits(): void {
    this.routine.host.codeAwaits();
  }

  /** Whether a value that the code answered is the promise that `emit` gave it. */
  isDelivery(value: unknown): boolean {
    return this.#delivered !== undefined && value === this.#delivered;
  }

  /** From now on one of its outputs waits outside a full slot. */
  hold(slot: SlotQueue, nowMs: number): void {
    if (!this.#isBlocked) this.#blockedSinceMs = nowMs;
    this.pending++;
    // A list, since it mostly has one element: a map for each activation that is blocked would cost more than its run.
    const blockage = this.#blockages.find((each) => each.slot === slot);
    if (blockage !== undefined) blockage.count++;
    else if (this.#blockages.length === 0) this.#blockages = [{ slot, count: 1 }];
    else this.#blockages.push({ slot, count: 1 });
  }

  /** One of its outputs that waited outside a slot has found its place, or was given up. */
  settleDelivery(slot: SlotQueue, nowMs: number): void {
    this.pending--;
    if (this.pending > 0) {
      this.#unblock(slot);
      return;
    }
    this.#blockages = NO_BLOCKAGES;
    if (!this.#isBlocked) this.#endBlock(nowMs);
  }

  /** The inspector wants this output, and all that follow, to wait for the release. */
  keepBack(event: string, value: unknown, nowMs: number): void {
    if (!this.#isBlocked) this.#blockedSinceMs = nowMs;
    if (this.staged === undefined) this.staged = [{ event, value }];
    else this.staged.push({ event, value });
  }

  /** The code has ended, and the inspector holds what comes of it until `release`. */
  holdAfter(nowMs: number): void {
    if (!this.#isBlocked) this.#blockedSinceMs = nowMs;
    this.phase = 'HELD_AFTER';
  }

  /** The inspector has let it go. Answers the outputs that were kept back, which are to be delivered now. */
  releaseOutputs(nowMs: number): readonly Output[] {
    const wasBlocked = this.#isBlocked;
    const outputs = this.staged ?? [];
    this.staged = undefined;
    this.phase = 'RUNNING';
    if (wasBlocked && !this.#isBlocked) this.blockedMs += nowMs - this.#blockedSinceMs;
    return outputs;
  }

  /** What was kept back is delivered: whoever waits for it goes on, unless some of it waits for room. */
  settleOutputs(): void {
    if (this.#isBlocked) return;
    this.#delivered?.resolve();
    this.#delivered = undefined;
  }

  #unblock(slot: SlotQueue): void {
    const at = this.#blockages.findIndex((each) => each.slot === slot);
    const blockage = this.#blockages[at];
    if (blockage === undefined) return;
    blockage.count--;
    if (blockage.count === 0) this.#blockages.splice(at, 1);
  }

  /** It was restored, or runs again, and what waited goes on waiting: what was before is in `blockedMs`. */
  resumeBlock(nowMs: number): void {
    this.#blockedSinceMs = nowMs;
  }

  /** Whether something of it waits, for room or for the inspector. */
  get #isBlocked(): boolean {
    return this.pending > 0 || this.staged !== undefined || this.phase === 'HELD_AFTER';
  }

  #endBlock(nowMs: number): void {
    this.blockedMs += nowMs - this.#blockedSinceMs;
    this.#delivered?.resolve();
    this.#delivered = undefined;
  }

  /** `blockedMs` with what a block that has not ended adds to it. */
  blockedUntil(nowMs: number): number {
    return this.blockedMs + (this.#isBlocked ? Math.max(0, nowMs - this.#blockedSinceMs) : 0);
  }

  abort(reason: unknown): void {
    this.#abort?.abort(reason);
  }
}

/** A promise that is kept in a later turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((keep) => setImmediate(keep));
}
