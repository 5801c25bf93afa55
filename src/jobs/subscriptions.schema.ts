import { z } from 'zod';
import type { Flow } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import { localId, routineName } from '../graphql/ids.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { mapLiveStream } from '../lib/live-stream.ts';
import { changedParts, queuesOf, routinesOf } from '../monitoring/job-parts.ts';
import { SlotQueueType } from '../monitoring/queue.schema.ts';
import { JobRoutineType } from '../monitoring/schema.ts';
import { hasQueueChanged, hasRoutineChanged, haveRatesChanged } from './diff-readings.ts';
import { JobType } from './schema.ts';
import { findWatchedJobs } from './watched-jobs.schema.ts';

const DEFAULT_RATE_HZ = 10;
const RATE = z.number().min(0.1).max(20);
const RATE_DESCRIPTION = 'The most messages a second, 0.1–20. Default 10.';

builder.subscriptionField('jobStatusChanged', (t) =>
  t.field({
    type: JobType,
    description:
      'Kind: *state*. Jobs as their state changes. With `jobId` the job as it is now, then its changes, until it has ' +
      'ended; without, first those that have not ended (at most 1000), then all that change.',
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ description: 'Only this job.' }),
      flowId: t.arg.id({ description: 'Only jobs of this flow, by id or name.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: `${RATE_DESCRIPTION} Counted for each job.`,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { maxRateHz, ...which }, services) => {
      const { job, flowId } = await findWatchedJobs(which, services);
      const rateHz = maxRateHz ?? DEFAULT_RATE_HZ;
      return services.liveJobs.watchJobs({ job, flowId }, rateHz);
    },
    resolve: (job) => job,
  }),
);

builder.subscriptionField('jobMonitoring', (t) =>
  t.field({
    type: JobType,
    description:
      'Kind: *state*. The whole picture of a job: all that is asked for of it and its routines and queues, as it is now, ' +
      'then each time that something in it has changed, until it has ended. Each message is whole; ' +
      '`routineStatusChanged` and `queueStatusChanged` tell only what changed.',
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: RATE_DESCRIPTION,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, maxRateHz }, { jobs, liveJobs }) => {
      const job = await jobs.require(localId('Job', jobId, ['jobId']));
      return liveJobs.watchMonitoring(job, maxRateHz ?? DEFAULT_RATE_HZ);
    },
    resolve: (job) => job,
  }),
);

builder.subscriptionField('routineStatusChanged', (t) =>
  t.field({
    type: [JobRoutineType],
    description:
      "Kind: *state*. A job's routines: first all of them as they are now, then those that changed, until the job has ended.",
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      routineId: t.arg.id({ description: 'Only this routine, by its name in the flow or its id.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: RATE_DESCRIPTION,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, maxRateHz, ...only }, { jobs, flows, liveJobs }) => {
      const routineId = given(only.routineId, (id) => routineName(id, ['routineId']));
      const job = await jobs.require(localId('Job', jobId, ['jobId']));
      requirePlace(flows.get(job.flowId), routineId);
      const changed = changedParts(
        (reading) =>
          routinesOf(reading).filter((each) => isOrAny(each.reading.routineId, routineId)),
        (before, after) => hasRoutineChanged(before?.reading, after.reading),
      );
      return mapLiveStream(liveJobs.watchReadings(job, maxRateHz ?? DEFAULT_RATE_HZ), changed);
    },
    resolve: (routines) => [...routines],
  }),
);

builder.subscriptionField('queueStatusChanged', (t) =>
  t.field({
    type: [SlotQueueType],
    description:
      "Kind: *state*. A job's queues: first all of them as they are now, then those that changed, until the job has ended.",
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      routineId: t.arg.id({
        description: 'Only queues of this routine, by its name in the flow or its id.',
      }),
      slot: t.arg.string({ description: 'Only queues of slots with this name.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: RATE_DESCRIPTION,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, slot, maxRateHz, ...only }, { jobs, flows, liveJobs }) => {
      const routineId = given(only.routineId, (id) => routineName(id, ['routineId']));
      const job = await jobs.require(localId('Job', jobId, ['jobId']));
      requirePlace(flows.get(job.flowId), routineId, slot);
      const changed = changedParts(
        (reading) =>
          queuesOf(reading).filter(
            (each) =>
              isOrAny(each.reading.routineId, routineId) && isOrAny(each.reading.slot, slot),
          ),
        (before, { reading }) =>
          hasQueueChanged(before?.reading, reading) || haveRatesChanged(before?.reading, reading),
      );
      return mapLiveStream(liveJobs.watchReadings(job, maxRateHz ?? DEFAULT_RATE_HZ), changed);
    },
    resolve: (queues) => [...queues],
  }),
);

/** The answer of `find` for an argument, `undefined` when that was left out. */
function given<T>(argument: string | null | undefined, find: (argument: string) => T) {
  return argument === null || argument === undefined ? undefined : find(argument);
}

/** Whether a name is the one asked for; any is when none was. */
function isOrAny(name: string, wanted: string | null | undefined): boolean {
  return wanted === null || wanted === undefined || name === wanted;
}

/** @throws NotFoundError when the flow has no such routine or slot */
function requirePlace(
  flow: Flow | undefined,
  routineId: string | null | undefined,
  slot?: string | null,
): void {
  if (flow === undefined) return;
  const routines = flow.routines.filter(({ id }) => isOrAny(id, routineId));
  if (routines.length === 0) {
    const known = flow.routines.map(({ id }) => id).join(', ');
    throw new NotFoundError('Routine', routineId ?? '', `Flow "${flow.id}" has: ${known}.`);
  }
  const slots = routines.flatMap((routine) => routine.slots.map(({ name }) => name));
  if (typeof slot === 'string' && !slots.includes(slot)) {
    throw new NotFoundError('Slot', slot, `Known: ${[...new Set(slots)].join(', ')}.`);
  }
}
