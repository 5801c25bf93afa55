import { findCycle } from '../health/dependencies.ts';
import type { ConfiguredService } from '../health/health-options.ts';
import type { ServiceDefinition } from '../health/service.ts';
import { readServiceDefinition } from '../health/service-definition.ts';
import { type Named, readNamedList } from './read-named-list.ts';

/** What the configuration file says of services. */
export interface FoundServices {
  /** As they are written, all of them right; for the app, which fills in the defaults. */
  readonly services: readonly ConfiguredService[];
  /** The same with every default; for people. */
  readonly definitions: readonly Named<ServiceDefinition>[];
  readonly faults: readonly string[];
}

/**
 * Reads `services:` of the configuration file. That a service needs one which is not there is no fault, since that may be added
 * live; that services need each other in a circle is.
 * @param maxServices the most of one tenant
 */
export function readServices(written: unknown, maxServices: number): FoundServices {
  const { list, faults } = readNamedList('services', written, (service) =>
    readServiceDefinition(service),
  );
  return {
    services: list.map(({ written: service }) => service as ConfiguredService), // the reader took it
    definitions: list,
    faults: [...faults, ...findCycles(list), ...findTooMany(list, maxServices)],
  };
}

function findTooMany(list: readonly Named<ServiceDefinition>[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const { tenant } of list) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > most)
    .map(
      ([tenant, count]) =>
        `services: ${count} are of the tenant "${tenant}", and maxServices is ${most}.`,
    );
}

/** One fault for each circle: at the service that closes it, if they came one after another. */
function findCycles(list: readonly Named<ServiceDefinition>[]): string[] {
  const tenants = new Map<string, { all: Map<string, readonly string[]>; needed: Set<string> }>();
  return list.flatMap(({ as, tenant, thing: { name, dependsOn } }) => {
    const { all, needed } = tenants.get(tenant) ?? { all: new Map(), needed: new Set() };
    tenants.set(tenant, { all, needed });
    const cycle = needed.has(name)
      ? findCycle(name, dependsOn, (each) => all.get(each))
      : undefined;
    if (cycle !== undefined) {
      const way = cycle.map((each) => `"${each}"`).join(' → ');
      return [`${as}: dependsOn goes round in a circle: ${way}.`];
    }
    all.set(name, dependsOn);
    for (const each of dependsOn) needed.add(each);
    return [];
  });
}
