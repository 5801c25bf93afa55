import type { RoutineProgress } from '../engine/index.ts';
import { RoutineType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import type { Preview } from '../lib/preview.ts';
import { type QueueOfJob, queuesOf, type RoutineOfJob, routinesOf } from './job-parts.ts';
import type {
  ActivationRecord,
  DurationReading,
  FailureReading,
  FullQueue,
  LogRecord,
  MissingItems,
  TracedInput,
  TracedOutput,
  WhyNotRunning,
} from './readings.ts';

export const PressureLevelType = builder.enumType('PressureLevel', {
  description: 'How full a queue is, for colours: green, yellow, orange, red.',
  values: {
    LOW: { description: 'Usage below 0.6. Green.' },
    MEDIUM: { description: 'Usage from 0.6, below the watermark. Yellow.' },
    HIGH: { description: 'From the watermark. Orange.' },
    CRITICAL: { description: 'Full. Red.' },
  } as const,
});

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

const FailureType = builder.objectRef<FailureReading>('Failure');
FailureType.implement({
  description: 'An error that code of a flow threw, or that ended a job.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What it said.' }),
    code: t.exposeString('code', {
      nullable: true,
      description: 'Its own code, if it has one, such as `DEADLOCK`.',
    }),
  }),
});

export { FailureType };

const ProgressType = builder.objectRef<RoutineProgress>('Progress');
ProgressType.implement({
  description: 'How far a routine says it is.',
  fields: (t) => ({
    done: t.exposeFloat('done', { description: 'How much is done, in whatever it counts.' }),
    total: t.exposeFloat('total', {
      nullable: true,
      description: 'How much there is; null when that is not known.',
    }),
    ratio: t.float({
      nullable: true,
      description: '`done` as a share of `total`, 0.0–1.0.',
      resolve: ({ done, total }) =>
        total === undefined || total <= 0 ? null : Math.min(1, Math.max(0, done / total)),
    }),
    message: t.exposeString('message', { nullable: true, description: 'What it is at.' }),
  }),
});

export const DurationsType = builder.objectRef<DurationReading>('DurationStatistics');
DurationsType.implement({
  description:
    'How long the runs of some code took, in milliseconds. Percentiles are within 3.2 % of the exact value. Null when nothing ran.',
  fields: (t) => ({
    count: t.expose('count', { type: 'Count', description: 'Runs that were measured.' }),
    minMs: t.exposeFloat('minMs', { nullable: true, description: 'The shortest.' }),
    avgMs: t.exposeFloat('avgMs', { nullable: true, description: 'The mean.' }),
    p50Ms: t.exposeFloat('p50Ms', { nullable: true, description: 'Half were shorter.' }),
    p95Ms: t.exposeFloat('p95Ms', { nullable: true, description: '95 % were shorter.' }),
    p99Ms: t.exposeFloat('p99Ms', { nullable: true, description: '99 % were shorter.' }),
    maxMs: t.exposeFloat('maxMs', { nullable: true, description: 'The longest.' }),
  }),
});

