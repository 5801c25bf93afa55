import type { ObjectFieldBuilder } from '@pothos/core';
import type { Change } from '../debugger/debug-host.ts';
import { SlotFullError } from '../engine/index.ts';
import { type ApiTypes, builder } from '../graphql/builder.ts';
import { routineName } from '../graphql/ids.ts';
import { SESSION_ERRORS } from '../jobs/errors.schema.ts';
import { requestOf, sessionFields } from '../jobs/session-request.schema.ts';
import { ValidationError } from '../lib/domain-error.ts';
import { PreviewType } from '../monitoring/trace.schema.ts';
import { KeyConflictError } from './debug-errors.ts';
import { keySchema } from './idempotency-key.ts';
import { DebugSessionType } from './session.schema.ts';
import { PATH_DESCRIPTION, queryOf, VariableScopeType } from './variable.schema.ts';
import { ownerOfRoutines, THE_JOB, whereFields, whereOf } from './where.schema.ts';

const ChangeType = builder.objectRef<Change>('ValueChange');
ChangeType.implement({
  description: 'What an edit changed. Secrets are masked. The audit log has the same.',
  authScopes: { read: true },
  fields: (t) => ({
    before: t.field({
      type: PreviewType,
      nullable: true,
      description: 'What was there; null for nothing.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: PreviewType,
      nullable: true,
      description: 'What is there now; null for nothing.',
      resolve: ({ after }) => after,
    }),
  }),
});

interface EditPayload {
  readonly jobId: string;
  /** Its own, and called so: the audit log takes it from here. */
  readonly change: Change;
}

type PayloadFields<Payload> = ObjectFieldBuilder<
  PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>,
  Payload
>;

const editFields = <Payload extends EditPayload>(t: PayloadFields<Payload>) => ({
  session: t.field({
    type: DebugSessionType,
    description: 'The session of the job.',
    resolve: ({ jobId }) => jobId,
  }),
  change: t.field({
    type: ChangeType,
    description: 'What was there before, and is there now.',
    resolve: ({ change }) => change,
  }),
});

/** The payload of an edit that answers nothing else. */
function editPayload(name: string, description: string) {
  const payload = builder.objectRef<EditPayload>(name);
  payload.implement({ description, fields: editFields });
  return payload;
}

const VALUE =
  'What to put there: any JSON, null included. It has to be given. What JSON has no word for, a date say, can not be put ' +
  'anywhere.';

/** @throws ValidationError when a value was left out: null has to be said */
function givenValue({ value }: { readonly value?: unknown }): unknown {
  if (value !== undefined) return value;
  throw new ValidationError([{ path: ['input', 'value'], message: 'Give a value; null is one.' }]);
}

const SetVariableInput = builder.inputType('SetVariableInput', {
  description: 'What `setVariable` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    ...whereFields(t, THE_JOB),
    scope: t.field({ type: VariableScopeType, required: true, description: 'Where to begin.' }),
    path: t.field({ type: ['JSON'], required: true, description: PATH_DESCRIPTION }),
    value: t.field({ type: 'JSON', description: VALUE }),
  }),
});

builder.mutationField('setVariable', (t) =>
  t.field({
    type: editPayload('SetVariablePayload', 'A variable was changed.'),
    description: 'Changes a variable of a job that stands still: one that `canSet`.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'SetVariableResult', description: 'What was changed, or why nothing was.' },
    },
    args: { input: t.arg({ type: SetVariableInput, required: true, description: 'What to set.' }) },
    resolve: async (_root, { input }, context) => {
      const request = requestOf(input, context.viewer);
      const { jobId } = request;
      const where = whereOf(input, await ownerOfRoutines(jobId, context), ['input']);
      const query = queryOf(where, input, ['input', 'path']);
      return { jobId, change: await context.debug.setVariable(request, query, givenValue(input)) };
    },
  }),
);

const ITEM = 'The `itemId` of the item.';

