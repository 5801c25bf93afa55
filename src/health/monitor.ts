import { isDeepStrictEqual } from 'node:util';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import { CheckLoop, failedOutcome } from './check-loop.ts';
import { createFunctionProbe } from './function-probe.ts';
import type { ServiceChange } from './health.ts';
import type { HealthHistory, ServiceRecorder } from './health-history.ts';
import type { HttpPools } from './http-pools.ts';
import { createHttpProbe } from './http-probe.ts';
import { createMissWatch, type MissWatch } from './miss-watch.ts';
import { MonitoredService, type ServiceSpec, type StateBefore } from './monitored-service.ts';
import type { Outcome, Probe } from './probe.ts';
import {
  type CheckFailure,
  type CheckResult,
  type Maintenance,
  SERVICE_STATUSES,
  type ServiceDefinition,
  type ServiceStatus,
  type Transition,
} from './service.ts';
import type { ServiceStore } from './service-store.ts';
import { TenantServices } from './tenant-services.ts';

export interface MonitorParts {
  readonly pools: HttpPools;
  readonly history: HealthHistory;
  /** Keeps how a service is now, and what led to it. Must not throw. */
  readonly noteTransition: ServiceStore['noteTransition'];
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  /** Is told of every change of status. Must not throw. */
  readonly onChange: (change: ServiceChange) => void;
}

/** How many there are. */
export interface HealthCounts {
  readonly services: Readonly<Record<ServiceStatus, number>>;
  readonly checks: number;
}

/** Looks at services, each at its own beat, and knows how they are. */
export interface Monitor {
  /** The services of a tenant. Not to be changed but by the monitor. */
  of(tenant: string): TenantServices;
  /** Of all tenants: services that are not in maintenance, by status; checks and reports since the process began. */
  count(): HealthCounts;
  /**
   * Begins to look at a service; one of that name goes on as the new one, with the status it has.
   * @param firstAfterMs when it is first looked at, in milliseconds from now
   */
  put(spec: ServiceSpec, firstAfterMs: number, before?: StateBefore): MonitoredService;
  remove(service: MonitoredService): void;
  /** Looks at a service no more, and notes nothing of it, until it is removed or the answer is called: then it goes on. */
  suspend(service: MonitoredService): () => void;
  /** Takes what an agent reported. */
  report(service: MonitoredService, result: CheckResult): void;
  /** Checks now; `undefined` for what reports by itself. */
  checkNow(service: MonitoredService): Promise<CheckResult> | undefined;
  /** Begins a maintenance, or ends it. One that begins ends by itself when its time is over. */
  setMaintenance(service: MonitoredService, maintenance: Maintenance | undefined): void;
  /** Looks at nothing any more, what is put after it included, and lets go of every connection and timer. */
  close(): void;
}

/** What goes on about one service. */
interface Watch {
  recorder: ServiceRecorder;
  loop: CheckLoop | undefined;
  misses: MissWatch | undefined;
  endMaintenance: CancelTimer;
}