export const SlotQueueType = builder.objectRef<QueueOfJob>('SlotQueue');
builder.node(SlotQueueType, {
  description:
    'The queue of a slot in a job. Colour it by `pressureLevel`, fill it by `usage`. ' +
    'Every item is counted: accepted = unconsumed + inFlight + consumed + failed + skipped + discarded + dropped, ' +
    'except that with overflow policy `DROP_NEWEST` what was dropped was never accepted.',
  id: { resolve: ({ jobId, reading }) => `${jobId}/${reading.routineId}.${reading.slot}` },
  loadManyWithoutCache: (ids, { readings }) =>
    ids.map(async (id) => {
      const [jobId = '', name = ''] = id.split('/');
      const reading = await readings.load(jobId);
      const queues = reading === undefined ? [] : queuesOf(reading);
      return (
        queues.find((each) => `${each.reading.routineId}.${each.reading.slot}` === name) ?? null
      );
    }),
  fields: (t) => ({
    routineId: t.string({
      description: 'Name of the routine it belongs to.',
      resolve: ({ reading }) => reading.routineId,
    }),
    slot: t.string({ description: 'Name of the slot.', resolve: ({ reading }) => reading.slot }),
    unconsumedCount: t.int({
      description: 'Items that wait in it.',
      resolve: ({ reading }) => reading.unconsumedCount,
    }),
    inFlightCount: t.int({
      description: 'Items that were taken from it by activations that have not ended.',
      resolve: ({ reading }) => reading.inFlightCount,
    }),
    totalCount: t.int({
      description: '`unconsumedCount` + `inFlightCount`.',
      resolve: ({ reading }) => reading.unconsumedCount + reading.inFlightCount,
    }),
    waitingOutsideCount: t.int({
      description: 'Items that wait outside because it is full; so do their producers.',
      resolve: ({ reading }) => reading.waitingOutsideCount,
    }),
    maxLength: t.int({
      description: 'The most items that may wait in it.',
      resolve: ({ reading }) => reading.maxLength,
    }),
    watermarkThreshold: t.int({
      description: 'The count of waiting items from which it is nearly full.',
      resolve: ({ reading }) => reading.watermarkThreshold,
    }),
    usage: t.float({
      description: '`unconsumedCount` as a share of `maxLength`, 0.0–1.0.',
      resolve: ({ reading }) => reading.usage,
    }),
    pressureLevel: t.field({
      type: PressureLevelType,
      description: 'How full it is, for colours.',
      resolve: ({ reading }) => reading.pressureLevel,
    }),
    isFull: t.boolean({
      description: 'Whether nothing more fits in.',
      resolve: ({ reading }) => reading.isFull,
    }),
    isNearFull: t.boolean({
      description: 'Whether it holds `watermarkThreshold` items or more.',
      resolve: ({ reading }) => reading.isNearFull,
    }),
    peakCount: t.int({
      description: 'The most items that ever waited in it.',
      resolve: ({ reading }) => reading.peakCount,
    }),
    acceptedCount: t.field({
      type: 'Count',
      description: 'Items that ever entered it.',
      resolve: ({ reading }) => reading.acceptedCount,
    }),
    consumedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that went well.',
      resolve: ({ reading }) => reading.consumedCount,
    }),
    failedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that failed in the end.',
      resolve: ({ reading }) => reading.failedCount,
    }),
    skippedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that were skipped.',
      resolve: ({ reading }) => reading.skippedCount,
    }),
    droppedCount: t.field({
      type: 'Count',
      description: 'Items lost to the overflow policy.',
      resolve: ({ reading }) => reading.droppedCount,
    }),
    discardedCount: t.field({
      type: 'Count',
      description: 'Items left over when the job ended.',
      resolve: ({ reading }) => reading.discardedCount,
    }),
    rateInPerSecond: t.float({
      description: 'Items a second that enter, over the last second or two.',
      resolve: ({ reading }) => reading.rateInPerSecond,
    }),
    rateOutPerSecond: t.float({
      description: 'Items a second that are taken, over the last second or two.',
      resolve: ({ reading }) => reading.rateOutPerSecond,
    }),
    oldestWaitMs: t.float({
      nullable: true,
      description: 'Milliseconds that the oldest item has waited; null when it is empty.',
      resolve: ({ reading }) => reading.oldestWaitMs,
    }),
    timeUntilFullMs: t.float({
      nullable: true,
      description:
        'Milliseconds until it is full at the present rates; null when it is not filling.',
      resolve: ({ reading }) => reading.timeUntilFullMs,
    }),
  }),
});

