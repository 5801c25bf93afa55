import type {
  Activation,
  JobObserver,
  JobRun,
  LogEntry,
  RoutineRun,
  SlotQueue,
} from '../engine/index.ts';
import { Histogram, type HistogramSnapshot } from '../lib/histogram.ts';
import { cutText, preview } from '../lib/preview.ts';
import { RingBuffer } from '../lib/ring-buffer.ts';
import { readDurations } from './durations.ts';
import { readQueue } from './read-queue.ts';
import { readRoutine } from './read-routine.ts';
import type {
  ActivationRecord,
  DurationReading,
  JobReading,
  LogRecord,
  TraceLinks,
  TraceReading,
} from './readings.ts';
import { SlotRates } from './slot-rates.ts';
import { type RecordItems, TraceMemory } from './trace-memory.ts';
import type { TraceCounts, TraceFilter, TraceQuery } from './trace-page.ts';

/** The most characters of items as text in what is kept of a job's trace. */
export const KEPT_TRACE_CHARACTERS = 256 * 1024;

export interface JobMonitorOptions {
  /** The newest activations that are remembered. Default 1,000. */
  readonly traceLength?: number;
  /** The newest failed activations that are remembered beyond those. Default 100. */
  readonly failureTraceLength?: number;
  /** The newest log lines that are remembered. Default 500. */
  readonly logLength?: number;
}

/** What a monitor has counted, to go on counting from in another process. Can be written as JSON. */
export interface MonitorSnapshot {
  /** How long activations ran, by routine id. */
  readonly durations: Readonly<Record<string, HistogramSnapshot>>;
  readonly traceTotal: number;
  readonly logTotal: number;
}

/**
 * Watches one job: counts durations, remembers the newest activations and log lines, and reads the job's queues and
 * routines when asked. Reading takes nothing from the job; what costs (previews, percentiles) is worked out when it
 * is read.
 *
 * The trace holds on to the items of the activations it remembers for as long as the monitor lives; `keepTrace` makes
 * plain data of them.
 */
export class JobMonitor implements JobObserver {
  readonly #job: JobRun;
  readonly #durations = new Map<RoutineRun, Histogram>();
  readonly #rates = new Map<SlotQueue, SlotRates>();
  readonly #trace: TraceMemory;
  readonly #logs: RingBuffer<LogEntry>;
  /** Log lines before the first that this monitor saw. */
  readonly #logsBefore: number;
  /** Changes that the job itself does not count: of rates, and in the log. */
  #otherChanges = 0;

