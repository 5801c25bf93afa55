import type { PulledAgent } from './function-probe.ts';
import type { ServiceConfig } from './service-definition.ts';

/** A service of the configuration. It wins over one of the same name that was added live. */
export type ConfiguredService = ServiceConfig & {
  /** Whose it is. Default: `default`. */
  readonly tenant?: string | undefined;
};

/** Which services are looked at, and how far that may go. */
export interface HealthOptions {
  /** Services that are checked over HTTP from the start; people may add others live. */
  readonly services?: readonly ConfiguredService[] | undefined;
  /** Agents that are asked how they are. */
  readonly agents?: readonly PulledAgent[] | undefined;
  /**
   * Hosts and networks that may be checked, and no others: `example.com`, `*.example.com`, `10.0.0.0/8`. Default: all but
   * link-local addresses and those under which clouds tell secrets of their machines.
   */
  readonly allow?: readonly string[] | undefined;
  /** Hosts and networks that may not be checked, whatever `allow` says. Default: none. */
  readonly deny?: readonly string[] | undefined;
  /** Whether the server's own parts are among the services of the tenant `default`: `millrace:database` … Default true. */
  readonly parts?: boolean | undefined;
  /** The most services of one tenant, those that report included. Default 10,000. */
  readonly maxServices?: number | undefined;
  /** How often services that were added live are checked at most, those of one tenant together, a second. Default 2,000. */
  readonly maxChecksPerSecond?: number | undefined;
  /** For how long services have a history by minute, hour and day, in milliseconds. Default: 24 hours, 30 days, 5 years. */
  readonly history?:
    | {
        readonly minutesMs?: number | undefined;
        readonly hoursMs?: number | undefined;
        readonly daysMs?: number | undefined;
      }
    | undefined;
}
