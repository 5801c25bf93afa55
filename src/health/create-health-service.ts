import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import { createTurns } from '../lib/turns.ts';
import type { PulledAgent } from './function-probe.ts';
import type { HealthHistory } from './health-history.ts';
import type { HealthOptions } from './health-options.ts';
import type { HealthService } from './health-service.ts';
import { createMonitor, type HealthCounts, type MonitorParts } from './monitor.ts';
import type { ServiceSpec } from './monitored-service.ts';
import { serviceKey, specOfKept, specOfPulled } from './service-specs.ts';
import type { KeptService, KeptState, ServiceStore } from './service-store.ts';
import { createSubscribers } from './subscribers.ts';
import { createTenantHealth } from './tenant-health.ts';
import { createTransitionLimit } from './transition-limit.ts';

export interface HealthServiceParts extends Omit<MonitorParts, 'onChange' | 'noteTransition'> {
  readonly store: ServiceStore;
  readonly history: HealthHistory;
  readonly options: HealthOptions;
  /** The services of the options, as `readConfigured` read them. */
  readonly configured: readonly ServiceSpec[];
  /** The server's own parts. */
  readonly parts: readonly PulledAgent[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The most services of a tenant unless it is said. */
const DEFAULT_MAX_SERVICES = 10_000;

/** How often what a tenant added is checked at most, a second, unless it is said. */
const DEFAULT_MAX_CHECKS_PER_SECOND = 2_000;

/** The first check of a service comes within so long, in milliseconds, or within its interval; that of a part within the latter. */
const FIRST_WITHIN_MS = 10_000;
const PART_WITHIN_MS = 1_000;

/** Looks after services: it begins when it is opened, and ends when it is closed. */
export interface OwnedHealthService extends HealthService {
  /** Takes up what is configured and what is stored, and begins to check it. @throws what the database says */
  open(): Promise<void>;
  /** Of all tenants, for the figures of the server. */
  count(): HealthCounts;
  /** Ends every check, and lets go of all. Calling it again answers the same promise. */
  close(): Promise<void>;
}

/** It does nothing until it is opened. */
export function createHealthService(parts: HealthServiceParts): OwnedHealthService {
  const { store, history, options, configured, clock, logger, pools, pubsub } = parts;
  const {
    maxServices = DEFAULT_MAX_SERVICES,
    maxChecksPerSecond = DEFAULT_MAX_CHECKS_PER_SECOND,
    agents = [],
  } = options;
  const subscribers = createSubscribers((err) =>
    logger.error({ err }, 'A subscriber of the health of services failed.'),
  );
  const limit = createTransitionLimit(clock, (tenant) =>
    logger.warn({ tenant }, 'Services change too often: not every transition of them is kept now.'),
  );
  const monitor = createMonitor({
    pools,
    history,
    noteTransition(state, transition) {
      if (limit.take(state)) store.noteTransition(state, transition);
      else store.noteState(state);
    },
    pubsub,
    clock,
    onChange(change) {
      const { explanation, at: _, ...facts } = change;
      logger.info({ ...facts, reason: explanation.text }, 'A service came to another status.');
      subscribers.tell(change);
    },
  });
  const turns = createTurns();
  const keptOf = new Map<string, Map<string, KeptService>>();
  let closing: Promise<void> | undefined;

  const keptServices = (tenant: string): Map<string, KeptService> => {
    const kept = keptOf.get(tenant) ?? new Map<string, KeptService>();
    keptOf.set(tenant, kept);
    return kept;
  };

  return {
    subscribe: subscribers.add,
    count: monitor.count,
    forTenant: (tenant) =>
      createTenantHealth(tenant, {
        monitor,
        store,
        history,
        kept: () => keptServices(tenant),
        turns,
        maxServices,
        maxChecksPerSecond,
        clock,
      }),
    async open() {
      const { services, states } = await store.loadAll();
      for (const kept of services) keptServices(kept.tenant).set(kept.name, kept);
      const before = new Map(states.map((state) => [serviceKey(state), state]));
      const now = clock.now();
      const specs = new Map<string, ServiceSpec>();
      // What comes first wins.
      for (const spec of [
        ...configured,
        ...agents.map((agent) => specOfPulled(agent, 'LIBRARY', now)),
        ...parts.parts.map((part) => specOfPulled(part, 'SERVER', now)),
        ...services.map(specOfKept),
      ]) {
        if (!specs.has(serviceKey(spec))) specs.set(serviceKey(spec), spec);
      }
      let position = 0;
      for (const [key, spec] of specs) {
        const limitMs = spec.kind === 'PART' ? PART_WITHIN_MS : FIRST_WITHIN_MS;
        const withinMs = Math.min(spec.intervalMs ?? 0, limitMs);
        monitor.put(spec, withinMs * spreadOf(position), stillTrue(before.get(key), now));
        position++;
      }
    },
    close() {
      closing ??= (async () => {
        monitor.close();
        await history.close();
      })();
      return closing;
    },
  };
}

/** Golden section: however many there are, each falls into the middle of the largest gap. 0 up to 1. */
function spreadOf(position: number): number {
  return (position * 0.618_033_988_75) % 1;
}

/** Without a maintenance that is over. */
function stillTrue(state: KeptState | undefined, now: number): KeptState | undefined {
  if (state?.maintenance === undefined || state.maintenance.until > now) return state;
  return { ...state, maintenance: undefined };
}
