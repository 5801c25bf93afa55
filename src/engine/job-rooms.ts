import type { Clock } from '../lib/clock.ts';
import type { ActivationHost } from './activation.ts';
import { ActivationRunner } from './activation-runner.ts';
import { CodeHost } from './code-host.ts';
import { connectRoutines } from './connect-routines.ts';
import { Delivery } from './delivery.ts';
import { drainOrder } from './drain-order.ts';
import { Edits } from './edits.ts';
import type { Flow } from './flow.ts';
import { Inspection } from './inspection.ts';
import { beginFrom, type JobBeginning } from './job-beginning.ts';
import { JobClock } from './job-clock.ts';
import { JobLife } from './job-life.ts';
import { JobNews } from './job-news.ts';
import type { JobRun } from './job-run.ts';
import type { JobResult } from './job-state.ts';
import { JobWork } from './job-work.ts';
import { ReadyList } from './ready-list.ts';
import { type OutputBuffer, RoutineRun } from './routine-run.ts';
import type { JobContext } from './routine-type.ts';
import type { Sliced } from './scheduler.ts';

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
 * The rooms of a job, put together: `JobLife` (its state and its end), `JobWork` (which routine runs next),
 * `ActivationRunner` (what becomes of an activation), `Delivery` (where items go), `CodeHost` (what running code asks
 * for). They meet in the `ReadyList`, and this is the only place that knows them all.
 */
export class JobRooms {
  readonly flow: Flow;
  /** What routines see of the job. */
  readonly context: JobContext;
  readonly routines: readonly RoutineRun[];
  readonly outputs: ReadonlyMap<string, OutputBuffer>;
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  readonly delivery: Delivery;
  readonly runner: ActivationRunner;
  readonly work: JobWork;
  readonly edits: Edits;
  /** Ids of the routines whose code did not end in time after the job was ended. */
  unresponsive: readonly string[] = [];
  /** Called after each slice of the frozen job. */
  onFrozenSlice: () => void = () => undefined;
  readonly #host: CodeHost;
  readonly #byId = new Map<string, RoutineRun>();

  constructor(job: JobRun, flow: Flow, context: JobContext, options: JobRunOptions) {
    const { isTurnOver, endGraceMs, deadlockGraceMs } = options;
    this.flow = flow;
    this.context = context;
    const news = new JobNews(job);
    const clock = new JobClock(options.clock);
    const ready = new ReadyList(() => options.schedule(this.work));
    const life = new JobLife(context.id, {
      clock,
      endGraceMs,
      onStateChange: (from) => news.tellState(from),
      onEnding: (reason) => this.#giveUpWaiting(reason),
      onGraceOver: () => this.#giveUpRunning(),
      onFinish: () => this.#putAway(),
      isQuiet: () => this.routines.every(({ running }) => running === 0),
    });
    const delivery = new Delivery({
      life,
      clock,
      news,
      ready,
      onDelivered: (activation) => this.runner.goOnDelivered(activation),
    });
    const onEmit: ActivationHost['keepsBack'] = (activation, event, value) =>
      this.runner.keepsBack(activation, event, value);
    const host = new CodeHost({ context, life, clock, news, ready, delivery, isTurnOver, onEmit });
    const inspection = new Inspection({
      routines: () => this.routines,
      isEnding: () => life.isEnding,
    });
    const runner = new ActivationRunner({ life, clock, news, ready, host, delivery, inspection });
    const routines = flow.routines.map((definition) => new RoutineRun(definition, clock, host));
    for (const routine of routines) this.#byId.set(routine.id, routine);
    this.routines = routines;
    this.outputs = new Map(
      Object.keys(flow.outputs).map((name) => [name, { values: [], count: 0 }]),
    );
    connectRoutines(flow, routines, this.outputs);
    this.work = new JobWork({
      life,
      clock,
      news,
      ready,
      delivery,
      runner,
      routines,
      drainOrder: drainOrder(flow).map((routineId) => this.routine(routineId)),
      deadlockGraceMs,
      onFrozenSlice: () => this.onFrozenSlice(),
    });
    this.edits = new Edits({ clock, news, ready, delivery, runner, routines });
    this.life = life;
    this.clock = clock;
    this.news = news;
    this.ready = ready;
    this.delivery = delivery;
    this.runner = runner;
    this.#host = host;
  }

  /** @throws RangeError when the flow has no such routine */
  routine(id: string): RoutineRun {
    const routine = this.#byId.get(id);
    if (routine === undefined)
      throw new RangeError(`Flow "${this.flow.id}" has no routine "${id}".`);
    return routine;
  }

  /** Whether something in the job is in the middle of its work, so that it can't be told what would come of it. */
  get isBusy(): boolean {
    // Code that is running synchronously is of a running activation that is not suspended.
    const running = this.routines.reduce((sum, routine) => sum + routine.running, 0);
    return this.work.isWorking || this.news.isTelling || running > this.runner.suspended.size;
  }

  /** A PENDING job begins: with its input and its sources, or else with one activation. */
  start(from?: JobBeginning): void {
    const { life, routines } = this;
    if (life.state !== 'PENDING' || life.isEnding) throw life.refusal('started');
    try {
      for (const routine of routines) routine.makeState();
    } catch (error) {
      life.end('FAILED', error);
    }
    if (life.isEnding) return;
    this.clock.tick();
    life.transition('RUNNING');
    if (life.isEnding) return; // an observer of the transition may have ended it
    if (from === undefined) this.#enterInput();
    else beginFrom(this, from);
    this.ready.requestWork();
  }

  #enterInput(): void {
    for (const { routine, slot } of this.flow.entries) {
      this.delivery.enterInput(this.routine(routine).slot(slot), this.context.input);
    }
    for (const routine of this.routines) if (routine.slots.length === 0) this.ready.wake(routine);
  }

  /** A restored job goes on. */
  enter(): void {
    this.clock.tick();
    this.life.enter();
    this.runner.enter();
    for (const routine of this.routines) {
      // A slot may be longer now than it was.
      for (const slot of routine.slots) this.delivery.admit(slot);
      this.ready.wake(routine);
    }
    this.ready.requestWork();
  }

  /** A paused job goes on. */
  resume(): void {
    this.life.transition('RUNNING');
    this.clock.tick();
    this.runner.reruns.runParked();
    for (const routine of this.routines) this.ready.wake(routine);
    this.ready.requestWork();
  }

  freeze(): void {
    this.life.freeze();
    this.work.stop();
    this.runner.suspended.freeze();
  }

  /** Leaves the frozen job as it is for good, and tells code that still runs to stop. */
  seal(reason: unknown): void {
    this.news.silence();
    this.life.stopCode(reason);
    this.runner.suspended.seal();
    this.#host.abort(reason);
  }

  #giveUpWaiting(reason: unknown): void {
    this.news.version++;
    this.work.stop();
    this.delivery.discardHeld(this.routines);
    this.runner.giveUpWaiting(reason);
  }

  #giveUpRunning(): void {
    this.unresponsive = [...new Set([...this.runner.suspended].map(({ routine }) => routine.id))];
    this.runner.giveUpRunning();
  }

  #putAway(): JobResult['outputs'] {
    this.work.stop();
    for (const routine of this.routines) {
      for (const slot of routine.slots) slot.discarded += slot.items.drain().length;
    }
    return Object.fromEntries([...this.outputs].map(([name, { values }]) => [name, values]));
  }
}
