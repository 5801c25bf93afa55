import { builder } from '../graphql/builder.ts';
import { SESSION_ERRORS } from './errors.schema.ts';
import type { Job } from './job.ts';
import { JobType } from './schema.ts';
import { requestOf, sessionFields } from './session-request.schema.ts';

interface JobPayload {
  readonly job: Job;
}

const PauseJobPayload = builder.objectRef<JobPayload>('PauseJobPayload');
PauseJobPayload.implement({
  description: 'What `pauseJob` did.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'The job, paused.', resolve: ({ job }) => job }),
  }),
});

const PauseJobInput = builder.inputType('PauseJobInput', {
  description: 'What `pauseJob` needs to know.',
  fields: (t) => ({
    ...sessionFields(t),
    pauseTtlMs: t.float({
      description:
        'Milliseconds after which the job goes on by itself if nobody does anything; holds for its later stops, too. 0 ' +
        'for never, at most 30 days. Default: never, unless its session has a limit.',
    }),
  }),
});

builder.mutationField('pauseJob', (t) =>
  t.field({
    type: PauseJobPayload,
    description:
      'Lets no more activations of a running job begin. Those that have begun go on to their end. What the job holds can ' +
      'then be seen and edited in its `debugSession`.',
    authScopes: { control: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'PauseJobResult', description: 'The job, or why that was not done.' },
    },
    args: { input: t.arg({ type: PauseJobInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input }, { jobs, viewer }) => {
      const { jobId, actor } = requestOf(input, viewer);
      return { job: await jobs.pause(jobId, { actor, pauseTtlMs: input.pauseTtlMs ?? undefined }) };
    },
  }),
);

const ResumeJobPayload = builder.objectRef<JobPayload>('ResumeJobPayload');
ResumeJobPayload.implement({
  description: 'What `resumeJob` did.',
  fields: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job, running again.',
      resolve: ({ job }) => job,
    }),
  }),
});

const ResumeJobInput = builder.inputType('ResumeJobInput', {
  description: 'What `resumeJob` needs to know.',
  fields: sessionFields,
});

builder.mutationField('resumeJob', (t) =>
  t.field({
    type: ResumeJobPayload,
    description: 'Lets a paused job go on, also one that a breakpoint stopped.',
    authScopes: { control: true },
    errors: {
      types: SESSION_ERRORS,
      union: { name: 'ResumeJobResult', description: 'The job, or why that was not done.' },
    },
    args: { input: t.arg({ type: ResumeJobInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input }, { jobs, viewer }) => {
      const { jobId, actor } = requestOf(input, viewer);
      return { job: await jobs.resume(jobId, actor) };
    },
  }),
);
