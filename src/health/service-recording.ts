import type { Clock } from '../lib/clock.ts';
import {
  floorTo,
  RESOLUTION_MS,
  RESOLUTIONS,
  type Resolution,
  type Segment,
} from '../lib/resolution.ts';
import type { HealthRow } from './health-metrics-store.ts';
import { HealthTally } from './health-tally.ts';
import type { ServiceStatus } from './service.ts';

/** Notes what happens to one service. Cheap: called up to 20 times a second for each. */
export interface ServiceRecorder {
  /**
   * A check ended. In maintenance it counts for nothing.
   * @param responseTimeMs `undefined` for one that counts for no response time
   */
  check(responseTimeMs: number | undefined, isFailed: boolean): void;
  /** It has this status, or this maintenance, from now on. The time since the last call belongs to what was before. */
  state(status: ServiceStatus, isInMaintenance: boolean): void;
  /** It is looked at no longer. */
  stop(): void;
}

/** A row that is in memory. */
export interface OpenRow extends HealthRow {
  /** Whether what was stored in it before, if anything, is in it. One that is not must not be stored. */
  isWhole: boolean;
  /** Whether something was noted that is not stored. */
  isChanged: boolean;
}

/** By so much the wall clock may differ from the time that went by; else somebody has set it. In milliseconds. */
const CLOCK_JUMP_MS = 1_000;

/** Time is noted at least once a minute, so in a longer stretch the process stood still. In milliseconds. */
const LONGEST_STRETCH_MS = 120_000;

/**
 * What is noted of one service and not stored for good yet: its rows by minute, hour and day.
 *
 * Time is noted up to now by `settle`, in the minutes that it went by in. Its length is that of the wall clock as long as
 * this goes with the steady one; where the wall clock was set, what the steady one says counts to the time before that. A row
 * stays in memory until its time is over and it is stored. One that comes later than all before it can't be stored
 * already; any other has to be completed first.
 */
export class ServiceRecording {
  readonly tenant: string;
  readonly service: string;
  readonly #clock: Clock;
  #rows: OpenRow[] = [];
  /** Those of the present minute, hour and day, or of the latest that something was noted in. */
  #present: readonly OpenRow[] = [];
  #presentFrom = 0;
  #presentTo = 0;
  readonly #newest = new Map<Resolution, number>();
  /** `undefined` while nobody looks. */
  #status: ServiceStatus | undefined;
  #isInMaintenance = false;
  /** Up to when time was noted: on the wall clock, and on the steady one. */
  #at = 0;
  #steadyAt = 0;
  /** How many recorders there were; only the last one counts. */
  #recorders = 0;

  constructor(tenant: string, service: string, clock: Clock) {
    this.tenant = tenant;
    this.service = service;
    this.#clock = clock;
  }

