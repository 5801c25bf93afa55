import type { JobRun } from '../engine/index.ts';
import { completionsAt } from '../expression/completions.ts';
import { compileExpression } from '../expression/expression.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { plainJson } from '../lib/plain-json.ts';
import { preview } from '../lib/preview.ts';
import { typeName } from '../lib/type-name.ts';
import { failureOf } from '../monitoring/read-routine.ts';
import type {
  Completion,
  DebugReading,
  DebugSnapshot,
  DebugStart,
  Evaluation,
  FrameReading,
  Where,
} from './debug-host.ts';
import { FrameScope } from './frame-scope.ts';
import { JobDebugger, type JobDebuggerListener } from './job-debugger.ts';
import { JobItems } from './job-items.ts';
import { JobVariables } from './job-variables.ts';
import { readableNames } from './readable-names.ts';

/** Counts that change are told so long after the first that was not, in milliseconds. */
const COUNTS_DELAY_MS = 100;

/** The longest value, as JSON, that an evaluation answers, in characters. */
const LONGEST_VALUE = 64 * 1024;

export interface DebuggedJobParts {
  readonly job: JobRun;
  readonly start: DebugStart;
  readonly clock: Clock;
  readonly listener: Omit<JobDebuggerListener, 'changed'> & {
    /** What has to outlast the process has changed. At once when it stopped or went on; counts are merged. */
    changed(snapshot: DebugSnapshot): void;
  };
}

/** A job that is debugged: what the API can ask of it. */
export class DebuggedJob {
  readonly debugger: JobDebugger;
  readonly items: JobItems;
  readonly variables: JobVariables;
  readonly #clock: Clock;
  readonly #listener: DebuggedJobParts['listener'];
  #toldStop: unknown = undefined;
  #toldStatus = 'RUNNING';
  #cancelTimer: CancelTimer | undefined = undefined;
  #hasEnded = false;

  constructor({ job, start, clock, listener }: DebuggedJobParts) {
    this.#clock = clock;
    this.#listener = listener;
    const own: JobDebuggerListener = {
      changed: () => this.#noteChange(),
      breakpointHit: (hit) => listener.breakpointHit(hit),
      logged: (line) => listener.logged(line),
    };
    this.debugger = new JobDebugger(job, start, own, () => clock.now());
    this.items = new JobItems(this.debugger);
    this.variables = new JobVariables(this.debugger);
    this.#noteChange();
  }

  read(): DebugReading {
    const { status, stop, snapshot } = this.debugger;
    const frames = stop === undefined ? [] : this.#readFrames();
    return { status, stop, frames, progress: snapshot.progress };
  }

  /** @throws ExpressionError, NotFoundError, InvalidStateError */
  async evaluate(text: string, where: Where): Promise<Evaluation> {
    const { scope, names } = this.#lookFrom(where);
    const expression = compileExpression(text, names);
    const fromMs = this.#clock.monotonicMs();
    const { value } = await expression.evaluate(scope);
    return {
      type: typeName(value),
      preview: preview(value),
      json: plainJson(value, LONGEST_VALUE),
      durationMs: this.#clock.monotonicMs() - fromMs,
    };
  }

  complete(text: string, position: number, where: Where): readonly Completion[] {
    const { scope, described } = this.#lookFrom(where);
    return completionsAt(text, position, described, (name) => scope.read(name));
  }

  /** Tells what was not told yet, then no more: the job has ended, or is given up here. */
  end(): void {
    if (this.#cancelTimer !== undefined) this.#tell();
    this.#hasEnded = true;
  }

  /** From where nothing was said from the activation that stopped the job, if there is one. */
  #lookFrom(where: Where) {
    const { job, held } = this.debugger;
    const isAnywhere = where.activationId === undefined && where.routineId === undefined;
    const from = isAnywhere ? { activationId: held[0]?.activationId } : where;
    const { activation, routine } = this.variables.find(from, 'looked into');
    const scope = new FrameScope(job);
    if (activation !== undefined) scope.about(activation);
    else scope.routine = routine;
    const place =
      activation !== undefined ? 'ACTIVATION' : routine !== undefined ? 'ROUTINE_ALONE' : 'JOB';
    const described = readableNames(place, job.flow, routine?.id);
    return { scope, described, names: described.map(({ name }) => name) };
  }

  #readFrames(): FrameReading[] {
    const { held, job } = this.debugger;
    return held.map((activation) => {
      const { activationId, routineId, attempt, phase, hasFailed, items, staged } = activation;
      // RESTORED: its code waited so in the process before, and runs again when it is let go.
      const isEmitting = phase === 'RUNNING' || phase === 'RESTORED';
      const after = hasFailed ? 'FAILED' : isEmitting ? 'EMITTING' : 'AFTER';
      return {
        activationId,
        routineId,
        attempt,
        position: phase === 'HELD_BEFORE' ? 'BEFORE' : after,
        startedAt: job.wallTime(activation.startedMs),
        error: hasFailed ? failureOf(activation.error) : undefined,
        itemCount: items.length,
        outputCount: staged?.length ?? 0,
      };
    });
  }

  #noteChange(): void {
    if (this.#hasEnded) return;
    const { stop, status } = this.debugger;
    if (stop !== this.#toldStop || status !== this.#toldStatus) this.#tell();
    else this.#cancelTimer ??= this.#clock.setTimer(COUNTS_DELAY_MS, () => this.#tell());
  }

  #tell(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#toldStop = this.debugger.stop;
    this.#toldStatus = this.debugger.status;
    this.#listener.changed(this.debugger.snapshot);
  }
}
