import type { JobEvent } from '../pubsub/topics.ts';
import type { EventsOf } from './job-stream-message.ts';

/** Who is told of an event as it happens. */
export interface EventListener {
  /** Which events it wants. */
  readonly which: EventsOf;
  push(event: JobEvent): void;
}

/** Those who are told of events as they happen: an event costs those who want events of its job, its flow or all. */
export class EventListeners {
  readonly #byJob = new Map<string, Set<EventListener>>();
  readonly #byFlow = new Map<string, Set<EventListener>>();
  readonly #ofAll = new Set<EventListener>();

  /** How many there are. */
  get count(): number {
    let count = this.#ofAll.size;
    for (const { size } of [...this.#byJob.values(), ...this.#byFlow.values()]) count += size;
    return count;
  }

  /** Tells a listener of every event from now on, until the answer is called. */
  add(listener: EventListener): () => void {
    const { jobId, flowId } = listener.which;
    if (jobId !== undefined) return addTo(this.#byJob, jobId, listener);
    if (flowId !== undefined) return addTo(this.#byFlow, flowId, listener);
    this.#ofAll.add(listener);
    return () => void this.#ofAll.delete(listener);
  }

  tell(event: JobEvent): void {
    for (const listener of this.#byJob.get(event.jobId) ?? []) listener.push(event);
    for (const listener of this.#byFlow.get(event.flowId) ?? []) listener.push(event);
    for (const listener of this.#ofAll) listener.push(event);
  }
}

function addTo(
  sets: Map<string, Set<EventListener>>,
  id: string,
  listener: EventListener,
): () => void {
  const set = sets.get(id) ?? new Set();
  sets.set(id, set);
  set.add(listener);
  return () => {
    set.delete(listener);
    if (set.size === 0 && sets.get(id) === set) sets.delete(id);
  };
}
