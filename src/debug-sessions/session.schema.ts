import type { Stop } from '../debugger/debug-host.ts';
import { builder } from '../graphql/builder.ts';
import { pageComplexity } from '../graphql/connections.ts';
import { localId, routineName } from '../graphql/ids.ts';
import { JobType } from '../jobs/schema.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { queuesOf } from '../monitoring/job-parts.ts';
import { SlotQueueType } from '../monitoring/queue.schema.ts';
import { BreakpointType, JobBreakpointType } from './breakpoint.schema.ts';
import type { DebugSession } from './debug-session.ts';
import { DebugFrameType, DebugItemConnection, DebugItemType, pageItems } from './frame.schema.ts';
import {
  findVariable,
  listScopes,
  PATH_DESCRIPTION,
  VariableScopeType,
  VariableType,
} from './variable.schema.ts';
import { WatchType, watchesOf } from './watch.schema.ts';
import { THE_JOB, whereArgs, whereOf } from './where.schema.ts';

const DebugStatusType = builder.enumType('DebugStatus', {
  description: 'How it stands with the debugging of a job.',
  values: {
    RUNNING: { description: 'The job runs, or waits to.' },
    STEPPING: { description: 'The same, and a step will stop it.' },
    STOPPED: { description: 'The job stands still.' },
    ENDED: { description: 'The job has ended.' },
  } as const,
});

export const StopReasonType = builder.enumType('StopReason', {
  description: 'Why a job stands still.',
  values: {
    BREAKPOINT: { description: 'A breakpoint was hit.' },
    STEP: { description: 'A step is done.' },
    PAUSE: { description: 'Somebody paused it.' },
    EXCEPTION: { description: 'Code failed where a breakpoint of kind EXCEPTION is.' },
    ENTRY: { description: 'It was to stop before its first activation.' },
    PRESSURE: { description: 'A queue came to the pressure level of a breakpoint.' },
  } as const,
});

interface StopOfSession {
  readonly session: DebugSession;
  readonly stop: Stop;
}

const DebugStopType = builder.objectRef<StopOfSession>('DebugStop');
DebugStopType.implement({
  description:
    'A stop of a job: no activation begins, and what is held goes on when the job does. Nothing is lost by it.',
  fields: (t) => ({
    number: t.field({
      type: 'Count',
      description: 'Its place among all stops of the job, from 1.',
      resolve: ({ stop }) => stop.number,
    }),
    reason: t.field({
      type: StopReasonType,
      description: 'Why the job stands still.',
      resolve: ({ stop }) => stop.reason,
    }),
    at: t.field({
      type: 'DateTime',
      description: 'When it came to stand still.',
      resolve: ({ stop }) => stop.at,
    }),
    breakpoints: t.field({
      type: [BreakpointType],
      description: 'The breakpoints that were hit, without those that were removed since.',
      resolve: async ({ stop }, _args, { breakpointsById }) => {
        const found = await Promise.all(stop.breakpointIds.map((id) => breakpointsById.load(id)));
        return found.filter((each) => each !== undefined);
      },
    }),
    frames: t.field({
      type: [DebugFrameType],
      description: 'The activations that are held, the one that stopped the job first.',
      resolve: ({ session: { jobId, frames } }) => frames.map((reading) => ({ jobId, reading })),
    }),
    queue: t.field({
      type: SlotQueueType,
      nullable: true,
      description: 'The queue that came to the pressure level, as it is now.',
      resolve: async ({ session: { jobId }, stop: { queue } }, _args, { readings }) => {
        if (queue === undefined) return null;
        const reading = await readings.load(jobId);
        return (reading === undefined ? [] : queuesOf(reading)).find(
          (each) => each.reading.routineId === queue.routineId && each.reading.slot === queue.slot,
        );
      },
    }),
    resumesAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the job goes on by itself if nobody does anything; null for never.',
      resolve: ({ session }) => session.resumesAt,
    }),
  }),
});

export const DebugSessionType = builder.loadableNodeRef<
  DebugSession | Error,
  string,
  string,
  string
