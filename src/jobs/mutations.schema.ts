import {
  controlAndDebug,
  debugRequestOf,
  StartDebugInput,
} from '../debugger/start-debug.schema.ts';
import { builder } from '../graphql/builder.ts';
import './errors.schema.ts';
import { encodeId, localId } from '../graphql/ids.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import {
  IdempotencyConflictError,
  InvalidJobStateError,
  type Job,
  ShuttingDownError,
} from './job.ts';
import { JobType } from './schema.ts';

interface JobPayload {
  readonly job: Job;
}

const StartJobPayload = builder.objectRef<JobPayload>('StartJobPayload');
StartJobPayload.implement({
  description: 'A job was accepted.',
  fields: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job; with a known idempotency key the one that was made first.',
      resolve: ({ job }) => job,
    }),
    jobId: t.id({
      description: 'The id of the job: also for who may start jobs and not see them.',
      resolve: ({ job: { id } }) => encodeId('Job', id),
    }),
  }),
});

const StartJobInput = builder.inputType('StartJobInput', {
  description: 'A job to start.',
  fields: (t) => ({
    flowId: t.id({
      required: true,
      description: 'The flow to run, by id (`Flow:articles`) or name (`articles`).',
    }),
    input: t.field({
      type: 'JSON',
      description:
        "What to run it on; must fit the flow's `inputSchema`. Default: an empty object.",
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Anything to remember with the job: an object of at most 64 KiB as JSON.',
    }),
    owner: t.string({ description: 'Whose job it is; 1–200 characters.' }),
    priority: t.int({
      description:
        'Among jobs that wait for a place, higher ones go first: −1000 to 1000. Default 0.',
    }),
    idempotencyKey: t.string({
      description:
        'Makes it safe to send this again: the same key with the same flow and input answers the job that was ' +
        'made first. 1–200 characters.',
    }),
    debug: t.field({
      type: StartDebugInput,
      description: 'How it is to be debugged from its first activation on. Default: not at all.',
    }),
  }),
});

builder.mutationField('startJob', (t) =>
  t.field({
    type: StartJobPayload,
    description: 'Starts a job of a flow. With `debug` it needs the scope `DEBUG` too.',
    authScopes: controlAndDebug,
    errors: {
      types: [
        NotFoundError,
        ValidationError,
        IdempotencyConflictError,
        ShuttingDownError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'StartJobResult', description: 'The job, or why it was not accepted.' },
    },
    args: { input: t.arg({ type: StartJobInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input: request }, { jobs }) => {
      const { flowId, input, metadata, owner, priority, idempotencyKey, debug } = request;
      const flowName = localId('Flow', flowId, ['input', 'flowId']);
      const job = await jobs.start({
        flowId: flowName,
        input: input === undefined ? {} : input,
        metadata: metadata ?? undefined,
        owner: owner ?? undefined,
        priority: priority ?? 0,
        idempotencyKey: idempotencyKey ?? undefined,
        debug: debug ? debugRequestOf(debug, { flowId: flowName }, ['input', 'debug']) : undefined,
      });
      return { job };
    },
  }),
);

const CancelJobPayload = builder.objectRef<JobPayload>('CancelJobPayload');
CancelJobPayload.implement({
  description: 'What `cancelJob` did.',
  fields: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job, cancelled.',
      resolve: ({ job }) => job,
    }),
  }),
});

const CancelJobInput = builder.inputType('CancelJobInput', {
  description: 'What `cancelJob` needs to know.',
  fields: (t) => ({ jobId: t.id({ required: true, description: 'The id of the job.' }) }),
});

builder.mutationField('cancelJob', (t) =>
  t.field({
    type: CancelJobPayload,
    description:
      'Ends a job. Running code sees its signal aborted and is waited for, 5 seconds at most, before this is ' +
      'answered; what ignores that is told in `unresponsiveRoutineIds`.',
    authScopes: { control: true },
    errors: {
      types: [
        NotFoundError,
        InvalidJobStateError,
        ValidationError,
        ShuttingDownError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'CancelJobResult', description: 'The job, or why that was not done.' },
    },
    args: { input: t.arg({ type: CancelJobInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input: { jobId } }, { jobs }) => ({
      job: await jobs.cancel(localId('Job', jobId, ['input', 'jobId'])),
    }),
  }),
);

const RetryJobPayload = builder.objectRef<JobPayload>('RetryJobPayload');
RetryJobPayload.implement({
  description: 'A job was accepted that tries another one again.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'The new job.', resolve: ({ job }) => job }),
    jobId: t.id({
      description: 'The id of the job: also for who may start jobs and not see them.',
      resolve: ({ job: { id } }) => encodeId('Job', id),
    }),
  }),
});

const RetryJobInput = builder.inputType('RetryJobInput', {
  description: 'What `retryJob` needs to know.',
  fields: (t) => ({
    jobId: t.id({ required: true, description: 'The id of the job to try again.' }),
    idempotencyKey: t.string({
      description: 'Makes it safe to send this again, as in `startJob`. 1–200 characters.',
    }),
  }),
});

builder.mutationField('retryJob', (t) =>
  t.field({
    type: RetryJobPayload,
    description:
      'Starts a new job with the flow, input, metadata, owner and priority of one that failed or was cancelled. One that ' +
      '`rerunFrom` made begins with the same items again.',
    authScopes: { control: true },
    errors: {
      types: [
        NotFoundError,
        InvalidJobStateError,
        ValidationError,
        IdempotencyConflictError,
        ShuttingDownError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'RetryJobResult', description: 'The new job, or why there is none.' },
    },
    args: { input: t.arg({ type: RetryJobInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input: { jobId, idempotencyKey } }, { jobs }) => ({
      job: await jobs.retry(localId('Job', jobId, ['input', 'jobId']), idempotencyKey ?? undefined),
    }),
  }),
);

const DeleteJobPayload = builder.objectRef<Job>('DeleteJobPayload');
DeleteJobPayload.implement({
  description: 'A job was deleted, with all that was known of it.',
  fields: (t) => ({
    deletedJobId: t.id({
      description: 'The id it had.',
      resolve: ({ id }) => `Job:${id}`,
    }),
  }),
});

const DeleteJobInput = builder.inputType('DeleteJobInput', {
  description: 'What `deleteJob` needs to know.',
  fields: (t) => ({ jobId: t.id({ required: true, description: 'The id of the job.' }) }),
});

builder.mutationField('deleteJob', (t) =>
  t.field({
    type: DeleteJobPayload,
    description: 'Deletes a job that has ended, with its trace, log and figures.',
    authScopes: { control: true },
    errors: {
      types: [
        NotFoundError,
        InvalidJobStateError,
        ValidationError,
        ShuttingDownError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'DeleteJobResult', description: 'What was deleted, or why it was not.' },
    },
    args: { input: t.arg({ type: DeleteJobInput, required: true, description: 'The job.' }) },
    resolve: (_root, { input: { jobId } }, { jobs }) =>
      jobs.delete(localId('Job', jobId, ['input', 'jobId'])),
  }),
);
