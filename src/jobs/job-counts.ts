import { isFinalState, type JobState } from '../engine/index.ts';

type Counts = Partial<Record<JobState, number>>;

/** Counts the jobs of all tenants that run in this process, and those that ended in it, by state. */
export class JobCounts {
  readonly #here: Counts = { RUNNING: 0, PAUSED: 0 };
  readonly #ended: Counts = { COMPLETED: 0, FAILED: 0, CANCELLED: 0 };

  /** A job went from one state to another. */
  note({ from, state }: { readonly from: JobState; readonly state: JobState }): void {
    const left = this.#here[from];
    if (left !== undefined) this.#here[from] = left - 1;
    const counts = isFinalState(state) ? this.#ended : this.#here;
    const before = counts[state];
    if (before !== undefined) counts[state] = before + 1;
  }

  /** How many are in each state now. */
  get here(): Readonly<Counts> {
    return this.#here;
  }

  /** How many ended in each state since the process was started. */
  get ended(): Readonly<Counts> {
    return this.#ended;
  }
}
