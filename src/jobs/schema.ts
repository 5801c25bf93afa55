import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { keysetConnection, listConnection, pageComplexity } from '../graphql/connections.ts';
import { localId } from '../graphql/ids.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { toJson } from '../lib/to-json.ts';
import { mergeDurations } from '../monitoring/durations.ts';
import { queuesOf, routinesOf } from '../monitoring/job-parts.ts';
import type { DurationReading, JobReading } from '../monitoring/readings.ts';
import {
  ActivationOutcomeType,
  ActivationRecordType,
  DurationsType,
  FailureType,
  JobRoutineType,
  LogLevelType,
  LogRecordType,
  SlotQueueType,
} from '../monitoring/schema.ts';
import { durationMs, type Job } from './job.ts';
import { type JobPosition, positionOf } from './job-query.ts';

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

interface JobOutput {
  readonly name: string;
  readonly values: readonly unknown[];
}

const JobOutputType = builder.objectRef<JobOutput>('JobOutput');
JobOutputType.implement({
  description: 'What a job put out under one name.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the output.' }),
    count: t.int({
      description: 'How many values are kept: all, up to 1000.',
      resolve: ({ values }) => values.length,
    }),
    values: t.field({
      type: ['JSON'],
      description: 'The first values, in the order they were emitted.',
      args: {
        first: t.arg.int({ defaultValue: 10, description: 'How many to give, 0–1000.' }),
      },
      resolve: ({ values }, { first }) => values.slice(0, Math.max(0, first ?? 10)).map(toJson),
    }),
  }),
});

interface JobMetrics {
  readonly reading: JobReading | undefined;
  readonly durations: DurationReading;
  readonly runMs: number;
}

const JobMetricsType = builder.objectRef<JobMetrics>('JobMetrics');
const total = (
  { reading }: JobMetrics,
  count: 'executionCount' | 'errorCount' | 'skippedCount' | 'retryCount',
) => (reading?.routines ?? []).reduce((sum, routine) => sum + routine[count], 0);
JobMetricsType.implement({
  description: 'Figures of a whole job: those of its routines taken together.',
  fields: (t) => ({
    executionCount: t.field({
      type: 'Count',
      description: 'Activations that have ended, however.',
      resolve: (metrics) => total(metrics, 'executionCount'),
    }),
    errorCount: t.field({
      type: 'Count',
      description: 'Activations that failed in the end.',
      resolve: (metrics) => total(metrics, 'errorCount'),
    }),
    skippedCount: t.field({
      type: 'Count',
      description: 'Activations that failed and were skipped.',
      resolve: (metrics) => total(metrics, 'skippedCount'),
    }),
    retryCount: t.field({
      type: 'Count',
      description: 'Runs that failed and were tried again.',
      resolve: (metrics) => total(metrics, 'retryCount'),
    }),
    activationsPerSecond: t.float({
      description: 'Activations that ended, per second since the job started.',
      resolve: (metrics) =>
        metrics.runMs > 0 ? (total(metrics, 'executionCount') / metrics.runMs) * 1000 : 0,
    }),
    durations: t.field({
      type: DurationsType,
      description: 'How long the activations of all routines took.',
      resolve: ({ durations }) => durations,
    }),
  }),
});

const TraceFilter = builder.inputType('TraceFilter', {
  description: 'Which activations to list: those for which all that is given is true.',
  fields: (t) => ({
    routineIds: t.stringList({ description: 'Of these routines, by name.' }),
    outcomes: t.field({
      type: [ActivationOutcomeType],
      description: 'Ended in one of these ways.',
    }),
  }),
});

const LogFilter = builder.inputType('JobLogFilter', {
  description: 'Which log lines to list: those for which all that is given is true.',
  fields: (t) => ({
    routineIds: t.stringList({ description: 'Of these routines, by name.' }),
    levels: t.field({ type: [LogLevelType], description: 'Of these levels.' }),
  }),
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
      description: 'Whether its end was asked for and running code is still waited for.',
      resolve: ({ cancelRequestedAt, finishedAt }) =>
        cancelRequestedAt !== undefined && finishedAt === undefined,
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it was started with.',
      resolve: ({ input }) => input,
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Whatever was attached to it when it was started: an object.',
      resolve: ({ metadata }) => metadata,
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
      resolve: async ({ retryOf }, _args, { jobs }) =>
        retryOf === undefined ? null : jobs.find(retryOf),
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
      resolve: (job, _args, { now }) => durationMs(job, now()),
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
      resolve: ({ outputs }) => Object.entries(outputs).map(([name, values]) => ({ name, values })),
    }),
    unresponsiveRoutineIds: t.stringList({
      description: 'Routines whose code went on when the job was ended, and was left behind.',
      resolve: ({ unresponsiveRoutineIds }) => [...unresponsiveRoutineIds],
    }),
    progress: t.float({
      nullable: true,
      description:
        'Share that is done, 0.0–1.0, of all that those routines counted that tell a total; null when none does.',
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
        id: t.arg.string({ required: true, description: 'Name of the routine in the flow.' }),
      },
      resolve: async (job, { id }, { readings }) => {
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
        return { reading, durations: mergeDurations([...byRoutine.values()]), runMs };
      },
    }),
    trace: t.connection(
      {
        type: ActivationRecordType,
        description:
          'Its newest activations in the order they ended, oldest first: the last 1000, and 100 older ones that ' +
          'did not go well. Of jobs that ended a while ago it may be gone.',
        args: { filter: t.arg({ type: TraceFilter, description: 'Which to list. Default: all.' }) },
        complexity: pageComplexity,
        resolve: async ({ id }, { filter, ...page }, { jobHost }) => {
          const { records } = await jobHost.readTrace(id);
          const wanted = records.filter(
            ({ routineId, outcome }) =>
              (filter?.routineIds?.includes(routineId) ?? true) &&
              (filter?.outcomes?.includes(outcome) ?? true),
          );
          return listConnection(
            page,
            wanted,
            ({ activationId, attempt }) => `${activationId}.${attempt}`,
          );
        },
      },
      { name: 'ActivationConnection', description: 'A page of activations.' },
      { name: 'ActivationEdge', description: 'An activation in a page.' },
    ),
    traceDroppedCount: t.field({
      type: 'Count',
      description: 'Runs of routines that are not in the trace any more.',
      resolve: async ({ id }, _args, { jobHost }) => (await jobHost.readTrace(id)).droppedCount,
    }),
    logs: t.connection(
      {
        type: LogRecordType,
        description: 'The newest 500 lines that its routines wrote to its log, oldest first.',
        args: { filter: t.arg({ type: LogFilter, description: 'Which to list. Default: all.' }) },
        complexity: pageComplexity,
        resolve: async ({ id }, { filter, ...page }, { jobHost }) => {
          const lines = (await jobHost.readLogs(id)).map((line, at) => ({
            ...line,
            at: line.at,
            key: String(at),
          }));
          const wanted = lines.filter(
            ({ routineId, level }) =>
              (filter?.routineIds?.includes(routineId) ?? true) &&
              (filter?.levels?.includes(level) ?? true),
          );
          return listConnection(page, wanted, ({ key }) => key);
        },
      },
      { name: 'LogLineConnection', description: 'A page of log lines.' },
      { name: 'LogLineEdge', description: 'A log line in a page.' },
    ),
  }),
});

