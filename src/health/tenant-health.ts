import type { Clock } from '../lib/clock.ts';
import { ValidationError } from '../lib/domain-error.ts';
import type { Turns } from '../lib/turns.ts';
import { problemOfAgent, statusOfAgent } from './agent-status.ts';
import { readCluster } from './cluster.ts';
import { findCycle } from './dependencies.ts';
import { writeDetails } from './details.ts';
import type { ServiceFilter } from './health.ts';
import {
  NotCheckableError,
  NotInMaintenanceError,
  ServiceExistsError,
  ServiceFixedError,
  ServiceNeededError,
  TooManyChecksError,
  TooManyServicesError,
} from './health-errors.ts';
import type { HealthHistory } from './health-history.ts';
import type { TenantHealth } from './health-service.ts';
import type { Monitor } from './monitor.ts';
import type { MonitoredService } from './monitored-service.ts';
import { readReport } from './read-report.ts';
import { requireService } from './require-service.ts';
import type { ServiceDefinition, ServiceReading } from './service.ts';
import { readServiceDefinition } from './service-definition.ts';
import { agentName, specOfKept } from './service-specs.ts';
import type { KeptService, ServiceStore } from './service-store.ts';

/** The longest maintenance: 30 days. */
const LONGEST_MAINTENANCE_MS = 30 * 86_400_000;

export interface TenantHealthParts {
  readonly monitor: Monitor;
  readonly store: ServiceStore;
  readonly history: HealthHistory;
  /** Services of the tenant that are stored, by name. */
  readonly kept: () => Map<string, KeptService>;
  /** Changes of one tenant come one after another. */
  readonly turns: Turns;
  readonly maxServices: number;
  /** Of services that were added live, together. */
  readonly maxChecksPerSecond: number;
  readonly clock: Clock;
}

