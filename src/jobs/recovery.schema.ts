import { builder } from '../graphql/builder.ts';
import type { CheckpointInfo } from '../graphql/context.ts';
import { hasEnded, type JobRecovery } from './job.ts';
import { JobType } from './schema.ts';

const RecoveryType = builder.objectRef<JobRecovery>('JobRecovery');
RecoveryType.implement({
  description: 'How a job was taken up again after the server it ran in had ended.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How often that happened.' }),
    crashCount: t.exposeInt('crashCount', {
      description:
        'How many of the latest recoveries followed crashes, with no stable time between them. A job at too many fails.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened last.' }),
    checkpointAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the checkpoint was taken that it went on from then; null when it began again from its start.',
      resolve: ({ from }) => from,
    }),
  }),
});

const CheckpointType = builder.objectRef<CheckpointInfo>('JobCheckpoint');
CheckpointType.implement({
  description: 'The newest checkpoint of a job: where it goes on after a crash.',
  fields: (t) => ({
    takenAt: t.expose('takenAt', { type: 'DateTime', description: 'When it was taken.' }),
    problem: t.exposeString('problem', {
      nullable: true,
      description:
        'Why the job could not be written down, such as an item that holds a function; null when it could. With a ' +
        'problem the job begins again from its start after a crash.',
    }),
  }),
});

builder.objectFields(JobType, (t) => ({
  recovery: t.field({
    type: RecoveryType,
    nullable: true,
    description: 'How it was recovered after the server had ended; null when that never happened.',
    resolve: ({ recovery }) => recovery,
  }),
  checkpoint: t.field({
    type: CheckpointType,
    nullable: true,
    description: 'Its newest checkpoint; null before the first one, and when it has ended.',
    resolve: (job, _args, { checkpoints }) => (hasEnded(job) ? null : checkpoints.load(job.id)),
  }),
}));
