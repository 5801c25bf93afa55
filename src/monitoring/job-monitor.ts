import type {
  Activation,
  JobObserver,
  JobRun,
  LogEntry,
  RoutineRun,
  SlotQueue,
} from '../engine/index.ts';
import { Histogram } from '../lib/histogram.ts';
import { cutText, preview } from '../lib/preview.ts';
import { RingBuffer } from '../lib/ring-buffer.ts';
import { readDurations } from './durations.ts';
import { readActivation } from './read-activation.ts';
import { readQueue } from './read-queue.ts';
import { readRoutine } from './read-routine.ts';
import type {
  ActivationRecord,
  DurationReading,
  JobReading,
  LogRecord,
  TraceReading,
} from './readings.ts';
import { SlotRates } from './slot-rates.ts';
import {
  matchesTraceFilter,
  selectTracePage,
  type TraceCounts,
  type TraceEntry,
  type TraceFilter,
  type TraceQuery,
} from './trace-page.ts';

export interface JobMonitorOptions {
  /** The newest activations that are remembered. Default 1,000. */
  readonly traceLength?: number;
  /** The newest failed activations that are remembered beyond those. Default 100. */
  readonly failureTraceLength?: number;
  /** The newest log lines that are remembered. Default 500. */
  readonly logLength?: number;
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
  readonly #trace: RingBuffer<Activation>;
  readonly #failures: RingBuffer<{ readonly sequence: number; readonly activation: Activation }>;
  readonly #logs: RingBuffer<LogEntry>;
  /** Changes that the job itself does not count: of rates, and in the log. */
  #otherChanges = 0;

  constructor(job: JobRun, options: JobMonitorOptions = {}) {
    this.#job = job;
    this.#trace = new RingBuffer(options.traceLength ?? 1000);
    this.#failures = new RingBuffer(options.failureTraceLength ?? 100);
    this.#logs = new RingBuffer(options.logLength ?? 500);
    const nowMs = job.readClockMs();
    for (const routine of job.routines) {
      this.#durations.set(routine, new Histogram());
      for (const slot of routine.slots) this.#rates.set(slot, new SlotRates(slot, nowMs));
    }
    job.observe(this);
  }

  activationEnded(_job: JobRun, activation: Activation): void {
    const { routine, outcome, runMs } = activation;
    // One that the job's end cut short says nothing of how long the routine takes.
    if (outcome !== 'ABANDONED') this.#durations.get(routine)?.record(runMs);
    this.#trace.push(activation);
    if (outcome === 'COMPLETED') return;
    this.#failures.push({ sequence: this.#trace.pushed, activation });
  }

  logged(_job: JobRun, entry: LogEntry): void {
    this.#logs.push({ ...entry, message: cutText(entry.message) });
    this.#otherChanges++;
  }

  /** Changes whenever what `read` answers may have changed, except by the passing of time alone. */
  get version(): number {
    return this.#job.version + this.#otherChanges;
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
    return selectTracePage(this.#entries(), query).map((entry) => this.#record(entry));
  }

  countTrace(filter: TraceFilter): TraceCounts {
    const entries = this.#entries();
    return {
      matching: entries.filter((entry) => matchesTraceFilter(entry, filter)).length,
      dropped: this.#trace.pushed - entries.length,
    };
  }

  /**
   * The trace as plain data, to be kept when the job has ended: the newest activations, in order, whose items as
   * text have at most `maxCharacters` together.
   */
  keepTrace(maxCharacters: number): TraceReading {
    const records: ActivationRecord[] = [];
    let characters = 0;
    for (const entry of this.#entries().reverse()) {
      const record = this.#record(entry);
      for (const { item } of [...record.inputs, ...record.outputs]) characters += item.text.length;
      if (characters > maxCharacters) break;
      records.push(record);
    }
    return { records: records.reverse(), droppedCount: this.#trace.pushed - records.length };
  }

  #entries(): (TraceEntry & { readonly activation: Activation })[] {
    const before = this.#trace.pushed - this.#trace.length; // the newest that is not among the newest any more
    const kept = [
      ...[...this.#failures].filter(({ sequence }) => sequence <= before),
      ...[...this.#trace].map((activation, at) => ({ activation, sequence: before + at + 1 })),
    ];
    return kept.map(({ activation, sequence }) => ({
      activation,
      sequence,
      routineId: activation.routine.id,
      outcome: activation.outcome ?? 'ABANDONED',
    }));
  }

  #record({
    activation,
    sequence,
  }: {
    activation: Activation;
    sequence: number;
  }): ActivationRecord {
    return readActivation(this.#job, activation, sequence);
  }

  readLogs(): LogRecord[] {
    const before = this.#logs.pushed - this.#logs.length;
    return [...this.#logs].map(({ facts, ...entry }, at) => ({
      ...entry,
      sequence: before + at + 1,
      facts: facts === undefined ? undefined : preview(facts),
    }));
  }
}
