import type { Flow, FlowRoutine } from '../engine/index.ts';
import { compileExpression } from '../expression/expression.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { parseHitCondition } from '../expression/hit-condition.ts';
import { compileTemplate } from '../expression/template.ts';
import { type Issue, messageOf } from '../lib/domain-error.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { Breakpoint, BreakpointKind } from './breakpoint.ts';
import { readableNames } from './readable-names.ts';

type Field = keyof Breakpoint & string;

/** Which fields a kind needs, and which it may have besides; it has no other of those that say where it is. */
const PLACES: Readonly<
  Record<BreakpointKind, { readonly needs: readonly Field[]; readonly may: readonly Field[] }>
> = {
  ROUTINE: { needs: ['routineId'], may: [] },
  SLOT: { needs: ['routineId', 'slot'], may: [] },
  EVENT: { needs: ['routineId', 'event'], may: [] },
  EXCEPTION: { needs: [], may: ['routineId'] },
  PRESSURE: { needs: ['pressureLevel'], may: ['routineId', 'slot'] },
};

const PLACE_FIELDS = ['routineId', 'slot', 'event', 'pressureLevel'] as const;

/** Everything that is wrong with a breakpoint in a flow; `path` is the field. */
export function checkBreakpoint(flow: Flow, breakpoint: Breakpoint): readonly Issue[] {
  return [
    ...checkFields(breakpoint),
    ...checkPlace(flow, breakpoint),
    ...checkTexts(flow, breakpoint),
  ];
}

function checkFields(breakpoint: Breakpoint): Issue[] {
  const { needs, may } = PLACES[breakpoint.kind];
  const name = `A breakpoint of kind ${breakpoint.kind}`;
  return PLACE_FIELDS.flatMap((field) => {
    const isGiven = breakpoint[field] !== undefined;
    if (!isGiven && needs.includes(field)) {
      return [{ path: [field], message: `${name} needs it.` }];
    }
    if (isGiven && !needs.includes(field) && !may.includes(field)) {
      return [{ path: [field], message: `${name} has none.` }];
    }
    return [];
  });
}

function checkPlace(flow: Flow, { routineId, slot, event }: Breakpoint): Issue[] {
  const ids = flow.routines.map(({ id }) => id);
  if (routineId !== undefined && !ids.includes(routineId)) {
    const message = `Flow "${flow.id}" has no routine "${routineId}". ${advise(routineId, ids)}`;
    return [{ path: ['routineId'], message }];
  }
  const routines = flow.routines.filter(({ id }) => routineId === undefined || id === routineId);
  const owner = routineId === undefined ? `Flow "${flow.id}"` : `Routine "${routineId}"`;
  const check = (field: Field, wanted: string | undefined, known: readonly string[]): Issue[] =>
    wanted === undefined || known.includes(wanted)
      ? []
      : [
          {
            path: [field],
            message: `${owner} has no ${field} "${wanted}". ${advise(wanted, known)}`,
          },
        ];
  return [
    ...check('slot', slot, routines.flatMap(slotNames)),
    ...check(
      'event',
      event,
      routines.flatMap(({ events }) => Object.keys(events)),
    ),
  ];
}

function checkTexts(flow: Flow, breakpoint: Breakpoint): Issue[] {
  const { kind, routineId, condition, hitCondition, logMessage } = breakpoint;
  const names = readableNames(kind, flow, routineId).map(({ name }) => name);
  return [
    ...tryTo('condition', condition, (text) => compileExpression(text, names)),
    ...tryTo('hitCondition', hitCondition, parseHitCondition),
    ...tryTo('logMessage', logMessage, (text) => compileTemplate(text, names)),
  ];
}

function tryTo(field: Field, text: string | undefined, read: (text: string) => unknown): Issue[] {
  if (text === undefined) return [];
  try {
    read(text);
    return [];
  } catch (error) {
    const place =
      error instanceof ExpressionError ? ` (line ${error.line}, column ${error.column})` : '';
    return [{ path: [field], message: `${messageOf(error)}${place}` }];
  }
}

function slotNames({ slots }: FlowRoutine): string[] {
  return slots.map(({ name }) => name);
}

/** The name that was meant, most likely, or all there are. */
export function advise(wanted: string, known: readonly string[]): string {
  const nearest = nearestName(wanted, known);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  const all = [...new Set(known)];
  return all.length === 0 ? 'It has none.' : `There are: ${all.join(', ')}.`;
}
