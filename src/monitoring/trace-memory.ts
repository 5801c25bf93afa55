import type { Activation, JobRun } from '../engine/index.ts';
import { RingBuffer } from '../lib/ring-buffer.ts';
import { readActivation, readLink } from './read-activation.ts';
import type { ActivationRecord, RecordedItems, TraceLinks, TracePlace } from './readings.ts';
import {
  matchesTraceFilter,
  selectTracePage,
  type TraceCounts,
  type TraceEntry,
  type TraceFilter,
  type TraceQuery,
} from './trace-page.ts';

/** Writes down the items of an activation, so that it can be run again on them; see `RecordedItems`. */
export type RecordItems = (activation: Activation) => RecordedItems;

export interface TraceMemoryOptions {
  /** The newest activations that are remembered. */
  readonly length: number;
  /** The newest of those that did not go well that are remembered beyond. */
  readonly failureLength: number;
  /** Activations that ended before the first that is seen here. */
  readonly before: number;
}

interface Entry extends TraceEntry {
  readonly activation: Activation;
}

/** The newest activations of a job, and what can be told of them. Holds on to their items. */
export class TraceMemory {
  readonly #job: JobRun;
  readonly #newest: RingBuffer<Activation>;
  readonly #failures: RingBuffer<{ readonly sequence: number; readonly activation: Activation }>;
  readonly #before: number;
  /** Of a job that has run before. */
  readonly #resumedFrom: TracePlace | undefined;

  constructor(job: JobRun, { length, failureLength, before }: TraceMemoryOptions) {
    this.#job = job;
    this.#newest = new RingBuffer(length);
    this.#failures = new RingBuffer(failureLength);
    this.#before = before;
    if (before > 0) {
      this.#resumedFrom = { sequence: before, activationCount: countActivations(job) };
    }
  }

  /** An activation has ended. */
  push(activation: Activation): void {
    this.#newest.push(activation);
    if (activation.outcome === 'COMPLETED') return;
    this.#failures.push({ sequence: this.total, activation });
  }

  /** How many activations have ended, those not remembered any more included; also the place of the newest. */
  get total(): number {
    return this.#before + this.#newest.pushed;
  }

  /** How many of the newest are remembered at most. */
  get length(): number {
    return this.#newest.capacity;
  }

  /** A page. Previews are made of what is on the page, of nothing else. */
  read(query: TraceQuery): ActivationRecord[] {
    return selectTracePage(this.#entries(), query).map((entry) => this.#record(entry, IN_MEMORY));
  }

  count(filter: TraceFilter): TraceCounts {
    const entries = this.#entries();
    return {
      matching: entries.filter((entry) => matchesTraceFilter(entry, filter)).length,
      dropped: this.total - entries.length,
    };
  }

  /** Who emitted what to whom: also of activations that have not ended. */
  readLinks(): TraceLinks {
    const job = this.#job;
    const before = this.#resumedFrom;
    const ended = this.#entries().map(({ activation, sequence }) =>
      readLink(job, activation, sequence, before),
    );
    const others = [...job.suspended].map((each) => readLink(job, each, undefined, before));
    return {
      links: [...ended, ...others],
      completeFrom: this.total - this.#newest.length + 1,
      activationCount: countActivations(job),
    };
  }

  /** The last runs of activations, in the order of the ids; `undefined` for what is not remembered, or has not ended. */
  readActivations(activationIds: readonly number[]): (ActivationRecord | undefined)[] {
    const wanted = new Set(activationIds);
    const entries = this.#entries().filter(({ activation }) => wanted.has(activation.activationId));
    const byId = new Map(entries.map((entry) => [entry.activation.activationId, entry]));
    return activationIds.map((id) => {
      const entry = byId.get(id);
      return entry && this.#record(entry, IN_MEMORY);
    });
  }

  /** An activation that is remembered, or has not ended; the last of its runs. */
  find(activationId: number): Activation | undefined {
    const isIt = (each: Activation) => each.activationId === activationId;
    return (
      [...this.#job.suspended].find(isIt) ??
      this.#entries().findLast(({ activation }) => isIt(activation))?.activation
    );
  }

  /**
   * Those that came after a place and are still remembered, in order: the newest of them, whose items as text, those
   * that are written down included, have at most `maxCharacters` together.
   */
  since(
    sequence: number,
    maxCharacters: number,
    recordItems: RecordItems | undefined,
  ): ActivationRecord[] {
    const records: ActivationRecord[] = [];
    let characters = 0;
    for (const entry of this.#entries().reverse()) {
      if (entry.sequence <= sequence) break;
      const recorded = recordItems?.(entry.activation);
      const record = this.#record(entry, recorded);
      if (recorded?.kind === 'KEPT') characters += recorded.text.length;
      for (const { item } of [...record.inputs, ...record.outputs]) characters += item.text.length;
      if (characters > maxCharacters) break;
      records.push(record);
    }
    return records.reverse();
  }

  #entries(): Entry[] {
    const before = this.total - this.#newest.length; // the newest that is not among the newest any more
    const kept = [
      ...[...this.#failures].filter(({ sequence }) => sequence <= before),
      ...[...this.#newest].map((activation, at) => ({ activation, sequence: before + at + 1 })),
    ];
    return kept.map(({ activation, sequence }) => ({
      activation,
      sequence,
      routineId: activation.routine.id,
      outcome: activation.outcome ?? 'ABANDONED',
    }));
  }

  #record({ activation, sequence }: Entry, recorded: RecordedItems | undefined): ActivationRecord {
    const resumedFrom = this.#resumedFrom;
    return readActivation(this.#job, activation, { sequence, resumedFrom, recorded });
  }
}

const IN_MEMORY: RecordedItems = { kind: 'IN_MEMORY' };

/** How many activations have begun in a job; they are numbered from 1. */
function countActivations({ routines }: JobRun): number {
  return routines.reduce((sum, { begun }) => sum + begun, 0);
}
