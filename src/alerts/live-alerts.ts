import type { Clock } from '../lib/clock.ts';
import { createKeyFeeds, type KeySource } from '../lib/key-feed.ts';
import { type LiveStream, mapLiveStream } from '../lib/live-stream.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { Alert } from './alert.ts';
import type { AlertBook } from './alert-book.ts';
import { ALERT_SEVERITIES, type AlertSeverity } from './alert-rule.ts';
import type { AlertService } from './alert-service.ts';

/** Which alerts to watch; what is left out does not matter. */
export interface WatchedAlerts {
  readonly minSeverity?: AlertSeverity | undefined;
  /** By name. */
  readonly rule?: string | undefined;
}

/** State streams of one tenant's alerts, each alert at most at the rate asked for. */
export interface TenantLiveAlerts {
  /** First those that are open, then each that is raised. */
  watchRaised(which: WatchedAlerts, rateHz: number): LiveStream<Alert>;
  /** Each that is resolved from now on. */
  watchResolved(which: WatchedAlerts, rateHz: number): LiveStream<Alert>;
}

export type LiveAlerts = Tenanted<TenantLiveAlerts>;

export interface LiveAlertsDeps {
  readonly book: AlertBook;
  readonly alerts: AlertService;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
}

export function createLiveAlerts({ book, alerts, pubsub, clock }: LiveAlertsDeps): LiveAlerts {
  const feeds = createKeyFeeds(clock);
  return {
    forTenant(tenant) {
      const watch = (change: 'RAISED' | 'RESOLVED', which: WatchedAlerts, rateHz: number) => {
        const isWanted = (alert: Alert) => alert.tenant === tenant && matches(alert, which);
        const source: KeySource = {
          topic: `alerts ${JSON.stringify([tenant, change, which.minSeverity ?? null, which.rule ?? null])}`,
          listen: (note) =>
            pubsub.subscribe('alertChanged', (message) => {
              if (message.tenant !== tenant || message.change !== change) return;
              const alert = book.get(message.alertId);
              if (alert !== undefined && isWanted(alert)) note(alert.id);
            }),
        };
        const ids = feeds.open(source, rateHz);
        const open = change === 'RAISED' ? [...book.open].filter(isWanted) : [];
        const first = open.map(({ id }) => id);
        ids.begin(first.filter((id) => !feeds.isDue(source, rateHz, id))); // each is told once
        return mapLiveStream(ids, async (id) => (await alerts.forTenant(tenant).find([id]))[0]);
      };
      return {
        watchRaised: (which, rateHz) => watch('RAISED', which, rateHz),
        watchResolved: (which, rateHz) => watch('RESOLVED', which, rateHz),
      };
    },
  };
}

function matches({ rule }: Alert, { minSeverity = 'INFO', rule: name }: WatchedAlerts): boolean {
  if (name !== undefined && name !== rule.name) return false;
  return ALERT_SEVERITIES.indexOf(rule.severity) >= ALERT_SEVERITIES.indexOf(minSeverity);
}
