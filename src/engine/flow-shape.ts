import type { Flow } from './flow.ts';

/** A routine of a flow, as far as it must not change. */
export interface RoutineShape {
  readonly id: string;
  readonly type: string;
  readonly slots: readonly string[];
  readonly events: readonly string[];
}

/**
 * What of a flow has to be the same for a job to go on with it: its routines, of which type, their slots and events,
 * and what is connected to what. Configuration, policies and code may have changed. Plain data.
 */
export interface FlowShape {
  readonly routines: readonly RoutineShape[];
  /** As `from.event -> to.slot`; the input is `input`. */
  readonly connections: readonly string[];
  /** As `name <- routine.event`. */
  readonly outputs: readonly string[];
}

const ARROW = ' -> ';
const BACK_ARROW = ' <- ';

/** The shape of a flow. */
export function shapeOf(
  flow: Pick<Flow, 'routines' | 'connections' | 'entries' | 'outputs'>,
): FlowShape {
  return {
    routines: flow.routines.map(({ id, type, slots, events }) => ({
      id,
      type: type.type,
      slots: slots.map(({ name }) => name),
      events: Object.keys(events),
    })),
    connections: [
      ...flow.entries.map(({ routine, slot }) => `input${ARROW}${routine}.${slot}`),
      ...flow.connections.map(
        ({ from, to }) => `${from.routine}.${from.event}${ARROW}${to.routine}.${to.slot}`,
      ),
    ],
    outputs: Object.entries(flow.outputs).map(
      ([name, { routine, event }]) => `${name}${BACK_ARROW}${routine}.${event}`,
    ),
  };
}

/**
 * Every difference between two shapes as a sentence, or none when a job of the one can go on with the other. Order
 * makes no difference. What follows from another difference is not told by itself: the slots, events and connections
 * of a routine that is gone are gone as well.
 */
export function compareShapes(before: FlowShape, now: FlowShape): string[] {
  const differences: string[] = [];
  const old = new Map(before.routines.map((routine) => [routine.id, routine]));
  const present = new Map(now.routines.map((routine) => [routine.id, routine]));
  /** Routines, slots (`routine.slot`) and events (`routine.event`) that are not in both. */
  const changed = new Set<string>();
  for (const id of old.keys()) {
    if (present.has(id)) continue;
    changed.add(id);
    differences.push(`Routine "${id}" is gone.`);
  }
  for (const [id, routine] of present) {
    const was = old.get(id);
    if (was === undefined) {
      changed.add(id);
      differences.push(`Routine "${id}" is new.`);
      continue;
    }
    if (was.type !== routine.type) {
      differences.push(
        `Routine "${id}" was of type "${was.type}" and is of type "${routine.type}".`,
      );
    }
    for (const kind of ['slot', 'event'] as const) {
      const { gone, added } = compareLists(was[`${kind}s`], routine[`${kind}s`]);
      for (const name of [...gone, ...added]) changed.add(`${id}.${name}`);
      differences.push(...gone.map((name) => `${capitals[kind]} "${id}.${name}" is gone.`));
      differences.push(...added.map((name) => `${capitals[kind]} "${id}.${name}" is new.`));
    }
  }
  const follows = (connection: string): boolean =>
    connection
      .split(ARROW)
      .some((end) => changed.has(end) || changed.has(end.split('.')[0] ?? end));
  const connections = compareLists(before.connections, now.connections);
  for (const connection of connections.gone) {
    if (!follows(connection)) differences.push(`Connection ${connection} is gone.`);
  }
  for (const connection of connections.added) {
    if (!follows(connection)) differences.push(`Connection ${connection} is new.`);
  }
  const outputs = compareLists(before.outputs, now.outputs);
  differences.push(...outputs.gone.map((output) => `Output ${output} is gone.`));
  differences.push(...outputs.added.map((output) => `Output ${output} is new.`));
  return differences;
}

const capitals = { slot: 'Slot', event: 'Event' } as const;

function compareLists(before: readonly string[], now: readonly string[]) {
  return {
    gone: before.filter((name) => !now.includes(name)),
    added: now.filter((name) => !before.includes(name)),
  };
}
