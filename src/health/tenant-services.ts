import { readCauses } from './dependencies.ts';
import type { MonitoredService } from './monitored-service.ts';
import type { ServiceStatus } from './service.ts';

const NONE: readonly string[] = [];

/** All services of a tenant, and how they are together. */
export class TenantServices {
  readonly #services = new Map<string, MonitoredService>();
  /** By name: thousands are read for many an answer, and seldom is there another. */
  readonly #inOrder: MonitoredService[] = [];
  readonly #counts: Record<ServiceStatus, number> = {
    HEALTHY: 0,
    DEGRADED: 0,
    UNHEALTHY: 0,
    UNKNOWN: 0,
  };
  #causes: ReadonlyMap<string, readonly string[]> | undefined;
  status: ServiceStatus = 'UNKNOWN';
  /** Since when they have that status together; milliseconds since the Unix epoch. */
  since: number;

  constructor(now: number) {
    this.since = now;
  }

  get size(): number {
    return this.#services.size;
  }

  /** Of those not in maintenance, by status. */
  get counts(): Readonly<Record<ServiceStatus, number>> {
    return this.#counts;
  }

  get(name: string): MonitoredService | undefined {
    return this.#services.get(name);
  }

  /** Which others are to blame for a service that is not HEALTHY, as of `readCauses`: worked out once after each change. */
  causesOf({ name, status, dependsOn }: MonitoredService): readonly string[] {
    if (status === 'HEALTHY' || dependsOn.length === 0) return NONE;
    this.#causes ??= readCauses(this);
    return this.#causes.get(name) ?? NONE;
  }

  /** In the order of names. */
  [Symbol.iterator](): IterableIterator<MonitoredService> {
    return this.#inOrder.values();
  }

  /** Takes one of a name that there was none of. */
  put(service: MonitoredService): void {
    this.#services.set(service.name, service);
    this.#inOrder.splice(this.#placeOf(service.name), 0, service);
    this.#causes = undefined;
    this.#count(service, 1);
    this.#compare(service.since);
    this.#date(service);
  }

  remove(service: MonitoredService, now: number): void {
    this.#services.delete(service.name);
    this.#inOrder.splice(this.#placeOf(service.name), 1);
    this.#causes = undefined;
    this.#count(service, -1);
    this.#compare(now);
  }

  /** Takes note that a service had another status before. */
  moved({ status, maintenance }: MonitoredService, from: ServiceStatus, now: number): void {
    this.#causes = undefined;
    if (maintenance !== undefined) return;
    this.#counts[from]--;
    this.#counts[status]++;
    this.#compare(now);
  }

  /** Changes a service in a way that may count for all. */
  change(service: MonitoredService, now: number, change: () => void): void {
    this.#count(service, -1);
    change();
    this.#causes = undefined;
    this.#count(service, 1);
    this.#compare(now);
  }

  /** Where a name is, or has to be. */
  #placeOf(name: string): number {
    let from = 0;
    let to = this.#inOrder.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#inOrder[middle]?.name ?? name) < name) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #count({ status, maintenance }: MonitoredService, by: number): void {
    if (maintenance === undefined) this.#counts[status] += by;
  }

  #compare(now: number): void {
    const status = this.#worst();
    if (status === this.status) return;
    this.status = status;
    this.since = now;
  }

  /** One may come with the status that it had before a restart, and so may all together: since when is found out again. */
  #date({ status, since, maintenance }: MonitoredService): void {
    if (maintenance !== undefined || status !== this.status) return;
    // All have to be HEALTHY; of what is worse one is enough.
    this.since = (status === 'HEALTHY' ? Math.max : Math.min)(this.since, since);
  }

  #worst(): ServiceStatus {
    if (this.#counts.UNHEALTHY > 0) return 'UNHEALTHY';
    if (this.#counts.DEGRADED > 0) return 'DEGRADED';
    return this.#counts.UNKNOWN > 0 || this.#counts.HEALTHY === 0 ? 'UNKNOWN' : 'HEALTHY';
  }
}
