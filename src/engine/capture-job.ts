import { shapeOf } from './flow-shape.ts';
import type { JobRooms } from './job-rooms.ts';
import type { JobSnapshot } from './job-snapshot.ts';

/** Writes down a job that is between two pieces of its work. @throws InvalidStateError unless RUNNING or PAUSED */
export function captureJob(rooms: JobRooms): JobSnapshot {
  const { context, clock, runner } = rooms;
  const toWall = clock.toWall();
  const nowMs = clock.readMs();
  return {
    takenAt: toWall(nowMs),
    ...rooms.life.capture(),
    input: context.input,
    shape: shapeOf(rooms.flow),
    data: [...context.data],
    outputs: Array.from(rooms.outputs, ([name, { values, count }]) => {
      return { name, values: [...values], count };
    }),
    routines: rooms.routines.map((routine) => routine.capture(toWall)),
    activations: runner.suspended.capture(nowMs, toWall),
    activationCount: runner.count,
    version: versionOf(rooms),
  };
}

/** Puts a job that was just made where it was captured, and tells nobody. Its flow has the shape of then. */
export function restoreJob(rooms: JobRooms, snapshot: JobSnapshot): void {
  const { outputs, runner } = rooms;
  const times = rooms.clock.restoreTimes(snapshot.takenAt);
  const routineOf = (id: string) => rooms.routine(id);
  rooms.life.restore(snapshot);
  for (const [key, value] of snapshot.data) rooms.context.data.set(key, value);
  for (const { name, values, count } of snapshot.outputs) {
    const output = outputs.get(name);
    if (output === undefined) continue;
    output.values.push(...values);
    output.count = count;
  }
  for (const routine of snapshot.routines) routineOf(routine.id).restore(routine, times.fromWall);
  runner.count = snapshot.activationCount;
  runner.suspended.restore(snapshot.activations, routineOf, times);
  const activations = new Map([...runner.suspended].map((each) => [each.activationId, each]));
  for (const { id, slots } of snapshot.routines) {
    for (const { name, held } of slots) {
      rooms.delivery.restoreHeld(routineOf(id).slot(name), held, activations, times);
    }
  }
  rooms.news.version = snapshot.version - snapshot.activationCount;
}

/** Changes with all that people may see change in a job, and all that its snapshot holds of the engine's own. */
export function versionOf({ news, runner }: Pick<JobRooms, 'news' | 'runner'>): number {
  return news.version + runner.count;
}