const ReplaceItemInput = builder.inputType('ReplaceItemInput', {
  description: 'What `replaceItem` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    itemId: t.string({ required: true, description: ITEM }),
    value: t.field({ type: 'JSON', description: VALUE }),
  }),
});

builder.mutationField('replaceItem', (t) =>
  t.field({
    type: editPayload('ReplaceItemPayload', 'An item has another value.'),
    description:
      'Puts another value in the place of an item of a job that stands still: one that was taken, waits in a queue, or ' +
      'was emitted and is kept back. What the trace has recorded of it stays as it was.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'ReplaceItemResult', description: 'What was changed, or why nothing was.' },
    },
    args: { input: t.arg({ type: ReplaceItemInput, required: true, description: 'The item.' }) },
    resolve: async (_root, { input }, { debug, viewer }) => {
      const request = requestOf(input, viewer);
      const change = await debug.replaceItem(request, input.itemId, givenValue(input));
      return { jobId: request.jobId, change };
    },
  }),
);

const DropItemInput = builder.inputType('DropItemInput', {
  description: 'What `dropItem` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    itemId: t.string({ required: true, description: ITEM }),
  }),
});

builder.mutationField('dropItem', (t) =>
  t.field({
    type: editPayload('DropItemPayload', 'An item is gone.'),
    description:
      'Takes an item out of a job that stands still. An activation that was to run on it, and needs it, is skipped.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'DropItemResult', description: 'What was dropped, or why nothing was.' },
    },
    args: { input: t.arg({ type: DropItemInput, required: true, description: 'The item.' }) },
    resolve: async (_root, { input }, { debug, viewer }) => {
      const request = requestOf(input, viewer);
      return { jobId: request.jobId, change: await debug.dropItem(request, input.itemId) };
    },
  }),
);

const InjectItemInput = builder.inputType('InjectItemInput', {
  description: 'What `injectItem` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    routineId: t.id({
      required: true,
      description: 'The routine, by its name in the flow or its id.',
    }),
    slot: t.string({ required: true, description: 'Name of the slot.' }),
    value: t.field({ type: 'JSON', description: VALUE }),
    isFirst: t.boolean({
      description: 'Whether it goes before all that wait in the queue. Default false: behind them.',
    }),
    idempotencyKey: t.string({
      validate: keySchema,
      description:
        'Makes it safe to send this again: at the same stop of the job, the same key with the same item answers what was ' +
        'done first. Forgotten when the job goes on, or the server stops. 1–200 characters.',
    }),
  }),
});

interface InjectPayload extends EditPayload {
  readonly itemId: string;
}

const InjectItemPayload = builder.objectRef<InjectPayload>('InjectItemPayload');
InjectItemPayload.implement({
  description: 'An item was put in a queue.',
  fields: (t) => ({
    ...editFields(t),
    itemId: t.exposeString('itemId', { description: 'What names the item there.' }),
  }),
});

builder.mutationField('injectItem', (t) =>
  t.field({
    type: InjectItemPayload,
    description: 'Puts an item in the queue of a slot of a job that stands still.',
    authScopes: { debug: true },
    errors: {
      types: [...SESSION_ERRORS, SlotFullError, KeyConflictError],
      union: { name: 'InjectItemResult', description: 'The item, or why there is none.' },
    },
    args: { input: t.arg({ type: InjectItemInput, required: true, description: 'The item.' }) },
    resolve: async (_root, { input }, context) => {
      const request = requestOf(input, context.viewer);
      const { jobId } = request;
      const owner = await ownerOfRoutines(jobId, context);
      const routineId = routineName(input.routineId, ['input', 'routineId'], owner);
      const options = {
        isFirst: input.isFirst ?? undefined,
        idempotencyKey: input.idempotencyKey ?? undefined,
      };
      const slot = { routineId, slot: input.slot };
      const done = await context.debug.injectItem(request, slot, givenValue(input), options);
      return { jobId, ...done };
    },
  }),
);
