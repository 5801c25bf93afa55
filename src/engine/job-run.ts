import type { Clock } from '../lib/clock.ts';
import type { Activation } from './activation.ts';
import { ActivationRunner } from './activation-runner.ts';
import { CodeHost } from './code-host.ts';
import { Delivery } from './delivery.ts';
import { drainOrder } from './drain-order.ts';
import type { Flow } from './flow.ts';
import { JobClock } from './job-clock.ts';
import { JobLife } from './job-life.ts';
import { JobNews } from './job-news.ts';
import { isFinalState, type JobResult, type JobState } from './job-state.ts';
import { JobWork } from './job-work.ts';
import type { JobInspector, JobObserver } from './observer.ts';
import { ReadyList } from './ready-list.ts';
import { type OutputBuffer, RoutineRun } from './routine-run.ts';
import type { JobContext } from './routine-type.ts';
import type { Sliced } from './scheduler.ts';
import type { Suspended } from './suspended-activations.ts';

/** What a job needs of the engine that runs it. */
export interface JobRunOptions {
  readonly clock: Clock;
  /** Asks for a call of the job's work soon. */
  readonly schedule: (work: Sliced) => void;
  /** Whether the event loop was kept as long as it should be at a time. */
  readonly isTurnOver: () => boolean;
  /** How long running code may take to end after the job was ended, in milliseconds. */
  readonly endGraceMs: number;
  /** How long a job may stand still, with running code that waits for room, before it counts as dead-locked. */
  readonly deadlockGraceMs: number;
}

/**
 * One run of a flow: what people do to it, and what they can see of it. The engine that made it starts it.
 *
 * The rooms behind: `JobLife` (its state and its end), `JobWork` (which routine runs next), `ActivationRunner` (what
 * becomes of an activation), `Delivery` (where items go), `CodeHost` (what running code asks for). They meet in the
 * `ReadyList`, and this is the only place that knows them all.
 */
export class JobRun {
  readonly id: string;
  readonly flow: Flow;
  /** What the job was started with, checked by the flow's input schema. */
  readonly input: unknown;
  /** What routines see of the job. */
  readonly context: JobContext;
  readonly routines: readonly RoutineRun[];
  readonly outputs: ReadonlyMap<string, OutputBuffer>;
  readonly #byId = new Map<string, RoutineRun>();
  readonly #life: JobLife;
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;
  readonly #delivery: Delivery;
  readonly #runner: ActivationRunner;
  readonly #work: JobWork;
  #unresponsive: readonly string[] = [];

