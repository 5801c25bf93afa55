import { Deque } from '../lib/deque.ts';
import type { JobFailureSettings } from './alert-rule.ts';
import type { Look } from './look.ts';
import { countOf, showDuration } from './words.ts';

/** A job that failed. */
export interface JobFailure {
  readonly flowId: string;
  readonly jobId: string;
  /** On a clock that never goes back. */
  readonly atMs: number;
  readonly message: string;
}

/** Failures of one flow that are remembered at most; what a rule can ask for is less. */
const MOST_FAILURES = 10_000;

interface Failures {
  readonly times: Deque<number>;
  last: JobFailure;
}

/** Counts for one rule how many jobs of each flow failed in the window before a look. */
export class FailureCounts {
  readonly #settings: JobFailureSettings;
  readonly #flows = new Map<string, Failures>();
  /** What is told while that of before is looked up. */
  #meanwhile: JobFailure[] | undefined;

  constructor(settings: JobFailureSettings) {
    this.#settings = settings;
  }

  /** Whether there are failures that will leave the window. */
  get isWaiting(): boolean {
    return this.#flows.size > 0;
  }

  get isAwaitingPast(): boolean {
    return this.#meanwhile !== undefined;
  }

  /** What is noted from now on counts once `notePast` has told what was before. */
  awaitPast(): void {
    this.#meanwhile ??= [];
  }

  /** What was before, the oldest first. What was noted meanwhile may be among it. */
  notePast(past: readonly JobFailure[]): void {
    const meanwhile = this.#meanwhile ?? [];
    this.#meanwhile = undefined;
    const known = new Set(meanwhile.map(({ jobId }) => jobId));
    for (const failure of past) if (!known.has(failure.jobId)) this.note(failure);
    for (const failure of meanwhile) this.note(failure);
  }

  note(failure: JobFailure): void {
    const { flowId } = this.#settings;
    if (flowId !== undefined && flowId !== failure.flowId) return;
    if (this.#meanwhile !== undefined) {
      this.#meanwhile.push(failure);
      return;
    }
    const known = this.#flows.get(failure.flowId);
    const failures = known ?? { times: new Deque<number>(), last: failure };
    failures.times.push(failure.atMs);
    failures.last = failure;
    if (failures.times.length > MOST_FAILURES) failures.times.shift();
    this.#flows.set(failure.flowId, failures);
  }

  /**
   * Looks at flows of which jobs failed since not longer than one look ago.
   * @param flowIds default: all
   */
  *look(nowMs: number, flowIds: Iterable<string> = this.#flows.keys()): Generator<Look> {
    const { windowMs, minFailures } = this.#settings;
    for (const flowId of flowIds) {
      const failures = this.#flows.get(flowId);
      if (failures === undefined) continue;
      const { times, last } = failures;
      for (let first = times.peek(); first !== undefined; first = times.peek()) {
        if (nowMs - first < windowMs) break;
        times.shift();
      }
      const failureCount = times.length;
      if (failureCount === 0) this.#flows.delete(flowId);
      yield {
        subject: { kind: 'FLOW', flowId },
        holds: failureCount >= minFailures,
        values: () => ({
          flowId,
          failureCount,
          lastJobId: last.jobId,
          lastError: last.message,
        }),
        message: () =>
          `${countOf(failureCount, 'job')} of flow "${flowId}" failed within ${showDuration(windowMs)}. The latest, ${last.jobId}: ${last.message}`,
      };
    }
  }
}
