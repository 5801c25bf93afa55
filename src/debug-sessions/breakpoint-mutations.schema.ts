import { breakpointFields, changesOf, kindField } from '../debugger/breakpoint-input.schema.ts';
import { builder } from '../graphql/builder.ts';
import { localId } from '../graphql/ids.ts';
import { SESSION_ERRORS } from '../jobs/errors.schema.ts';
import { actorField, actorOf } from '../jobs/session-request.schema.ts';
import { BreakpointType } from './breakpoint.schema.ts';
import type { BreakpointRequest } from './breakpoint-service.ts';
import { KeyConflictError } from './debug-errors.ts';
import { keySchema } from './idempotency-key.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';
import { ownerOfRoutines } from './where.schema.ts';

interface BreakpointPayload {
  readonly breakpoint: KeptBreakpoint;
}

const AFTER =
  'The id of the breakpoint that has to be hit in the same job before this one counts: one of the same job or of its flow.';

/** Of which job or flow, and who asks. @throws ValidationError when an id is of another type */
function ownerOf(
  {
    jobId,
    flowId,
    actor,
  }: {
    readonly jobId?: string | null | undefined;
    readonly flowId?: string | null | undefined;
    readonly actor?: string | null | undefined;
  },
  viewer: Parameters<typeof actorOf>[0],
): BreakpointRequest {
  return {
    jobId: typeof jobId === 'string' ? localId('Job', jobId, ['input', 'jobId']) : undefined,
    flowId: typeof flowId === 'string' ? localId('Flow', flowId, ['input', 'flowId']) : undefined,
    actor: actorOf(viewer, actor),
  };
}

const AddBreakpointInput = builder.inputType('AddBreakpointInput', {
  description: 'A breakpoint to make, of a job or of a flow: give one of the two.',
  fields: (t) => ({
    jobId: t.id({ description: 'The job that alone is to have it.' }),
    flowId: t.id({
      description:
        'The flow, by id or name, of which every job of your tenant is to have it, also those that run already.',
    }),
    actor: actorField(t),
    kind: kindField(t),
    ...breakpointFields(t),
    after: t.id({ description: AFTER }),
    idempotencyKey: t.string({
      validate: keySchema,
      description:
        'Makes it safe to send this again: the same key with the same place answers the breakpoint that was made first, ' +
        'until it is removed. 1–200 characters.',
    }),
  }),
});

const AddBreakpointPayload = builder.objectRef<BreakpointPayload>('AddBreakpointPayload');
AddBreakpointPayload.implement({
  description: 'A breakpoint was made.',
  fields: (t) => ({
    breakpoint: t.field({
      type: BreakpointType,
      description: 'The breakpoint.',
      resolve: ({ breakpoint }) => breakpoint,
    }),
  }),
});

