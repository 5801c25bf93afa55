import type { Activation, JobRun } from '../engine/index.ts';
import { preview } from '../lib/preview.ts';
import { failureOf } from './read-routine.ts';
import type { ActivationRecord } from './readings.ts';

/** The most items of one activation that its record shows. */
const SHOWN_ITEMS = 16;

/**
 * Makes plain data of an activation that has ended.
 * @param sequence its place among all that ended
 */
export function readActivation(
  job: JobRun,
  activation: Activation,
  sequence: number,
): ActivationRecord {
  const { items, outputs = [], outcome = 'ABANDONED', startedMs, error } = activation;
  let oldestMs = startedMs;
  for (const { queuedMs } of items) oldestMs = Math.min(oldestMs, queuedMs);
  return {
    sequence,
    activationId: activation.activationId,
    routineId: activation.routine.id,
    attempt: activation.attempt,
    outcome,
    error: activation.hasFailed ? failureOf(error) : undefined,
    startedAt: job.wallTime(startedMs),
    waitMs: startedMs - oldestMs,
    runMs: activation.runMs,
    blockedMs: activation.blockedMs,
    parentIds: [...new Set(items.map(({ emittedBy }) => emittedBy))].filter((id) => id > 0),
    inputs: items.slice(0, SHOWN_ITEMS).map(({ slot, emittedBy, value }) => ({
      slot: slot.name,
      emittedBy: emittedBy === 0 ? undefined : emittedBy,
      item: preview(value),
    })),
    inputCount: items.length,
    outputs: outputs
      .slice(0, SHOWN_ITEMS)
      .map(({ event, value }) => ({ event, item: preview(value) })),
    outputCount: activation.emitted,
  };
}
