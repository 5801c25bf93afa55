import type { InputFieldBuilder } from '@pothos/core';
import { type ApiTypes, builder } from '../graphql/builder.ts';
import { localId, type RoutineOwner, routineName } from '../graphql/ids.ts';
import type { Issue } from '../lib/domain-error.ts';
import type { Breakpoint } from './breakpoint.ts';

type InputFields = InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>, 'InputObject'>;

export const BreakpointKindType = builder.enumType('BreakpointKind', {
  description: 'Where a breakpoint stops its job.',
  values: {
    ROUTINE: { description: 'Before an activation of a routine runs.' },
    SLOT: { description: 'The same, when it took an item from a slot.' },
    EVENT: { description: 'When a routine emits an event, before the item is delivered.' },
    EXCEPTION: {
      description: 'When the code of a routine has failed, before its error strategy acts.',
    },
    PRESSURE: { description: 'When a queue comes to a pressure level.' },
  } as const,
});

export const StopPressureLevelType = builder.enumType('StopPressureLevel', {
  description: 'A pressure level that a breakpoint can wait for.',
  values: {
    MEDIUM: { description: 'Usage from 0.6.' },
    HIGH: { description: 'From the watermark.' },
    CRITICAL: { description: 'Full.' },
  } as const,
});

/** The field of an input that says of what kind a breakpoint is to be. */
export const kindField = (t: InputFields) =>
  t.field({
    type: BreakpointKindType,
    required: true,
    description: 'Where it is to stop its job.',
  });

/** The fields of an input that people can change in a breakpoint afterwards, too. */
export const breakpointFields = (t: InputFields) => ({
  routineId: t.id({
    description:
      'The routine, by its name in the flow or its id. May be left out, for any, of kinds EXCEPTION and PRESSURE.',
  }),
  slot: t.string({ description: 'Name of the slot. Of kind SLOT; of kind PRESSURE default any.' }),
  event: t.string({ description: 'Name of the event. Of kind EVENT.' }),
  pressureLevel: t.field({
    type: StopPressureLevelType,
    description: 'The level to wait for. Of kind PRESSURE.',
  }),
  condition: t.string({
    description: 'Expression: it counts as a hit only where this is true. Default: everywhere.',
  }),
  hitCondition: t.string({
    description:
      'Which hits in one job stop it: `5` the fifth, `>= 3` all from the third, `% 10` each tenth. Default: all.',
  }),
  logMessage: t.string({
    description:
      'With it nothing stops: this is written to the log of the job, with each `{expression}` in it worked out.',
  }),
  isEnabled: t.boolean({ description: 'Whether it counts. Default true.' }),
  isOnce: t.boolean({
    description: 'Whether it disables itself when it has stopped a job. Default false.',
  }),
});

/** What was written in those fields. */
interface BreakpointInput {
  readonly routineId?: string | null | undefined;
  readonly after?: string | null | undefined;
  readonly isEnabled?: boolean | null | undefined;
  readonly isOnce?: boolean | null | undefined;
  readonly slot?: string | null | undefined;
  readonly event?: string | null | undefined;
  readonly pressureLevel?: 'MEDIUM' | 'HIGH' | 'CRITICAL' | null | undefined;
  readonly condition?: string | null | undefined;
  readonly hitCondition?: string | null | undefined;
  readonly logMessage?: string | null | undefined;
}

/**
 * What was given of a breakpoint. What was given as null is `undefined`: it is to be taken away.
 * @param owner whose the routine has to be
 * @param path where the input stands among the arguments
 * @throws ValidationError when an id is of another type, or of another owner's routine
 */
export function changesOf(
  { routineId, after, isEnabled, isOnce, ...others }: BreakpointInput,
  owner: RoutineOwner,
  path: Issue['path'],
): Partial<Omit<Breakpoint, 'id' | 'kind'>> {
  return {
    ...withoutNulls(others),
    ...(isEnabled === null || isEnabled === undefined ? {} : { isEnabled }),
    ...(isOnce === null || isOnce === undefined ? {} : { isOnce }),
    ...(routineId === undefined
      ? {}
      : {
          routineId:
            routineId === null ? undefined : routineName(routineId, [...path, 'routineId'], owner),
        }),
    ...(after === undefined
      ? {}
      : { after: after === null ? undefined : localId('Breakpoint', after, [...path, 'after']) }),
  };
}

function withoutNulls<Input extends object>(input: Input) {
  const entries = Object.entries(input).map(([key, value]) => [key, value ?? undefined]);
  // Nothing but the nulls is another.
  return Object.fromEntries(entries) as { [Key in keyof Input]: Exclude<Input[Key], null> };
}
