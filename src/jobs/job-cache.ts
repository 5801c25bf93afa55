import type { Job } from './job.ts';

/** What a cache holds at most: so many jobs, with so many characters of text in all. */
const MOST_JOBS = 5_000;
const MOST_CHARACTERS = 16_000_000;

interface Entry {
  readonly job: Job;
  readonly characters: number;
}

/**
 * Jobs that were read or written lately, by id. For a database that only this process writes.
 *
 * What a read found is only kept if no write began or ended since the read began: it may be from before that write.
 */
export class JobCache {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #characters = 0;
  #writes = 0;

  /** To be taken before a read, and handed to `keep` with what it found. */
  get mark(): number {
    return this.#writes;
  }

  get(id: string): Job | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.job;
  }

  /** @param characters how long the text of the job is, about */
  keep(job: Job, characters: number, mark: number): void {
    if (mark !== this.#writes) return;
    this.#drop(job.id);
    this.#entries.set(job.id, { job, characters });
    this.#characters += characters;
    for (const [id] of this.#entries) {
      if (this.#entries.size <= MOST_JOBS && this.#characters <= MOST_CHARACTERS) return;
      this.#drop(id);
    }
  }

  /** A job was written, or is about to be. */
  noteWritten(id: string): void {
    this.#writes++;
    this.#drop(id);
  }

  /** Runs a write of a job. */
  async during<Result>(id: string, write: () => Promise<Result>): Promise<Result> {
    this.noteWritten(id);
    try {
      return await write();
    } finally {
      this.noteWritten(id);
    }
  }

  /** To be called after a write of jobs that are not known. */
  clear(): void {
    this.#writes++;
    this.#entries.clear();
    this.#characters = 0;
  }

  #drop(id: string): void {
    this.#characters -= this.#entries.get(id)?.characters ?? 0;
    this.#entries.delete(id);
  }
}
