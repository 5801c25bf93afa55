import { TooManyEvaluationsError } from '../debugger/local-debug-host.ts';
import { SlotFullError } from '../engine/index.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { builder } from '../graphql/builder.ts';
import { ErrorInterface } from '../graphql/errors.ts';
import { EvaluationOffError, KeyConflictError } from './debug-errors.ts';

export const ExpressionFailureType = builder.enumType('ExpressionFailure', {
  description: 'Why an expression was refused, or could not be worked out.',
  values: {
    SYNTAX: { description: "It can't be read." },
    NOT_ALLOWED: {
      description: 'JavaScript or Python has this, the expression language does not.',
    },
    UNKNOWN_NAME: { description: 'Nothing goes by this name here.' },
    UNKNOWN_FUNCTION: { description: 'There is no function of this name.' },
    ARGUMENTS: { description: 'A function is given too few arguments, or too many.' },
    TOO_LONG: { description: 'It has more text than an expression may have.' },
    TOO_DEEP: { description: 'It is nested more deeply than an expression may be.' },
    TYPE: { description: 'A value is not of a kind that the operator or function takes.' },
    NO_VALUE: { description: 'A part of null or undefined was asked for.' },
    CODE: {
      description:
        'A value would have to be computed by code of the flow: an accessor, or a proxy. Such code is never run.',
    },
    STEP_LIMIT: { description: 'It would take more steps than it may.' },
    MEMORY_LIMIT: { description: 'It would take more memory than it may.' },
    DEADLINE: { description: 'It would take longer than it may.' },
    CANCELLED: { description: 'It was given up before it was done.' },
    FAILED: { description: 'A value that it reads could not be read.' },
  } as const,
});

builder.objectType(KeyConflictError, {
  name: 'KeyConflictError',
  description:
    'The idempotency key was used before, for something else; the message names it. Code `IDEMPOTENCY_CONFLICT`.',
  interfaces: [ErrorInterface],
});

builder.objectType(EvaluationOffError, {
  name: 'EvaluationOffError',
  description:
    'This server evaluates no expressions besides those of breakpoints. Code `EVALUATION_OFF`.',
  interfaces: [ErrorInterface],
});

builder.objectType(TooManyEvaluationsError, {
  name: 'TooManyEvaluationsError',
  description:
    'As many expressions are being worked out as may be at once. Try again in a moment. Code `TOO_MANY_EVALUATIONS`.',
  interfaces: [ErrorInterface],
});

builder.objectType(SlotFullError, {
  name: 'SlotFullError',
  description: 'Nothing more fits in the queue of the slot. Code `SLOT_FULL`.',
  interfaces: [ErrorInterface],
});

builder.objectType(ExpressionError, {
  name: 'ExpressionError',
  description: 'An expression was refused, or could not be worked out. Code `EXPRESSION_FAILED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.expose('reason', { type: ExpressionFailureType, description: 'What kind of fault.' }),
    position: t.exposeInt('position', {
      description: 'Where in the text, in UTF-16 characters from 0.',
    }),
    line: t.exposeInt('line', { description: 'In which line, from 1.' }),
    column: t.exposeInt('column', {
      description: 'Where in that line, in UTF-16 characters from 1.',
    }),
  }),
});
