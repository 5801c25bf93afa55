import type { JobHandle, JobRun } from './job-run.ts';
import { isFinalState } from './job-state.ts';

interface Waiting {
  readonly handle: JobHandle;
  readonly priority: number;
  /** What the job has to wait for once it has its place. */
  readonly beforeStart: (() => Promise<void>) | undefined;
}

/** The places for running jobs, and those that wait for one. A paused job keeps its place. */
export class JobPlaces {
  readonly #count: number;
  readonly #taken = new Map<JobRun, JobHandle>();
  /** Highest priority first; among equals, first come first. */
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  /** @param count how many jobs may have a place at a time */
  constructor(count: number) {
    this.#count = count;
  }

  /** All jobs that have not ended, those that wait last. */
  get all(): readonly JobHandle[] {
    return [...this.#taken.values(), ...this.#waiting.map(({ handle }) => handle)];
  }

  /** Starts a job as soon as there is a place for it, at the earliest after the present call has returned. */
  enter(handle: JobHandle, priority: number, beforeStart?: () => Promise<void>): void {
    const { job } = handle;
    const entered: Waiting = { handle, priority, beforeStart };
    // From the end, where most find their place at once: thousands may wait.
    const before = this.#waiting.findLastIndex((other) => other.priority >= priority);
    this.#waiting.splice(before + 1, 0, entered);
    void job.settled.then(() => {
      if (this.#taken.delete(job)) this.#fill();
      else this.#forget(job);
    });
    queueMicrotask(() => {
      // One that is ending already needs no place: nothing begins in it.
      if (job.isEnding && this.#forget(job)) this.#place(entered);
      this.#fill();
    });
  }

  /** Starts no job any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Lets go of all jobs. */
  clear(): void {
    this.#taken.clear();
    this.#waiting.length = 0;
  }

  #fill(): void {
    while (this.#taken.size < this.#count && !this.#isClosed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#place(next);
    }
  }

  #place({ handle, beforeStart }: Waiting): void {
    if (this.#isClosed || isFinalState(handle.job.state)) return;
    this.#taken.set(handle.job, handle);
    if (beforeStart === undefined) handle.start();
    else beforeStart().then(() => this.#start(handle), doNothing);
  }

  /** The job may have been ended, and the places closed, while it was waited for. */
  #start({ job, start }: JobHandle): void {
    if (!this.#isClosed && !isFinalState(job.state) && !job.isEnding) start();
  }

  /** A job that ended before it had a place must not be held on to until there is one. */
  #forget(job: JobRun): boolean {
    const at = this.#waiting.findIndex(({ handle }) => handle.job === job);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }
}

function doNothing(): void {}
