import { RoutineType } from '../flows/routine.schema.ts';
import { builder } from '../graphql/builder.ts';
import { DurationsType, FailureType, ProgressType } from './figures.schema.ts';
import { type RoutineOfJob, routinesOf } from './job-parts.ts';
import { SlotQueueType } from './queue.schema.ts';
import { WhyInterface } from './why-not-running.schema.ts';

export const RoutineStatusType = builder.enumType('RoutineStatus', {
  description: 'What a routine of a job is doing.',
  values: {
    PENDING: { description: 'It has not run yet.' },
    RUNNING: { description: 'Activations are going on, or begin at the next chance.' },
    IDLE: { description: 'It has run, and waits for more.' },
    COMPLETED: { description: 'It will not run again, and its latest activation went well.' },
    FAILED: { description: 'Its latest activation failed.' },
    SKIPPED: { description: 'Its latest activation was skipped, or the job ended without it.' },
  } as const,
});

export const JobRoutineType = builder.objectRef<RoutineOfJob>('JobRoutine');
builder.node(JobRoutineType, {
  description: 'A routine in a job: how it fares there. Its definition is told by `Routine`.',
  authScopes: { read: true },
  id: { resolve: ({ jobId, reading }) => `${jobId}/${reading.routineId}` },
  loadManyWithoutCache: (ids, { jobsById, readings }) =>
    // Awaited here, since Pothos marks what it is given as being of this type.
    Promise.all(
      ids.map(async (id) => {
        const [jobId = '', ...rest] = id.split('/');
        // An id says nothing of whose the job is.
        if ((await jobsById.load(jobId)) === undefined) return undefined;
        const reading = await readings.load(jobId);
        const routines = reading === undefined ? [] : routinesOf(reading);
        return routines.find((each) => each.reading.routineId === rest.join('/'));
      }),
    ),
  fields: (t) => ({
    routineId: t.string({
      description: 'Its name in the flow.',
      resolve: ({ reading }) => reading.routineId,
    }),
    routine: t.field({
      type: RoutineType,
      nullable: true,
      description: 'Its definition; null when the flow is not on this server any more.',
      resolve: ({ flowId, reading }, _args, { flows }) => {
        const flow = flows.get(flowId);
        const routine = flow?.routines.find(({ id }) => id === reading.routineId);
        return flow === undefined || routine === undefined ? null : { flow, routine };
      },
    }),
    status: t.field({
      type: RoutineStatusType,
      description: 'What it is doing.',
      resolve: ({ reading }) => reading.status,
    }),
    isActive: t.boolean({
      description:
        'Whether its code is executing, or begins at the next chance. False while all its activations wait.',
      resolve: ({ reading }) => reading.isActive,
    }),
    activeCount: t.int({
      description: 'Activations of it that have begun and not ended.',
      resolve: ({ reading }) => reading.activeCount,
    }),
    executionCount: t.field({
      type: 'Count',
      description: 'Activations that have ended, however.',
      resolve: ({ reading }) => reading.executionCount,
    }),
    errorCount: t.field({
      type: 'Count',
      description: 'Activations that failed in the end.',
      resolve: ({ reading }) => reading.errorCount,
    }),
    skippedCount: t.field({
      type: 'Count',
      description: 'Activations that failed and were skipped.',
      resolve: ({ reading }) => reading.skippedCount,
    }),
    retryCount: t.field({
      type: 'Count',
      description: 'Runs that failed and were tried again.',
      resolve: ({ reading }) => reading.retryCount,
    }),
    lastExecutedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its latest activation began.',
      resolve: ({ reading }) => reading.lastExecutedAt,
    }),
    lastError: t.field({
      type: FailureType,
      nullable: true,
      description: 'The error of the latest activation that failed or was skipped.',
      resolve: ({ reading }) => reading.lastError,
    }),
    progress: t.field({
      type: ProgressType,
      nullable: true,
      description: 'How far it says it is; null when it says nothing.',
      resolve: ({ reading }) => reading.progress,
    }),
    whyNotRunning: t.field({
      type: WhyInterface,
      nullable: true,
      description:
        'Why none of its code is running; null when some is, or will at the next chance.',
      resolve: ({ reading }) => reading.whyNotRunning,
    }),
    queues: t.field({
      type: [SlotQueueType],
      complexity: { field: 1, multiplier: 2 },
      description: 'The queues of its slots.',
      resolve: ({ jobId, flowId, reading }) =>
        reading.queues.map((queue) => ({ jobId, flowId, reading: queue })),
    }),
    durations: t.field({
      type: DurationsType,
      nullable: true,
      description: 'How long its activations took; each retried run counts by itself.',
      resolve: async ({ jobId, reading }, _args, { durations }) =>
        (await durations.load(jobId))?.get(reading.routineId),
    }),
  }),
});
