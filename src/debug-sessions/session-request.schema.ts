import type { ArgBuilder, InputFieldBuilder } from '@pothos/core';
import type { Where } from '../debugger/debug-host.ts';
import type { ApiTypes } from '../graphql/builder.ts';
import type { Viewer } from '../graphql/context.ts';
import { localId, routineName } from '../graphql/ids.ts';
import { ValidationError } from '../lib/domain-error.ts';
import type { SessionRequest } from './session-commands.ts';

type Types = PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>;
type InputFields = InputFieldBuilder<Types, 'InputObject'>;

/** The field of an input that says who asks. */
export const actorField = (t: InputFields) =>
  t.string({
    description:
      'Who asks, 1–100 characters, where no key tells it: what two people do at one job is kept apart by it. Those who ' +
      'leave it out count as one.',
  });

/** The fields of the input of everything that changes a session. */
export const sessionFields = (t: InputFields) => ({
  jobId: t.id({ required: true, description: 'The id of the job.' }),
  actor: actorField(t),
});

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

const LONGEST_ACTOR = 100;

/**
 * Who asks: as the viewer is known, else as they say themselves.
 * @throws ValidationError when they say nothing, or too much
 */
export function actorOf(viewer: Viewer, actor: string | null | undefined): string | undefined {
  if (typeof actor === 'string' && (actor === '' || actor.length > LONGEST_ACTOR)) {
    const message = `Give 1–${LONGEST_ACTOR} characters, or leave it out.`;
    throw new ValidationError([{ path: ['input', 'actor'], message }]);
  }
  return viewer.actor ?? actor ?? undefined;
}

/** @throws ValidationError when the id is of another type */
export function requestOf(
  { jobId, actor }: { readonly jobId: string; readonly actor?: string | null | undefined },
  viewer: Viewer,
): SessionRequest {
  return { jobId: localId('Job', jobId, ['input', 'jobId']), actor: actorOf(viewer, actor) };
}

/**
 * Where to look, of arguments or an input.
 * @throws ValidationError when the routine's id is of another type
 */
export function whereOf(
  {
    activationId,
    routineId,
  }: {
    readonly activationId?: number | null | undefined;
    readonly routineId?: string | null | undefined;
  },
  path: readonly string[] = [],
): Where {
  return {
    activationId: activationId ?? undefined,
    routineId:
      routineId === null || routineId === undefined
        ? undefined
        : routineName(routineId, [...path, 'routineId']),
  };
}