builder.mutationField('addBreakpoint', (t) =>
  t.field({
    type: AddBreakpointPayload,
    description:
      'Makes a breakpoint, for one job or for every job of a flow in your tenant. It counts when this is answered.',
    authScopes: { debug: true },
    errors: {
      types: [...SESSION_ERRORS, KeyConflictError],
      union: { name: 'AddBreakpointResult', description: 'The breakpoint, or why there is none.' },
    },
    args: {
      input: t.arg({ type: AddBreakpointInput, required: true, description: 'The breakpoint.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { jobId, flowId, actor, kind, idempotencyKey: key, ...parts } = input;
      const request = ownerOf({ jobId, flowId, actor }, context.viewer);
      const owner =
        request.jobId === undefined ? request : await ownerOfRoutines(request.jobId, context);
      const wanted = { kind, ...changesOf(parts, owner, ['input']) };
      const idempotencyKey = key ?? undefined;
      const all = { ...request, ...wanted, idempotencyKey };
      return { breakpoint: await context.breakpoints.add(all) };
    },
  }),
);

const UpdateBreakpointInput = builder.inputType('UpdateBreakpointInput', {
  description:
    'What to change in a breakpoint. What is left out stays; what is null is taken away.',
  fields: (t) => ({
    breakpointId: t.id({ required: true, description: 'The id of the breakpoint.' }),
    actor: actorField(t),
    ...breakpointFields(t),
    after: t.id({ description: AFTER }),
  }),
});

const UpdateBreakpointPayload = builder.objectRef<BreakpointPayload>('UpdateBreakpointPayload');
UpdateBreakpointPayload.implement({
  description: 'A breakpoint was changed.',
  fields: (t) => ({
    breakpoint: t.field({
      type: BreakpointType,
      description: 'The breakpoint as it is now.',
      resolve: ({ breakpoint }) => breakpoint,
    }),
  }),
});

builder.mutationField('updateBreakpoint', (t) =>
  t.field({
    type: UpdateBreakpointPayload,
    description:
      'Changes a breakpoint: disables it, say, or gives it another condition. What it has counted stays.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: {
        name: 'UpdateBreakpointResult',
        description: 'The breakpoint, or why it is as it was.',
      },
    },
    args: {
      input: t.arg({ type: UpdateBreakpointInput, required: true, description: 'What to change.' }),
    },
    resolve: async (_root, { input }, { breakpoints, breakpointsById, viewer }) => {
      const { breakpointId, actor, ...parts } = input;
      const id = localId('Breakpoint', breakpointId, ['input', 'breakpointId']);
      const { flowId, jobId } = (await breakpointsById.load(id)) ?? {};
      const changes = changesOf(parts, { flowId, jobId }, ['input']);
      return { breakpoint: await breakpoints.update(id, actorOf(viewer, actor), changes) };
    },
  }),
);

const RemoveBreakpointInput = builder.inputType('RemoveBreakpointInput', {
  description: 'What `removeBreakpoint` needs to know.',
  fields: (t) => ({
    breakpointId: t.id({ required: true, description: 'The id of the breakpoint.' }),
    actor: actorField(t),
  }),
});

const RemoveBreakpointPayload = builder.objectRef<KeptBreakpoint>('RemoveBreakpointPayload');
RemoveBreakpointPayload.implement({
  description: 'A breakpoint was removed.',
  fields: (t) => ({
    removedBreakpointId: t.id({
      description: 'The id it had.',
      resolve: ({ id }) => `Breakpoint:${id}`,
    }),
  }),
});

builder.mutationField('removeBreakpoint', (t) =>
  t.field({
    type: RemoveBreakpointPayload,
    description:
      'Removes a breakpoint. A job that stands still at it does so until it is let go on. Those that it arms count from ' +
      'then on.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: {
        name: 'RemoveBreakpointResult',
        description: 'What was removed, or why it was not.',
      },
    },
    args: {
      input: t.arg({ type: RemoveBreakpointInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input: { breakpointId, actor } }, { breakpoints, viewer }) => {
      const id = localId('Breakpoint', breakpointId, ['input', 'breakpointId']);
      return breakpoints.remove(id, actorOf(viewer, actor));
    },
  }),
);

const ClearBreakpointsInput = builder.inputType('ClearBreakpointsInput', {
  description: 'Whose breakpoints to remove: give one of the two.',
  fields: (t) => ({
    jobId: t.id({ description: 'The job; those of its flow stay.' }),
    flowId: t.id({ description: 'The flow, by id or name; those of single jobs stay.' }),
    actor: actorField(t),
  }),
});

const ClearBreakpointsPayload = builder.objectRef<{ readonly removedCount: number }>(
  'ClearBreakpointsPayload',
);
ClearBreakpointsPayload.implement({
  description: 'Breakpoints were removed.',
  fields: (t) => ({
    removedCount: t.expose('removedCount', { type: 'Count', description: 'How many.' }),
  }),
});

builder.mutationField('clearBreakpoints', (t) =>
  t.field({
    type: ClearBreakpointsPayload,
    description:
      'Removes all breakpoints of a job, or all that every job of a flow has in your tenant.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: {
        name: 'ClearBreakpointsResult',
        description: 'How many were removed, or why none was.',
      },
    },
    args: {
      input: t.arg({ type: ClearBreakpointsInput, required: true, description: 'Of what.' }),
    },
    resolve: async (_root, { input }, { breakpoints, viewer }) => ({
      removedCount: await breakpoints.clear(ownerOf(input, viewer)),
    }),
  }),
);
