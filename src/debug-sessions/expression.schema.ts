import { z } from 'zod';
import type { Completion } from '../debugger/debug-host.ts';
import type { ExpressionError } from '../expression/expression-error.ts';
import { builder } from '../graphql/builder.ts';
import { localId } from '../graphql/ids.ts';
import { BreakpointKindType } from './breakpoint.schema.ts';
import type { ExpressionCheck } from './debug-service.ts';
import { ExpressionFailureType } from './errors.schema.ts';
import { THE_STOP, whereArgs, whereOf } from './session-request.schema.ts';

/** Of an error no field may make its answer: it would be taken for its own failure. */
const ExpressionProblemType = builder.objectRef<{ readonly error: ExpressionError }>(
  'ExpressionProblem',
);
ExpressionProblemType.implement({
  description: 'Why an expression can not be used, and where.',
  fields: (t) => ({
    message: t.string({
      description: 'For people: what is wrong, and what to do.',
      resolve: ({ error }) => error.message,
    }),
    reason: t.field({
      type: ExpressionFailureType,
      description: 'What kind of fault.',
      resolve: ({ error }) => error.reason,
    }),
    position: t.int({
      description: 'Where in the text, in UTF-16 characters from 0.',
      resolve: ({ error }) => error.position,
    }),
    line: t.int({ description: 'In which line, from 1.', resolve: ({ error }) => error.line }),
    column: t.int({
      description: 'Where in that line, in UTF-16 characters from 1.',
      resolve: ({ error }) => error.column,
    }),
  }),
});

const ExpressionCheckType = builder.objectRef<ExpressionCheck>('ExpressionCheck');
ExpressionCheckType.implement({
  description: 'What can be said of an expression without running it.',
  fields: (t) => ({
    isValid: t.boolean({
      description: 'Whether it can be used.',
      resolve: ({ problem }) => problem === undefined,
    }),
    problem: t.field({
      type: ExpressionProblemType,
      nullable: true,
      description: 'Why it can not be used, and where; null when it can.',
      resolve: ({ problem }) => problem && { error: problem },
    }),
    reads: t.stringList({
      description: 'The names that it reads, each once.',
      resolve: ({ reads }) => [...reads],
    }),
  }),
});

const CompletionKindType = builder.enumType('CompletionKind', {
  description: 'What a completion stands for.',
  values: {
    VARIABLE: { description: 'A variable.' },
    PROPERTY: { description: 'A part of a value.' },
    FUNCTION: { description: 'A function.' },
    WORD: { description: 'A word of the language.' },
  } as const,
});

const CompletionType = builder.objectRef<Completion>('Completion');
CompletionType.implement({
  description: 'A name that can stand at a place of an expression.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'What to put there.' }),
    kind: t.expose('kind', { type: CompletionKindType, description: 'What it is.' }),
    detail: t.exposeString('detail', { description: 'Its type, or what the function answers.' }),
    from: t.exposeInt('from', {
      description:
        'Where the part of the text begins that it takes the place of, in UTF-16 characters from 0.',
    }),
    to: t.exposeInt('to', { description: 'Where that part ends; the character here stays.' }),
  }),
});

builder.queryField('validateExpression', (t) =>
  t.field({
    type: ExpressionCheckType,
    description: 'Checks an expression without running it.',
    authScopes: { watch: true },
    args: {
      expression: t.arg.string({ required: true, description: 'The expression.' }),
      flowId: t.arg.id({ description: 'The flow it is for, by id or name.' }),
      routineId: t.arg.id({
        description: 'The routine of that flow it is for, by its name in the flow or its id.',
      }),
      kind: t.arg({
        type: BreakpointKindType,
        description:
          'For the condition of a breakpoint of this kind. Default: for `evaluate` and watches.',
      }),
    },
    resolve: (_root, { expression, flowId, kind, ...where }, { debug }) =>
      debug.validate(expression, {
        flowId: typeof flowId === 'string' ? localId('Flow', flowId, ['flowId']) : undefined,
        routineId: whereOf(where).routineId,
        kind: kind ?? undefined,
      }),
  }),
);

builder.queryField('expressionCompletions', (t) =>
  t.field({
    type: [CompletionType],
    description:
      'Names that can stand at a place of an expression, in a job that stands still, the likeliest first. Nothing is ' +
      'evaluated.',
    authScopes: { watch: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      expression: t.arg.string({
        required: true,
        description: 'The expression, as far as it is written.',
      }),
      position: t.arg.int({
        required: true,
        description: 'Where in it, in UTF-16 characters from 0; its length for the end.',
        validate: z.int().min(0),
      }),
      ...whereArgs(t, THE_STOP),
    },
    resolve: async (_root, { jobId, expression, position, ...where }, { debug }) => {
      const id = localId('Job', jobId, ['jobId']);
      return [...(await debug.complete(id, expression, position, whereOf(where)))];
    },
  }),
);
