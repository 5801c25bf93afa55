import { Histogram } from '../lib/histogram.ts';
import { readDurations } from '../monitoring/durations.ts';
import type { DurationReading } from '../monitoring/readings.ts';
import type { ServiceStatus } from './service.ts';

/** What became of a service in some stretch of time. What happens in maintenance counts as nothing but maintenance. */
export interface HealthFigures {
  /** How long it had each status, in milliseconds; without maintenance and without the time nobody looked. */
  readonly statusMs: Readonly<Record<ServiceStatus, number>>;
  readonly maintenanceMs: number;
  /** HEALTHY and DEGRADED as a share of HEALTHY, DEGRADED and UNHEALTHY, 0–1; `undefined` when there was none of these. */
  readonly uptime: number | undefined;
  readonly checkCount: number;
  readonly failedCount: number;
  /** Of all checks that were answered, merged. */
  readonly responseTimes: DurationReading;
}

/** Counts what becomes of a service. */
export class HealthTally {
  readonly statusMs: Record<ServiceStatus, number> = {
    UNHEALTHY: 0,
    DEGRADED: 0,
    UNKNOWN: 0,
    HEALTHY: 0,
  };
  maintenanceMs = 0;
  checkCount = 0;
  failedCount = 0;
  readonly responseTimes: Histogram;

  constructor(responseTimes = new Histogram()) {
    this.responseTimes = responseTimes;
  }

  /** Counts a check. Cheap. */
  addCheck(responseTimeMs: number | undefined, isFailed: boolean): void {
    this.checkCount++;
    if (isFailed) this.failedCount++;
    if (responseTimeMs !== undefined) this.responseTimes.record(responseTimeMs);
  }

  /** Counts time, in milliseconds. */
  addTime(status: ServiceStatus, isInMaintenance: boolean, ms: number): void {
    if (isInMaintenance) this.maintenanceMs += ms;
    else this.statusMs[status] += ms;
  }

  /** Adds all that another tally counted. */
  merge(other: HealthTally): void {
    this.statusMs.UNHEALTHY += other.statusMs.UNHEALTHY;
    this.statusMs.DEGRADED += other.statusMs.DEGRADED;
    this.statusMs.UNKNOWN += other.statusMs.UNKNOWN;
    this.statusMs.HEALTHY += other.statusMs.HEALTHY;
    this.maintenanceMs += other.maintenanceMs;
    this.checkCount += other.checkCount;
    this.failedCount += other.failedCount;
    this.responseTimes.merge(other.responseTimes);
  }
}

export function readTally(tally: HealthTally): HealthFigures {
  const { statusMs, maintenanceMs, checkCount, failedCount } = tally;
  const up = statusMs.HEALTHY + statusMs.DEGRADED;
  const known = up + statusMs.UNHEALTHY;
  return {
    statusMs: { ...statusMs },
    maintenanceMs,
    uptime: known === 0 ? undefined : up / known,
    checkCount,
    failedCount,
    responseTimes: readDurations(tally.responseTimes),
  };
}
