import type { InputFieldBuilder } from '@pothos/core';
import { keySchema } from '../debug-sessions/idempotency-key.ts';
import { type ApiTypes, builder } from '../graphql/builder.ts';
import { ErrorInterface } from '../graphql/errors.ts';
import { encodeId, localId, routineName, routineParts, serviceName } from '../graphql/ids.ts';
import { ServiceStatusType } from '../health/enums.schema.ts';
import '../jobs/errors.schema.ts';
import { actorField, actorOf } from '../jobs/session-request.schema.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { PressureLevelType } from '../monitoring/queue.schema.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import {
  type Alert,
  AlertRuleExistsError,
  AlertRuleFixedError,
  TooManyAlertRulesError,
} from './alert.ts';
import type { AlertRule } from './alert-rule.ts';
import type { AlertRuleInput } from './alert-service.ts';
import { AlertRuleKindType, AlertSeverityType } from './enums.schema.ts';
import { AlertRuleType } from './rule.schema.ts';
import { AlertType } from './schema.ts';

type InputFields = InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>, 'InputObject'>;

builder.objectType(AlertRuleExistsError, {
  name: 'AlertRuleExistsError',
  description:
    'There is a rule of that name already, or the idempotency key was used for another. Code `ALERT_RULE_EXISTS`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    existingRuleId: t.id({
      description: 'The id of the rule that there is.',
      resolve: ({ rule }) => encodeId('AlertRule', rule),
    }),
  }),
});

builder.objectType(AlertRuleFixedError, {
  name: 'AlertRuleFixedError',
  description:
    'The rule comes from the configuration and can not be changed live. Code `ALERT_RULE_FIXED`.',
  interfaces: [ErrorInterface],
});

builder.objectType(TooManyAlertRulesError, {
  name: 'TooManyAlertRulesError',
  description: 'There are as many rules as there may be. Code `TOO_MANY_ALERT_RULES`.',
  interfaces: [ErrorInterface],
});

/** The fields of an input that people can change in a rule afterwards, too. */
const ruleFields = (t: InputFields) => ({
  description: t.string({ description: 'For people, 1–500 characters.' }),
  severity: t.field({ type: AlertSeverityType, description: 'Of its alerts. Default WARNING.' }),
  isEnabled: t.boolean({ description: 'Whether it is looked at. Default true.' }),
  condition: t.string({
    description:
      'Expression over the names of its kind (`AlertRule.conditionNames`) that has to be true besides.',
  }),
  forMs: t.float({
    description:
      'It has to hold for so long, in milliseconds, up to 24 hours. Default 0. It is looked at once a second.',
  }),
  coolDownMs: t.float({
    description:
      'So long after an alert was resolved there is no new one of the same subject, in milliseconds, up to 7 days. ' +
      'Default 60,000.',
  }),
  flowId: t.id({ description: 'The flow, by id or name. Default: any. Not of SERVICE_STATUS.' }),
  routineId: t.id({
    description:
      'The routine, by its name, or by its id, which tells the flow too. Default: any. Of QUEUE_PRESSURE and ' +
      'ROUTINE_ERROR_RATE.',
  }),
  slot: t.string({ description: 'Name of the slot. Default: any. Of QUEUE_PRESSURE.' }),
  level: t.field({
    type: PressureLevelType,
    description:
      'It holds from this level on. Default CRITICAL: the slot is full. Of QUEUE_PRESSURE.',
  }),
  windowMs: t.float({
    description:
      'How far back executions or failures count, in milliseconds. Of ROUTINE_ERROR_RATE: 1,000–3,600,000, default ' +
      '60,000. Of JOB_FAILURES: 1,000–86,400,000, default 300,000.',
  }),
  minExecutions: t.int({
    description:
      'With fewer in the window nothing is said, 1–1,000,000. Default 10. Of ROUTINE_ERROR_RATE.',
  }),
  errorRate: t.float({
    description:
      'It holds from this share of failed executions on, above 0 and up to 1. Default 0.1. Of ROUTINE_ERROR_RATE.',
  }),
  minFailures: t.int({
    description: 'It holds from so many failed jobs on, 1–1,000. Default 1. Of JOB_FAILURES.',
  }),
  serviceId: t.id({ description: 'The service, by id or name. Default: any. Of SERVICE_STATUS.' }),
  statuses: t.field({
    type: [ServiceStatusType],
    description: 'It holds with one of these. Default UNHEALTHY. Of SERVICE_STATUS.',
  }),
});

