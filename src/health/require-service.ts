import { NotFoundError } from '../lib/domain-error.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { Monitor } from './monitor.ts';
import type { MonitoredService } from './monitored-service.ts';

/** The service of a tenant by its name. @throws NotFoundError with the nearest name */
export function requireService(monitor: Monitor, tenant: string, name: string): MonitoredService {
  const services = monitor.of(tenant);
  const service = services.get(name);
  if (service !== undefined) return service;
  const names = [...services].map((each) => each.spec.name);
  const nearest = nearestName(name, names);
  const advice =
    nearest === undefined
      ? names.length === 0
        ? 'There are none; add one with `addService`.'
        : ''
      : `Did you mean "${nearest}"?`;
  throw new NotFoundError('Service', name, advice);
}
