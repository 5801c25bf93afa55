import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { localId, routineName } from '../graphql/ids.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { toJson } from '../lib/to-json.ts';
import { mergeDurations } from '../monitoring/durations.ts';
import { FailureType } from '../monitoring/figures.schema.ts';
import { queuesOf, routinesOf } from '../monitoring/job-parts.ts';
import { SlotQueueType } from '../monitoring/queue.schema.ts';
import type { JobReading } from '../monitoring/readings.ts';
import { JobRoutineType } from '../monitoring/schema.ts';
import { durationMs, hasEnded, type Job } from './job.ts';
import { JobMetricsType, JobOutputType } from './metrics.schema.ts';

export const JobStatusType = builder.enumType('JobStatus', {
  description: 'PENDING → RUNNING ⇄ PAUSED → COMPLETED, FAILED or CANCELLED.',
  values: {
    PENDING: { description: 'It waits to be started, or for a place among the running jobs.' },
    RUNNING: { description: 'Its routines are run.' },
    PAUSED: { description: 'No activation begins; those that had begun go on to their end.' },
    COMPLETED: { description: 'Nothing was queued, in flight or due any more.' },
    FAILED: { description: 'A routine failed for good, or the job was dead-locked.' },
    CANCELLED: { description: 'Somebody ended it.' },
  } as const,
});

export const JobType = builder.loadableNodeRef<Job | Error, string, string, string>('Job', {
  id: { resolve: ({ id }) => id },
  loaderOptions: { cache: false },
  load: async (ids, { jobs }) => {
    const found = await jobs.getMany(ids);
    return found.map((job, at) => job ?? new NotFoundError('Job', ids[at] ?? ''));
  },
});
JobType.implement({
  description: 'One run of a flow on one input.',
  authScopes: { read: true },
  fields: (t) => ({
    flowId: t.exposeString('flowId', { description: 'Name of the flow it runs.' }),
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: 'The flow it runs; null when that is not on this server any more.',
      resolve: ({ flowId }, _args, { flows }) => flows.get(flowId),
    }),
    status: t.field({
      type: JobStatusType,
      description: 'Its state.',
      resolve: ({ state }) => state,
    }),
    isEnding: t.boolean({
      description:
        'Whether it is being ended, since it failed or somebody cancelled it, and running code is still waited for.',
      resolve: async (job, _args, { readings }) => {
        if (hasEnded(job)) return false;
        return (
          job.cancelRequestedAt !== undefined || (await readings.load(job.id))?.isEnding === true
        );
      },
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it was started with.',
      resolve: ({ input }) => toJson(input),
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Whatever was attached to it when it was started: an object.',
      resolve: ({ metadata }) => toJson(metadata),
    }),
    owner: t.exposeString('owner', { nullable: true, description: 'Whose job it is.' }),
    priority: t.exposeInt('priority', {
      description: 'Among jobs that wait for a place, higher ones go first.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', {
      nullable: true,
      description: 'The key it was started with.',
    }),
    retryOf: t.field({
      type: JobType,
      nullable: true,
      description: 'The job that this one tries again; null when there is none, or it was deleted.',
      resolve: ({ retryOf }, _args, { jobsById }) =>
        retryOf === undefined ? null : jobsById.load(retryOf),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it first came to run.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended.',
    }),
    durationMs: t.float({
      nullable: true,
      description: 'Milliseconds from its start to its end, or to now; null before its start.',
      resolve: (job, _args, { now }) => durationMs(job, job.finishedAt ?? now()),
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it failed.',
      resolve: ({ error }) => error,
    }),
    outputs: t.field({
      type: [JobOutputType],
      description: 'What it put out; empty until it has ended.',
      resolve: async (job, _args, { outputs }) => {
        const kept = hasEnded(job) ? await outputs.load(job.id) : undefined;
        return Object.entries(kept ?? {}).map(([name, output]) => ({ name, ...output }));
      },
    }),
    unresponsiveRoutineIds: t.stringList({
      description: 'Routines whose code went on when the job was ended, and was left behind.',
      resolve: ({ unresponsiveRoutineIds }) => [...unresponsiveRoutineIds],
    }),
    progress: t.float({
      nullable: true,
      description:
        'Share that is done, 0.0–1.0: the mean over the routines that tell how much there is; null when none does.',
      resolve: async ({ id }, _args, { readings }) => progressOf(await readings.load(id)),
    }),
    routines: t.field({
      type: [JobRoutineType],
      description: 'Its routines, as they are now, or were at its end.',
      resolve: async ({ id }, _args, { readings }) => {
        const reading = await readings.load(id);
        return reading === undefined ? [] : routinesOf(reading);
      },
    }),
    routine: t.field({
      type: JobRoutineType,
      nullable: true,
      description:
        'One of its routines. Null with an error of code `NOT_FOUND` when there is none.',
      args: {
        id: t.arg.id({
          required: true,
          description: 'The routine, by its name in the flow or its id.',
        }),
      },
      resolve: async (job, args, { readings }) => {
        const id = routineName(args.id, ['id']);
        const reading = await readings.load(job.id);
        const routines = reading === undefined ? [] : routinesOf(reading);
        const found = routines.find((each) => each.reading.routineId === id);
        if (found !== undefined) return found;
        const known = routines.map((each) => each.reading.routineId).join(', ');
        throw new NotFoundError('Routine', id, `Job ${job.id} has: ${known}.`);
      },
    }),
    activeRoutines: t.field({
      type: [JobRoutineType],
      description: 'Those of its routines that are executing right now. Empty when it has ended.',
      resolve: async ({ id }, _args, { readings }) => {
        const reading = await readings.load(id);
        return reading === undefined
          ? []
          : routinesOf(reading).filter((each) => each.reading.isActive);
      },
    }),
    queues: t.field({
      type: [SlotQueueType],
      description: 'The queues of all its slots.',
      resolve: async ({ id }, _args, { readings }) => {
        const reading = await readings.load(id);
        return reading === undefined ? [] : queuesOf(reading);
      },
    }),
    metrics: t.field({
      type: JobMetricsType,
      description: 'Figures of the whole job.',
      resolve: async (job, _args, { readings, durations, now }) => {
        const [reading, byRoutine] = await Promise.all([
          readings.load(job.id),
          durations.load(job.id),
        ]);
        const runMs = durationMs(job, now()) ?? 0;
        return { reading, durations: mergeDurations([...(byRoutine?.values() ?? [])]), runMs };
      },
    }),
  }),
});

function progressOf(reading: JobReading | undefined): number | null {
  if (reading?.state === 'COMPLETED') return 1;
  const shares = (reading?.routines ?? []).flatMap(({ progress }) =>
    progress?.total === undefined || progress.total <= 0
      ? []
      : [Math.min(Math.max(progress.done / progress.total, 0), 1)],
  );
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share) / shares.length;
}

builder.objectFields(JobRoutineType, (t) => ({
  job: t.field({
    type: JobType,
    description: 'The job it runs in.',
    resolve: ({ jobId }) => jobId,
  }),
}));
builder.objectFields(SlotQueueType, (t) => ({
  job: t.field({
    type: JobType,
    description: 'The job it belongs to.',
    resolve: ({ jobId }) => jobId,
  }),
}));

builder.queryField('job', (t) =>
  t.field({
    type: JobType,
    nullable: true,
    description: 'One job. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { read: true },
    args: { id: t.arg.id({ required: true, description: 'Its id, such as `Job:0197…`.' }) },
    resolve: (_root, { id }, { jobs }) => jobs.require(localId('Job', id, ['id'])),
  }),
);
