import { GraphQLError } from 'graphql';
import {
  DomainError,
  ForbiddenError,
  formatPath,
  type Issue,
  NotFoundError,
  ValidationError,
} from '../lib/domain-error.ts';
import { builder } from './builder.ts';

export const ErrorInterface = builder.interfaceRef<DomainError>('Error');
ErrorInterface.implement({
  description: 'What can be expected to go wrong. Each kind of error is a type that says more.',
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'For people: names what it is about and says what to do.',
    }),
    code: t.exposeString('code', {
      description: 'For programs: stays the same. In upper case, such as `NOT_FOUND`.',
    }),
  }),
});

const IssueType = builder.objectRef<Issue>('ValidationIssue');
IssueType.implement({
  description: 'One thing that is wrong with a value.',
  fields: (t) => ({
    path: t.stringList({
      description: 'Where in the input, outermost key first; list positions are numbers from 0.',
      resolve: ({ path }) => path.map(String),
    }),
    pathText: t.string({
      description: 'The same as people read it: `input.files[2].name`.',
      resolve: ({ path }) => formatPath(path),
    }),
    message: t.exposeString('message', { description: 'What is wrong there.' }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'Something that was named does not exist. Code `NOT_FOUND`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'What kind of thing: `Job`, `Flow` …' }),
    missingId: t.exposeString('id', { description: 'The id or name that nothing has.' }),
  }),
});

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description: 'The input is not as it must be. Code `VALIDATION_FAILED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [IssueType],
      description: 'Everything that is wrong with it.',
      resolve: ({ issues }) => [...issues],
    }),
  }),
});

builder.objectType(ForbiddenError, {
  name: 'ForbiddenError',
  description: 'The viewer lacks the right for this. Code `FORBIDDEN`.',
  interfaces: [ErrorInterface],
});

/**
 * Makes the error that a client sees of one that a resolver threw. Errors of the domain keep their message and
 * code; faults of the request itself (`GraphQLError`) stay as they are; everything else is hidden, and told to
 * `report`, which answers the id under which it was logged.
 */
export function presentError(error: unknown, report: (error: unknown) => string): GraphQLError {
  let thrown = error;
  while (thrown instanceof GraphQLError && thrown.originalError) thrown = thrown.originalError;
  const place =
    error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (error instanceof GraphQLError && thrown instanceof GraphQLError) return error;
  if (thrown instanceof DomainError) {
    const { code, message } = thrown;
    const issues = thrown instanceof ValidationError ? { issues: thrown.issues } : {};
    return new GraphQLError(message, { ...place, extensions: { code, ...issues } });
  }
  const errorId = report(thrown);
  return new GraphQLError(`Unexpected error. It was logged as ${errorId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
  });
}
