import type { Activation } from './activation.ts';
import type { JobRun } from './job-run.ts';
import type { JobState } from './job-state.ts';
import type { RoutineRun } from './routine-run.ts';
import type { LogLevel } from './routine-type.ts';

/** A line that a routine wrote to its job's log. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly routineId: string;
  /** 0 for a line of the debugger that no activation had to do with. */
  readonly activationId: number;
  /** Wall-clock milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * Told what happens in a job, from inside the engine: it must return at once and do slow things later. What it
 * throws is swallowed. An observer may read the job at any time, and must change nothing in it.
 */
export interface JobObserver {
  /** After each change of the job's state. */
  stateChanged?(job: JobRun, from: JobState): void;
  /**
   * After each run of a routine's code ended, retried runs included, and when an activation that was held was
   * abandoned; each once. Makes the engine read the clock each time.
   */
  activationEnded?(job: JobRun, activation: Activation): void;
  /** After a routine wrote to the log. */
  logged?(job: JobRun, entry: LogEntry): void;
  /** After a routine told its progress. */
  progressed?(job: JobRun, routine: RoutineRun): void;
}

/** What an inspector wants to be asked about a routine. */
export interface Interest {
  /** Activations, before their code runs. */
  readonly starts: boolean;
  /** What they emit. */
  readonly outputs: boolean;
}

/**
 * Stops single activations of a job: the place where a debugger attaches. What is held keeps its items and its
 * place under the concurrency limit until `JobRun.release`; all else goes on, unless the inspector pauses the job, which
 * it may do whenever it is asked. What it throws is logged as a warning, and counts as false. When the job ends, what is
 * held ends with it.
 */
export interface JobInspector {
  /**
   * Asked about each routine when the inspector is set, so that the others pay nothing. Whose interest changes is set
   * again.
   */
  interestIn(routine: RoutineRun): Interest;
  /**
   * Asked when items were taken, before the code runs, if there is an interest in `starts`. True holds the activation.
   * Not asked again for a retry.
   */
  holdsBefore(activation: Activation): boolean;
  /**
   * Asked before an item is delivered, if there is an interest in `outputs`. True keeps it back, and all that the activation emits after it. Code that awaits
   * what it emitted waits until the release; other code runs to its end, and is held then. A slot that refuses what was
   * kept back fails the activation after the fact.
   */
  holdsOutput(activation: Activation, event: string, value: unknown): boolean;
  /** Asked when the code has failed (`Activation.error`), before its error strategy acts. True holds the activation. */
  holdsFailure(activation: Activation): boolean;
  /**
   * Asked in a restored job of each activation that was held, or of which something was kept back, when it was captured.
   * False lets it go on. Code that was running runs again then, after what was kept back is delivered.
   */
  holdsRestored(activation: Activation): boolean;
}
