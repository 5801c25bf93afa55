import { RoutineType } from '../flows/routine.schema.ts';
import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { keysetConnection, type PageArgs, pageComplexity } from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import { localId, serviceName } from '../graphql/ids.ts';
import { ServiceType } from '../health/schema.ts';
import { JobType } from '../jobs/schema.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { queuesOf, routinesOf } from '../monitoring/job-parts.ts';
import { SlotQueueType } from '../monitoring/queue.schema.ts';
import type { JobReading } from '../monitoring/readings.ts';
import { JobRoutineType } from '../monitoring/schema.ts';
import type { Alert, AlertFilter } from './alert.ts';
import { AlertResolutionType, AlertRuleKindType, AlertSeverityType } from './enums.schema.ts';
import { AlertRuleSettingsType, AlertRuleType } from './rule.schema.ts';

/** What an alert is about: what of it there is. */
function placeOf({ subject }: Alert) {
  return {
    flowId: undefined,
    jobId: undefined,
    routineId: undefined,
    slot: undefined,
    service: undefined,
    ...subject,
  };
}

/** The reading of the job that an alert is about. */
async function readJob(
  alert: Alert,
  { jobsById, readings }: Context,
): Promise<JobReading | undefined> {
  const { jobId } = placeOf(alert);
  if (jobId === undefined || (await jobsById.load(jobId)) === undefined) return undefined;
  return readings.load(jobId);
}

export const AlertType = builder.loadableNodeRef<Alert | Error, string, string, string>('Alert', {
  id: { resolve: ({ id }) => id },
  loaderOptions: { cache: false },
  load: async (ids, { alerts }) => {
    const found = await alerts.find(ids);
    return found.map((alert, at) => alert ?? new NotFoundError('Alert', ids[at] ?? ''));
  },
});
AlertType.implement({
  description: 'What a rule found of one subject: open until it is no longer so, then resolved.',
  authScopes: { read: true },
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'A sentence for people, with the values seen when it was raised.',
    }),
    severity: t.field({
      type: AlertSeverityType,
      description: 'How bad it is, as its rule said when it was raised.',
      resolve: ({ rule }) => rule.severity,
    }),
    kind: t.field({
      type: AlertRuleKindType,
      description: 'What kind its rule is of.',
      resolve: ({ rule }) => rule.settings.kind,
    }),
    ruleName: t.string({ description: 'Name of its rule.', resolve: ({ rule }) => rule.name }),
    rule: t.field({
      type: AlertRuleType,
      nullable: true,
      description: 'The rule of that name as it is now; null when it is gone.',
      resolve: ({ rule }, _args, { alerts }) => alerts.getRule(rule.name),
    }),
    settings: t.field({
      type: AlertRuleSettingsType,
      description: 'What the rule looked for when it was raised.',
      resolve: ({ rule }) => rule.settings,
    }),
    condition: t.string({
      nullable: true,
      description: 'The condition of the rule when it was raised.',
      resolve: ({ rule }) => rule.condition,
    }),
    values: t.field({
      type: 'JSON',
      description:
        'What was seen when it was raised: an object, by the `conditionNames` of the rule.',
      resolve: ({ values }): unknown => values,
    }),
    isOpen: t.boolean({
      description: 'Whether it is not resolved.',
      resolve: ({ resolvedAt }) => resolvedAt === undefined,
    }),
    raisedAt: t.expose('raisedAt', { type: 'DateTime', description: 'When it was raised.' }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      description: 'When it was last looked at and still so.',
    }),
    resolvedAt: t.expose('resolvedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was over; null while it is open.',
    }),
    resolution: t.expose('resolution', {
      type: AlertResolutionType,
      nullable: true,
      description: 'Why it is over; null while it is open.',
    }),
    acknowledgedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When somebody said that they have seen it; null when nobody has.',
      resolve: ({ acknowledgement }) => acknowledgement?.at,
    }),
    acknowledgedBy: t.string({
      nullable: true,
      description: 'Who that was; null when nobody has, or nobody said.',
      resolve: ({ acknowledgement }) => acknowledgement?.by,
    }),
    acknowledgeComment: t.string({
      nullable: true,
      description: 'What they said of it.',
      resolve: ({ acknowledgement }) => acknowledgement?.comment,
    }),
    flowId: t.string({
      nullable: true,
      description: 'Name of the flow; null for one about a service.',
      resolve: (alert) => placeOf(alert).flowId,
    }),
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: 'The flow; null for one about a service, and when it is not here any more.',
      resolve: (alert, _args, { flows }) => {
        const { flowId } = placeOf(alert);
        return flowId === undefined ? null : flows.get(flowId);
      },
    }),
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The job, for one about a queue or a routine; null when it was deleted.',
      resolve: (alert, _args, { jobsById }) => {
        const { jobId } = placeOf(alert);
        return jobId === undefined ? null : jobsById.load(jobId);
      },
    }),
    routineId: t.string({
      nullable: true,
      description: 'Name of the routine, for one about a queue or a routine.',
      resolve: (alert) => placeOf(alert).routineId,
    }),
    routine: t.field({
      type: RoutineType,
      nullable: true,
      description: 'Its definition; null when the flow is not on this server any more.',
      resolve: (alert, _args, { flows }) => {
        const { flowId, routineId } = placeOf(alert);
        const flow = flowId === undefined ? undefined : flows.get(flowId);
        const routine = flow?.routines.find(({ id }) => id === routineId);
        return flow === undefined || routine === undefined ? null : { flow, routine };
      },
    }),
    jobRoutine: t.field({
      type: JobRoutineType,
      nullable: true,
      description: 'The routine in the job, as it is now or was at its end.',
      resolve: async (alert, _args, context) => {
        const reading = await readJob(alert, context);
        const routines = reading === undefined ? [] : routinesOf(reading);
        return routines.find((each) => each.reading.routineId === placeOf(alert).routineId);
      },
    }),
    slot: t.string({
      nullable: true,
      description: 'Name of the slot, for one about a queue.',
      resolve: (alert) => placeOf(alert).slot,
    }),
    queue: t.field({
      type: SlotQueueType,
      nullable: true,
      description: 'The queue, for one about a queue, as it is now or was at the end of its job.',
      resolve: async (alert, _args, context) => {
        const { routineId, slot } = placeOf(alert);
        if (slot === undefined) return null;
        const reading = await readJob(alert, context);
        const queues = reading === undefined ? [] : queuesOf(reading);
        return queues.find(({ reading: of }) => of.routineId === routineId && of.slot === slot);
      },
    }),
    serviceName: t.string({
      nullable: true,
      description: 'Name of the service, for one about a service.',
      resolve: (alert) => placeOf(alert).service,
    }),
    service: t.field({
      type: ServiceType,
      nullable: true,
      description: 'The service; null when there is none of that name any more.',
      resolve: (alert, _args, { health }) => {
        const { service } = placeOf(alert);
        return service === undefined ? null : health.get(service);
      },
    }),
  }),
});

