import type { Clock } from '../lib/clock.ts';
import { cutText } from '../lib/preview.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { JobEventType, JobHappening } from '../pubsub/topics.ts';
import { diffReadings } from './diff-readings.ts';
import type { HostedLogLine, JobHost } from './job-host.ts';
import { type EventsOf, LAST_EVENTS } from './job-stream-message.ts';

/** Events that are made only while somebody wants them: those merged from readings, and log lines. */
export const EVENTS_ON_DEMAND: ReadonlySet<string> = new Set<JobEventType>([
  'ROUTINE_STARTED',
  'ROUTINE_COMPLETED',
  'ROUTINE_FAILED',
  'ROUTINE_STATUS_CHANGED',
  'QUEUE_CHANGED',
  'PROGRESS_REPORTED',
  'LOG_WRITTEN',
  'LOG_POINT',
  'LOGS_SKIPPED',
]);

/** How often merged events are worked out, per second. */
const MERGE_RATE_HZ = 10;

/** The most log lines of a job that are told between two looks at it; the others are counted. */
const LOG_LINES_A_LOOK = 50;

/** Longer messages are cut, in characters. The log itself has them whole. */
const LONGEST_LOG_MESSAGE = 1000;

/** Of how many running jobs events are made on demand at once for those who want events of a flow, or of all jobs. */
const MOST_JOBS = 100;

/** For how long it is remembered how a job was when the last who wanted its events left, in milliseconds. */
const REMEMBERED_MS = 60_000;
/** Of how many jobs at most. */
const MOST_REMEMBERED = 1000;

export interface EventProductionParts {
  readonly clock: Clock;
  readonly host: Pick<JobHost, 'watch'>;
  readonly record: (jobId: string, flowId: string, at: number, happening: JobHappening) => void;
}

/** What is told of one job only while somebody wants it. */
interface Producer {
  readers: number;
  /** The reading that was looked at last. */
  previous: JobReading | undefined;
  /** Log lines told, and not told, since the last look. */
  toldLines: number;
  skippedLines: number;
  /** `undefined` when the host did not know the job. */
  stop: (() => void) | undefined;
}

/** How a job was when nobody wanted its events any more, and what was logged since. */
interface Remembered extends Pick<Producer, 'previous' | 'skippedLines'> {
  readonly atMs: number;
}

/**
 * Makes events of a tenant's jobs on demand. Those who want them of one job have that job watched. Those who want them of several share a
 * limited number of running jobs: those that began first; when one of them ends the next takes its place.
 *
 * When the last reader has left, nothing is made. But one that comes back soon, such as a client whose connection was cut,
 * is told, merged, what has happened since.
 */
export class EventProduction {
  readonly #parts: EventProductionParts;
  readonly #producers = new Map<string, Producer>();
  /** By job id, those that were left first come first. */
  readonly #remembered = new Map<string, Remembered>();
  /** Flow ids by job id: the jobs that run here, in the order they began. */
  readonly #running = new Map<string, string>();
  /** How many want events of several jobs, by flow; under `undefined` those who want them of all. */
  readonly #wanted = new Map<string | undefined, number>();
  /** How many want each type: of one job, under its id, or of several, as in `#wanted`. */
  readonly #types = new Map<string | undefined, Map<string, number>>();
  /** How to stop what is made for those, by job id. */
  readonly #shared = new Map<string, () => void>();

  constructor(parts: EventProductionParts) {
    this.#parts = parts;
  }

  /** How many jobs are watched. */
  get count(): number {
    return this.#producers.size;
  }

