import type {
  Activation,
  JobObserver,
  JobRun,
  LogEntry,
  RoutineRun,
  SlotQueue,
} from '../engine/index.ts';
import { Histogram } from '../lib/histogram.ts';
import { preview } from '../lib/preview.ts';
import { RingBuffer } from '../lib/ring-buffer.ts';
import { readDurations } from './durations.ts';
import { readActivation } from './read-activation.ts';
import { readQueue } from './read-queue.ts';
import { readRoutine } from './read-routine.ts';
import type { DurationReading, JobReading, LogRecord, TraceReading } from './readings.ts';
import { SlotRates } from './slot-rates.ts';

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
 * The trace holds on to the items of the activations it remembers until `readTrace` has made plain data of them and
 * the monitor is let go.
 */
export class JobMonitor implements JobObserver {
  readonly #job: JobRun;
  readonly #durations = new Map<RoutineRun, Histogram>();
  readonly #rates = new Map<SlotQueue, SlotRates>();
  readonly #trace: RingBuffer<Activation>;
  readonly #failures: RingBuffer<{ readonly sequence: number; readonly activation: Activation }>;
  readonly #logs: RingBuffer<LogEntry>;
  #rateChanges = 0;

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
    const { routine, outcome, startedMs, endedMs } = activation;
    this.#durations.get(routine)?.record(endedMs - startedMs);
    this.#trace.push(activation);
    if (outcome === 'COMPLETED') return;
    this.#failures.push({ sequence: this.#trace.pushed, activation });
  }

  logged(_job: JobRun, entry: LogEntry): void {
    this.#logs.push(entry);
  }

  /** Changes whenever what `read` answers may have changed, except by the passing of time alone. */
  get version(): number {
    return this.#job.version + this.#rateChanges;
  }

  /** Takes a measure of how fast the queues move. To be called about once a second while the job runs. */
  measureRates(): void {
    const nowMs = this.#job.readClockMs();
    for (const rates of this.#rates.values()) if (rates.measure(nowMs)) this.#rateChanges++;
  }

  read(): JobReading {
    const job = this.#job;
    return {
      jobId: job.id,
      flowId: job.flow.id,
      at: job.wallTime(job.readClockMs()),
      state: job.state,
      isEnding: job.isEnding,
      routines: job.routines.map((routine) => {
        const own = [...job.suspended].filter((activation) => activation.routine === routine);
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

  readTrace(): TraceReading {
    const before = this.#trace.pushed - this.#trace.length; // the newest that is not among the newest any more
    const kept = [
      ...[...this.#failures].filter(({ sequence }) => sequence <= before),
      ...[...this.#trace].map((activation, at) => ({ activation, sequence: before + at + 1 })),
    ];
    return {
      records: kept.map(({ activation, sequence }) =>
        readActivation(this.#job, activation, sequence),
      ),
      droppedCount: this.#trace.pushed - kept.length,
    };
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
