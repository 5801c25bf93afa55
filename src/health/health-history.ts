import type { CancelTimer, Clock } from '../lib/clock.ts';
import { planRange, planSeries } from '../lib/metrics-range.ts';
import { pause } from '../lib/pause.ts';
import { floorTo, RESOLUTION_MS, type Segment } from '../lib/resolution.ts';
import { isKeptWithin } from '../lib/within.ts';
import { type Database, StorageUnavailableError } from '../storage/database.ts';
import {
  createHealthMetricsStore,
  type HealthRow,
  type HealthRowKey,
} from './health-metrics-store.ts';
import { createHealthRetention, type KeptHealth } from './health-retention.ts';
import { type HealthFigures, HealthTally, readTally } from './health-tally.ts';
import type { ServiceStatus } from './service.ts';
import { type OpenRow, type ServiceRecorder, ServiceRecording } from './service-recording.ts';

export type { HealthFigures, ServiceRecorder };

export interface HealthPoint extends HealthFigures {
  readonly startAt: number;
  readonly endAt: number;
}

export interface HealthSummary extends HealthFigures {
  readonly since: number | undefined;
  readonly until: number;
}

/** By minute, hour and day (UTC) what became of services; rows are written at the end of each minute. */
export interface HealthHistory {
  /** One recorder of a service notes at a time: the one that was given out last. */
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
  readonly clock: Clock;
  readonly kept: KeptHealth;
  /** Where it is written when something could not be stored or removed; that is tried again a minute later. */
  readonly logger: { warn(facts: object, message: string): void };
}

/** So many services are written at once, with a pause after them: others hardly notice. */
const STEP_SERVICES = 50;
const PAUSE_MS = 20;

/** How long a write may take, in milliseconds; then it is tried again a minute later. */
const WRITE_LIMIT_MS = 5_000;

/** How long `close` may take, in milliseconds. */
const CLOSE_LIMIT_MS = 5_000;

/** So many minutes of all services together wait for a database that can't be written: about 20 MB. */
const MOST_WAITING_MINUTES = 5_000;

/**
 * What was noted before, in this process or another, goes on: a row that may be stored already is completed with that before
 * it is written. The first recorder starts the rounds, one after the end of each minute.
 */
