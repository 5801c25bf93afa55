import { builder } from '../graphql/builder.ts';
import './errors.schema.ts';
import { localId } from '../graphql/ids.ts';
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
  }),
});

builder.mutationField('startJob', (t) =>
  t.field({
    type: StartJobPayload,
    description: 'Starts a job of a flow.',
    authScopes: { control: true },
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
      const { flowId, input, metadata, owner, priority, idempotencyKey } = request;
      const job = await jobs.start({
        flowId: localId('Flow', flowId, ['input', 'flowId']),
        input: input === undefined ? {} : input,
        metadata: metadata ?? undefined,
        owner: owner ?? undefined,
        priority: priority ?? 0,
        idempotencyKey: idempotencyKey ?? undefined,
      });
      return { job };
    },
  }),
);

/** What differs between the mutations that take a job and do something to it. */
interface JobCommand {
  readonly name: 'pauseJob' | 'resumeJob' | 'cancelJob';
  readonly description: string;
  readonly jobDescription: string;
  readonly run: 'pause' | 'resume' | 'cancel';
}

const COMMANDS: readonly JobCommand[] = [
  {
    name: 'pauseJob',
    run: 'pause',
    description:
      'Lets no more activations of a running job begin. Those that have begun go on to their end.',
    jobDescription: 'The job, paused.',
  },
  {
    name: 'resumeJob',
    run: 'resume',
    description: 'Lets a paused job go on.',
    jobDescription: 'The job, running again.',
  },
  {
    name: 'cancelJob',
    run: 'cancel',
    description:
      'Ends a job. Running code sees its signal aborted and is waited for, 5 seconds at most, before this is ' +
      'answered; what ignores that is told in `unresponsiveRoutineIds`.',
    jobDescription: 'The job, cancelled.',
  },
];

for (const { name, run, description, jobDescription } of COMMANDS) {
  const typeName = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const payload = builder.objectRef<JobPayload>(`${typeName}Payload`);
  payload.implement({
    description: `What \`${name}\` did.`,
    fields: (t) => ({
      job: t.field({ type: JobType, description: jobDescription, resolve: ({ job }) => job }),
    }),
  });
  const input = builder.inputType(`${typeName}Input`, {
    description: `What \`${name}\` needs to know.`,
    fields: (t) => ({ jobId: t.id({ required: true, description: 'The id of the job.' }) }),
  });
  builder.mutationField(name, (t) =>
    t.field({
      type: payload,
      description,
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
        union: { name: `${typeName}Result`, description: 'The job, or why that was not done.' },
      },
      args: { input: t.arg({ type: input, required: true, description: 'The job.' }) },
      resolve: async (_root, { input: { jobId } }, { jobs }) => ({
        job: await jobs[run](localId('Job', jobId, ['input', 'jobId'])),
      }),
    }),
  );
}

const RetryJobPayload = builder.objectRef<JobPayload>('RetryJobPayload');
RetryJobPayload.implement({
  description: 'A job was accepted that tries another one again.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'The new job.', resolve: ({ job }) => job }),
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
      'Starts a new job with the flow, input, metadata, owner and priority of one that failed or was cancelled.',
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
