import type { Flow } from './flow.ts';
import type { OutputBuffer, RoutineRun } from './routine-run.ts';

/** Tells each routine of a job where its events go, as the flow connects them. */
export function connectRoutines(
  flow: Pick<Flow, 'connections' | 'outputs'>,
  routines: readonly RoutineRun[],
  outputs: ReadonlyMap<string, OutputBuffer>,
): void {
  const byId = new Map(routines.map((routine) => [routine.id, routine]));
  for (const { id, definition, targets } of routines) {
    for (const event of Object.keys(definition.events)) {
      const isFromHere = (from: { routine: string; event: string }) =>
        from.routine === id && from.event === event;
      targets.set(event, {
        slots: flow.connections
          .filter(({ from }) => isFromHere(from))
          .flatMap(({ to }) => byId.get(to.routine)?.slot(to.slot) ?? []),
        outputs: Object.entries(flow.outputs)
          .filter(([, from]) => isFromHere(from))
          .flatMap(([name]) => outputs.get(name) ?? []),
      });
    }
  }
}
