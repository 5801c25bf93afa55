import { messageOf } from '../lib/domain-error.ts';
import type { Activation } from './activation.ts';
import type { Interest, JobInspector } from './observer.ts';
import type { RoutineRun } from './routine-run.ts';

/** What is asked of an inspector about an activation alone. */
type Question = 'holdsFailure' | 'holdsRestored';

/** What an inspection is put together from. */
export interface InspectionParts {
  /** Those that the inspector is asked about; there when it is set. */
  readonly routines: () => readonly RoutineRun[];
  readonly isEnding: () => boolean;
}

const NO_INTEREST: Interest = { starts: false, outputs: false };

/** Asks a job's inspector. One that throws holds nothing: the job must not suffer from being looked at. */
export class Inspection {
  readonly #parts: InspectionParts;
  #inspector: JobInspector | undefined = undefined;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  get inspector(): JobInspector | undefined {
    return this.#inspector;
  }

  set inspector(inspector: JobInspector | undefined) {
    this.#inspector = inspector;
    for (const routine of this.#parts.routines()) {
      const { starts, outputs } = inspector?.interestIn(routine) ?? NO_INTEREST;
      routine.asksStarts = starts;
      routine.asksOutputs = outputs;
    }
  }

  /** Whether an activation is to be held before its code. */
  holdsBefore(activation: Activation): boolean {
    if (this.#inspector === undefined) return false;
    try {
      return this.#inspector.holdsBefore(activation) && !this.#parts.isEnding();
    } catch (error) {
      report(activation, error);
      return false;
    }
  }

  /** Whether the activation is to be held. Never while the job is ending, which the inspector may have brought about. */
  holds(activation: Activation, question: Question): boolean {
    if (this.#inspector === undefined) return false;
    try {
      return this.#inspector[question](activation) && !this.#parts.isEnding();
    } catch (error) {
      report(activation, error);
      return false;
    }
  }

  /** Whether an item that the activation emits is to be kept back. */
  holdsOutput(activation: Activation, event: string, value: unknown): boolean {
    if (this.#parts.isEnding()) return false;
    // What is kept back already is followed by the rest, whatever the inspector wants by now.
    if (activation.staged !== undefined) return true;
    if (this.#inspector === undefined) return false;
    try {
      return this.#inspector.holdsOutput(activation, event, value) && !this.#parts.isEnding();
    } catch (error) {
      report(activation, error);
      return false;
    }
  }
}

function report(activation: Activation, error: unknown): void {
  const message = `The inspector failed: ${messageOf(error)}`;
  activation.routine.host.writeLog(activation, 'WARNING', message);
}