  /** Makes a job, as PENDING. Whoever makes it gets the only way to start it. */
  static create(
    id: string,
    flow: Flow,
    input: unknown,
    options: JobRunOptions,
  ): { readonly job: JobRun; readonly start: () => void } {
    const job = new JobRun(id, flow, input, options);
    return { job, start: () => job.#start() };
  }

  private constructor(id: string, flow: Flow, input: unknown, options: JobRunOptions) {
    const { isTurnOver, endGraceMs, deadlockGraceMs } = options;
    this.id = id;
    this.flow = flow;
    this.input = input;
    this.context = { id, flowId: flow.id, input, data: new Map() };
    const context = this.context;

    const news = new JobNews(this);
    const clock = new JobClock(options.clock);
    const ready = new ReadyList(() => options.schedule(this.#work));
    const life = new JobLife(id, {
      clock,
      endGraceMs,
      onStateChange: (from) => news.tellState(from),
      onEnding: (reason) => {
        this.#work.stop();
        this.#delivery.discardHeld(this.routines);
        this.#runner.giveUpWaiting(reason);
      },
      onGraceOver: () => this.#giveUpRunning(),
      onFinish: () => this.#putAway(),
      isQuiet: () => this.routines.every(({ running }) => running === 0),
    });
    const delivery = new Delivery({
      life,
      clock,
      news,
      ready,
      onDelivered: (activation) => this.#runner.goOnDelivered(activation),
    });
    const host = new CodeHost({ context, life, clock, news, ready, delivery, isTurnOver });
    const runner = new ActivationRunner({ life, clock, news, ready, host });
    this.routines = flow.routines.map((definition) => new RoutineRun(definition, clock, host));
    for (const routine of this.routines) this.#byId.set(routine.id, routine);
    this.outputs = new Map(
      Object.keys(flow.outputs).map((name) => [name, { values: [], count: 0 }]),
    );
    for (const routine of this.routines) this.#connect(routine);
    this.#work = new JobWork({
      life,
      clock,
      news,
      ready,
      delivery,
      runner,
      routines: this.routines,
      drainOrder: drainOrder(flow).map((routineId) => this.routine(routineId)),
      deadlockGraceMs,
    });
    this.#life = life;
    this.#clock = clock;
    this.#news = news;
    this.#ready = ready;
    this.#delivery = delivery;
    this.#runner = runner;
  }

  // ── What people see ────────────────────────────────────────────────────────────────────────────────────────────

  get state(): JobState {
    return this.#life.state;
  }

  /** From when the job was ended, by a failure or a cancellation. */
  get isEnding(): boolean {
    return this.#life.isEnding;
  }

  /** What made the job fail, or the reason it was cancelled for, once it has ended. */
  get error(): unknown {
    return this.#life.error;
  }

  /** Ids of the routines whose code did not end in time after the job was ended. */
  get unresponsive(): readonly string[] {
    return this.#unresponsive;
  }

  /** Kept when the job has ended; never rejected. */
  get settled(): Promise<JobResult> {
    return this.#life.settled;
  }

  /** Whoever wants to know whether anything changed compares it. */
  get version(): number {
    return this.#news.version;
  }

  /** Activations that have begun and are not in the middle of synchronous code. */
  get suspended(): Suspended {
    return this.#runner.suspended;
  }

  /** @throws RangeError when the flow has no such routine */
  routine(id: string): RoutineRun {
    const routine = this.#byId.get(id);
    if (routine === undefined)
      throw new RangeError(`Flow "${this.flow.id}" has no routine "${id}".`);
    return routine;
  }

  /** The present time in monotonic milliseconds, which all times of items and activations are in. */
  readClockMs(): number {
    return this.#clock.readMs();
  }

  /** Wall-clock milliseconds since the Unix epoch of a monotonic time. */
  wallTime(monotonicMs: number): number {
    return this.#clock.wallTime(monotonicMs);
  }

  /** Attaches an observer for the rest of the job's life. What happened before is not told again. */
  observe(observer: JobObserver): void {
    this.#news.observe(observer);
  }

  /** Who may stop single activations. */
  get inspector(): JobInspector | undefined {
    return this.#runner.inspection.inspector;
  }

  set inspector(inspector: JobInspector | undefined) {
    this.#runner.inspection.inspector = inspector;
  }

  // ── What people do ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets no activation begin until `resume`. @throws InvalidStateError unless RUNNING and not ending */
  pause(): void {
    if (!this.#life.mayBegin) throw this.#life.refusal('paused');
    this.#life.transition('PAUSED');
  }

  /** @throws InvalidStateError unless PAUSED and not ending */
  resume(): void {
    if (this.state !== 'PAUSED' || this.isEnding) throw this.#life.refusal('resumed');
    this.#life.transition('RUNNING');
    this.#clock.tick();
    this.#runner.runParked();
    for (const routine of this.routines) this.#ready.wake(routine);
    this.#ready.requestWork();
  }

  /**
   * Ends the job as CANCELLED, as soon as running code has ended or had its time.
   * @throws InvalidStateError when it has ended or is ending
   */
  cancel(reason: unknown = new Error('The job was cancelled.')): void {
    if (isFinalState(this.state) || this.isEnding) throw this.#life.refusal('cancelled');
    this.#life.end('CANCELLED', reason);
  }

  /** Lets an activation go on that the inspector held, also while the job is paused. Any other is left alone. */
  release(activation: Activation): void {
    this.#runner.release(activation);
  }

  // ── The beginning and the end ──────────────────────────────────────────────────────────────────────────────────

  #start(): void {
    if (this.state !== 'PENDING' || this.isEnding) throw this.#life.refusal('started');
    try {
      for (const routine of this.routines) routine.makeState();
    } catch (error) {
      this.#life.end('FAILED', error);
    }
    if (this.isEnding) return;
    this.#clock.tick();
    this.#life.transition('RUNNING');
    if (this.isEnding) return; // an observer of the transition may have ended it
    for (const { routine, slot: name } of this.flow.entries) {
      const slot = this.routine(routine).slots.find((each) => each.name === name);
      if (slot !== undefined) this.#delivery.enterInput(slot, this.input);
    }
    for (const routine of this.routines) if (routine.slots.length === 0) this.#ready.wake(routine);
    this.#ready.requestWork();
  }

  #giveUpRunning(): void {
    this.#unresponsive = [...new Set([...this.suspended].map(({ routine }) => routine.id))];
    this.#runner.giveUpRunning();
  }

  #putAway(): JobResult['outputs'] {
    this.#work.stop();
    for (const routine of this.routines) {
      for (const slot of routine.slots) slot.discarded += slot.items.drain().length;
    }
    return Object.fromEntries([...this.outputs].map(([name, { values }]) => [name, values]));
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