export function createHealthHistory(parts: HealthHistoryParts): HealthHistory {
  const { database, clock, kept, logger } = parts;
  const store = createHealthMetricsStore(database);
  const retention = createHealthRetention({ database, clock, kept });
  const recordings = new Map<string, ServiceRecording>();
  const closing = new AbortController();
  let cancelTimer: CancelTimer | undefined;
  let round: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  const isKnown = (recording: ServiceRecording) => recordings.get(keyOf(recording)) === recording;

  const complete = async (rows: readonly OpenRow[]) => {
    if (rows.length === 0) return;
    const stored = new Map((await store.getRows(rows)).map((row) => [nameOf(row), row.tally]));
    for (const row of rows) {
      const before = stored.get(nameOf(row));
      if (before !== undefined) row.tally.merge(before);
      row.isWhole = true;
    }
  };

  const write = async (some: readonly ServiceRecording[], withPresent: boolean) => {
    const now = clock.now();
    for (const recording of some) recording.settle();
    const listChanged = () =>
      some.filter(isKnown).flatMap((each) => each.listChanged(now, withPresent));
    await complete(listChanged().filter(({ isWhole }) => !isWhole));
    // A service may have been forgotten meanwhile.
    const rows = listChanged().filter(({ isWhole }) => isWhole);
    if (rows.length > 0) {
      for (const row of rows) row.isChanged = false;
      try {
        await store.putRows(rows, WRITE_LIMIT_MS);
      } catch (error) {
        for (const row of rows) row.isChanged = true;
        throw error;
      }
    }
    for (const recording of some) {
      recording.dropStored(now);
      if (recording.isDone && isKnown(recording)) recordings.delete(keyOf(recording));
    }
  };

  const writeAll = async (withPresent: boolean) => {
    const all = [...recordings.values()];
    for (let at = 0; at < all.length; at += STEP_SERVICES) {
      if (at > 0 && !withPresent) await pause(PAUSE_MS, clock, closing.signal);
      if (closing.signal.aborted && !withPresent) return;
      try {
        await write(all.slice(at, at + STEP_SERVICES), withPresent);
      } catch (err) {
        logger.warn({ err }, 'The history of services could not be stored now.');
        if (err instanceof StorageUnavailableError) break; // the others would wait in vain
      }
    }
    const minutes = Math.max(2, Math.floor(MOST_WAITING_MINUTES / Math.max(1, recordings.size)));
    for (const recording of recordings.values()) recording.keepMinutes(minutes);
  };

  const runRound = async () => {
    await writeAll(false);
    try {
      await retention.removeOld(closing.signal);
    } catch (err) {
      if (closing.signal.aborted) return;
      logger.warn({ err }, 'Old history of services could not be removed now.');
    }
  };

  const planRound = () => {
    if (closing.signal.aborted) return;
    const delayMs = floorTo('MINUTE', clock.now()) + RESOLUTION_MS.MINUTE - clock.now();
    cancelTimer = clock.setTimer(delayMs, () => {
      round = runRound().finally(planRound);
    });
  };

  /** What is stored and what is in memory, in the order of time. */
  const readRows = async (tenant: string, service: string, segments: readonly Segment[]) => {
    const recording = recordings.get(keyOf({ tenant, service }));
    recording?.settle();
    const open = recording?.listWithin(segments) ?? [];
    const rows = new Map<string, HealthRow>(
      (await store.listRows(tenant, service, segments)).map((row) => [nameOf(row), row]),
    );
    for (const row of open) {
      // Looked at only now: it may have been completed and stored while it was read, and is then in both.
      const stored = row.isWhole ? undefined : rows.get(nameOf(row));
      const tally = new HealthTally();
      tally.merge(row.tally);
      if (stored !== undefined) tally.merge(stored.tally);
      rows.set(nameOf(row), { ...row, tally });
    }
    return [...rows.values()].sort((a, b) => a.startAt - b.startAt);
  };

  return {
    record(tenant, service, status, isInMaintenance) {
      const key = keyOf({ tenant, service });
      const recording = recordings.get(key) ?? new ServiceRecording(tenant, service, clock);
      if (!closing.signal.aborted) {
        recordings.set(key, recording);
        if (cancelTimer === undefined) planRound();
      }
      return recording.begin(status, isInMaintenance);
    },

    async readSummary(tenant, service, range) {
      const { since, until, segments } = planRange(range, kept, clock.now());
      const rows = await readRows(tenant, service, segments);
      const tally = new HealthTally();
      for (const row of rows) tally.merge(row.tally);
      const [first] = rows;
      const begin = since ?? (first && floorTo('DAY', first.startAt));
      return { since: begin, until, ...readTally(tally) };
    },

    async readSeries(tenant, service, request) {
      const { points, ...segment } = planSeries(request, clock.now());
      const rows = points === 0 ? [] : await readRows(tenant, service, [segment]);
      const byStart = new Map(rows.map(({ startAt, tally }) => [startAt, tally]));
      const empty = new HealthTally();
      return Array.from({ length: points }, (_none, at) => {
        const startAt = segment.from + at * RESOLUTION_MS[segment.resolution];
        const endAt = startAt + RESOLUTION_MS[segment.resolution];
        return { startAt, endAt, ...readTally(byStart.get(startAt) ?? empty) };
      });
    },

    forget(tenant, service) {
      const key = keyOf({ tenant, service });
      recordings.get(key)?.stop();
      recordings.delete(key);
    },

    close() {
      closed ??= (async () => {
        closing.abort();
        cancelTimer?.();
        for (const recording of recordings.values()) recording.stop();
        await isKeptWithin(
          (round ?? Promise.resolve()).then(() => writeAll(true)),
          CLOSE_LIMIT_MS,
          clock,
        );
      })();
      return closed;
    },
  };
}

function keyOf({ tenant, service }: Pick<HealthRowKey, 'tenant' | 'service'>): string {
  return JSON.stringify([tenant, service]);
}

/** Names a row among those of any services. */
function nameOf({ tenant, service, resolution, startAt }: HealthRowKey): string {
  return JSON.stringify([tenant, service, resolution, startAt]);
}
