import type { ObjectFieldBuilder } from '@pothos/core';
import type { LogLevel } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import { PressureLevelType } from '../monitoring/queue.schema.ts';
import type { PressureLevel, RoutineStatus } from '../monitoring/readings.ts';
import { RoutineStatusType } from '../monitoring/schema.ts';
import { LogLevelType } from '../monitoring/trace.schema.ts';
import type { JobEvent } from '../pubsub/topics.ts';
import { hasEnded } from './job.ts';
import type { JobStreamMessage } from './job-stream-message.ts';
import { JobType } from './schema.ts';
import { findWatchedJobs } from './watched-jobs.schema.ts';

const JobEventType = builder.enumType('JobEventType', {
  description: 'What can happen in a job.',
  values: {
    JOB_CREATED: { description: 'The job was accepted.' },
    JOB_STARTED: { description: 'It began to run.' },
    JOB_PAUSED: { description: 'It was paused.' },
    JOB_RESUMED: { description: 'It went on after a pause.' },
    JOB_RECOVERED: { description: 'It was taken up again after the server was restarted.' },
    JOB_COMPLETED: { description: 'It came to its end.' },
    JOB_FAILED: { description: 'It failed.' },
    JOB_CANCELLED: { description: 'It was cancelled.' },
    ROUTINE_STARTED: { description: 'Activations of a routine began. Merged.' },
    ROUTINE_COMPLETED: { description: 'Activations of a routine went well. Merged.' },
    ROUTINE_FAILED: { description: 'Activations of a routine failed. Merged.' },
    ROUTINE_STATUS_CHANGED: { description: 'A routine came to another status. Merged.' },
    QUEUE_CHANGED: { description: 'A queue holds another number of items. Merged.' },
    LOG_WRITTEN: { description: 'A routine wrote to the log.' },
    LOGS_SKIPPED: { description: 'More lines were logged than are told.' },
    PROGRESS_REPORTED: { description: 'A routine told its progress. Merged.' },
    BREAKPOINT_HIT: { description: 'A breakpoint stopped it.' },
    LOG_POINT: { description: 'A breakpoint with a log message wrote to the log.' },
    STOP_EXPIRED: { description: 'It stood still, nobody did anything, and it goes on by itself.' },
    GAP: { description: 'Events between two cursors are gone. Always told.' },
    FELL_BEHIND: {
      description: 'The stream ends before its end; come back with its cursor. Always told.',
    },
  } as const,
});

export const JobEventInterface = builder.interfaceRef<JobStreamMessage>('JobEvent');
JobEventInterface.implement({
  description:
    'Something that happened in a job. Each type of event is a type of its own. Those called *merged* are told at ' +
    'most 10 times a second for each routine or queue, and stand for all that happened since.',
  fields: (t) => ({
    type: t.field({
      type: JobEventType,
      description: 'What happened.',
      resolve: ({ type }) => type,
    }),
    at: t.field({ type: 'DateTime', description: 'When.', resolve: ({ at }) => at }),
    cursor: t.string({
      description: 'Its place in the stream: give it as `after` to go on behind it.',
      resolve: (message, _args, { jobEvents }) => jobEvents.cursorOf(message),
    }),
    jobId: t.id({
      nullable: true,
      description:
        'The id of the job. Null only where no one job is meant: `GapEvent` and `FellBehindEvent`.',
      resolve: ({ jobId }) => jobId && `Job:${jobId}`,
    }),
    flowId: t.id({
      nullable: true,
      description: "The id of the job's flow. Null only in `GapEvent` and `FellBehindEvent`.",
      resolve: ({ flowId }) => flowId && `Flow:${flowId}`,
    }),
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The job as it is now; null when it was deleted.',
      resolve: ({ jobId }, _args, { jobsById }) =>
        jobId === undefined ? null : jobsById.load(jobId),
    }),
  }),
  resolveType: ({ type }) => TYPE_NAMES[type],
});

const TYPE_NAMES: Readonly<Record<JobStreamMessage['type'], string>> = {
  JOB_CREATED: 'JobCreatedEvent',
  JOB_STARTED: 'JobStartedEvent',
  JOB_PAUSED: 'JobPausedEvent',
  JOB_RESUMED: 'JobResumedEvent',
  JOB_RECOVERED: 'JobRecoveredEvent',
  JOB_COMPLETED: 'JobCompletedEvent',
  JOB_FAILED: 'JobFailedEvent',
  JOB_CANCELLED: 'JobCancelledEvent',
  ROUTINE_STARTED: 'RoutineStartedEvent',
  ROUTINE_COMPLETED: 'RoutineCompletedEvent',
  ROUTINE_FAILED: 'RoutineFailedEvent',
  ROUTINE_STATUS_CHANGED: 'RoutineStatusChangedEvent',
  QUEUE_CHANGED: 'QueueChangedEvent',
  LOG_WRITTEN: 'LogWrittenEvent',
  LOGS_SKIPPED: 'LogsSkippedEvent',
  PROGRESS_REPORTED: 'ProgressReportedEvent',
  BREAKPOINT_HIT: 'BreakpointHitEvent',
  LOG_POINT: 'LogPointEvent',
  STOP_EXPIRED: 'StopExpiredEvent',
  GAP: 'GapEvent',
  FELL_BEHIND: 'FellBehindEvent',
};

