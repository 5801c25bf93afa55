import type { InputFieldBuilder } from '@pothos/core';
import type { ApiTypes } from '../graphql/builder.ts';
import type { Viewer } from '../graphql/context.ts';
import { localId } from '../graphql/ids.ts';
import { ValidationError } from '../lib/domain-error.ts';

type InputFields = InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>, 'InputObject'>;

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

/** Who asks to change something in the session of which job. */
interface SessionRequest {
  readonly jobId: string;
  readonly actor: string | undefined;
}

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
  return viewer.subject ?? actor ?? undefined;
}

/** @throws ValidationError when the id is of another type */
export function requestOf(
  { jobId, actor }: { readonly jobId: string; readonly actor?: string | null | undefined },
  viewer: Viewer,
): SessionRequest {
  return { jobId: localId('Job', jobId, ['input', 'jobId']), actor: actorOf(viewer, actor) };
}
