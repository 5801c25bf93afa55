import { z } from 'zod';
import type { Flow } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import { localId } from '../graphql/ids.ts';
import { mapChannel } from '../lib/channel.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { changedParts, queuesOf, routinesOf } from '../monitoring/job-parts.ts';
import { JobRoutineType, SlotQueueType } from '../monitoring/schema.ts';
import { hasQueueChanged, hasRoutineChanged } from './diff-readings.ts';
import { JobType } from './schema.ts';

const DEFAULT_RATE_HZ = 10;
const RATE = z.number().min(0.1).max(20);
const RATE_DESCRIPTION = 'The most messages a second, 0.1–20. Default 10.';

builder.subscriptionField('jobStatusChanged', (t) =>
  t.field({
    type: JobType,
    description:
      'Kind: *state*. Jobs as their state changes. With `jobId` the job as it is now, then its changes, until it has ' +
      'ended; without, first those that have not ended (at most 1000), then all that change.',
    authScopes: { watch: true },
    args: {
      jobId: t.arg.id({ description: 'Only this job.' }),
      flowId: t.arg.id({ description: 'Only jobs of this flow, by id or name.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: `${RATE_DESCRIPTION} Counted for each job.`,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, flowId, maxRateHz }, { jobs, flows, liveJobs }) => {
      const rateHz = maxRateHz ?? DEFAULT_RATE_HZ;
      const flow = flowId ? flows.require(localId('Flow', flowId, ['flowId'])).id : undefined;
      if (!jobId) return liveJobs.watchJobs({ flowId: flow }, rateHz);
      const { id } = await jobs.require(localId('Job', jobId, ['jobId']));
      return liveJobs.watchJobs({ jobId: id, flowId: flow }, rateHz);
    },
    resolve: (job) => job,
  }),
);

builder.subscriptionField('routineStatusChanged', (t) =>
  t.field({
    type: [JobRoutineType],
    description:
      "Kind: *state*. A job's routines: first all of them as they are now, then those that changed, until the job has ended.",
    authScopes: { watch: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      routineId: t.arg.string({ description: 'Only this routine, by its name in the flow.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: RATE_DESCRIPTION,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, routineId, maxRateHz }, { jobs, flows, liveJobs }) => {
      const job = await jobs.require(localId('Job', jobId, ['jobId']));
      requirePlace(flows.get(job.flowId), routineId);
      const changed = changedParts(
        (reading) =>
          routinesOf(reading).filter((each) => !routineId || each.reading.routineId === routineId),
        (before, after) => hasRoutineChanged(before?.reading, after.reading),
      );
      return mapChannel(liveJobs.watchReadings(job.id, maxRateHz ?? DEFAULT_RATE_HZ), changed);
    },
    resolve: (routines) => [...routines],
  }),
);

builder.subscriptionField('queueStatusChanged', (t) =>
  t.field({
    type: [SlotQueueType],
    description:
      "Kind: *state*. A job's queues: first all of them as they are now, then those that changed, until the job has ended.",
    authScopes: { watch: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      routineId: t.arg.string({
        description: 'Only queues of this routine, by its name in the flow.',
      }),
      slot: t.arg.string({ description: 'Only queues of slots with this name.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: RATE_DESCRIPTION,
        validate: RATE,
      }),
    },
    subscribe: async (_root, { jobId, routineId, slot, maxRateHz }, { jobs, flows, liveJobs }) => {
      const job = await jobs.require(localId('Job', jobId, ['jobId']));
      requirePlace(flows.get(job.flowId), routineId, slot);
      const changed = changedParts(
        (reading) =>
          queuesOf(reading).filter(
            (each) =>
              (!routineId || each.reading.routineId === routineId) &&
              (!slot || each.reading.slot === slot),
          ),
        (before, after) => hasQueueChanged(before?.reading, after.reading),
      );
      return mapChannel(liveJobs.watchReadings(job.id, maxRateHz ?? DEFAULT_RATE_HZ), changed);
    },
    resolve: (queues) => [...queues],
  }),
);

/** @throws NotFoundError when the flow has no such routine or slot */
function requirePlace(
  flow: Flow | undefined,
  routineId: string | null | undefined,
  slot?: string | null,
): void {
  if (flow === undefined) return;
  const routines = flow.routines.filter(({ id }) => !routineId || id === routineId);
  if (routines.length === 0) {
    const known = flow.routines.map(({ id }) => id).join(', ');
    throw new NotFoundError('Routine', routineId ?? '', `Flow "${flow.id}" has: ${known}.`);
  }
  const slots = routines.flatMap((routine) => routine.slots.map(({ name }) => name));
  if (slot && !slots.includes(slot)) {
    throw new NotFoundError('Slot', slot, `Known: ${[...new Set(slots)].join(', ')}.`);
  }
}