const MissingItemsType = builder.objectRef<MissingItems>('MissingItems');
MissingItemsType.implement({
  description: "What a routine's policy waits for in one slot.",
  fields: (t) => ({
    slot: t.exposeString('slot', { description: 'Name of the slot.' }),
    has: t.exposeInt('has', { description: 'Items that wait in it.' }),
    needs: t.exposeInt('needs', {
      nullable: true,
      description: 'Items the policy wants; null for a custom policy that does not say.',
    }),
  }),
});

const FullQueueType = builder.objectRef<FullQueue>('FullQueue');
FullQueueType.implement({
  description: 'A full slot downstream.',
  fields: (t) => ({
    routineId: t.exposeString('routineId', { description: 'Name of the routine it belongs to.' }),
    slot: t.exposeString('slot', { description: 'Name of the slot.' }),
  }),
});

type Why<K extends WhyNotRunning['kind']> = Extract<WhyNotRunning, { kind: K }>;

/** The reasons in words; each names what it is about. */
function explain(why: WhyNotRunning): string {
  switch (why.kind) {
    case 'JOB_NOT_STARTED':
      return 'The job has not started yet.';
    case 'JOB_PAUSED':
      return 'The job is paused.';
    case 'JOB_ENDING':
      return 'The job is being ended.';
    case 'DONE':
      return why.state === 'RUNNING' || why.state === 'PAUSED'
        ? 'It has done its work; as a source it runs once.'
        : `The job is ${why.state}.`;
    case 'AT_BREAKPOINT':
      return `Stopped at a breakpoint: activation ${why.activationIds.join(', ')}.`;
    case 'WAITING_FOR_DATA':
      return `Waits for data: ${why.slots
        .map(
          ({ slot, has, needs }) =>
            `${slot} has ${has}${needs === undefined ? '' : ` of ${needs}`}`,
        )
        .join(', ')}.`;
    case 'WAITING_FOR_TIME':
      return `Waits until ${new Date(why.until).toISOString()}.`;
    case 'WAITING_FOR_RETRY':
      return `Tries again (attempt ${why.attempt}) at ${new Date(why.until).toISOString()}.`;
    case 'BLOCKED_BY_FULL_QUEUE':
      return `Blocked by a full queue: ${why.queues
        .map(({ routineId, slot }) => `${routineId}.${slot}`)
        .join(', ')}.`;
  }
}

const WhyInterface = builder.interfaceRef<WhyNotRunning>('WhyNotRunning');
WhyInterface.implement({
  description: 'Why a routine is not running now. Each reason is a type that says more.',
  fields: (t) => ({
    message: t.string({ description: 'The reason in a sentence, for people.', resolve: explain }),
  }),
  resolveType: ({ kind }) => WHY_TYPES[kind],
});

const WHY_TYPES: Readonly<Record<WhyNotRunning['kind'], string>> = {
  JOB_NOT_STARTED: 'JobNotStarted',
  JOB_PAUSED: 'JobIsPaused',
  JOB_ENDING: 'JobIsEnding',
  DONE: 'RoutineIsDone',
  AT_BREAKPOINT: 'StoppedAtBreakpoint',
  WAITING_FOR_DATA: 'WaitingForData',
  WAITING_FOR_TIME: 'WaitingForTime',
  WAITING_FOR_RETRY: 'WaitingForRetry',
  BLOCKED_BY_FULL_QUEUE: 'BlockedByFullQueue',
};

