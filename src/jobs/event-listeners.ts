import type { JobEvent } from '../pubsub/topics.ts';
import type { EventsOf } from './job-stream-message.ts';

/** Who is told of an event as it happens. */
export interface EventListener {
  /** Which events it wants. */
  readonly which: EventsOf;
  push(event: JobEvent): void;
}

/** Those of one tenant. */
interface OfTenant {
  readonly byJob: Map<string, Set<EventListener>>;
  readonly byFlow: Map<string, Set<EventListener>>;
  readonly ofAll: Set<EventListener>;
}

/**
 * Those who are told of events as they happen: an event costs those of its tenant who want events of its job, its flow or
 * all.
 */
export class EventListeners {
  readonly #byTenant = new Map<string, OfTenant>();

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const { byJob, byFlow, ofAll } of this.#byTenant.values()) {
      count += ofAll.size;
      for (const { size } of [...byJob.values(), ...byFlow.values()]) count += size;
    }
    return count;
  }

  /** Tells a listener of every event from now on, until the answer is called. */
  add(listener: EventListener): () => void {
    const { tenant, jobId, flowId } = listener.which;
    const own = this.#byTenant.get(tenant) ?? {
      byJob: new Map(),
      byFlow: new Map(),
      ofAll: new Set(),
    };
    this.#byTenant.set(tenant, own);
    const remove = addTo(own, jobId, flowId, listener);
    return () => {
      remove();
      const isEmpty = own.byJob.size + own.byFlow.size + own.ofAll.size === 0;
      if (isEmpty && this.#byTenant.get(tenant) === own) this.#byTenant.delete(tenant);
    };
  }

  tell(event: JobEvent): void {
    const own = this.#byTenant.get(event.tenant);
    if (own === undefined) return;
    for (const listener of own.byJob.get(event.jobId) ?? []) listener.push(event);
    for (const listener of own.byFlow.get(event.flowId) ?? []) listener.push(event);
    for (const listener of own.ofAll) listener.push(event);
  }
}

function addTo(
  { byJob, byFlow, ofAll }: OfTenant,
  jobId: string | undefined,
  flowId: string | undefined,
  listener: EventListener,
): () => void {
  if (jobId !== undefined) return addUnder(byJob, jobId, listener);
  if (flowId !== undefined) return addUnder(byFlow, flowId, listener);
  ofAll.add(listener);
  return () => void ofAll.delete(listener);
}

function addUnder(
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