export function createMonitor(parts: MonitorParts): Monitor {
  const { pools, history, noteTransition, pubsub, clock, onChange } = parts;
  const tenants = new Map<string, TenantServices>();
  const watches = new Map<MonitoredService, Watch>();

  const startedAt = clock.now();
  let checks = 0;
  let isClosed = false;
  const of = (tenant: string): TenantServices =>
    tenants.get(tenant) ?? new TenantServices(startedAt);

  const announceAlone = ({ spec: { tenant, name } }: MonitoredService, isRemoved = false) => {
    pubsub.publish('serviceChanged', { tenant, service: name, isRemoved });
  };
  const announce = (service: MonitoredService, isRemoved = false) => {
    announceAlone(service, isRemoved);
    pubsub.publish('clusterChanged', { tenant: service.spec.tenant });
  };

  const stateOf = ({ spec, status, since, explanation, maintenance }: MonitoredService) => {
    const { tenant, name } = spec;
    return { tenant, name, status, since, explanation, maintenance };
  };

  /** The one door between statuses. */
  const follow = (service: MonitoredService, transition: Transition | undefined) => {
    if (transition === undefined) return;
    const { tenant, name } = service.spec;
    of(tenant).moved(service, transition.from, clock.now());
    watches.get(service)?.recorder.state(service.status, service.maintenance !== undefined);
    noteTransition(stateOf(service), {
      id: newId(),
      tenant,
      service: name,
      ...transition,
    });
    announce(service);
    onChange({ tenant, service: name, ...transition });
  };

  const note = (service: MonitoredService, watch: Watch, result: CheckResult) => {
    checks++;
    const { responseTimeMs, status, failure } = result;
    watch.recorder.check(isAnswered(failure) ? responseTimeMs : undefined, status === 'UNHEALTHY');
    follow(service, service.note(result));
  };

  /** What is stored may be what can't be used any more: that must not keep others from being checked. */
  const createProbe = (definition: ServiceDefinition): Probe => {
    try {
      return createHttpProbe(definition, { pools, clock });
    } catch (error) {
      const outcome = failedOutcome(messageOf(error));
      return { check: async () => outcome, close: () => undefined };
    }
  };

  const probeOf = ({ definition, asked }: ServiceSpec): Probe | undefined => {
    if (definition !== undefined) return createProbe(definition);
    return asked && createFunctionProbe(asked.read, { timeoutMs: asked.timeoutMs, clock });
  };

  const look = (service: MonitoredService, watch: Watch, firstAfterMs: number) => {
    const { intervalMs } = service.spec;
    if (intervalMs === undefined || isClosed) return;
    const probe = probeOf(service.spec);
    if (probe === undefined) {
      watch.misses = createMissWatch(intervalMs, clock, (to, text) => {
        // Of one that said it was down, silence is no better news.
        if (to === 'UNKNOWN' && service.status === 'UNHEALTHY') return;
        follow(service, service.missed(to, clock.now(), text));
      });
      return;
    }
    watch.loop = new CheckLoop({
      probe,
      intervalMs,
      firstAfterMs,
      clock,
      onOutcome: (outcome) => note(service, watch, resultOf(outcome, clock.now())),
    });
  };

  const stopLooking = (watch: Watch) => {
    watch.loop?.stop();
    watch.misses?.stop();
    watch.loop = undefined;
    watch.misses = undefined;
  };

  const endOnTime = (service: MonitoredService, watch: Watch) => {
    watch.endMaintenance();
    const { maintenance } = service;
    if (maintenance === undefined || isClosed) return;
    watch.endMaintenance = clock.setTimer(Math.max(0, maintenance.until - clock.now()), () => {
      setMaintenance(service, undefined); // what is stored of it is over, too
    });
  };

  const setMaintenance = (service: MonitoredService, maintenance: Maintenance | undefined) => {
    const watch = watches.get(service);
    if (watch === undefined) return;
    of(service.spec.tenant).change(service, clock.now(), () => {
      service.maintenance = maintenance;
    });
    watch.recorder.state(service.status, maintenance !== undefined);
    endOnTime(service, watch);
    announce(service);
  };

  const record = ({ spec: { tenant, name }, status, maintenance }: MonitoredService) =>
    history.record(tenant, name, status, maintenance !== undefined);

  const add = (spec: ServiceSpec, before: StateBefore | undefined) => {
    const { tenant } = spec;
    const service = new MonitoredService(spec, before, clock.now());
    const services = of(tenant);
    tenants.set(tenant, services);
    services.put(service);
    const watch: Watch = {
      recorder: record(service),
      loop: undefined,
      misses: undefined,
      endMaintenance: () => undefined,
    };
    watches.set(service, watch);
    endOnTime(service, watch);
    return service;
  };

  return {
    of,
    count() {
      const services = { HEALTHY: 0, DEGRADED: 0, UNHEALTHY: 0, UNKNOWN: 0 };
      for (const { counts } of tenants.values()) {
        for (const status of SERVICE_STATUSES) services[status] += counts[status];
      }
      return { services, checks };
    },
    put(spec, firstAfterMs, before) {
      const services = of(spec.tenant);
      const known = services.get(spec.name);
      const service = known ?? add(spec, before);
      const isSameToAll = known !== undefined && isDeepStrictEqual(known.dependsOn, spec.dependsOn);
      if (known !== undefined) services.change(known, clock.now(), () => known.become(spec));
      const watch = watches.get(service);
      if (watch !== undefined) {
        stopLooking(watch);
        look(service, watch, firstAfterMs);
      }
      // How it is checked is nothing to the others.
      if (isSameToAll) announceAlone(service);
      else announce(service);
      return service;
    },
    suspend(service) {
      const watch = watches.get(service);
      if (watch !== undefined) {
        stopLooking(watch);
        watch.recorder.stop();
      }
      return () => {
        if (watch === undefined || isClosed) return;
        watch.recorder = record(service);
        look(service, watch, 0);
      };
    },
    remove(service) {
      const watch = watches.get(service);
      if (watch === undefined) return;
      watches.delete(service);
      stopLooking(watch);
      watch.endMaintenance();
      watch.recorder.stop();
      of(service.spec.tenant).remove(service, clock.now());
      announce(service, true);
    },
    report(service, result) {
      const watch = watches.get(service);
      if (watch === undefined) return;
      watch.misses?.reported();
      note(service, watch, result);
    },
    checkNow(service) {
      const loop = watches.get(service)?.loop;
      return loop?.checkNow().then((outcome) => resultOf(outcome, clock.now()));
    },
    setMaintenance,
    close() {
      isClosed = true;
      for (const watch of watches.values()) {
        stopLooking(watch);
        watch.endMaintenance();
        watch.recorder.stop();
      }
      watches.clear();
      pools.close();
    },
  };
}

/** Whether a check had an answer, be it a bad one: how long it took says something of the service. */
function isAnswered(failure: CheckFailure | undefined): boolean {
  return failure === undefined || ANSWERED.has(failure);
}

const ANSWERED: ReadonlySet<CheckFailure> = new Set([
  'HTTP_STATUS',
  'NOT_JSON',
  'CONDITION',
  'SLOW',
  'REPORTED',
]);

function resultOf(outcome: Outcome, at: number): CheckResult {
  const { status, responseTimeMs, httpStatus, failure, error, details } = outcome;
  return { status, at, responseTimeMs, httpStatus, failure, error, details };
}