  /** Notes from now on. A recorder that was given out before notes no more. */
  begin(status: ServiceStatus, isInMaintenance: boolean): ServiceRecorder {
    this.#become(status, isInMaintenance);
    this.#recorders += 1;
    const own = this.#recorders;
    return {
      check: (responseTimeMs, isFailed) => {
        if (own === this.#recorders) this.#noteCheck(responseTimeMs, isFailed);
      },
      state: (next, isNowInMaintenance) => {
        if (own === this.#recorders) this.#become(next, isNowInMaintenance);
      },
      stop: () => {
        if (own === this.#recorders) this.stop();
      },
    };
  }

  /** Notes no more, whatever recorders say. */
  stop(): void {
    this.#become(undefined, false);
    this.#recorders += 1;
  }

  /** Notes the time up to now. */
  settle(): void {
    const now = this.#clock.now();
    const steadyNow = this.#clock.monotonicMs();
    const elapsed = Math.min(steadyNow - this.#steadyAt, LONGEST_STRETCH_MS);
    const isSet = Math.abs(now - this.#at - elapsed) > CLOCK_JUMP_MS;
    if (this.#status !== undefined) {
      this.#noteTime(this.#status, isSet ? this.#at + elapsed : now);
      if (!this.#isPresent(now)) this.#turnTo(now);
    }
    this.#at = isSet ? now : Math.max(now, this.#at);
    this.#steadyAt = steadyNow;
  }

  /** Rows that can be stored: a minute when it is over, the others whenever something was noted in them. */
  listChanged(now: number, withPresent = false): readonly OpenRow[] {
    return this.#rows.filter(
      (row) => row.isChanged && (withPresent || row.resolution !== 'MINUTE' || isOver(row, now)),
    );
  }

  /** Rows in memory that lie in one of the segments. */
  listWithin(segments: readonly Segment[]): readonly OpenRow[] {
    return this.#rows.filter(({ resolution, startAt }) =>
      segments.some(
        (segment) =>
          segment.resolution === resolution && startAt >= segment.from && startAt < segment.to,
      ),
    );
  }

  /** Lets go of rows that are stored and over. `now` as of the `listChanged` that they were stored by. */
  dropStored(now: number): void {
    this.#rows = this.#rows.filter((row) => row.isChanged || !isOver(row, now));
  }

  /** Lets go of the oldest minutes that could not be stored. */
  keepMinutes(count: number): void {
    const minutes = this.#rows.filter(({ resolution }) => resolution === 'MINUTE');
    const lost = new Set(minutes.slice(0, -count));
    this.#rows = this.#rows.filter((row) => !lost.has(row));
  }

  /** Whether nobody looks, and all is stored. */
  get isDone(): boolean {
    return this.#status === undefined && !this.#rows.some(({ isChanged }) => isChanged);
  }

  #become(status: ServiceStatus | undefined, isInMaintenance: boolean): void {
    this.settle();
    this.#status = status;
    this.#isInMaintenance = isInMaintenance;
  }

  #noteCheck(responseTimeMs: number | undefined, isFailed: boolean): void {
    if (this.#isInMaintenance) return;
    const now = this.#clock.now();
    if (!this.#isPresent(now)) this.#turnTo(now);
    for (const row of this.#present) {
      row.tally.addCheck(responseTimeMs, isFailed);
      row.isChanged = true;
    }
  }

  #noteTime(status: ServiceStatus, end: number): void {
    let from = this.#at;
    while (from < end) {
      if (!this.#isPresent(from)) this.#turnTo(from);
      const to = Math.min(end, this.#presentTo);
      for (const row of this.#present) {
        row.tally.addTime(status, this.#isInMaintenance, to - from);
        row.isChanged = true;
      }
      from = to;
    }
  }

  #isPresent(at: number): boolean {
    return at >= this.#presentFrom && at < this.#presentTo;
  }

  #turnTo(at: number): void {
    this.#present = RESOLUTIONS.map((resolution) => this.#rowOf(resolution, at));
    this.#presentFrom = floorTo('MINUTE', at);
    this.#presentTo = this.#presentFrom + RESOLUTION_MS.MINUTE;
  }

  #rowOf(resolution: Resolution, at: number): OpenRow {
    const startAt = floorTo(resolution, at);
    const open = this.#rows.find((row) => row.resolution === resolution && row.startAt === startAt);
    if (open !== undefined) return open;
    const newest = this.#newest.get(resolution);
    const isWhole = newest !== undefined && startAt > newest;
    if (newest === undefined || isWhole) this.#newest.set(resolution, startAt);
    const row: OpenRow = {
      tenant: this.tenant,
      service: this.service,
      resolution,
      startAt,
      tally: new HealthTally(),
      isWhole,
      isChanged: false,
    };
    this.#rows.push(row);
    return row;
  }
}

/** Whether the time of a row is not now: it is over, or the clock was set to before it. */
function isOver({ resolution, startAt }: OpenRow, now: number): boolean {
  return now < startAt || now >= startAt + RESOLUTION_MS[resolution];
}