  /** @param snapshot what the monitor of a job that was restored had counted; activations and lines are numbered on */
  constructor(job: JobRun, options: JobMonitorOptions = {}, snapshot?: MonitorSnapshot) {
    this.#job = job;
    this.#logsBefore = snapshot?.logTotal ?? 0;
    this.#trace = new TraceMemory(job, {
      length: options.traceLength ?? 1000,
      failureLength: options.failureTraceLength ?? 100,
      before: snapshot?.traceTotal ?? 0,
    });
    this.#logs = new RingBuffer(options.logLength ?? 500);
    const nowMs = job.readClockMs();
    for (const routine of job.routines) {
      const durations = snapshot?.durations[routine.id];
      this.#durations.set(
        routine,
        durations === undefined ? new Histogram() : Histogram.fromSnapshot(durations),
      );
      for (const slot of routine.slots) this.#rates.set(slot, new SlotRates(slot, nowMs));
    }
    job.observe(this);
  }

  activationEnded(_job: JobRun, activation: Activation): void {
    const { routine, outcome, runMs } = activation;
    // One that the job's end cut short says nothing of how long the routine takes.
    if (outcome !== 'ABANDONED') this.#durations.get(routine)?.record(runMs);
    this.#trace.push(activation);
  }

  logged(_job: JobRun, entry: LogEntry): void {
    this.#logs.push({ ...entry, message: cutText(entry.message) });
    this.#otherChanges++;
  }

  /** Changes whenever what `read` answers may have changed, except by the passing of time alone. */
  get version(): number {
    return this.#job.version + this.#otherChanges;
  }

  /** How many activations have ended, those not remembered any more included; also the place of the newest. */
  get traceTotal(): number {
    return this.#trace.total;
  }

  /** How many of the newest activations are remembered at most. */
  get traceLength(): number {
    return this.#trace.length;
  }

  /** How many of the newest lines of the log are remembered at most. */
  get logLength(): number {
    return this.#logs.capacity;
  }

  /** How many lines were written to the log, in all; also the place of the newest. */
  get logTotal(): number {
    return this.#logsBefore + this.#logs.pushed;
  }

  /** What the monitor has counted; what it remembers of single activations and log lines is not in it. */
  capture(): MonitorSnapshot {
    return {
      durations: Object.fromEntries(
        [...this.#durations].map(([{ id }, histogram]) => [id, histogram.toSnapshot()]),
      ),
      traceTotal: this.traceTotal,
      logTotal: this.logTotal,
    };
  }

  /** Takes a measure of how fast the queues move. To be called about once a second while the job runs. */
  measureRates(): void {
    const nowMs = this.#job.readClockMs();
    for (const rates of this.#rates.values()) if (rates.measure(nowMs)) this.#otherChanges++;
  }

  read(): JobReading {
    const job = this.#job;
    const suspended = new Map<RoutineRun, Activation[]>();
    for (const activation of job.suspended) {
      const own = suspended.get(activation.routine);
      if (own === undefined) suspended.set(activation.routine, [activation]);
      else own.push(activation);
    }
    return {
      jobId: job.id,
      flowId: job.flow.id,
      at: job.wallTime(job.readClockMs()),
      state: job.state,
      isEnding: job.isEnding,
      routines: job.routines.map((routine) => {
        const own = suspended.get(routine) ?? [];
        const queues = routine.slots.flatMap((slot) => {
          const rates = this.#rates.get(slot);
          return rates === undefined ? [] : [readQueue(job, slot, rates)];
        });
        return readRoutine(job, routine, own, queues);
      }),
    };
  }

  /** How long the activations of each routine took, by routine id. */
  readDurations(): ReadonlyMap<string, DurationReading> {
    return new Map(
      [...this.#durations].map(([{ id }, histogram]) => [id, readDurations(histogram)]),
    );
  }

  /** A page of the trace. Previews are made of what is on the page, of nothing else. */
  readTrace(query: TraceQuery): ActivationRecord[] {
    return this.#trace.read(query);
  }

  countTrace(filter: TraceFilter): TraceCounts {
    return this.#trace.count(filter);
  }

  /** Who emitted what to whom, as far as it is remembered: also of activations that have not ended. */
  readLinks(): TraceLinks {
    return this.#trace.readLinks();
  }

  /** The last runs of activations, in the order of the ids; `undefined` for what is not remembered, or has not ended. */
  readActivations(activationIds: readonly number[]): (ActivationRecord | undefined)[] {
    return this.#trace.readActivations(activationIds);
  }

  /** An activation that is remembered, or has not ended; the last of its runs. */
  findActivation(activationId: number): Activation | undefined {
    return this.#trace.find(activationId);
  }

  /**
   * The trace as plain data, to be kept when the job has ended: the newest activations, in order, whose items as
   * text, those that are written down included, have at most `maxCharacters` together.
   */
  keepTrace(maxCharacters: number, recordItems?: RecordItems): TraceReading {
    const records = this.traceSince(0, maxCharacters, recordItems);
    return { records, droppedCount: this.traceTotal - records.length };
  }

  /**
   * The activations that came after a place in the trace and are still remembered, in order: the newest of them, whose
   * items as text have at most `maxCharacters` together.
   */
  traceSince(
    sequence: number,
    maxCharacters: number,
    recordItems?: RecordItems,
  ): ActivationRecord[] {
    return this.#trace.since(sequence, maxCharacters, recordItems);
  }

  readLogs(): LogRecord[] {
    return this.logsSince(0);
  }

  /** The lines that came after a place in the log and are still remembered, in order. */
  logsSince(sequence: number): LogRecord[] {
    const before = this.logTotal - this.#logs.length;
    return [...this.#logs]
      .map((entry, at) => ({ entry, sequence: before + at + 1 }))
      .filter((line) => line.sequence > sequence)
      .map(({ entry: { facts, ...entry }, sequence: place }) => ({
        ...entry,
        sequence: place,
        facts: facts === undefined ? undefined : preview(facts),
      }));
  }
}
