import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import { createKeyFeeds, type KeyFeeds, type KeySource } from '../lib/key-feed.ts';
import { type LiveStream, mapLiveStream } from '../lib/live-stream.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { ClusterReading } from './health.ts';
import type { TenantHealth } from './health-service.ts';
import type { ServiceReading, ServiceStatus } from './service.ts';

export interface LiveHealthDeps {
  readonly health: Tenanted<TenantHealth>;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
}

/** Which services to watch; what is left out does not matter. */
export interface WatchedServices {
  /** Its name. */
  readonly service?: string | undefined;
  /** Only those that have one of these; one that leaves them is told as well. */
  readonly statuses?: readonly ServiceStatus[] | undefined;
}

/** The most services that are told first. */
const FIRST_TOLD = 1000;

/** State streams of the health of one tenant's services: what is now, and then what changed, at most at the rate asked for. */
export interface TenantLiveHealth {
  /**
   * First the services that fit as they are now, at most 1000; then each time that one came to another status, or its
   * maintenance began or ended; of given statuses also when it left them. With one service it ends when that is removed.
   * @throws NotFoundError when there is no such service
   */
  watchServices(which: WatchedServices, rateHz: number): LiveStream<ServiceReading>;
  /** How all of them are together, now, and each time that its status, counts or causes changed. */
  watchCluster(rateHz: number): LiveStream<ClusterReading>;
}

export type LiveHealth = Tenanted<TenantLiveHealth>;

export function createLiveHealth(deps: LiveHealthDeps): LiveHealth {
  const feeds = createKeyFeeds(deps.clock);
  return { forTenant: (tenant) => watchHealthOf(tenant, feeds, deps) };
}

const CLUSTER = 'cluster';

function watchHealthOf(
  tenant: string,
  feeds: KeyFeeds,
  { health: all, pubsub }: LiveHealthDeps,
): TenantLiveHealth {
  const health = all.forTenant(tenant);

  // What counts as a change is found out here, once for all: streams that remembered what they told could not be shared, as
  // each looks at a service when it is read.
  const changesOf = ({ service, statuses }: WatchedServices): KeySource => ({
    topic: `services ${JSON.stringify([tenant, service ?? null, statuses?.toSorted() ?? null])}`,
    listen(note, end) {
      const present = service === undefined ? health.list() : [health.get(service)];
      const seen = new Map<string, Stand>();
      for (const each of present) if (each !== undefined) seen.set(each.name, standOf(each));
      const isWanted = (stand: Stand | undefined) =>
        stand !== undefined && (statuses?.includes(stand.status) ?? true);
      return pubsub.subscribe('serviceChanged', (change) => {
        if (change.tenant !== tenant) return;
        if (service !== undefined && change.service !== service) return;
        const { service: name, isRemoved } = change;
        const reading = isRemoved ? undefined : health.get(name);
        if (reading === undefined) {
          seen.delete(name);
          if (isRemoved && service !== undefined) end();
          return;
        }
        const before = seen.get(name);
        const stand = standOf(reading);
        if (isDeepStrictEqual(before, stand)) return;
        seen.set(name, stand);
        if (isWanted(before) || isWanted(stand)) note(name);
      });
    },
  });

  const clusterChanges: KeySource = {
    topic: `cluster ${JSON.stringify([tenant])}`,
    listen: (note) =>
      pubsub.subscribe('clusterChanged', (change) => {
        if (change.tenant === tenant) note(CLUSTER);
      }),
  };

  return {
    watchServices({ service, statuses }, rateHz) {
      const present = service === undefined ? health.list({ statuses }) : [health.require(service)];
      const changes = feeds.open(changesOf({ service, statuses }), rateHz);
      changes.begin(present.slice(0, FIRST_TOLD).map(({ name }) => name));
      return mapLiveStream(changes, (name) => health.get(name));
    },

    watchCluster(rateHz) {
      const changes = feeds.open(clusterChanges, rateHz);
      changes.begin([CLUSTER]);
      return mapLiveStream(changes, () => health.readCluster());
    },
  };
}

interface Stand {
  readonly status: ServiceStatus;
  readonly since: number;
  readonly maintainedSince: number | undefined;
}

/** What has to be another for a service to be told again. */
function standOf({ status, since, maintenance }: ServiceReading): Stand {
  return { status, since, maintainedSince: maintenance?.startedAt };
}