/**
 * The same with names in the place of ids. The id of a routine tells its flow, too.
 * @throws ValidationError when an id is of another type, or a routine of another flow
 */
function withNames(
  input: AlertRuleInput & {
    readonly flowId?: string | null | undefined;
    readonly routineId?: string | null | undefined;
    readonly serviceId?: string | null | undefined;
  },
): AlertRuleInput {
  const path = (field: string) => ['input', field];
  const named = (field: 'flowId' | 'serviceId', read: (id: string, at: string[]) => string) => {
    const id = input[field];
    return typeof id === 'string' ? read(id, path(field)) : id;
  };
  const flowId = named('flowId', (id, at) => localId('Flow', id, at));
  const { routineId } = input;
  const routine =
    typeof routineId === 'string'
      ? {
          routineId: routineName(routineId, path('routineId'), { flowId: flowId ?? undefined }),
          flowId: flowId ?? routineParts(routineId, path('routineId')).flowId,
        }
      : { routineId, flowId };
  return { ...input, ...routine, serviceId: named('serviceId', serviceName) };
}

interface RulePayload {
  readonly rule: AlertRule;
}

/** A payload that has a rule, and its id for who may not see it. */
function rulePayload(name: string, description: string) {
  const payload = builder.objectRef<RulePayload>(name);
  payload.implement({
    description,
    fields: (t) => ({
      alertRule: t.field({
        type: AlertRuleType,
        description: 'The rule as it is now.',
        resolve: ({ rule }) => rule,
      }),
      alertRuleId: t.id({
        description: 'Its id: also for who may change rules and not see them.',
        resolve: ({ rule }) => encodeId('AlertRule', rule.name),
      }),
    }),
  });
  return payload;
}

const AddAlertRuleInput = builder.inputType('AddAlertRuleInput', {
  description: 'A rule to make. Fields of other kinds than its own are refused.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'Unique in your tenant: 1–100 letters, digits, `.`, `_`, `/`, `-`, the first a letter or digit.',
    }),
    kind: t.field({ type: AlertRuleKindType, required: true, description: 'What it looks at.' }),
    ...ruleFields(t),
    idempotencyKey: t.string({
      validate: keySchema,
      description:
        'Makes it safe to send this again: the same key with the same name answers the rule that was made first, until ' +
        'it is removed. 1–200 characters.',
    }),
  }),
});

builder.mutationField('addAlertRule', (t) =>
  t.field({
    type: rulePayload('AddAlertRulePayload', 'A rule was made.'),
    description:
      'Makes an alert rule. It is stored, and was looked at once, when this is answered.',
    authScopes: { control: true },
    errors: {
      types: [
        ValidationError,
        AlertRuleExistsError,
        TooManyAlertRulesError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'AddAlertRuleResult', description: 'The rule, or why there is none.' },
    },
    args: { input: t.arg({ type: AddAlertRuleInput, required: true, description: 'The rule.' }) },
    resolve: async (_root, { input }, { alerts }) => {
      const { idempotencyKey, ...rule } = input;
      return { rule: await alerts.addRule(withNames(rule), idempotencyKey ?? undefined) };
    },
  }),
);

const UpdateAlertRuleInput = builder.inputType('UpdateAlertRuleInput', {
  description: 'What to change in a rule. What is left out stays; what is null is as by default.',
  fields: (t) => ({
    alertRuleId: t.id({ required: true, description: 'The rule, by id or name.' }),
    ...ruleFields(t),
  }),
});

