import type { JobEventType, JobHappening, OfJob } from '../pubsub/topics.ts';
import { EventProduction, type EventProductionParts } from './event-production.ts';
import type { HostedLogLine } from './job-host.ts';
import type { EventsOf } from './job-stream-message.ts';

export interface EventProductionsParts extends Omit<EventProductionParts, 'record'> {
  readonly record: (of: OfJob, at: number, happening: JobHappening) => void;
}

/**
 * Makes events on demand, for each tenant by itself: how many jobs one has, and wants events of, changes nothing for
 * another.
 */
export class EventProductions {
  readonly #parts: EventProductionsParts;
  readonly #byTenant = new Map<string, EventProduction>();

  constructor(parts: EventProductionsParts) {
    this.#parts = parts;
  }

  /** How many jobs are watched. */
  get count(): number {
    let count = 0;
    for (const production of this.#byTenant.values()) count += production.count;
    return count;
  }

  /** Makes events of some jobs, of these types, until the answer is called. */
  want({ tenant, ...which }: EventsOf, types: readonly string[]): () => void {
    const stop = this.#of(tenant).want(which, types);
    return () => {
      stop();
      this.#release(tenant);
    };
  }

  /** A job is about to run; the host knows it. */
  jobStarting({ tenant, jobId, flowId }: OfJob): void {
    this.#of(tenant).jobStarting(jobId, flowId);
  }

  /** Takes note of what happened in a job. */
  happened({ tenant, jobId, flowId }: OfJob, type: JobEventType): void {
    const isNew = type === 'JOB_RECOVERED';
    const production = isNew ? this.#of(tenant) : this.#byTenant.get(tenant);
    production?.happened(jobId, flowId, type);
    this.#release(tenant);
  }

  /** Tells of a line that was written to the log, if somebody wants to know and it is not one too many. */
  logged(line: HostedLogLine): void {
    this.#byTenant.get(line.tenant)?.logged(line);
  }

  #of(tenant: string): EventProduction {
    let production = this.#byTenant.get(tenant);
    if (production === undefined) {
      const { record, ...parts } = this.#parts;
      production = new EventProduction({
        ...parts,
        record: (jobId, flowId, at, happening) => record({ jobId, tenant, flowId }, at, happening),
      });
      this.#byTenant.set(tenant, production);
    }
    return production;
  }

  #release(tenant: string): void {
    if (this.#byTenant.get(tenant)?.isIdle === true) this.#byTenant.delete(tenant);
  }
}
