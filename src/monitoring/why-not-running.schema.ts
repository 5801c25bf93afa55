import { builder } from '../graphql/builder.ts';
import type { FullQueue, MissingItems, WhyNotRunning } from './readings.ts';

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

export const WhyInterface = builder.interfaceRef<WhyNotRunning>('WhyNotRunning');
WhyInterface.implement({
  description: 'Why no code of a routine is running now. Each reason is a type that says more.',
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
    activationIds: t.field({
      type: ['Count'],
      resolve: ({ activationIds }) => [...activationIds],
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
      complexity: { field: 1, multiplier: 2 },
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
    attempt: t.expose('attempt', {
      type: 'Count',
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
      complexity: { field: 1, multiplier: 2 },
      description: 'The full slots.',
      resolve: ({ queues }) => [...queues],
    }),
  }),
});