builder.objectRef<Why<'JOB_NOT_STARTED'>>('JobNotStarted').implement({
  description: 'The job has not started yet.',
  interfaces: [WhyInterface],
});
builder.objectRef<Why<'JOB_PAUSED'>>('JobIsPaused').implement({
  description: 'The job is paused.',
  interfaces: [WhyInterface],
});
builder.objectRef<Why<'JOB_ENDING'>>('JobIsEnding').implement({
  description: 'The job was ended and waits for running code.',
  interfaces: [WhyInterface],
});
builder.objectRef<Why<'DONE'>>('RoutineIsDone').implement({
  description: 'It will not run again: the job has ended, or it is a source that has run.',
  interfaces: [WhyInterface],
});
builder.objectRef<Why<'AT_BREAKPOINT'>>('StoppedAtBreakpoint').implement({
  description: 'Activations of it are stopped at a breakpoint.',
  interfaces: [WhyInterface],
  fields: (t) => ({
    activationIds: t.exposeIntList('activationIds', {
      description: 'The numbers of the activations.',
    }),
  }),
});
builder.objectRef<Why<'WAITING_FOR_DATA'>>('WaitingForData').implement({
  description: 'Its policy wants more data.',
  interfaces: [WhyInterface],
  fields: (t) => ({
    slots: t.field({
      type: [MissingItemsType],
      description: 'Its slots: how many items each has, and needs.',
      resolve: ({ slots }) => [...slots],
    }),
  }),
});
builder.objectRef<Why<'WAITING_FOR_TIME'>>('WaitingForTime').implement({
  description: 'Its policy waits for a moment.',
  interfaces: [WhyInterface],
  fields: (t) => ({
    until: t.expose('until', { type: 'DateTime', description: 'The moment.' }),
  }),
});
builder.objectRef<Why<'WAITING_FOR_RETRY'>>('WaitingForRetry').implement({
  description: 'An activation failed and is tried again.',
  interfaces: [WhyInterface],
  fields: (t) => ({
    until: t.expose('until', { type: 'DateTime', description: 'When it is tried again.' }),
    attempt: t.exposeInt('attempt', {
      description: 'The attempt that comes next; the first was 1.',
    }),
  }),
});
builder.objectRef<Why<'BLOCKED_BY_FULL_QUEUE'>>('BlockedByFullQueue').implement({
  description: 'What it emitted waits for room downstream.',
  interfaces: [WhyInterface],
  fields: (t) => ({
    queues: t.field({
      type: [FullQueueType],
      description: 'The full slots.',
      resolve: ({ queues }) => [...queues],
    }),
  }),
});

export const JobRoutineType = builder.objectRef<RoutineOfJob>('JobRoutine');
builder.node(JobRoutineType, {
  description: 'A routine in a job: how it fares there. Its definition is told by `Routine`.',
  id: { resolve: ({ jobId, reading }) => `${jobId}/${reading.routineId}` },
  loadManyWithoutCache: (ids, { readings }) =>
    ids.map(async (id) => {
      const [jobId = '', routineId = ''] = id.split('/');
      const reading = await readings.load(jobId);
      const routines = reading === undefined ? [] : routinesOf(reading);
      return routines.find((each) => each.reading.routineId === routineId) ?? null;
    }),
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
      description: 'Whether activations of it are going on, or begin at the next chance.',
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
      description: 'Why it is not running; null when it is.',
      resolve: ({ reading }) => reading.whyNotRunning,
    }),
    queues: t.field({
      type: [SlotQueueType],
      description: 'The queues of its slots.',
      resolve: ({ jobId, flowId, reading }) =>
        reading.queues.map((queue) => ({ jobId, flowId, reading: queue })),
    }),
    durations: t.field({
      type: DurationsType,
      nullable: true,
      description: 'How long its activations took; each retried run counts by itself.',
      resolve: async ({ jobId, reading }, _args, { durations }) =>
        (await durations.load(jobId)).get(reading.routineId),
    }),
  }),
});

const PreviewType = builder.objectRef<Preview>('ItemPreview');
PreviewType.implement({
  description: 'An item as people are shown it: JSON text, cut where it would get long.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'JSON, with `…` where something was left out.' }),
    isTruncated: t.exposeBoolean('isTruncated', { description: 'Whether anything was left out.' }),
  }),
});

