import type { Activation, ActivationHost } from './activation.ts';
import type { Delivery } from './delivery.ts';
import type { JobClock } from './job-clock.ts';
import type { JobLife } from './job-life.ts';
import type { JobNews } from './job-news.ts';
import type { ReadyList } from './ready-list.ts';
import type { EventTargets, RoutineProgress } from './routine-run.ts';
import type { JobContext, LogLevel } from './routine-type.ts';

/** What a code host is put together from. */
export interface CodeHostParts {
  readonly context: JobContext;
  readonly life: JobLife;
  readonly clock: JobClock;
  readonly news: JobNews;
  readonly ready: ReadyList;
  readonly delivery: Delivery;
  /** Whether the event loop was kept as long as it should be at a time. */
  readonly isTurnOver: () => boolean;
  /** Whether what an activation emits is to be kept back; then it is. */
  readonly onEmit: ActivationHost['keepsBack'];
}

/** Answers what running code asks of its job. */
export class CodeHost implements ActivationHost {
  readonly context: JobContext;
  readonly life: JobLife;
  readonly isTurnOver: () => boolean;
  readonly keepsBack: ActivationHost['keepsBack'];
  readonly #clock: JobClock;
  readonly #news: JobNews;
  readonly #ready: ReadyList;
  readonly #delivery: Delivery;
  /** Activations whose code asked for its abort signal and has not ended. */
  readonly #listening = new Set<Activation>();

  constructor(parts: CodeHostParts) {
    this.context = parts.context;
    this.life = parts.life;
    this.isTurnOver = parts.isTurnOver;
    this.keepsBack = parts.onEmit;
    this.#clock = parts.clock;
    this.#news = parts.news;
    this.#ready = parts.ready;
    this.#delivery = parts.delivery;
  }

  deliver(activation: Activation, event: string, targets: EventTargets, value: unknown): void {
    this.#delivery.deliver(activation, event, targets, value);
  }

  codeAwaits(): void {
    this.#ready.requestWork();
  }

  listen(activation: Activation): void {
    this.#listening.add(activation);
  }

  /** The code of an activation has ended: its signal is left alone from now on. */
  unlisten(activation: Activation): void {
    if (this.#listening.size > 0) this.#listening.delete(activation);
  }

  /** Aborts the signals that code asked for. */
  abort(reason: unknown): void {
    for (const activation of [...this.#listening]) activation.abort(reason);
  }

  writeLog(
    activation: Activation,
    level: LogLevel,
    message: string,
    facts?: Readonly<Record<string, unknown>>,
  ): void {
    const { routineId, activationId } = activation;
    const at = this.#clock.readWallMs();
    this.#news.tellLog({ level, message, facts, routineId, activationId, at });
  }

  reportProgress({ routine }: Activation, progress: RoutineProgress): void {
    routine.progress = progress;
    this.#news.tellProgress(routine);
  }
}
