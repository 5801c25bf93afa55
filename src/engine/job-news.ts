import type { Activation } from './activation.ts';
import type { JobRun } from './job-run.ts';
import type { JobState } from './job-state.ts';
import type { JobObserver, LogEntry } from './observer.ts';
import type { RoutineRun } from './routine-run.ts';

/** What happens in a job: counted, for those who look now and then, and told, to those who observe. */
export class JobNews {
  /** Items queued, activations ended and whatever else people may see change, ever. */
  version = 0;
  /** Whether an observer is being told something. */
  isTelling = false;
  readonly #job: JobRun;
  readonly #observers: JobObserver[] = [];
  /** Those of the observers that watch activations. */
  readonly #watchers: JobObserver[] = [];

  constructor(job: JobRun) {
    this.#job = job;
  }

  /** Whether somebody watches activations, so that they have to be timed and their outputs remembered. */
  get isWatched(): boolean {
    return this.#watchers.length > 0;
  }

  observe(observer: JobObserver): void {
    this.#observers.push(observer);
    if (observer.activationEnded !== undefined) this.#watchers.push(observer);
  }

  /** Tells nobody anything any more. */
  silence(): void {
    this.#observers.length = 0;
    this.#watchers.length = 0;
  }

  tellState(from: JobState): void {
    this.version++;
    this.#tell((observer) => observer.stateChanged?.(this.#job, from));
  }

  tellActivation(activation: Activation): void {
    const wasTelling = this.isTelling; // what an observer does may be told in turn
    this.isTelling = true;
    for (const watcher of this.#watchers) {
      try {
        watcher.activationEnded?.(this.#job, activation);
      } catch {
        // An observer that throws must not disturb the job it watches.
      }
    }
    this.isTelling = wasTelling;
  }

  tellLog(entry: LogEntry): void {
    this.#tell((observer) => observer.logged?.(this.#job, entry));
  }

  tellProgress(routine: RoutineRun): void {
    this.version++;
    this.#tell((observer) => observer.progressed?.(this.#job, routine));
  }

  #tell(call: (observer: JobObserver) => void): void {
    const wasTelling = this.isTelling;
    this.isTelling = true;
    for (const observer of this.#observers) {
      try {
        call(observer);
      } catch {
        // As in `tellActivation`.
      }
    }
    this.isTelling = wasTelling;
  }
}
