import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAddressRules } from '../../src/health/address-rules.ts';
import { createHealthHistory } from '../../src/health/health-history.ts';
import { createHttpPools } from '../../src/health/http-pools.ts';
import { createMonitor } from '../../src/health/monitor.ts';
import { readServiceDefinition } from '../../src/health/service-definition.ts';
import { specOfDefinition } from '../../src/health/service-specs.ts';
import { createServiceStore } from '../../src/health/service-store.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts';
import type { Topics } from '../../src/pubsub/topics.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { createWriteBehind } from '../../src/storage/write-behind.ts';
import { BODY } from './answer.ts';
import type { Checker } from './contenders.ts';

const DAY_MS = 86_400_000;

/** What a service is to be like besides its name and URL. */
export type ServiceShape = Readonly<Record<string, unknown>>;

/**
 * Services that the real monitor watches, with a database behind. Their own beat is once a day, so that only those checks are
 * made that are asked for; each goes the way of any other, with its result, state and history.
 */
export async function watchServices(
  origin: string,
  count: number,
  shape: ServiceShape,
): Promise<Checker> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-health-'));
  const database = await openDatabase(`sqlite:${join(directory, 'health.db')}`);
  const writeBehind = createWriteBehind(database, { clock });
  const kept = { minutesMs: DAY_MS, hoursMs: 30 * DAY_MS, daysMs: 365 * DAY_MS };
  const history = createHealthHistory({ database, clock, kept, logger: console });
  const monitor = createMonitor({
    pools: createHttpPools(createAddressRules({})),
    history,
    noteTransition: createServiceStore(database, writeBehind, clock).noteTransition,
    pubsub: createMemoryPubSub<Topics>(console.error),
    clock,
    onChange: () => undefined,
  });
  const services = Array.from({ length: count }, (_, at) => {
    const definition = readServiceDefinition({
      name: `service-${at}`,
      url: `${origin}/`,
      intervalMs: DAY_MS,
      extendedInterval: true,
      ...shape,
    });
    const of = { tenant: DEFAULT_TENANT, origin: 'LIBRARY', createdAt: 0, updatedAt: 0 } as const;
    return monitor.put(specOfDefinition(definition, of), DAY_MS);
  });
  return {
    async check(lane) {
      const service = services[lane];
      const result = service && (await monitor.checkNow(service));
      if (result?.status !== 'HEALTHY' || result.details !== BODY) {
        throw new Error(`Found ${JSON.stringify(result)}`);
      }
    },
    async close() {
      monitor.close();
      await history.close();
      await writeBehind.close();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}
