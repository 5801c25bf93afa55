import type { Evaluation } from '../debugger/debug-host.ts';
import { TooManyEvaluationsError } from '../debugger/local-debug-host.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { builder } from '../graphql/builder.ts';
import { SESSION_ERRORS } from '../jobs/errors.schema.ts';
import { SessionOwnedError } from '../jobs/session-owned-error.ts';
import { requestOf, sessionFields } from '../jobs/session-request.schema.ts';
import { PreviewType } from '../monitoring/trace.schema.ts';
import { EvaluationOffError } from './debug-errors.ts';
import { ownerOfRoutines, THE_STOP, whereFields, whereOf } from './where.schema.ts';

const EvaluatePayload = builder.objectRef<Evaluation>('EvaluatePayload');
EvaluatePayload.implement({
  description: 'What an expression came to.',
  fields: (t) => ({
    type: t.exposeString('type', { description: '`string`, `number`, `list`, `object`, `Map` …' }),
    preview: t.field({
      type: PreviewType,
      description: 'The value.',
      resolve: ({ preview }) => preview,
    }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The value itself; null also when `hasValue` is false. Sets are lists, maps lists of pairs.',
      resolve: ({ json }) => json?.value,
    }),
    hasValue: t.boolean({
      description:
        'Whether the value itself is answered: not when it is longer than 64 KiB as JSON, contains itself, or JSON has no ' +
        'word for it: undefined, NaN, Infinity.',
      resolve: ({ json, type }) => json !== undefined && type !== 'undefined',
    }),
    durationMs: t.exposeFloat('durationMs', { description: 'Milliseconds it took.' }),
  }),
});

const EvaluateInput = builder.inputType('EvaluateInput', {
  description: 'What `evaluate` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    ...whereFields(t, THE_STOP),
    expression: t.string({ required: true, description: 'What to work out.' }),
  }),
});

builder.mutationField('evaluate', (t) =>
  t.field({
    type: EvaluatePayload,
    description:
      'Works out an expression in a job that stands still. It changes nothing, and runs no code of the flow; so it is free ' +
      'to all who may, whoever owns the session, and makes nobody its owner.',
    authScopes: { evaluate: true },
    errors: {
      types: [
        ...SESSION_ERRORS.filter((each) => each !== SessionOwnedError),
        ExpressionError,
        EvaluationOffError,
        TooManyEvaluationsError,
      ],
      union: { name: 'EvaluateResult', description: 'The value, or why there is none.' },
    },
    args: { input: t.arg({ type: EvaluateInput, required: true, description: 'The expression.' }) },
    resolve: async (_root, { input }, context) => {
      const { jobId } = requestOf(input, context.viewer);
      const where = whereOf(input, await ownerOfRoutines(jobId, context), ['input']);
      return context.debug.evaluate(jobId, input.expression, where);
    },
  }),
);
