import type { ArgBuilder, InputFieldBuilder } from '@pothos/core';
import type { Where } from '../debugger/debug-host.ts';
import type { ApiTypes } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { type RoutineOwner, routineName } from '../graphql/ids.ts';

type Types = PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>;
type InputFields = InputFieldBuilder<Types, 'InputObject'>;

const ACTIVATION = 'The activation that is held in which to look.';
const ROUTINE =
  'Without an activation, the routine in which to look, by its name in the flow or its id. Without both:';

/** What is looked into where nothing is said. */
export const THE_JOB = 'the whole job.';
export const THE_STOP = 'the activation that stopped the job, else the whole job.';

/** Fields of an input that say where names are looked up. */
export const whereFields = (t: InputFields, otherwise: string) => ({
  activationId: t.field({ type: 'Count', description: ACTIVATION }),
  routineId: t.id({ description: `${ROUTINE} ${otherwise}` }),
});

/** Arguments that say where names are looked up. */
export const whereArgs = ({ arg }: { readonly arg: ArgBuilder<Types> }, otherwise: string) => ({
  activationId: arg({ type: 'Count', description: ACTIVATION }),
  routineId: arg.id({ description: `${ROUTINE} ${otherwise}` }),
});

/** Whose the routines are that are named with a job. Of one that is not there nothing is known; it is refused later. */
export async function ownerOfRoutines(
  jobId: string,
  { jobsById }: Pick<Context, 'jobsById'>,
): Promise<RoutineOwner> {
  return { jobId, flowId: (await jobsById.load(jobId))?.flowId };
}

/**
 * Where to look, of arguments or an input.
 * @param owner whose the routine has to be
 * @throws ValidationError when the routine's id is of another type, or of another owner's routine
 */
export function whereOf(
  {
    activationId,
    routineId,
  }: {
    readonly activationId?: number | null | undefined;
    readonly routineId?: string | null | undefined;
  },
  owner: RoutineOwner,
  path: readonly string[] = [],
): Where {
  return {
    activationId: activationId ?? undefined,
    routineId:
      routineId === null || routineId === undefined
        ? undefined
        : routineName(routineId, [...path, 'routineId'], owner),
  };
}
