import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { listConnection, pageComplexity } from '../graphql/connections.ts';
import { localId } from '../graphql/ids.ts';
import { ServiceStatusType } from '../health/enums.schema.ts';
import { ServiceType } from '../health/schema.ts';
import { PressureLevelType } from '../monitoring/queue.schema.ts';
import type {
  AlertRule,
  AlertRuleKind,
  ErrorRateSettings,
  JobFailureSettings,
  QueuePressureSettings,
  ServiceStatusSettings,
} from './alert-rule.ts';
import { CONDITION_NAMES } from './condition-names.ts';
import { AlertRuleKindType, AlertRuleOriginType, AlertSeverityType } from './enums.schema.ts';

const ANY = 'null for any';

const QueuePressureType = builder.objectRef<QueuePressureSettings>('QueuePressureSettings');
QueuePressureType.implement({
  description: 'Which queues a rule looks at, and from when on it holds.',
  fields: (t) => ({
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: `The flow; ${ANY}, and where it is not on this server any more.`,
      resolve: ({ flowId }, _args, { flows }) => (flowId === undefined ? null : flows.get(flowId)),
    }),
    flowId: t.exposeString('flowId', { nullable: true, description: `Name of the flow; ${ANY}.` }),
    routineId: t.exposeString('routineId', {
      nullable: true,
      description: `Name of the routine; ${ANY}.`,
    }),
    slot: t.exposeString('slot', { nullable: true, description: `Name of the slot; ${ANY}.` }),
    level: t.expose('level', {
      type: PressureLevelType,
      description: 'It holds from this level on.',
    }),
  }),
});

const ErrorRateType = builder.objectRef<ErrorRateSettings>('ErrorRateSettings');
ErrorRateType.implement({
  description: 'Which routines a rule looks at, and from when on it holds.',
  fields: (t) => ({
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: `The flow; ${ANY}, and where it is not on this server any more.`,
      resolve: ({ flowId }, _args, { flows }) => (flowId === undefined ? null : flows.get(flowId)),
    }),
    flowId: t.exposeString('flowId', { nullable: true, description: `Name of the flow; ${ANY}.` }),
    routineId: t.exposeString('routineId', {
      nullable: true,
      description: `Name of the routine; ${ANY}.`,
    }),
    windowMs: t.exposeFloat('windowMs', {
      description: 'How far back executions count, in milliseconds, to a twelfth.',
    }),
    minExecutions: t.exposeInt('minExecutions', {
      description: 'With fewer executions in the window nothing is said.',
    }),
    errorRate: t.exposeFloat('errorRate', {
      description: 'It holds from this share of failed executions on, above 0 and up to 1.',
    }),
  }),
});

const JobFailuresType = builder.objectRef<JobFailureSettings>('JobFailureSettings');
JobFailuresType.implement({
  description: 'Which flows a rule looks at, and from when on it holds.',
  fields: (t) => ({
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: `The flow; ${ANY}, each by itself, and where it is not on this server any more.`,
      resolve: ({ flowId }, _args, { flows }) => (flowId === undefined ? null : flows.get(flowId)),
    }),
    flowId: t.exposeString('flowId', { nullable: true, description: `Name of the flow; ${ANY}.` }),
    windowMs: t.exposeFloat('windowMs', {
      description: 'How far back failures count, in milliseconds.',
    }),
    minFailures: t.exposeInt('minFailures', {
      description: 'It holds from so many failed jobs on.',
    }),
  }),
});

const ServiceSettingsType = builder.objectRef<ServiceStatusSettings>('ServiceStatusSettings');
ServiceSettingsType.implement({
  description: 'Which services a rule looks at, and when it holds.',
  fields: (t) => ({
    service: t.field({
      type: ServiceType,
      nullable: true,
      description: `The service; ${ANY}, and where there is none of that name now.`,
      resolve: ({ serviceId }, _args, { health }) =>
        serviceId === undefined ? null : health.get(serviceId),
    }),
    serviceName: t.exposeString('serviceId', {
      nullable: true,
      description: `Name of the service; ${ANY}.`,
    }),
    statuses: t.field({
      type: [ServiceStatusType],
      description: 'It holds with one of these.',
      resolve: ({ statuses }) => [...statuses],
    }),
  }),
});

const SETTINGS_TYPES: Readonly<Record<AlertRuleKind, string>> = {
  QUEUE_PRESSURE: 'QueuePressureSettings',
  ROUTINE_ERROR_RATE: 'ErrorRateSettings',
  JOB_FAILURES: 'JobFailureSettings',
  SERVICE_STATUS: 'ServiceStatusSettings',
};

