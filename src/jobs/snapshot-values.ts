import type { ItemSnapshot, JobSnapshot, RoutineProgress } from '../engine/index.ts';

/** Gives what shall stand in a snapshot in place of a value. `place` names where it stands: `An item in slot "sum.in"`. */
export type MapValue = (value: unknown, place: () => string) => unknown;

/** The same snapshot with other values of the flow in it, each mapped, in an order that is always the same. */
export function mapSnapshotValues(job: JobSnapshot, map: MapValue): JobSnapshot {
  const mapItem = (item: ItemSnapshot, place: () => string): ItemSnapshot => {
    const { emittedBy, emittedAt, queuedAt } = item;
    return { value: map(item.value, place), emittedBy, emittedAt, queuedAt };
  };
  // Its numbers may be `NaN`, say, which JSON does not hold.
  const mapProgress = (progress: RoutineProgress, id: string) =>
    map(progress, () => `The progress of routine "${id}"`) as RoutineProgress; // or its number
  return {
    ...job,
    input: map(job.input, () => "The job's input"),
    data: job.data.map(([key, value]) => [key, map(value, () => `Shared data "${key}"`)]),
    outputs: job.outputs.map((output) => {
      const place = () => `A value of output "${output.name}"`;
      return { ...output, values: output.values.map((value) => map(value, place)) };
    }),
    routines: job.routines.map((routine) => ({
      ...routine,
      state: map(routine.state, () => `The state of routine "${routine.id}"`),
      progress: routine.progress && mapProgress(routine.progress, routine.id),
      slots: routine.slots.map((slot) => {
        const place = () => `An item in slot "${routine.id}.${slot.name}"`;
        return {
          ...slot,
          items: slot.items.map((item) => mapItem(item, place)),
          held: slot.held.map(({ activationId, item }) => {
            return { activationId, item: mapItem(item, place) };
          }),
        };
      }),
    })),
    activations: job.activations.map((activation) => {
      const { routineId, items, staged } = activation;
      const taken = () => `An item that "${routineId}" has taken`;
      const emitted = () => `An item that "${routineId}" has emitted`;
      return {
        ...activation,
        items: items.map(({ slot, item }) => ({ slot, item: mapItem(item, taken) })),
        staged: staged?.map(({ event, value }) => ({ event, value: map(value, emitted) })),
      };
    }),
  };
}
