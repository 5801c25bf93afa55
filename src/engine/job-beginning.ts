import { Activation } from './activation.ts';
import type { Flow } from './flow.ts';
import type { JobRooms } from './job-rooms.ts';
import type { RoutineRun } from './routine-run.ts';
import type { Item } from './slot-queue.ts';

/** Where a job begins that does not begin where its flow does: with one activation, on these items. */
export interface JobBeginning {
  readonly routineId: string;
  /** What the activation takes; of one slot in this order. */
  readonly items: readonly { readonly slot: string; readonly value: unknown }[];
}

/** @throws RangeError when the flow has no such routine, or the routine no such slot */
export function checkBeginning(flow: Pick<Flow, 'id' | 'routines'>, from: JobBeginning): void {
  const { routineId, items } = from;
  const routine = flow.routines.find(({ id }) => id === routineId);
  if (routine === undefined)
    throw new RangeError(`Flow "${flow.id}" has no routine "${routineId}".`);
  for (const { slot } of items) {
    if (!routine.slots.some(({ name }) => name === slot))
      throw new RangeError(`Routine "${routineId}" of flow "${flow.id}" has no slot "${slot}".`);
  }
}

/**
 * Has a job that was just started begin with one activation, in place of its sources and of its input. The items are in
 * flight at once: they never wait in their slots.
 */
export function beginFrom(
  rooms: Pick<JobRooms, 'life' | 'clock' | 'runner' | 'routines' | 'routine'>,
  { routineId, items }: JobBeginning,
): void {
  const { life, clock, runner } = rooms;
  // Whenever the job is resumed, or restored, all routines are looked at.
  for (const each of rooms.routines) if (each.slots.length === 0) each.hasFlushed = true;
  const routine = rooms.routine(routineId);
  const { nowMs } = clock;
  const taken = items.map(({ slot: name, value }): Item => {
    const slot = routine.slot(name);
    slot.accepted++;
    slot.inFlight++;
    return { value, emittedBy: 0, emittedMs: nowMs, queuedMs: nowMs, slot };
  });
  if (life.mayBegin) runner.begin(routine, taken);
  else park(routine, taken, rooms);
}

/** The job was paused by whoever was told that it started: the code runs when it goes on, here or where it is restored. */
function park(
  routine: RoutineRun,
  items: readonly Item[],
  { clock, runner }: Pick<JobRooms, 'clock' | 'runner'>,
): void {
  routine.running++;
  routine.begun++;
  routine.lastActivationMs = clock.nowMs;
  const activation = new Activation(routine, items, ++runner.count, 1, clock.nowMs);
  activation.phase = 'PARKED';
  runner.suspended.add(activation);
  runner.reruns.runOrPark(activation);
}