>('DebugSession', {
  id: { resolve: ({ jobId }) => jobId },
  loaderOptions: { cache: false },
  load: async (ids, { debug }) => {
    const found = await debug.findMany(ids);
    return found.map((each, at) => each ?? new NotFoundError('DebugSession', ids[at] ?? ''));
  },
});
DebugSessionType.implement({
  description: 'What people do to one job with a debugger. Every job has one.',
  authScopes: { read: true },
  fields: (t) => ({
    job: t.field({
      type: JobType,
      description: 'The job.',
      resolve: ({ jobId }) => jobId,
    }),
    status: t.expose('status', { type: DebugStatusType, description: 'How it stands.' }),
    stop: t.field({
      type: DebugStopType,
      nullable: true,
      description: 'Where the job stands still; null while it does not.',
      resolve: (session) => session.stop && { session, stop: session.stop },
    }),
    owner: t.exposeString('owner', {
      nullable: true,
      description:
        'Who alone may change something: `somebody` for all who gave no name; null when anybody may.',
    }),
    leaseUntil: t.expose('leaseUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when, if the owner does nothing more; null when anybody may.',
    }),
    pauseTtlMs: t.exposeFloat('pauseTtlMs', {
      nullable: true,
      description:
        'Milliseconds that a stop lasts about which nobody does anything; null for ever.',
    }),
    breakpoints: t.field({
      type: [JobBreakpointType],
      description: 'The breakpoints that count in the job, in the order they were made.',
      resolve: async ({ jobId }, _args, { breakpoints }) => [...(await breakpoints.ofJob(jobId))],
    }),
    watches: t.field({
      type: [WatchType],
      description: 'Expressions that are worked out at every stop, in the order they were added.',
      resolve: (session, _args, context) => watchesOf(session, context),
    }),
    queuedItems: t.connection(
      {
        type: DebugItemType,
        nullable: true,
        description:
          'The items that wait in the queue of a slot, in the order they will be taken. Null with an error of code ' +
          '`INVALID_STATE` while the job does not stand still.',
        complexity: pageComplexity,
        args: {
          routineId: t.arg.id({
            required: true,
            description: 'The routine, by its name in the flow or its id.',
          }),
          slot: t.arg.string({ required: true, description: 'Name of the slot.' }),
        },
        resolve: (session, { routineId, slot, ...page }, context) => {
          const of = { routineId: routineName(routineId, ['routineId'], session), slot };
          return pageItems(session.jobId, of, page, context);
        },
      },
      DebugItemConnection,
    ),
    item: t.field({
      type: DebugItemType,
      nullable: true,
      description:
        'One item. Null with an error of code `NOT_FOUND` when it is not where it was any more.',
      args: { itemId: t.arg.string({ required: true, description: 'Its `itemId`.' }) },
      resolve: async ({ jobId }, { itemId }, { debug }) => ({
        jobId,
        reading: await debug.readItem(jobId, itemId),
      }),
    }),
    scopes: t.field({
      type: [VariableType],
      nullable: true,
      description:
        'What can be looked into: each scope that there is, as a variable. Without an activation and a routine those of ' +
        'the whole job. Null with an error of code `INVALID_STATE` while the job does not stand still.',
      args: whereArgs(t, THE_JOB),
      resolve: (session, where, context) =>
        listScopes(session.jobId, whereOf(where, session), context),
    }),
    variable: t.field({
      type: VariableType,
      nullable: true,
      description:
        'A value that can be looked into. Null with an error of code `NOT_FOUND` when there is none, and of code ' +
        '`INVALID_STATE` while the job does not stand still.',
      args: {
        ...whereArgs(t, THE_JOB),
        scope: t.arg({ type: VariableScopeType, required: true, description: 'Where to begin.' }),
        path: t.arg({
          type: ['JSON'],
          description: `${PATH_DESCRIPTION} Default: the whole of the scope.`,
        }),
      },
      resolve: (session, { scope, path, ...where }, context) =>
        findVariable(session.jobId, whereOf(where, session), { scope, path }, context),
    }),
  }),
});

builder.objectField(JobType, 'debugSession', (t) =>
  t.field({
    type: DebugSessionType,
    description: 'What people do to it with a debugger.',
    resolve: ({ id }) => id,
  }),
);

builder.queryField('debugSession', (t) =>
  t.field({
    type: DebugSessionType,
    nullable: true,
    description:
      'What people do to a job with a debugger. Null with an error of code `NOT_FOUND` when there is no such job.',
    authScopes: { read: true },
    args: { jobId: t.arg.id({ required: true, description: 'The job.' }) },
    resolve: async (_root, { jobId }, { jobs }) =>
      (await jobs.require(localId('Job', jobId, ['jobId']))).id,
  }),
);
