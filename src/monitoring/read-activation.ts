import { type Activation, BY_HAND, type Item, type JobRun } from '../engine/index.ts';
import { preview } from '../lib/preview.ts';
import { failureOf } from './read-routine.ts';
import type {
  ActivationRecord,
  ItemOrigin,
  RecordedItems,
  TraceLink,
  TracePlace,
} from './readings.ts';

/** The most items of one activation that its record shows. */
const SHOWN_ITEMS = 16;

/** What is known of an activation besides itself. */
export interface ActivationPlace {
  /** Its place among all that ended. */
  readonly sequence: number;
  /** Of a job that was taken up again. */
  readonly resumedFrom: TracePlace | undefined;
  readonly recorded: RecordedItems | undefined;
}

/** Makes plain data of an activation that has ended. */
export function readActivation(
  job: JobRun,
  activation: Activation,
  { sequence, resumedFrom, recorded }: ActivationPlace,
): ActivationRecord {
  const { items, outputs = [], outcome = 'ABANDONED', error } = activation;
  return {
    ...readLink(job, activation, sequence, resumedFrom),
    sequence,
    outcome,
    error: activation.hasFailed ? failureOf(error) : undefined,
    inputs: items.slice(0, SHOWN_ITEMS).map((item) => {
      const origin = originOf(item);
      return {
        slot: item.slot.name,
        emittedBy: origin === 'ACTIVATION' ? item.emittedBy : undefined,
        ...(origin === 'BY_HAND' ? { origin } : {}),
        item: preview(item.value),
      };
    }),
    inputCount: items.length,
    outputs: outputs
      .slice(0, SHOWN_ITEMS)
      .map(({ event, value }) => ({ event, item: preview(value) })),
    outputCount: activation.emitted,
    ...(recorded === undefined ? {} : { recorded }),
  };
}

/**
 * Makes plain data of an activation without its items.
 * @param sequence its place among all that ended; `undefined` for one that has not
 */
export function readLink(
  job: JobRun,
  activation: Activation,
  sequence: number | undefined,
  resumedFrom: TracePlace | undefined,
): TraceLink {
  const { items, startedMs } = activation;
  const nowMs = sequence === undefined ? job.readClockMs() : 0;
  let oldestMs = startedMs;
  for (const { queuedMs } of items) oldestMs = Math.min(oldestMs, queuedMs);
  const origins = new Set(items.map(originOf));
  origins.delete('ACTIVATION');
  return {
    sequence,
    activationId: activation.activationId,
    routineId: activation.routine.id,
    attempt: activation.attempt,
    outcome: sequence === undefined ? undefined : (activation.outcome ?? 'ABANDONED'),
    startedAt: job.wallTime(startedMs),
    waitMs: startedMs - oldestMs,
    runMs: sequence === undefined ? runMsUntil(activation, nowMs) : activation.runMs,
    blockedMs: sequence === undefined ? activation.blockedUntil(nowMs) : activation.blockedMs,
    parentIds: [...new Set(items.map(({ emittedBy }) => emittedBy))].filter((id) => id > 0),
    ...(origins.size === 0
      ? {}
      : { otherOrigins: [...origins] as NonNullable<TraceLink['otherOrigins']> }), // without the one deleted above
    ...(resumedFrom === undefined ? {} : { resumedFrom }),
  };
}

function originOf({ emittedBy }: Item): ItemOrigin {
  if (emittedBy > 0) return 'ACTIVATION';
  return emittedBy === BY_HAND ? 'BY_HAND' : 'JOB_INPUT';
}

/** How long the code of an activation that has not ended has run so far. */
function runMsUntil(activation: Activation, nowMs: number): number {
  const { phase, startedMs } = activation;
  if (phase === 'PARKED' || phase === 'HELD_BEFORE' || phase === 'RESTORED') return 0;
  if (phase === 'RETRYING') return activation.runMs;
  return Math.max(0, nowMs - startedMs - activation.blockedUntil(nowMs));
}
