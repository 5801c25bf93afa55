import type { Logger } from 'pino';
import { type AddressRules, createAddressRules } from '../health/address-rules.ts';
import { createHealthService } from '../health/create-health-service.ts';
import { createHealthHistory } from '../health/health-history.ts';
import type { HealthOptions } from '../health/health-options.ts';
import { createHttpPools } from '../health/http-pools.ts';
import { createLiveHealth } from '../health/live-health.ts';
import type { ServiceSpec } from '../health/monitored-service.ts';
import { createOwnParts } from '../health/own-parts.ts';
import { readConfigured } from '../health/read-configured.ts';
import { createServiceStore } from '../health/service-store.ts';
import type { Clock } from '../lib/clock.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';
import type { WriteBehind } from '../storage/write-behind.ts';

const DAY_MS = 86_400_000;

/** For how long services have a history unless it is said: 24 hours by minute, 30 days by hour, then by day. */
const DEFAULT_HISTORY = { minutesMs: DAY_MS, hoursMs: 30 * DAY_MS, daysMs: 1826 * DAY_MS };

interface HealthDeps {
  readonly database: Database;
  readonly writeBehind: WriteBehind;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Options that were read: nothing is wrong with them. */
export interface CheckedHealth {
  readonly options: HealthOptions;
  readonly rules: AddressRules;
  readonly configured: readonly ServiceSpec[];
}

/** @throws ValidationError with everything that is wrong with the lists of addresses, or with the services and agents */
export function checkHealth(options: HealthOptions, now: number): CheckedHealth {
  return { options, rules: createAddressRules(options), configured: readConfigured(options, now) };
}

/** Puts together what has to do with the health of services. It checks nothing until it is opened. */
export function assembleHealth(deps: HealthDeps, { options, rules, configured }: CheckedHealth) {
  const { database, writeBehind, pubsub, clock, logger } = deps;
  const {
    minutesMs = DEFAULT_HISTORY.minutesMs,
    hoursMs = DEFAULT_HISTORY.hoursMs,
    daysMs = DEFAULT_HISTORY.daysMs,
  } = options.history ?? {};
  const kept = { minutesMs, hoursMs, daysMs };
  const parts =
    options.parts === false
      ? undefined
      : createOwnParts({
          databaseProblem: () => database.status.problem,
          writeBehind: () => writeBehind.counters,
        });
  const health = createHealthService({
    store: createServiceStore(database, writeBehind, clock),
    history: createHealthHistory({ database, clock, kept, logger }),
    pools: createHttpPools(rules),
    parts: parts?.agents ?? [],
    options,
    configured,
    pubsub,
    clock,
    logger,
  });
  return {
    /** What the API asks of it. */
    services: { health, liveHealth: createLiveHealth({ health, pubsub, clock }) },
    open: health.open,
    count: health.count,
    async close() {
      await health.close();
      parts?.close();
    },
  };
}