/** The messages of a type. */
export type Of<T extends JobStreamMessage['type']> = Extract<JobStreamMessage, { type: T }>;
const interfaces = [JobEventInterface];

type SchemaTypes = (typeof builder)['$inferSchemaTypes'];

/** What events have that are of a job, which all are but gaps and the like. */
export function ofJob<T extends JobEvent>(
  t: ObjectFieldBuilder<SchemaTypes, T>,
): Record<'jobId' | 'flowId', ReturnType<typeof t.id>> {
  return {
    jobId: t.id({ description: 'The id of the job.', resolve: ({ jobId }) => `Job:${jobId}` }),
    flowId: t.id({
      description: "The id of the job's flow.",
      resolve: ({ flowId }) => `Flow:${flowId}`,
    }),
  };
}
const routineId = 'Name of the routine in the flow.';
const count = 'How many activations this stands for.';
const errorCode = "The error's own code, if it has one.";

builder.objectRef<JobEvent>('JobCreatedEvent').implement({
  description: 'The job was accepted.',
  interfaces,
  fields: ofJob,
});
builder.objectRef<JobEvent>('JobStartedEvent').implement({
  description: 'The job began to run.',
  interfaces,
  fields: ofJob,
});
builder.objectRef<JobEvent>('JobPausedEvent').implement({
  description: 'The job was paused.',
  interfaces,
  fields: ofJob,
});
builder.objectRef<JobEvent>('JobResumedEvent').implement({
  description: 'The job went on after a pause.',
  interfaces,
  fields: ofJob,
});
builder.objectRef<Of<'JOB_RECOVERED'>>('JobRecoveredEvent').implement({
  description: 'The job was taken up again after the server was restarted.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    checkpointAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the checkpoint was taken that it goes on from; null when it begins again.',
      resolve: (event) => event.checkpointAt,
    }),
  }),
});

builder.objectRef<Of<'JOB_COMPLETED'>>('JobCompletedEvent').implement({
  description: 'The job came to its end. The last event of its stream.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    durationMs: t.exposeFloat('durationMs', { description: 'Milliseconds from its start.' }),
  }),
});
builder.objectRef<Of<'JOB_FAILED'>>('JobFailedEvent').implement({
  description: 'The job failed. The last event of its stream.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    errorMessage: t.exposeString('errorMessage', { description: 'Why.' }),
    errorCode: t.exposeString('errorCode', { nullable: true, description: errorCode }),
  }),
});
builder.objectRef<Of<'JOB_CANCELLED'>>('JobCancelledEvent').implement({
  description: 'The job was cancelled. The last event of its stream.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    unresponsiveRoutineIds: t.stringList({
      description: 'Routines whose code did not end in time and was left behind.',
      resolve: ({ unresponsiveRoutineIds }) => [...unresponsiveRoutineIds],
    }),
  }),
});
builder.objectRef<Of<'ROUTINE_STARTED'>>('RoutineStartedEvent').implement({
  description: 'Activations of a routine began. Merged.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    count: t.expose('count', { type: 'Count', description: count }),
  }),
});
builder.objectRef<Of<'ROUTINE_COMPLETED'>>('RoutineCompletedEvent').implement({
  description: 'Activations of a routine went well. Merged.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    count: t.expose('count', { type: 'Count', description: count }),
  }),
});
builder.objectRef<Of<'ROUTINE_FAILED'>>('RoutineFailedEvent').implement({
  description: 'Activations of a routine failed. Merged.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    count: t.expose('count', { type: 'Count', description: count }),
    errorMessage: t.exposeString('errorMessage', { description: 'What the latest said.' }),
    errorCode: t.exposeString('errorCode', { nullable: true, description: errorCode }),
  }),
});
builder.objectRef<Of<'ROUTINE_STATUS_CHANGED'>>('RoutineStatusChangedEvent').implement({
  description:
    'A routine came to another status. Merged: what it was for a moment between is not told.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    // Messages are plain data from readings, whose statuses and levels are those of these enums.
    previousStatus: t.field({
      type: RoutineStatusType,
      description: 'What it was.',
      resolve: ({ previousStatus }) => previousStatus as RoutineStatus,
    }),
    status: t.field({
      type: RoutineStatusType,
      description: 'What it is.',
      resolve: ({ status }) => status as RoutineStatus,
    }),
  }),
});
builder.objectRef<Of<'QUEUE_CHANGED'>>('QueueChangedEvent').implement({
  description: 'A queue holds another number of items. Merged.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    slot: t.exposeString('slot', { description: 'Name of the slot.' }),
    unconsumedCount: t.exposeInt('unconsumedCount', { description: 'Items that wait in it.' }),
    maxLength: t.exposeInt('maxLength', { description: 'The most items that may wait in it.' }),
    usage: t.float({
      description: '`unconsumedCount` as a share of `maxLength`, 0.0–1.0.',
      resolve: ({ unconsumedCount, maxLength }) => unconsumedCount / maxLength,
    }),
    pressureLevel: t.field({
      type: PressureLevelType,
      description: 'How full it is, for colours.',
      resolve: ({ pressureLevel }) => pressureLevel as PressureLevel,
    }),
  }),
});
builder.objectRef<Of<'LOG_WRITTEN'>>('LogWrittenEvent').implement({
  description: "A routine wrote to its job's log.",
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    level: t.field({
      type: LogLevelType,
      description: 'How much it matters.',
      resolve: ({ level }) => level as LogLevel,
    }),
    message: t.exposeString('message', { description: 'What it wrote.' }),
  }),
});
builder.objectRef<Of<'LOGS_SKIPPED'>>('LogsSkippedEvent').implement({
  description:
    'More lines were logged than are told as events: at most 50 ten times a second. Read `Job.logs`.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    count: t.expose('count', { type: 'Count', description: 'How many were not told.' }),
  }),
});
builder.objectRef<Of<'PROGRESS_REPORTED'>>('ProgressReportedEvent').implement({
  description: 'A routine told its progress. Merged.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    routineId: t.exposeString('routineId', { description: routineId }),
    done: t.exposeFloat('done', { description: 'How much is done, in whatever it counts.' }),
    total: t.exposeFloat('total', {
      nullable: true,
      description: 'How much there is; null when that is not known.',
    }),
    message: t.exposeString('message', { nullable: true, description: 'What it is at.' }),
  }),
});
builder.objectRef<Of<'GAP'>>('GapEvent').implement({
  description:
    'Events between two cursors are gone: they were removed to make room, were not stored when the server was killed or ' +
    'its database was away, or the cursor is of another database. Read the present state anew; the stream goes on ' +
    'with what is held. Events that were deleted with their job are no gap.',
  interfaces,
  fields: (t) => ({
    from: t.string({
      description:
        'What is missing came after this cursor: the one that was given, or that of what was told last.',
      resolve: ({ from }, _args, { jobEvents }) => jobEvents.cursorAt(from),
    }),
    to: t.string({
      description: 'What follows comes after this cursor.',
      resolve: (gap, _args, { jobEvents }) => jobEvents.cursorOf(gap),
    }),
    lostCount: t.expose('lostCount', {
      type: 'Count',
      nullable: true,
      description:
        'How many events of all jobs there were between the two; null when that can not be known, and where jobs belong ' +
        'to several tenants.',
    }),
  }),
});
builder.objectRef<Of<'FELL_BEHIND'>>('FellBehindEvent').implement({
  description:
    "The last message of a stream that can't go on: its connection has not taken more than 512 events, or 1 MiB, or " +
    "what it has still to be told can't be read now. Subscribe again with `cursor` as `after`.",
  interfaces,
});

