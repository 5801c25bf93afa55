import type { JobReading, RoutineReading } from '../monitoring/readings.ts';
import type { ErrorRateSettings } from './alert-rule.ts';
import type { Look } from './look.ts';
import { nameRoutine, showDuration } from './words.ts';

/** A window is told to this part of it. So many counts of each job are remembered. */
const PARTS = 12;

/** What a job had counted at one moment; both lists are in the order of its routines. */
interface Counts {
  readonly atMs: number;
  readonly executions: readonly number[];
  readonly errors: readonly number[];
}

/** Of one job, the oldest first. The first is from before the window, or from when the job was first seen. */
interface History {
  readonly counts: Counts[];
  round: number;
}

/**
 * Tells for one rule how many executions failed in the window before a look, by what jobs had counted before. Of jobs that
 * were there at the first look only what followed it is known; of others all.
 */
export class ErrorRates {
  readonly #settings: ErrorRateSettings;
  readonly #jobs = new Map<string, History>();
  #round = 0;

  constructor(settings: ErrorRateSettings) {
    this.#settings = settings;
  }

  /** Looks at the routines of a job that the rule is about. */
  *look(job: JobReading, nowMs: number): Generator<Look> {
    const { windowMs } = this.#settings;
    const history = this.#historyOf(job, nowMs);
    history.round = this.#round;
    const { counts } = history;
    while (counts[1] !== undefined && counts[1].atMs <= nowMs - windowMs) counts.shift();
    const before = counts[0];
    const latest = counts.at(-1);
    if (latest !== undefined && nowMs - latest.atMs >= windowMs / PARTS) {
      counts.push(countsOf(job, nowMs));
    }
    if (before === undefined) return;
    for (const [at, routine] of job.routines.entries()) {
      const { routineId } = this.#settings;
      if (routineId !== undefined && routineId !== routine.routineId) continue;
      const executions = routine.executionCount - (before.executions[at] ?? 0);
      const errors = routine.errorCount - (before.errors[at] ?? 0);
      yield this.#lookAt(job, routine, executions, errors, nowMs - before.atMs >= windowMs);
    }
  }

  /** All jobs were looked at: forgets those that were not there. */
  endRound(): void {
    for (const [jobId, { round }] of this.#jobs) {
      if (round !== this.#round) this.#jobs.delete(jobId);
    }
    this.#round += 1;
  }

  #historyOf(job: JobReading, nowMs: number): History {
    const known = this.#jobs.get(job.jobId);
    if (known !== undefined) return known;
    const first = this.#round === 0 ? countsOf(job, nowMs) : nothing(job, nowMs);
    const history = { counts: [first], round: this.#round };
    this.#jobs.set(job.jobId, history);
    return history;
  }

  #lookAt(
    job: JobReading,
    routine: RoutineReading,
    executionCount: number,
    errorCount: number,
    isWhole: boolean,
  ): Look {
    const { windowMs, minExecutions, errorRate: limit } = this.#settings;
    const { flowId, jobId, state: jobState } = job;
    const { routineId, lastError } = routine;
    const errorRate = executionCount === 0 ? 0 : errorCount / executionCount;
    const isEnough = executionCount >= minExecutions;
    return {
      subject: { kind: 'ROUTINE', flowId, jobId, routineId },
      // Too few in a window that has not been watched whole says nothing.
      holds: isEnough ? errorRate >= limit : isWhole ? false : undefined,
      values: () => ({
        flowId,
        jobId,
        jobState,
        routineId,
        errorRate,
        errorCount,
        executionCount,
        totalErrorCount: routine.errorCount,
        totalExecutionCount: routine.executionCount,
        retryCount: routine.retryCount,
        lastError: lastError?.message ?? null,
      }),
      message() {
        const latest = lastError === undefined ? '' : ` The latest: ${lastError.message}`;
        return `${errorCount} of ${executionCount} executions of ${nameRoutine(routineId, job)} failed within ${showDuration(windowMs)}.${latest}`;
      },
    };
  }
}

function countsOf({ routines }: JobReading, atMs: number): Counts {
  return {
    atMs,
    executions: routines.map(({ executionCount }) => executionCount),
    errors: routines.map(({ errorCount }) => errorCount),
  };
}

function nothing({ routines }: JobReading, atMs: number): Counts {
  const zeros = routines.map(() => 0);
  return { atMs, executions: zeros, errors: zeros };
}