builder.mutationField('updateAlertRule', (t) =>
  t.field({
    type: rulePayload('UpdateAlertRulePayload', 'A rule was changed.'),
    description:
      'Changes an alert rule. When it looks for something else then, or is disabled, its open alerts are resolved.',
    authScopes: { control: true },
    errors: {
      types: [
        NotFoundError,
        ValidationError,
        AlertRuleFixedError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'UpdateAlertRuleResult', description: 'The rule, or why it is as it was.' },
    },
    args: {
      input: t.arg({ type: UpdateAlertRuleInput, required: true, description: 'What to change.' }),
    },
    resolve: async (_root, { input }, { alerts }) => {
      const { alertRuleId, ...changes } = input;
      const name = localId('AlertRule', alertRuleId, ['input', 'alertRuleId']);
      return { rule: await alerts.updateRule(name, withNames(changes)) };
    },
  }),
);

const RemoveAlertRuleInput = builder.inputType('RemoveAlertRuleInput', {
  description: 'What `removeAlertRule` needs to know.',
  fields: (t) => ({
    alertRuleId: t.id({ required: true, description: 'The rule, by id or name.' }),
  }),
});

const RemoveAlertRulePayload = builder.objectRef<AlertRule>('RemoveAlertRulePayload');
RemoveAlertRulePayload.implement({
  description: 'A rule was removed.',
  fields: (t) => ({
    removedAlertRuleId: t.id({
      description: 'The id it had.',
      resolve: ({ name }) => encodeId('AlertRule', name),
    }),
  }),
});

builder.mutationField('removeAlertRule', (t) =>
  t.field({
    type: RemoveAlertRulePayload,
    description: 'Removes an alert rule. Its open alerts are resolved; all its alerts stay.',
    authScopes: { control: true },
    errors: {
      types: [
        NotFoundError,
        ValidationError,
        AlertRuleFixedError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'RemoveAlertRuleResult', description: 'What was removed, or why not.' },
    },
    args: {
      input: t.arg({ type: RemoveAlertRuleInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input: { alertRuleId } }, { alerts }) =>
      alerts.removeRule(localId('AlertRule', alertRuleId, ['input', 'alertRuleId'])),
  }),
);

const AcknowledgeAlertInput = builder.inputType('AcknowledgeAlertInput', {
  description: 'What `acknowledgeAlert` needs to know.',
  fields: (t) => ({
    alertId: t.id({ required: true, description: 'The id of the alert, open or resolved.' }),
    actor: actorField(t),
    comment: t.string({ description: 'What you say of it, 1–1,000 characters.' }),
  }),
});

const AcknowledgeAlertPayload = builder.objectRef<Alert>('AcknowledgeAlertPayload');
AcknowledgeAlertPayload.implement({
  description: 'An alert was acknowledged.',
  fields: (t) => ({
    alert: t.field({
      type: AlertType,
      description: 'The alert as it is now.',
      resolve: (alert) => alert,
    }),
    alertId: t.id({
      description: 'Its id: also for who may acknowledge alerts and not see them.',
      resolve: ({ id }) => encodeId('Alert', id),
    }),
  }),
});

builder.mutationField('acknowledgeAlert', (t) =>
  t.field({
    type: AcknowledgeAlertPayload,
    description:
      'Says that somebody has seen an alert. It stays open until it is over. Said again, the last one counts.',
    authScopes: { control: true },
    errors: {
      types: [NotFoundError, ValidationError, StorageUnavailableError, ForbiddenError],
      union: { name: 'AcknowledgeAlertResult', description: 'The alert, or why it is as it was.' },
    },
    args: {
      input: t.arg({ type: AcknowledgeAlertInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input: { alertId, actor, comment } }, { alerts, viewer }) =>
      alerts.acknowledge(localId('Alert', alertId, ['input', 'alertId']), {
        by: actorOf(viewer, actor),
        comment: comment ?? undefined,
      }),
  }),
);
