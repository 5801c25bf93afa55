import type { Clock } from '../lib/clock.ts';
import type { StorageStatus } from './database.ts';

/** Whether the database can be used, and who wants to know. */
export class StorageHealth {
  readonly #clock: Clock;
  readonly #listeners = new Set<(status: StorageStatus) => void>();
  #status: StorageStatus;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#status = { isReady: true, problem: undefined, since: clock.now() };
  }

  get status(): StorageStatus {
    return this.#status;
  }

  /** Something was written, or could have been. */
  pass(): void {
    if (!this.#status.isReady) this.#change(true, undefined);
  }

  /** Something could not be read or written. `problem` says why, and what to do. */
  fail(problem: string): void {
    if (this.#status.isReady) this.#change(false, problem);
    else if (problem !== this.#status.problem) this.#status = { ...this.#status, problem };
  }

  /** Calls back when `isReady` changes. The answer stops that. */
  onChange(listener: (status: StorageStatus) => void): () => void {
    const entry = (status: StorageStatus) => listener(status);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  #change(isReady: boolean, problem: string | undefined): void {
    this.#status = { isReady, problem, since: this.#clock.now() };
    for (const listener of this.#listeners) {
      try {
        listener(this.#status);
      } catch {
        // Whoever listens must not keep the database from working.
      }
    }
  }
}
