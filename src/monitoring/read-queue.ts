import { isFinalState, type JobRun, type SlotQueue } from '../engine/index.ts';
import type { PressureLevel, QueueReading } from './readings.ts';
import type { SlotRates } from './slot-rates.ts';

/** The share of a slot's length from which its pressure is MEDIUM. */
const MEDIUM_USAGE = 0.6;

const AT_REST = { inPerSecond: 0, outPerSecond: 0 };

/** The level for a slot that holds `count` of `maxLength` items and is nearly full from `watermarkThreshold`. */
export function pressureLevel(
  count: number,
  maxLength: number,
  watermarkThreshold: number,
): PressureLevel {
  if (count >= maxLength) return 'CRITICAL';
  if (count >= watermarkThreshold) return 'HIGH';
  return count / maxLength >= MEDIUM_USAGE ? 'MEDIUM' : 'LOW';
}

/** From how many items on a slot is nearly full. */
export function watermarkThreshold({ definition, maxLength }: SlotQueue): number {
  return Math.ceil(definition.watermark * maxLength);
}

/** With how many items a slot comes to a level. */
export function levelThreshold(slot: SlotQueue, level: Exclude<PressureLevel, 'LOW'>): number {
  if (level === 'CRITICAL') return slot.maxLength;
  if (level === 'HIGH') return Math.max(1, watermarkThreshold(slot));
  return Math.max(1, Math.ceil(MEDIUM_USAGE * slot.maxLength));
}

/** The level of a slot as it is. */
export function pressureLevelOf(slot: SlotQueue): PressureLevel {
  return pressureLevel(slot.length, slot.maxLength, watermarkThreshold(slot));
}

/** Reads a slot's queue. */
export function readQueue(job: JobRun, slot: SlotQueue, rates: SlotRates): QueueReading {
  const { length, maxLength, oldestQueuedMs } = slot;
  const nearlyFull = watermarkThreshold(slot);
  // Nothing moves in a job that has ended.
  const { inPerSecond, outPerSecond } = isFinalState(job.state) ? AT_REST : rates;
  const growth = inPerSecond - outPerSecond;
  return {
    routineId: slot.owner.id,
    slot: slot.name,
    unconsumedCount: length,
    inFlightCount: slot.inFlight,
    waitingOutsideCount: slot.held.length,
    maxLength,
    watermarkThreshold: nearlyFull,
    usage: length / maxLength,
    pressureLevel: pressureLevel(length, maxLength, nearlyFull),
    isFull: slot.isFull,
    isNearFull: length >= nearlyFull,
    peakCount: slot.peak,
    acceptedCount: slot.accepted,
    consumedCount: slot.consumed,
    failedCount: slot.failed,
    skippedCount: slot.skipped,
    droppedCount: slot.droppedOldest + slot.droppedNewest,
    discardedCount: slot.discarded,
    rateInPerSecond: inPerSecond,
    rateOutPerSecond: outPerSecond,
    oldestWaitMs:
      oldestQueuedMs === undefined ? undefined : Math.max(0, job.readClockMs() - oldestQueuedMs),
    timeUntilFullMs: slot.isFull
      ? 0
      : growth > 0
        ? ((maxLength - length) / growth) * 1000
        : undefined,
  };
}