  /** Whether there is nothing that a new one would not do as well. */
  get isIdle(): boolean {
    const inUse = [this.#producers, this.#remembered, this.#running, this.#wanted, this.#types];
    return inUse.every(({ size }) => size === 0);
  }

  /** Makes events of some jobs, of these types, until the answer is called. */
  want({ jobId, flowId }: Omit<EventsOf, 'tenant'>, types: readonly string[]): () => void {
    const stop = this.#count(jobId ?? flowId, types);
    const end =
      jobId === undefined ? this.#wantOfSeveral(flowId) : this.#produce(jobId, flowId ?? '');
    return () => {
      stop();
      end();
    };
  }

  #wantOfSeveral(flowId: string | undefined): () => void {
    this.#wanted.set(flowId, (this.#wanted.get(flowId) ?? 0) + 1);
    this.#share();
    return () => {
      const left = (this.#wanted.get(flowId) ?? 0) - 1;
      if (left > 0) this.#wanted.set(flowId, left);
      else this.#wanted.delete(flowId);
      this.#share();
    };
  }

  #count(of: string | undefined, types: readonly string[]): () => void {
    const counts = this.#types.get(of) ?? new Map<string, number>();
    this.#types.set(of, counts);
    const add = (by: number) => {
      for (const type of types) {
        const count = (counts.get(type) ?? 0) + by;
        if (count > 0) counts.set(type, count);
        else counts.delete(type);
      }
      if (counts.size === 0 && this.#types.get(of) === counts) this.#types.delete(of);
    };
    add(1);
    return () => add(-1);
  }

  #isTypeWanted(jobId: string, flowId: string, type: string): boolean {
    return [jobId, flowId, undefined].some((of) => this.#types.get(of)?.has(type) === true);
  }

  /** A job is about to run; the host knows it. */
  jobStarting(jobId: string, flowId: string): void {
    const producer = this.#producers.get(jobId);
    if (producer !== undefined && producer.stop === undefined) this.#watch(jobId, flowId, producer);
    if (this.#running.has(jobId)) return;
    this.#running.set(jobId, flowId);
    if (this.#wanted.size > 0) this.#share();
  }

  /** Takes note of what happened in a job. */
  happened(jobId: string, flowId: string, type: JobEventType): void {
    if (type === 'JOB_RECOVERED') this.jobStarting(jobId, flowId);
    if (!LAST_EVENTS.has(type)) return;
    if (this.#running.delete(jobId) && this.#shared.has(jobId)) this.#share();
    this.#remembered.delete(jobId);
  }

  /** Tells of a line that was written to the log, if somebody wants to know and it is not one too many. */
  logged({ jobId, flowId, at, routineId, level, message, breakpointId }: HostedLogLine): void {
    const producer = this.#producers.get(jobId);
    if (producer === undefined) {
      const remembered = this.#remembered.get(jobId);
      if (remembered !== undefined) remembered.skippedLines++;
      return;
    }
    const type = breakpointId === undefined ? 'LOG_WRITTEN' : 'LOG_POINT';
    if (!this.#isTypeWanted(jobId, flowId, type)) return;
    if (producer.toldLines >= LOG_LINES_A_LOOK) {
      producer.skippedLines++;
      return;
    }
    producer.toldLines++;
    const line = { routineId, message: cutText(message, LONGEST_LOG_MESSAGE) };
    const happening: JobHappening =
      breakpointId === undefined
        ? { type: 'LOG_WRITTEN', level, ...line }
        : { type: 'LOG_POINT', breakpointId, ...line };
    this.#parts.record(jobId, flowId, at, happening);
  }

  /** Sees to it that what is wanted of several jobs is made, and no more. */
  #share(): void {
    for (const [jobId, stop] of this.#shared) {
      const flowId = this.#running.get(jobId);
      if (flowId !== undefined && this.#isWanted(flowId)) continue;
      this.#shared.delete(jobId);
      stop();
    }
    for (const [jobId, flowId] of this.#running) {
      if (this.#shared.size >= MOST_JOBS) return;
      if (this.#shared.has(jobId) || !this.#isWanted(flowId)) continue;
      this.#shared.set(jobId, this.#produce(jobId, flowId));
    }
  }

  #isWanted(flowId: string): boolean {
    return this.#wanted.has(flowId) || this.#wanted.has(undefined);
  }

  #produce(jobId: string, flowId: string): () => void {
    const producer = this.#producers.get(jobId) ?? this.#start(jobId, flowId);
    this.#producers.set(jobId, producer);
    producer.readers++;
    return () => {
      producer.readers--;
      if (producer.readers > 0) return;
      producer.stop?.();
      this.#producers.delete(jobId);
      this.#remember(jobId, producer);
    };
  }

  #remember(jobId: string, { previous, skippedLines }: Producer): void {
    if (previous === undefined) return;
    const atMs = this.#parts.clock.monotonicMs();
    this.#remembered.set(jobId, { previous, skippedLines, atMs });
    for (const [oldest, remembered] of this.#remembered) {
      const isNew = remembered.atMs + REMEMBERED_MS > atMs;
      if (isNew && this.#remembered.size <= MOST_REMEMBERED) return;
      this.#remembered.delete(oldest);
    }
  }

  #recall(jobId: string): Remembered | undefined {
    const remembered = this.#remembered.get(jobId);
    this.#remembered.delete(jobId);
    if (remembered === undefined) return undefined;
    const isNew = remembered.atMs + REMEMBERED_MS > this.#parts.clock.monotonicMs();
    return isNew ? remembered : undefined;
  }

  #start(jobId: string, flowId: string): Producer {
    const { previous, skippedLines = 0 } = this.#recall(jobId) ?? {};
    const producer = { readers: 0, previous, toldLines: 0, skippedLines, stop: undefined };
    this.#watch(jobId, flowId, producer);
    return producer;
  }

  #watch(jobId: string, flowId: string, producer: Producer): void {
    const { host, record } = this.#parts;
    const look = (reading: JobReading) => {
      const { previous: before } = producer;
      const happenings = before === undefined ? [] : diffReadings(before, reading);
      producer.previous = reading;
      for (const happening of happenings) {
        if (!this.#isTypeWanted(jobId, flowId, happening.type)) continue;
        record(jobId, flowId, reading.at, happening);
      }
      const { skippedLines } = producer;
      producer.toldLines = 0;
      producer.skippedLines = 0;
      if (skippedLines === 0 || !this.#isTypeWanted(jobId, flowId, 'LOGS_SKIPPED')) return;
      record(jobId, flowId, reading.at, { type: 'LOGS_SKIPPED', count: skippedLines });
    };
    producer.stop = host.watch(jobId, MERGE_RATE_HZ, { push: look, end: () => undefined });
  }
}
