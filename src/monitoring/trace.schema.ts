import { builder } from '../graphql/builder.ts';
import type { Preview } from '../lib/preview.ts';
import { FailureType } from './figures.schema.ts';
import type { ActivationRecord, LogRecord, TracedInput, TracedOutput } from './readings.ts';

export const PreviewType = builder.objectRef<Preview>('ItemPreview');
PreviewType.implement({
  description: 'An item as people are shown it: JSON text, cut where it would get long.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'JSON, with `…` where something was left out.' }),
    isTruncated: t.exposeBoolean('isTruncated', { description: 'Whether anything was left out.' }),
  }),
});

export const ItemOriginType = builder.enumType('ItemOrigin', {
  description: 'Where an item came from.',
  values: {
    ACTIVATION: { description: 'An activation emitted it.' },
    JOB_INPUT: {
      description: "It is the job's input, or what a job began with that `rerunFrom` made.",
    },
    BY_HAND: { description: 'Somebody put it in while the job was debugged.' },
  } as const,
});

const TracedInputType = builder.objectRef<TracedInput>('TracedInput');
TracedInputType.implement({
  description: 'An item that an activation took.',
  fields: (t) => ({
    slot: t.exposeString('slot', { description: 'The slot it was taken from.' }),
    emittedBy: t.expose('emittedBy', {
      type: 'Count',
      nullable: true,
      description:
        "The number of the activation that emitted it; null for the job's input, and for what was put in by hand.",
    }),
    origin: t.field({
      type: ItemOriginType,
      description: 'Where it came from.',
      resolve: ({ origin, emittedBy }) =>
        origin ?? (emittedBy === undefined ? 'JOB_INPUT' : 'ACTIVATION'),
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
    activationId: t.expose('activationId', {
      type: 'Count',
      description: 'Its number in the job, from 1; retries have the same.',
    }),
    routineId: t.exposeString('routineId', { description: 'Name of the routine.' }),
    attempt: t.expose('attempt', {
      type: 'Count',
      description: '1 for the first run on these items.',
    }),
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
    runMs: t.exposeFloat('runMs', {
      description: 'Milliseconds it took, without those in which what it emitted waited.',
    }),
    blockedMs: t.exposeFloat('blockedMs', {
      description: 'Milliseconds that what it emitted waited for room.',
    }),
    parentIds: t.field({
      type: ['Count'],
      resolve: ({ parentIds }) => [...parentIds],
      description:
        "The activations that emitted what it took; none for the job's input and for what was put in by hand.",
    }),
    inputs: t.field({
      type: [TracedInputType],
      complexity: { field: 1, multiplier: 2 },
      description: 'The first of the items it took, at most 16.',
      resolve: ({ inputs }) => [...inputs],
    }),
    inputCount: t.expose('inputCount', {
      type: 'Count',
      description: 'How many items it took.',
    }),
    outputs: t.field({
      type: [TracedOutputType],
      complexity: { field: 1, multiplier: 2 },
      description: 'The first of the items it emitted, at most 16.',
      resolve: ({ outputs }) => [...outputs],
    }),
    outputCount: t.expose('outputCount', {
      type: 'Count',
      description: 'How many items it emitted.',
    }),
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
    activationId: t.field({
      type: 'Count',
      nullable: true,
      description:
        'The activation that wrote it, or for which a breakpoint did; null for a breakpoint at a queue.',
      resolve: ({ activationId }) => (activationId === 0 ? undefined : activationId),
    }),
  }),
});