export const AlertRuleSettingsType = builder.unionType('AlertRuleSettings', {
  description: 'What a rule looks at, and when it holds, by its kind.',
  types: [QueuePressureType, ErrorRateType, JobFailuresType, ServiceSettingsType],
  resolveType: ({ kind }) => SETTINGS_TYPES[kind],
});

/** The type of the API that shows a rule. A node: its local id is its name. */
export const AlertRuleType = builder.objectRef<AlertRule>('AlertRule');
builder.node(AlertRuleType, {
  description:
    'A rule by which alerts are raised: for each subject for which it holds long enough, one at a time.',
  authScopes: { read: true },
  id: { resolve: ({ name }) => name },
  loadManyWithoutCache: (names, { alerts }) => names.map((name) => alerts.getRule(name)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in its tenant.' }),
    description: t.exposeString('description', { nullable: true, description: 'For people.' }),
    kind: t.field({
      type: AlertRuleKindType,
      description: 'What it looks at.',
      resolve: ({ settings }) => settings.kind,
    }),
    settings: t.field({
      type: AlertRuleSettingsType,
      description: 'Of what in particular, and when it holds.',
      resolve: ({ settings }) => settings,
    }),
    condition: t.exposeString('condition', {
      nullable: true,
      description: 'Expression over `conditionNames` that has to be true besides.',
    }),
    conditionNames: t.stringList({
      description: 'The names that its condition may read, with what they are: `usage: …`.',
      resolve: ({ settings }) =>
        Object.entries(CONDITION_NAMES[settings.kind]).map(([name, what]) => `${name}: ${what}`),
    }),
    severity: t.expose('severity', { type: AlertSeverityType, description: 'Of its alerts.' }),
    isEnabled: t.exposeBoolean('isEnabled', { description: 'Whether it is looked at.' }),
    forMs: t.exposeFloat('forMs', {
      description: 'It has to hold for so long before an alert is raised, in milliseconds.',
    }),
    coolDownMs: t.exposeFloat('coolDownMs', {
      description:
        'So long after an alert was resolved there is no new one of the same subject, in milliseconds.',
    }),
    origin: t.expose('origin', {
      type: AlertRuleOriginType,
      description: 'Who said that there is such a rule.',
    }),
    problem: t.exposeString('problem', {
      nullable: true,
      description:
        'Why it can not be told whether it holds: its condition fails, or what it names is not there. Null when it can.',
    }),
    openCount: t.expose('openCount', {
      type: 'Count',
      description: 'Alerts of it that are open, at most 100.',
    }),
    suppressedCount: t.expose('suppressedCount', {
      type: 'Count',
      description:
        'Subjects for which it holds and that have no alert, since as many are open as may be.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was made; of a configured one, when the server was started.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed.',
    }),
  }),
});

const AlertRuleFilterInput = builder.inputType('AlertRuleFilter', {
  description: 'Which rules to list: those for which all that is given is true.',
  fields: (t) => ({
    kinds: t.field({ type: [AlertRuleKindType], description: 'Of one of these kinds.' }),
    severities: t.field({
      type: [AlertSeverityType],
      description: 'With one of these severities.',
    }),
    isEnabled: t.boolean({ description: 'Whether they are looked at.' }),
  }),
});

builder.queryField('alertRules', (t) =>
  t.connection(
    {
      type: AlertRuleType,
      description: 'The alert rules of your tenant, by name.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: AlertRuleFilterInput, description: 'Which to list. Default: all.' }),
      },
      resolve: (_root, { filter, ...page }, { alerts }) =>
        listConnection(page, {
          name: 'alert rules',
          elements: alerts.listRules({
            kinds: filter?.kinds ?? undefined,
            severities: filter?.severities ?? undefined,
            isEnabled: filter?.isEnabled ?? undefined,
          }),
          keyOf: ({ name }) => name,
        }),
    },
    { name: 'AlertRuleConnection', description: 'A page of alert rules.' },
    { name: 'AlertRuleEdge', description: 'An alert rule in a page.' },
  ),
);

builder.queryField('alertRule', (t) =>
  t.field({
    type: AlertRuleType,
    nullable: true,
    description: 'One alert rule. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { read: true },
    args: { id: t.arg.id({ required: true, description: 'The rule, by id or name.' }) },
    resolve: (_root, { id }, { alerts }) => alerts.requireRule(localId('AlertRule', id, ['id'])),
  }),
);
