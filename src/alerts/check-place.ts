import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Issue } from '../lib/domain-error.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { AlertRuleSettings } from './alert-rule.ts';

/** Names in a rule that nothing has on this server: a flow, a routine or slot of it. */
export function checkPlace(
  settings: AlertRuleSettings,
  flows: Pick<FlowRegistry, 'get' | 'list'>,
): Issue[] {
  const { flowId, routineId, slot } = {
    flowId: undefined,
    routineId: undefined,
    slot: undefined,
    ...settings,
  };
  if (flowId === undefined) return [];
  const flow = flows.get(flowId);
  if (flow === undefined) {
    return [
      missing(
        'flowId',
        'There is no flow',
        flowId,
        flows.list().map(({ id }) => id),
      ),
    ];
  }
  const routines = flow.routines.filter(({ id }) => routineId === undefined || routineId === id);
  if (routineId !== undefined && routines.length === 0) {
    const known = flow.routines.map(({ id }) => id);
    return [missing('routineId', `Flow "${flowId}" has no routine`, routineId, known)];
  }
  const slots = routines.flatMap((routine) => routine.slots.map(({ name }) => name));
  if (slot === undefined || slots.includes(slot)) return [];
  return [missing('slot', `Flow "${flowId}" has no slot`, slot, slots)];
}

function missing(field: string, problem: string, name: string, known: readonly string[]): Issue {
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return { path: [field], message: `${problem} "${name}".${advice}` };
}
