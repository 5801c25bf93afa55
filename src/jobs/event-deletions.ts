import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { EventReader } from './event-reader.ts';

/** Tells readers of single jobs that their job was deleted. Listens only while there are any. */
export class Deletions {
  readonly #pubsub: PubSub<Topics>;
  readonly #byJob = new Map<string, Set<EventReader>>();
  #stopListening: (() => void) | undefined;

  constructor(pubsub: PubSub<Topics>) {
    this.#pubsub = pubsub;
  }

  /** Tells a reader, if it is of one job, until the answer is called. */
  watch(reader: EventReader): () => void {
    const { jobId } = reader.which;
    if (jobId === undefined) return () => undefined;
    const readers = this.#byJob.get(jobId) ?? new Set();
    readers.add(reader);
    this.#byJob.set(jobId, readers);
    this.#stopListening ??= this.#pubsub.subscribe('jobChanged', (change) => {
      if (!change.isDeleted) return;
      for (const each of [...(this.#byJob.get(change.jobId) ?? [])]) each.jobDeleted();
    });
    return () => {
      readers.delete(reader);
      if (readers.size === 0 && this.#byJob.get(jobId) === readers) this.#byJob.delete(jobId);
      if (this.#byJob.size > 0) return;
      this.#stopListening?.();
      this.#stopListening = undefined;
    };
  }
}
