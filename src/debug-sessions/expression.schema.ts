import { z } from 'zod';
import { BreakpointKindType } from '../debugger/breakpoint-input.schema.ts';
import type { Completion } from '../debugger/debug-host.ts';
import type { ExpressionError } from '../expression/expression-error.ts';
import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { localId, routineName, routineParts } from '../graphql/ids.ts';
import { ValidationError } from '../lib/domain-error.ts';
import type { ExpressionCheck } from './check-text.ts';
import { ExpressionFailureType } from './errors.schema.ts';
import { ownerOfRoutines, THE_STOP, whereArgs, whereOf } from './where.schema.ts';

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

const ExpressionUseType = builder.enumType('ExpressionUse', {
  description: 'What a text is that has to do with expressions.',
  values: {
    EXPRESSION: { description: 'An expression as such: a condition, or what is evaluated.' },
    LOG_MESSAGE: { description: 'The `logMessage` of a breakpoint: text with expressions in it.' },
    HIT_CONDITION: { description: 'The `hitCondition` of a breakpoint. It reads no names.' },
  } as const,
});

/**
 * The flow and the routine that an expression is for.
 * @throws ValidationError when the routine is of another flow, or of one that is not said
 */
async function placeOf(
  given: {
    readonly flowId?: string | null | undefined;
    readonly routineId?: string | null | undefined;
  },
  { jobsById }: Context,
) {
  const named = given.flowId ? localId('Flow', given.flowId, ['flowId']) : undefined;
  if (!given.routineId) return { flowId: named, routineId: undefined };
  const path = ['routineId'];
  const parts = routineParts(given.routineId, path);
  const ofJob = parts.jobId === undefined ? undefined : await jobsById.load(parts.jobId);
  const flowId = named ?? parts.flowId ?? ofJob?.flowId;
  if (flowId === undefined) {
    const message =
      'It is not known of which flow. Give `flowId` too, or an id like "Routine:articles/clean".';
    throw new ValidationError([{ path, message }]);
  }
  return { flowId, routineId: routineName(given.routineId, path, { flowId }) };
}

builder.queryField('validateExpression', (t) =>
  t.field({
    type: ExpressionCheckType,
    nullable: true,
    description:
      'Checks an expression, or the log message or hit condition of a breakpoint, without running it. Null with an error ' +
      'of code `NOT_FOUND` for a flow or routine that there is not.',
    authScopes: { read: true },
    args: {
      expression: t.arg.string({ required: true, description: 'The expression.' }),
      flowId: t.arg.id({ description: 'The flow it is for, by id or name.' }),
      routineId: t.arg.id({
        description:
          'The routine it is for, by its name in the flow or its id. `Routine:articles/clean` says the flow, too.',
      }),
      kind: t.arg({
        type: BreakpointKindType,
        description:
          'For a breakpoint of this kind. Default: for `evaluate` and watches; a log message for any kind.',
      }),
      as: t.arg({
        type: ExpressionUseType,
        defaultValue: 'EXPRESSION',
        description: 'What it is. Default EXPRESSION.',
      }),
    },
    resolve: async (_root, { expression, kind, as, ...given }, context) =>
      context.debug.validate(expression, {
        ...(await placeOf(given, context)),
        kind: kind ?? undefined,
        use: as ?? undefined,
      }),
  }),
);

builder.queryField('expressionCompletions', (t) =>
  t.field({
    type: [CompletionType],
    nullable: true,
    description:
      'Names that can stand at a place of an expression, in a job that stands still, the likeliest first. Nothing is ' +
      'evaluated. Null with an error of code `INVALID_STATE` while the job does not stand still, of code `NOT_FOUND` when ' +
      'there is no such job, routine or activation.',
    authScopes: { read: true },
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
    resolve: async (_root, { jobId, expression, position, ...given }, context) => {
      const id = localId('Job', jobId, ['jobId']);
      const where = whereOf(given, await ownerOfRoutines(id, context));
      return [...(await context.debug.complete(id, expression, position, where))];
    },
  }),
);
