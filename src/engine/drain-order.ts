import type { Flow } from './flow.ts';

/**
 * The ids of a flow's routines so that each comes after all that feed it (Kahn's algorithm). Routines on a cycle,
 * for which there is no such order, come after the others as they stand in the flow.
 */
export function drainOrder(flow: Pick<Flow, 'routines' | 'connections'>): string[] {
  const left = new Set(flow.routines.map(({ id }) => id));
  const order: string[] = [];
  const isFed = (id: string) =>
    flow.connections.some(
      ({ from, to }) => to.routine === id && from.routine !== id && left.has(from.routine),
    );
  while (left.size > 0) {
    const next = [...left].find((id) => !isFed(id)) ?? [...left][0];
    if (next === undefined) break;
    left.delete(next);
    order.push(next);
  }
  return order;
}
