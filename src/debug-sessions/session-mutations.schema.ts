import type { StepKind } from '../debugger/debug-host.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { builder } from '../graphql/builder.ts';
import { SESSION_ERRORS } from '../jobs/errors.schema.ts';
import { requestOf, sessionFields } from '../jobs/session-request.schema.ts';
import { EvaluationOffError } from './debug-errors.ts';
import type { DebugSession, Watch } from './debug-session.ts';
import { DebugSessionType } from './session.schema.ts';
import { WatchType, watchOf } from './watch.schema.ts';

interface SessionPayload {
  readonly session: DebugSession;
}

/** The payload of a mutation that answers nothing but the session. */
function sessionPayload(name: string, description: string) {
  const payload = builder.objectRef<SessionPayload>(name);
  payload.implement({
    description,
    fields: (t) => ({
      session: t.field({
        type: DebugSessionType,
        description: 'The session as it is now.',
        resolve: ({ session }) => session,
      }),
    }),
  });
  return payload;
}

/** What differs between the mutations that let a job go on. */
interface GoCommand {
  readonly name: 'continueJob' | 'stepOver' | 'stepInto' | 'stepOut';
  readonly step: StepKind | undefined;
  readonly description: string;
}

const GO_COMMANDS: readonly GoCommand[] = [
  {
    name: 'continueJob',
    step: undefined,
    description: 'Lets a job that stands still go on, until it ends or something stops it again.',
  },
  {
    name: 'stepOver',
    step: 'OVER',
    description: 'Lets a job that stands still go on to its next activation, whichever that is.',
  },
  {
    name: 'stepInto',
    step: 'INTO',
    description:
      'Lets a job that stands still go on to the activation that takes what the one that stopped it emits.',
  },
  {
    name: 'stepOut',
    step: 'OUT',
    description:
      'Lets a job that stands still go on until all that descends from the items of the activation that stopped it is done.',
  },
];

for (const { name, step, description } of GO_COMMANDS) {
  const typeName = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const input = builder.inputType(`${typeName}Input`, {
    description: `What \`${name}\` needs to know.`,
    fields: sessionFields,
  });
  builder.mutationField(name, (t) =>
    t.field({
      type: sessionPayload(`${typeName}Payload`, `What \`${name}\` did.`),
      description: `${description} Answered when it goes on, not when it stops.`,
      authScopes: { debug: true },
      errors: {
        types: SESSION_ERRORS,
        union: { name: `${typeName}Result`, description: 'The session, or why it did not go on.' },
      },
      args: { input: t.arg({ type: input, required: true, description: 'The job.' }) },
      resolve: async (_root, args, { debug, viewer }) => ({
        session: await debug.continue(requestOf(args.input, viewer), step),
      }),
    }),
  );
}

const TakeOverSessionInput = builder.inputType('TakeOverSessionInput', {
  description: 'What `takeOverSession` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    leaseMs: t.float({
      description:
        'Milliseconds that the session stays theirs if they do nothing more; for this once. Default: as the server is set.',
    }),
    pauseTtlMs: t.float({
      description:
        'Milliseconds that a stop lasts from now on about which nobody does anything; 0 for ever. Default: as before.',
    }),
  }),
});

builder.mutationField('takeOverSession', (t) =>
  t.field({
    type: sessionPayload('TakeOverSessionPayload', 'The session has an owner.'),
    description:
      'Makes who asks the owner of the session of a job, whoever was: the one who may change something. Whoever changes ' +
      'something in a session without an owner becomes its owner without this.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: {
        name: 'TakeOverSessionResult',
        description: 'The session, or why it is not theirs.',
      },
    },
    args: {
      input: t.arg({ type: TakeOverSessionInput, required: true, description: 'The job.' }),
    },
    resolve: async (_root, { input }, { debug, viewer }) => {
      const { leaseMs, pauseTtlMs } = input;
      const limits = { leaseMs: leaseMs ?? undefined, pauseTtlMs: pauseTtlMs ?? undefined };
      return { session: await debug.takeOver(requestOf(input, viewer), limits) };
    },
  }),
);

const ReleaseSessionInput = builder.inputType('ReleaseSessionInput', {
  description: 'What `releaseSession` needs to know.',
  fields: sessionFields,
});

builder.mutationField('releaseSession', (t) =>
  t.field({
    type: sessionPayload('ReleaseSessionPayload', 'The session has no owner.'),
    description: 'Gives up the session of a job, so that anybody may change something.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: {
        name: 'ReleaseSessionResult',
        description: 'The session, or why it was not given up.',
      },
    },
    args: { input: t.arg({ type: ReleaseSessionInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input }, { debug, viewer }) => ({
      session: await debug.release(requestOf(input, viewer)),
    }),
  }),
);

const AddWatchInput = builder.inputType('AddWatchInput', {
  description: 'What `addWatch` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    expression: t.string({ required: true, description: 'What to work out at every stop.' }),
  }),
});

const AddWatchPayload = builder.objectRef<SessionPayload & { readonly watch: Watch }>(
  'AddWatchPayload',
);
AddWatchPayload.implement({
  description: 'An expression is worked out at every stop of the job.',
  fields: (t) => ({
    session: t.field({
      type: DebugSessionType,
      description: 'The session as it is now.',
      resolve: ({ session }) => session,
    }),
    watch: t.field({
      type: WatchType,
      description: 'The watch.',
      resolve: ({ session, watch }, _args, context) => watchOf(session, watch, context),
    }),
  }),
});

builder.mutationField('addWatch', (t) =>
  t.field({
    type: AddWatchPayload,
    description:
      'Has an expression worked out at every stop of a job. One that is watched already answers the watch there is.',
    authScopes: { debug: true, evaluate: true },
    errors: {
      types: [...SESSION_ERRORS, ExpressionError, EvaluationOffError],
      union: { name: 'AddWatchResult', description: 'The watch, or why there is none.' },
    },
    args: { input: t.arg({ type: AddWatchInput, required: true, description: 'The watch.' }) },
    resolve: (_root, { input }, { debug, viewer }) =>
      debug.addWatch(requestOf(input, viewer), input.expression),
  }),
);

const RemoveWatchInput = builder.inputType('RemoveWatchInput', {
  description: 'What `removeWatch` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    watchId: t.string({ required: true, description: 'The `watchId` of the watch.' }),
  }),
});

builder.mutationField('removeWatch', (t) =>
  t.field({
    type: sessionPayload('RemoveWatchPayload', 'An expression is not worked out any more.'),
    description: 'Ends a watch of a job.',
    authScopes: { debug: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'RemoveWatchResult', description: 'The session, or why the watch stays.' },
    },
    args: { input: t.arg({ type: RemoveWatchInput, required: true, description: 'The watch.' }) },
    resolve: async (_root, { input }, { debug, viewer }) => ({
      session: await debug.removeWatch(requestOf(input, viewer), input.watchId),
    }),
  }),
);
