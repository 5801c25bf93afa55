import type { ErrorStrategy, Flow, FlowRoutine, SlotDefinition } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import { toJson } from '../lib/to-json.ts';
import { showConfig, showConfigSchema } from './show-config.ts';

/** A routine at its place in a flow. */
export interface RoutineOfFlow {
  readonly flow: Flow;
  readonly routine: FlowRoutine;
}

const ActivationPolicyType = builder.enumType('ActivationPolicyType', {
  description: 'When a routine runs and what it takes then.',
  values: {
    IMMEDIATE: { description: 'For each item by itself, as soon as it is there.' },
    BATCH_SIZE: { description: 'On a fixed number of items of one slot.' },
    TIME_INTERVAL: { description: 'On all that gathered, a time after the first of it came.' },
    ALL_SLOTS_READY: { description: 'On one item of every slot, once each holds one.' },
    CUSTOM: { description: 'As code of the flow decides; see its name, config and description.' },
    NONE: { description: 'Not by data: at the start of the job (a source), or when it drains.' },
  } as const,
});

const OverflowPolicyType = builder.enumType('OverflowPolicy', {
  description: 'What happens to an item that is emitted into a full slot.',
  values: {
    BLOCK: { value: 'block', description: 'It waits outside, and its producer with it.' },
    ERROR: { value: 'error', description: 'The producer gets an error.' },
    DROP_OLDEST: { value: 'dropOldest', description: 'The item that waited longest is dropped.' },
    DROP_NEWEST: { value: 'dropNewest', description: 'It is dropped.' },
  } as const,
});

const ErrorActionType = builder.enumType('ErrorAction', {
  description: 'What happens in the end with an activation that failed.',
  values: {
    STOP: { value: 'stop', description: 'The job fails.' },
    CONTINUE: { value: 'continue', description: 'The error is counted; the job goes on.' },
    SKIP: {
      value: 'skip',
      description: 'The routine is skipped for these items; not counted as an error.',
    },
  } as const,
});

const PolicyType = builder.objectRef<FlowRoutine['policy']>('ActivationPolicy');
PolicyType.implement({
  description: 'When a routine runs and what it takes then.',
  fields: (t) => ({
    type: t.field({
      type: ActivationPolicyType,
      description: 'The kind of policy.',
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString('name', { description: 'Its name; a custom policy chooses its own.' }),
    description: t.exposeString('description', { description: 'What it does, in a sentence.' }),
    config: t.field({
      type: 'JSON',
      description:
        'Its settings: an object whose keys depend on the policy. Keys in `Ms` are milliseconds.',
      resolve: ({ config }) => toJson(config),
    }),
  }),
});

const ErrorStrategyType = builder.objectRef<ErrorStrategy>('ErrorStrategy');
ErrorStrategyType.implement({
  description: "What happens when a routine's code fails.",
  fields: (t) => ({
    action: t.field({
      type: ErrorActionType,
      description: 'What happens in the end.',
      resolve: (strategy) => (typeof strategy === 'string' ? strategy : strategy.then),
    }),
    maxAttempts: t.field({
      type: 'Count',
      description: 'How often the code runs at most; 1 means that nothing is retried.',
      resolve: (strategy) => (typeof strategy === 'string' ? 1 : strategy.maxAttempts),
    }),
    delayMs: t.float({
      description: 'Milliseconds before the second attempt.',
      resolve: (strategy) => (typeof strategy === 'string' ? 0 : strategy.delayMs),
    }),
    isExponential: t.boolean({
      description: 'Whether the delay doubles with each attempt.',
      resolve: (strategy) => typeof strategy !== 'string' && strategy.backoff === 'exponential',
    }),
  }),
});

const SlotDefinitionType = builder.objectRef<SlotDefinition>('SlotDefinition');
SlotDefinitionType.implement({
  description: 'A slot of a routine: a bounded queue of items for it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name, unique in its routine.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it takes.' }),
    isRequired: t.exposeBoolean('required', {
      description: 'Whether a flow must connect something to it.',
    }),
    maxLength: t.exposeInt('maxLength', { description: 'The most items that may wait in it.' }),
    watermark: t.exposeFloat('watermark', {
      description: 'Share of `maxLength` (0.0–1.0) from which it counts as nearly full.',
    }),
    overflow: t.field({
      type: OverflowPolicyType,
      description: 'What happens to items that find it full.',
      resolve: ({ overflow }) => overflow,
    }),
  }),
});

const EventDefinitionType = builder.objectRef<{ name: string; description: string | undefined }>(
  'EventDefinition',
);
EventDefinitionType.implement({
  description: 'An event of a routine: a named output.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name, unique in its routine.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it emits.' }),
  }),
});

/** The type of the API that shows a routine's place in a flow: its definition, whatever jobs do. */
export const RoutineType = builder.objectRef<RoutineOfFlow>('Routine');
builder.node(RoutineType, {
  description: 'A routine as its flow defines it. How it fares in a job is told by `JobRoutine`.',
  authScopes: { read: true },
  id: { resolve: ({ flow, routine }) => `${flow.id}/${routine.id}` },
  loadManyWithoutCache: (ids, { flows }) =>
    ids.map((id) => {
      const [flowId = '', ...rest] = id.split('/');
      const flow = flows.get(flowId);
      const routine = flow?.routines.find((each) => each.id === rest.join('/'));
      return flow === undefined || routine === undefined ? null : { flow, routine };
    }),
  fields: (t) => ({
    routineId: t.string({
      description: 'Its name, unique in its flow.',
      resolve: ({ routine }) => routine.id,
    }),
    type: t.string({
      description: 'The routine type: the code it runs.',
      resolve: ({ routine }) => routine.type.type,
    }),
    description: t.string({
      nullable: true,
      description: 'What its type does.',
      resolve: ({ routine }) => routine.type.description,
    }),
    policy: t.field({
      type: PolicyType,
      description: 'When it runs and what it takes then.',
      resolve: ({ routine }) => routine.policy,
    }),
    errorStrategy: t.field({
      type: ErrorStrategyType,
      description: 'What happens when its code fails.',
      resolve: ({ routine }) => routine.onError,
    }),
    concurrency: t.int({
      description: 'How many of its activations may run side by side.',
      resolve: ({ routine }) => routine.concurrency,
    }),
    timeoutMs: t.float({
      nullable: true,
      description: 'Milliseconds after which an activation is given up as failed; null for never.',
      resolve: ({ routine }) => routine.timeoutMs,
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Its configuration, checked and with defaults filled in; null when its type has none. What its type calls a ' +
        'secret, and what stands under a name such as `password`, is shown as `***`.',
      resolve: ({ routine }) => showConfig(routine),
    }),
    configSchema: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'JSON Schema of the configuration; null when there is none or it can not be told. Defaults and examples of secrets ' +
        'are shown as `***`.',
      resolve: ({ routine }) => showConfigSchema(routine.type),
    }),
    slots: t.field({
      type: [SlotDefinitionType],
      complexity: { field: 1, multiplier: 2 },
      description: 'Its slots, in the order they are defined.',
      resolve: ({ routine }) => [...routine.slots],
    }),
    events: t.field({
      type: [EventDefinitionType],
      complexity: { field: 1, multiplier: 2 },
      description: 'Its events, in the order they are defined.',
      resolve: ({ routine }) =>
        Object.entries(routine.events).map(([name, { description }]) => ({ name, description })),
    }),
  }),
});