const AlertFilterInput = builder.inputType('AlertFilter', {
  description: 'Which alerts to list: those for which all that is given is true.',
  fields: (t) => ({
    isOpen: t.boolean({ description: 'Whether they are not resolved.' }),
    isAcknowledged: t.boolean({ description: 'Whether somebody said that they have seen them.' }),
    severities: t.field({
      type: [AlertSeverityType],
      description: 'With one of these severities.',
    }),
    kinds: t.field({ type: [AlertRuleKindType], description: 'Of a rule of one of these kinds.' }),
    ruleId: t.id({ description: 'Of this rule, by id or name.' }),
    flowId: t.id({ description: 'About this flow or its jobs, by id or name.' }),
    jobId: t.id({ description: 'About this job.' }),
    serviceId: t.id({ description: 'About this service, by id or name.' }),
    raisedSince: t.field({ type: 'DateTime', description: 'Raised then or later.' }),
    raisedUntil: t.field({ type: 'DateTime', description: 'Raised before.' }),
  }),
});

const isText = (value: unknown): value is string => typeof value === 'string';

const AlertConnection = builder.connectionObject(
  { type: AlertType, name: 'AlertConnection', description: 'A page of alerts.' },
  { name: 'AlertEdge', description: 'An alert in a page.' },
);

function pageAlerts(filter: AlertFilter, args: PageArgs, { alerts }: Context) {
  return keysetConnection<Alert, string>(args, {
    name: 'alerts',
    positionOf: ({ id }) => id,
    isPosition: isText,
    fetch: (range) => alerts.list({ ...range, filter }),
    totalCount: () => alerts.count(filter),
  });
}

builder.queryField('alerts', (t) =>
  t.connection(
    {
      type: AlertType,
      description: 'The alerts of your tenant, newest first.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: { filter: t.arg({ type: AlertFilterInput, description: 'Which. Default: all.' }) },
      resolve: (_root, { filter, ...page }, context) => {
        const { ruleId, flowId, jobId, serviceId } = filter ?? {};
        const wanted: AlertFilter = {
          isOpen: filter?.isOpen ?? undefined,
          isAcknowledged: filter?.isAcknowledged ?? undefined,
          severities: filter?.severities ?? undefined,
          kinds: filter?.kinds ?? undefined,
          ruleId: isText(ruleId) ? localId('AlertRule', ruleId, ['filter', 'ruleId']) : undefined,
          flowId: isText(flowId) ? localId('Flow', flowId, ['filter', 'flowId']) : undefined,
          jobId: isText(jobId) ? localId('Job', jobId, ['filter', 'jobId']) : undefined,
          serviceId: isText(serviceId)
            ? serviceName(serviceId, ['filter', 'serviceId'])
            : undefined,
          raisedSince: filter?.raisedSince ?? undefined,
          raisedUntil: filter?.raisedUntil ?? undefined,
        };
        return pageAlerts(wanted, page, context);
      },
    },
    AlertConnection,
  ),
);

builder.queryField('alert', (t) =>
  t.field({
    type: AlertType,
    nullable: true,
    description: 'One alert. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { read: true },
    args: { id: t.arg.id({ required: true, description: 'Its id, such as `Alert:0197…`.' }) },
    resolve: (_root, { id }, { alerts }) => alerts.require(localId('Alert', id, ['id'])),
  }),
);
