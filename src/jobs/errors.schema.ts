import { builder } from '../graphql/builder.ts';
import { ErrorInterface } from '../graphql/errors.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import { IdempotencyConflictError, InvalidJobStateError, ShuttingDownError } from './job.ts';
import { JobStatusType } from './schema.ts';
import { SessionOwnedError } from './session-owned-error.ts';

builder.objectType(InvalidJobStateError, {
  name: 'InvalidStateError',
  description: 'The job can not do this in the state it is in. Code `INVALID_STATE`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.field({
      type: JobStatusType,
      description: 'The state it is in.',
      resolve: ({ state }) => state,
    }),
  }),
});

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description:
    'The idempotency key was used before, with another flow, input or beginning. Code `IDEMPOTENCY_CONFLICT`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    conflictingJobId: t.id({
      description: 'The job that the key was used for.',
      resolve: ({ jobId }) => `Job:${jobId}`,
    }),
  }),
});

builder.objectType(ShuttingDownError, {
  name: 'ShuttingDownError',
  description: 'The server is on its way out and takes no more jobs. Code `SHUTTING_DOWN`.',
  interfaces: [ErrorInterface],
});

builder.objectType(StorageUnavailableError, {
  name: 'StorageUnavailableError',
  description:
    'The database can not be used now. The message says whether the change was made, and will be stored, or not. ' +
    'Code `STORAGE_UNAVAILABLE`.',
  interfaces: [ErrorInterface],
});

builder.objectType(SessionOwnedError, {
  name: 'SessionOwnedError',
  description:
    'Somebody else is debugging the job. Wait, or take the session over. Code `SESSION_OWNED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    owner: t.exposeString('owner', {
      description: 'Who it is; `somebody` for all who gave no name.',
    }),
    leaseUntil: t.expose('leaseUntil', {
      type: 'DateTime',
      description: 'Until when, if they do nothing more.',
    }),
  }),
});

/** What can be expected to go wrong with everything that changes a session or a breakpoint. */
export const SESSION_ERRORS = [
  NotFoundError,
  InvalidJobStateError,
  ValidationError,
  SessionOwnedError,
  ShuttingDownError,
  StorageUnavailableError,
  ForbiddenError,
];
