import type { Clock } from '../lib/clock.ts';
import type { DurationReading } from '../monitoring/readings.ts';
import type { Database } from '../storage/database.ts';
import type { WriteBehind } from '../storage/write-behind.ts';
import type { ServiceStatus } from './service.ts';

/** What became of a service in some stretch of time. */
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

export interface HealthPoint extends HealthFigures {
  readonly startAt: number;
  readonly endAt: number;
}

export interface HealthSummary extends HealthFigures {
  readonly since: number | undefined;
  readonly until: number;
}

/** Notes what happens to one service. Cheap: called up to 20 times a second for each. */
export interface ServiceRecorder {
  /** A check ended. @param responseTimeMs `undefined` for one that counts for no response time */
  check(responseTimeMs: number | undefined, isFailed: boolean): void;
  /** It has this status, or this maintenance, from now on. The time since the last call belongs to what was before. */
  state(status: ServiceStatus, isInMaintenance: boolean): void;
  /** It is looked at no longer. */
  stop(): void;
}

/** By minute, hour and day (UTC) what became of services; rows are written at the end of each minute. */
export interface HealthHistory {
  record(
    tenant: string,
    service: string,
    status: ServiceStatus,
    isInMaintenance: boolean,
  ): ServiceRecorder;
  /** Without a range: all that is kept. What is not written yet is in it. @throws ValidationError as `planRange` */
  readSummary(
    tenant: string,
    service: string,
    range: { readonly since?: number | undefined; readonly until?: number | undefined },
  ): Promise<HealthSummary>;
  /** @throws ValidationError as `planSeries` */
  readSeries(
    tenant: string,
    service: string,
    request: {
      readonly bucket: 'MINUTE' | 'HOUR' | 'DAY';
      readonly since?: number | undefined;
      readonly until?: number | undefined;
    },
  ): Promise<HealthPoint[]>;
  /** Drops what is not written yet of a service that is being removed. */
  forget(tenant: string, service: string): void;
  /** Writes what there is; nothing is noted after it. */
  close(): Promise<void>;
}

export interface HealthHistoryParts {
  readonly database: Database;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
  readonly kept: { readonly minutesMs: number; readonly hoursMs: number; readonly daysMs: number };
}

/** Loads what was noted of the present hour and day before, so that they go on. */
export declare function createHealthHistory(parts: HealthHistoryParts): HealthHistory;
