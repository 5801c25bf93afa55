import type { Activation, SlotQueue } from '../engine/index.ts';
import type { Stop, StopReason } from './debug-host.ts';

/** What made an activation, or a queue, stop the job. */
export interface Cause {
  readonly reason: StopReason;
  readonly activation?: Activation | undefined;
  readonly slot?: SlotQueue | undefined;
  readonly isByHand?: boolean;
}

/** A stop that begins. */
export function makeStop(
  { reason, activation, slot, isByHand = false }: Cause,
  breakpointIds: readonly string[],
  { number, at }: Pick<Stop, 'number' | 'at'>,
): Stop {
  return {
    number,
    reason,
    at,
    breakpointIds,
    activationIds: activation === undefined ? [] : [activation.activationId],
    queue: slot && { routineId: slot.owner.id, slot: slot.name },
    isByHand,
  };
}

/** The stop, with one more cause. Somebody who paused the job is told why it would have stopped. */
export function addToStop(
  stop: Stop,
  { reason, activation, slot }: Cause,
  ids: readonly string[],
): Stop {
  const { activationIds, breakpointIds, queue } = stop;
  const added = activation === undefined ? [] : [activation.activationId];
  return {
    ...stop,
    reason: stop.reason === 'PAUSE' ? reason : stop.reason,
    activationIds: [...new Set([...activationIds, ...added])],
    breakpointIds: [...new Set([...breakpointIds, ...ids])],
    queue: queue ?? (slot && { routineId: slot.owner.id, slot: slot.name }),
  };
}