builder.subscriptionField('jobEvents', (t) =>
  t.field({
    type: JobEventInterface,
    description:
      'Kind: *events*. What happens in one job, in the jobs of a flow, or in all, in order, each with a cursor. That of ' +
      'one job ends after the event that ends the job; others never end.\n\n' +
      'Without `after` it begins now. With it, first comes all that happened since: from memory (the newest 10,000 events ' +
      'of all jobs), before that from the database (the newest 100,000, also those from before a restart), then what ' +
      'happens, with no hole and no duplicate. Where events are gone a `GapEvent` says so. A connection that does not take ' +
      'more than 512 events or 1 MiB gets a `FellBehindEvent` and the stream ends. In both cases, and after a broken ' +
      'connection, subscribe again with the last `cursor` as `after`.\n\n' +
      'Merged events and log lines are made only while somebody subscribes to them; for a flow or all jobs, of at most 100 ' +
      'running jobs at a time, those that began first.',
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ description: 'Only this job.' }),
      flowId: t.arg.id({ description: 'Only jobs of this flow, by id or name.' }),
      types: t.arg({
        type: [JobEventType],
        description: 'Only these types, and those that are always told. Default: all.',
      }),
      after: t.arg.string({
        description: 'Tell first what came after this cursor, as far as the server holds it.',
      }),
    },
    subscribe: async (_root, { types, after, ...which }, services) => {
      const since = services.jobEvents.mark();
      const { job, flowId } = await findWatchedJobs(which, services);
      const filter = { types: types ?? undefined, after: after ?? undefined, since };
      const isOver = job !== undefined && hasEnded(job);
      if (isOver) await services.jobs.settled(job.id); // that it has ended is stored a moment before it is told
      return services.jobEvents.subscribe({ job, flowId, ...filter }, isOver);
    },
    resolve: (event) => event,
  }),
);

builder.queryField('jobEventsCursor', (t) =>
  t.string({
    description:
      'The place of the newest event there is. As `after` of `jobEvents` it gives all that happens from now on; so ' +
      'nothing is missed by who loses the connection before the first event.',
    authScopes: { read: true },
    resolve: (_root, _args, { jobEvents }) => jobEvents.cursorAt(jobEvents.mark()),
  }),
);