function progressOf(reading: JobReading | undefined): number | null {
  if (reading?.state === 'COMPLETED') return 1;
  let done = 0;
  let all = 0;
  for (const { progress } of reading?.routines ?? []) {
    if (progress?.total === undefined) continue;
    done += Math.min(progress.done, progress.total);
    all += progress.total;
  }
  return all > 0 ? Math.max(0, done / all) : null;
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

const JobFilterInput = builder.inputType('JobFilter', {
  description: 'Which jobs to list: those for which all that is given is true.',
  fields: (t) => ({
    flowIds: t.idList({ description: 'Of one of these flows, by id or name.' }),
    statuses: t.field({ type: [JobStatusType], description: 'In one of these states.' }),
    owner: t.string({ description: 'Of this owner.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Accepted after this moment.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Accepted before this moment.' }),
    finishedAfter: t.field({ type: 'DateTime', description: 'Ended after this moment.' }),
    finishedBefore: t.field({ type: 'DateTime', description: 'Ended before this moment.' }),
    text: t.string({
      description:
        'With this text in the id, the flow, the owner or the metadata, in upper or lower case.',
    }),
  }),
});

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end of an order comes first.',
  values: {
    ASC: { description: 'Smallest, earliest first.' },
    DESC: { description: 'Largest, latest first.' },
  } as const,
});

const JobOrderField = builder.enumType('JobOrderField', {
  description: 'What to order jobs by. Jobs that have no value there come last.',
  values: {
    CREATED_AT: { description: 'When they were accepted.' },
    FINISHED_AT: { description: 'When they ended.' },
    DURATION: { description: 'How long they ran, once they have ended.' },
    STATUS: { description: 'Their state, by name.' },
  } as const,
});

const JobOrderInput = builder.inputType('JobOrder', {
  description: 'The order of a list of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderField, required: true, description: 'What to order by.' }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'ASC',
      description: 'Which end comes first.',
    }),
  }),
});

const isJobPosition = (value: unknown): value is JobPosition => {
  if (typeof value !== 'object' || value === null || !('id' in value && 'key' in value))
    return false;
  const { id, key } = value;
  return (
    typeof id === 'string' && (key === null || typeof key === 'string' || typeof key === 'number')
  );
};

builder.queryField('jobs', (t) =>
  t.connection(
    {
      type: JobType,
      description: 'Jobs, newest first unless `orderBy` says otherwise.',
      authScopes: { watch: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: JobFilterInput, description: 'Which to list. Default: all.' }),
        orderBy: t.arg({ type: JobOrderInput, description: 'In which order.' }),
      },
      resolve: (_root, { filter, orderBy, ...page }, { jobs }) => {
        const order = {
          field: orderBy?.field ?? 'CREATED_AT',
          isDescending: orderBy === null || orderBy === undefined || orderBy.direction === 'DESC',
        } as const;
        const wanted = {
          flowIds: filter?.flowIds?.map((id) => localId('Flow', id, ['filter', 'flowIds'])),
          states: filter?.statuses ?? undefined,
          owner: filter?.owner ?? undefined,
          createdAfter: filter?.createdAfter ?? undefined,
          createdBefore: filter?.createdBefore ?? undefined,
          finishedAfter: filter?.finishedAfter ?? undefined,
          finishedBefore: filter?.finishedBefore ?? undefined,
          text: filter?.text ?? undefined,
        };
        return keysetConnection<Job, JobPosition>(page, {
          positionOf: (job) => positionOf(job, order),
          isPosition: isJobPosition,
          fetch: (range) => jobs.list({ ...range, filter: wanted, order }),
          totalCount: () => jobs.count(wanted),
        });
      },
    },
    { name: 'JobConnection', description: 'A page of jobs.' },
    { name: 'JobEdge', description: 'A job in a page.' },
  ),
);

builder.queryField('job', (t) =>
  t.field({
    type: JobType,
    nullable: true,
    description: 'One job. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { watch: true },
    args: { id: t.arg.id({ required: true, description: 'Its id, such as `Job:0197…`.' }) },
    resolve: (_root, { id }, { jobs }) => jobs.require(localId('Job', id, ['id'])),
  }),
);