const TracedInputType = builder.objectRef<TracedInput>('TracedInput');
TracedInputType.implement({
  description: 'An item that an activation took.',
  fields: (t) => ({
    slot: t.exposeString('slot', { description: 'The slot it was taken from.' }),
    emittedBy: t.exposeInt('emittedBy', {
      nullable: true,
      description: "The number of the activation that emitted it; null for the job's input.",
    }),
    item: t.field({
      type: PreviewType,
      description: 'The item.',
      resolve: ({ item }) => item,
    }),
  }),
});

const TracedOutputType = builder.objectRef<TracedOutput>('TracedOutput');
TracedOutputType.implement({
  description: 'An item that an activation emitted.',
  fields: (t) => ({
    event: t.exposeString('event', { description: 'The event it was emitted as.' }),
    item: t.field({
      type: PreviewType,
      description: 'The item.',
      resolve: ({ item }) => item,
    }),
  }),
});

export const ActivationOutcomeType = builder.enumType('ActivationOutcome', {
  description: 'How a run of a routine ended.',
  values: {
    COMPLETED: { description: 'It went well.' },
    FAILED: { description: 'It failed, and was not tried again.' },
    SKIPPED: { description: 'It failed, and the routine was skipped for its items.' },
    RETRIED: { description: 'It failed, and was tried again; that run is an entry of its own.' },
    ABANDONED: { description: 'The job ended first.' },
  } as const,
});

export const ActivationRecordType = builder.objectRef<ActivationRecord>('Activation');
ActivationRecordType.implement({
  description: 'One run of a routine on the items its policy took.',
  fields: (t) => ({
    activationId: t.exposeInt('activationId', {
      description: 'Its number in the job, from 1; retries have the same.',
    }),
    routineId: t.exposeString('routineId', { description: 'Name of the routine.' }),
    attempt: t.exposeInt('attempt', { description: '1 for the first run on these items.' }),
    outcome: t.field({
      type: ActivationOutcomeType,
      description: 'How it ended.',
      resolve: ({ outcome }) => outcome,
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'What it failed with.',
      resolve: ({ error }) => error,
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    waitMs: t.exposeFloat('waitMs', {
      description: 'Milliseconds that the oldest of its items had waited in the slot.',
    }),
    runMs: t.exposeFloat('runMs', { description: 'Milliseconds it took.' }),
    parentIds: t.exposeIntList('parentIds', {
      description: "The activations that emitted what it took; none when that was the job's input.",
    }),
    inputs: t.field({
      type: [TracedInputType],
      description: 'The first of the items it took, at most 16.',
      resolve: ({ inputs }) => [...inputs],
    }),
    inputCount: t.exposeInt('inputCount', { description: 'How many items it took.' }),
    outputs: t.field({
      type: [TracedOutputType],
      description: 'The first of the items it emitted, at most 16.',
      resolve: ({ outputs }) => [...outputs],
    }),
    outputCount: t.exposeInt('outputCount', { description: 'How many items it emitted.' }),
  }),
});

export const LogLevelType = builder.enumType('LogLevel', {
  description: 'How much a log line matters.',
  values: {
    DEBUG: { description: 'For those who look for a fault.' },
    INFO: { description: 'As expected.' },
    WARNING: { description: 'Not as expected, but it goes on.' },
    ERROR: { description: 'Something failed.' },
  } as const,
});

export const LogRecordType = builder.objectRef<LogRecord>('LogLine');
LogRecordType.implement({
  description: "A line that a routine wrote to its job's log.",
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was written.' }),
    level: t.field({
      type: LogLevelType,
      description: 'How much it matters.',
      resolve: ({ level }) => level,
    }),
    message: t.exposeString('message', { description: 'What happened.' }),
    facts: t.field({
      type: PreviewType,
      nullable: true,
      description: 'The facts that were given with it.',
      resolve: ({ facts }) => facts,
    }),
    routineId: t.exposeString('routineId', { description: 'Name of the routine that wrote it.' }),
    activationId: t.exposeInt('activationId', { description: 'The activation that wrote it.' }),
  }),
});