/** What one tenant asks of the health of its services, and does to them. */
export function createTenantHealth(tenant: string, parts: TenantHealthParts): TenantHealth {
  const { monitor, store, history, kept, turns, maxServices, maxChecksPerSecond, clock } = parts;

  const all = () => monitor.of(tenant);
  const find = (name: string) => requireService(monitor, tenant, name);
  const read = (service: MonitoredService): ServiceReading => service.read(all().causesOf(service));

  const inTurn = <Result>(task: () => Promise<Result>) => turns.take(tenant, task);

  const refuseCycle = (name: string, dependsOn: readonly string[]) => {
    const cycle = findCycle(name, dependsOn, (other) => all().get(other)?.dependsOn);
    if (cycle === undefined) return;
    const message = `${cycle.map((each) => `"${each}"`).join(' needs ')}: that is a circle. Leave one of them out.`;
    throw new ValidationError([{ path: ['dependsOn'], message }]);
  };

  const refuseMany = () => {
    if (all().size >= maxServices) throw new TooManyServicesError(maxServices);
  };

  /** Refuses what would be checked more often than before, where all are then checked too often. */
  const refuseOften = ({ name, intervalMs }: ServiceDefinition, before?: ServiceDefinition) => {
    const perSecond = 1000 / intervalMs;
    if (before !== undefined && perSecond <= 1000 / before.intervalMs) return;
    let wanted = perSecond;
    for (const { spec } of all()) {
      if (spec.origin !== 'API' || spec.name === name || spec.intervalMs === undefined) continue;
      wanted += 1000 / spec.intervalMs;
    }
    if (wanted > maxChecksPerSecond) throw new TooManyChecksError(maxChecksPerSecond, wanted);
  };

  /** What was added live, to be changed. */
  const findAdded = (name: string, what: string): KeptService => {
    const { origin } = find(name).spec;
    const added = kept().get(name);
    if (added !== undefined && (origin === 'API' || origin === 'REPORT')) return added;
    throw new ServiceFixedError(
      name,
      `Service "${name}" ${FIXED[origin]}, so it can't be ${what} here.`,
    );
  };

  const keep = async (service: KeptService, firstAfterMs: number): Promise<MonitoredService> => {
    const isNew = all().get(service.name) === undefined;
    await (isNew ? store.add(service) : store.put(service));
    kept().set(service.name, service);
    return monitor.put(specOfKept(service), firstAfterMs);
  };

  return {
    list(filter = {}) {
      const found = [...all()].filter((service) => fits(service, filter));
      return found.map(read);
    },
    get(name) {
      const service = all().get(name);
      return service && read(service);
    },
    require: (name) => read(find(name)),
    readCluster() {
      const services = all();
      const { status, since } = services;
      return { ...readCluster(services, read), status, since };
    },
    listTransitions: (query) => store.listTransitions(tenant, query),
    countTransitions: (service) => store.countTransitions(tenant, service),
    readSummary: (name, range) => history.readSummary(tenant, name, range),
    readSeries: (name, request) => history.readSeries(tenant, name, request),

    add: (input, idempotencyKey) =>
      inTurn(async () => {
        const definition = readServiceDefinition(input);
        const { name } = definition;
        const before =
          idempotencyKey === undefined
            ? undefined
            : [...kept().values()].find((each) => each.idempotencyKey === idempotencyKey);
        if (before !== undefined) {
          const service = all().get(before.name);
          // It may have been changed since.
          if (service?.spec.origin === 'API' && before.name === name) return read(service);
          const message = `The idempotency key was used for service "${before.name}", and this is another. Use another key.`;
          throw new ServiceExistsError(before.name, message);
        }
        const same = all().get(name);
        if (same !== undefined) {
          const { origin } = same.spec;
          const advice =
            origin === 'API' ? 'Use another name, or `updateService`.' : 'Use another name.';
          const message = `There is a service "${name}" already, which ${FIXED[origin]}. ${advice}`;
          throw new ServiceExistsError(name, message);
        }
        refuseMany();
        refuseOften(definition);
        refuseCycle(name, definition.dependsOn);
        const now = clock.now();
        const service = {
          tenant,
          name,
          kind: 'HTTP',
          definition,
          description: undefined,
          expectedIntervalMs: undefined,
          createdAt: now,
          updatedAt: now,
          idempotencyKey,
        } as const;
        return read(await keep(service, 0));
      }),

    update: (name, changes) =>
      inTurn(async () => {
        const before = findAdded(name, 'changed');
        if (before.definition === undefined) {
          throw new ServiceFixedError(
            name,
            `Service "${name}" ${FIXED.REPORT}: its agent says what it is.`,
          );
        }
        const definition = readServiceDefinition(changes, before.definition);
        refuseOften(definition, before.definition);
        refuseCycle(name, definition.dependsOn);
        return read(await keep({ ...before, definition, updatedAt: clock.now() }, 0));
      }),

    remove: (name) =>
      inTurn(async () => {
        findAdded(name, 'removed');
        const service = find(name);
        const neededBy = [...all()].filter((each) => each.dependsOn.includes(name));
        if (neededBy.length > 0) {
          throw new ServiceNeededError(name, neededBy.map((each) => each.name).sort());
        }
        const reading = read(service);
        const goOn = monitor.suspend(service);
        history.forget(tenant, name);
        try {
          await store.remove(tenant, name);
        } catch (error) {
          goOn(); // it is still there
          store.noteState(stateOf(service)); // it may have come to another status meanwhile
          throw error;
        }
        monitor.remove(service);
        kept().delete(name);
        return reading;
      }),

    async checkNow(name) {
      const service = find(name);
      const checking = monitor.checkNow(service);
      if (checking === undefined) throw new NotCheckableError(name);
      const result = await checking;
      return { result, service: read(service) };
    },

    startMaintenance: (name, { until, reason, by }) =>
      inTurn(async () => {
        const service = find(name);
        const startedAt = clock.now();
        if (!(until > startedAt && until <= startedAt + LONGEST_MAINTENANCE_MS)) {
          const message = 'Give a moment that is later than now, by 30 days at most.';
          throw new ValidationError([{ path: ['until'], message }]);
        }
        const maintenance = { startedAt, until, reason, startedBy: by };
        await store.putState({ ...stateOf(service), maintenance });
        monitor.setMaintenance(service, maintenance);
        return read(service);
      }),

    endMaintenance: (name) =>
      inTurn(async () => {
        const service = find(name);
        if (service.maintenance === undefined) throw new NotInMaintenanceError(name);
        await store.putState({ ...stateOf(service), maintenance: undefined });
        monitor.setMaintenance(service, undefined);
        return read(service);
      }),

    async report(given) {
      const report = readReport(given);
      const name = agentName(report.name);
      const note = (service: MonitoredService) => {
        monitor.report(service, {
          status: statusOfAgent(report),
          at: clock.now(),
          responseTimeMs: undefined,
          httpStatus: undefined,
          failure: problemOfAgent(report) === undefined ? undefined : 'REPORTED',
          error: problemOfAgent(report),
          details: writeDetails(report.details),
        });
        return read(service);
      };
      const isAsKept = () => {
        const known = all().get(name)?.spec;
        return (
          known?.origin === 'REPORT' &&
          known.intervalMs === report.expectedIntervalMs &&
          (report.description ?? known.description) === known.description
        );
      };
      if (isAsKept()) return note(find(name));
      return inTurn(async () => {
        if (isAsKept()) return note(find(name));
        const known = all().get(name);
        if (known !== undefined && known.spec.origin !== 'REPORT') {
          throw new ServiceFixedError(
            name,
            `Service "${name}" ${FIXED[known.spec.origin]}: nobody reports for it.`,
          );
        }
        if (known === undefined) refuseMany();
        const now = clock.now();
        const { expectedIntervalMs, description = known?.spec.description } = report;
        const agent = {
          tenant,
          name,
          kind: 'AGENT',
          definition: undefined,
          description,
          expectedIntervalMs,
          createdAt: known?.spec.createdAt ?? now,
          updatedAt: now,
          idempotencyKey: undefined,
        } as const;
        return note(await keep(agent, 0));
      });
    },
  };
}

/** Where a service comes from, for people. */
const FIXED = {
  CONFIGURATION: 'comes from the configuration',
  LIBRARY: 'comes from the program that runs the server',
  SERVER: 'is a part of the server itself',
  REPORT: 'reports by itself',
  API: 'was added live',
} as const;

function stateOf({ spec, status, since, explanation, maintenance }: MonitoredService) {
  return { tenant: spec.tenant, name: spec.name, status, since, explanation, maintenance };
}

function fits(service: MonitoredService, filter: ServiceFilter): boolean {
  const { statuses, kinds, text, isInMaintenance } = filter;
  const { name, description = '', kind } = service.spec;
  return (
    (statuses === undefined || statuses.includes(service.status)) &&
    (kinds === undefined || kinds.includes(kind)) &&
    (text === undefined || `${name}\n${description}`.toLowerCase().includes(text.toLowerCase())) &&
    (isInMaintenance === undefined || isInMaintenance === (service.maintenance !== undefined))
  );
}
