import { z } from 'zod';
import {
  controlAndDebug,
  debugRequestOf,
  StartDebugInput,
} from '../debugger/start-debug.schema.ts';
import './errors.schema.ts';
import { builder } from '../graphql/builder.ts';
import { ErrorInterface } from '../graphql/errors.ts';
import { encodeId, localId } from '../graphql/ids.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { ActivationRecordType } from '../monitoring/trace.schema.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import { IdempotencyConflictError, type Job, type JobOrigin, ShuttingDownError } from './job.ts';
import { NotRecordedError } from './not-recorded-error.ts';
import { JobType } from './schema.ts';

const JobOriginType = builder.objectRef<JobOrigin>('JobOrigin');
JobOriginType.implement({
  description: 'The activation of another job that a job began with.',
  fields: (t) => ({
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'That job; null when it was deleted.',
      resolve: ({ jobId }, _args, { jobsById }) => jobsById.load(jobId),
    }),
    jobId: t.id({
      description: 'The id that it has, or had.',
      resolve: ({ jobId }) => encodeId('Job', jobId),
    }),
    activationId: t.expose('activationId', {
      type: 'Count',
      description: 'The number of the activation in that job.',
    }),
    routineId: t.exposeString('routineId', { description: 'Name of the routine that it ran.' }),
    isEdited: t.boolean({
      description: 'Whether it began with other items than were recorded.',
      resolve: ({ edits }) => edits !== undefined,
    }),
  }),
});

builder.objectFields(JobType, (t) => ({
  rerunOf: t.field({
    type: JobOriginType,
    nullable: true,
    description: 'The activation that it began with, if `rerunFrom` made it; else null.',
    resolve: ({ rerunOf }) => rerunOf,
  }),
}));

builder.objectFields(ActivationRecordType, (t) => ({
  canRerun: t.boolean({
    description:
      'Whether `rerunFrom` has the items that it took. While the job runs it has those of the whole trace, unless they ' +
      'turn out to be no plain data, or more than 1,048,576 characters as text. Of a job that has ended up to 16,384 ' +
      'characters of one activation are kept, and half as many of all as its trace has at most, of the newest.',
    resolve: ({ recorded }) => recorded?.kind === 'IN_MEMORY' || recorded?.kind === 'KEPT',
  }),
}));

const NotRecordedReasonType = builder.enumType('NotRecordedReason', {
  description: 'Why the items of an activation are not recorded.',
  values: {
    LEFT_TRACE: { description: 'It is not in the trace of its job any more.' },
    TOO_LARGE: { description: 'They are too large to be kept.' },
    NO_ROOM: { description: "What is kept of a job's trace was full of newer ones." },
    NOT_WRITABLE: {
      description: 'They are not plain data: a function is in them, say. The message says where.',
    },
    OLD_RECORD: { description: 'It ended when the server did not record items yet.' },
  } as const,
});

builder.objectType(NotRecordedError, {
  name: 'NotRecordedError',
  description: 'What an activation took is not recorded, or is not any more. Code `NOT_RECORDED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.field({
      type: NotRecordedReasonType,
      description: 'Why that is.',
      resolve: ({ reason }) => reason,
    }),
  }),
});

interface RerunPayload {
  readonly job: Job;
}

const RerunFromPayload = builder.objectRef<RerunPayload>('RerunFromPayload');
RerunFromPayload.implement({
  description: 'A job was accepted that begins in the middle of another.',
  fields: (t) => ({
    job: t.field({ type: JobType, description: 'The new job.', resolve: ({ job }) => job }),
    jobId: t.id({
      description: 'The id of the job: also for who may start jobs and not see them.',
      resolve: ({ job: { id } }) => encodeId('Job', id),
    }),
  }),
});

const ReplaceItemOfRerun = builder.inputType('RerunReplaceInput', {
  description: 'Another value for an item.',
  fields: (t) => ({
    index: t.field({
      type: 'Count',
      required: true,
      description: 'Which: its place among the items that the activation took, from 0.',
    }),
    value: t.field({ type: 'JSON', description: 'What it is to be. Default: null.' }),
  }),
});

const AddItemToRerun = builder.inputType('RerunAddInput', {
  description: 'An item that the activation did not take.',
  fields: (t) => ({
    slot: t.string({ required: true, description: 'The slot of the routine that it is for.' }),
    value: t.field({ type: 'JSON', description: 'What it is. Default: null.' }),
  }),
});

const RerunFromInput = builder.inputType('RerunFromInput', {
  description: 'What `rerunFrom` needs to know.',
  fields: (t) => ({
    jobId: t.id({ required: true, description: 'The id of the job that the activation is of.' }),
    activationId: t.field({
      type: 'Count',
      required: true,
      description: 'The activation, by its number in the job.',
    }),
    replace: t.field({
      type: [ReplaceItemOfRerun],
      validate: z.array(z.unknown()).max(1000, 'Give at most 1000.'),
      description:
        'Items that get other values, at most 1000. All others stay as they were recorded.',
    }),
    drop: t.field({
      type: ['Count'],
      validate: z.array(z.unknown()).max(1000, 'Give at most 1000.'),
      description: 'Items that are left out, by their places from 0, at most 1000.',
    }),
    add: t.field({
      type: [AddItemToRerun],
      validate: z.array(z.unknown()).max(1000, 'Give at most 1000.'),
      description: 'Items that come behind all others, at most 1000.',
    }),
    debug: t.field({
      type: StartDebugInput,
      description:
        'How the new job is to be debugged: with `stopAtEntry` it stops before the activation runs again. Default: ' +
        'not at all.',
    }),
    idempotencyKey: t.string({
      description: 'Makes it safe to send this again, as in `startJob`. 1–200 characters.',
    }),
  }),
});

builder.mutationField('rerunFrom', (t) =>
  t.field({
    type: RerunFromPayload,
    description:
      'Starts a new job that begins with one activation of another, in any state of that: its routine runs on the items ' +
      'that were recorded, edited if wanted, and what comes of it goes on as usual. Nothing else enters: no source runs, ' +
      "and the job's input goes into no slot, though code sees it as `ctx.job.input`. Flow, input, metadata, owner and " +
      'priority are those of the other job; routine states are new. Of a job that runs, or has just ended, items are ' +
      'taken as they are in memory: code that changed one in place has changed the record. A retry by `retryJob` begins ' +
      'the same way. With `debug` it needs the scope `DEBUG` too.',
    authScopes: controlAndDebug,
    errors: {
      types: [
        NotFoundError,
        NotRecordedError,
        ValidationError,
        IdempotencyConflictError,
        ShuttingDownError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'RerunFromResult', description: 'The new job, or why there is none.' },
    },
    args: { input: t.arg({ type: RerunFromInput, required: true, description: 'The beginning.' }) },
    resolve: async (_root, { input }, { jobs, jobsById }) => {
      const { jobId, activationId, replace, drop, add, debug, idempotencyKey } = input;
      const edits = {
        replace: (replace ?? []).map(({ index, value = null }) => ({ index, value })),
        drop: drop ?? [],
        add: (add ?? []).map(({ slot, value = null }) => ({ slot, value })),
      };
      const id = localId('Job', jobId, ['input', 'jobId']);
      const owner = { flowId: (await jobsById.load(id))?.flowId };
      const job = await jobs.rerunFrom({
        jobId: id,
        activationId,
        edits,
        debug: debug ? debugRequestOf(debug, owner, ['input', 'debug']) : undefined,
        idempotencyKey: idempotencyKey ?? undefined,
      });
      return { job };
    },
  }),
);
