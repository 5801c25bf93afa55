import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { serviceName } from '../graphql/ids.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { NotCheckableError, NotInMaintenanceError } from './health-errors.ts';
import { SERVICE_ERRORS, servicePayload } from './mutations.schema.ts';
import { CheckResultType } from './result.schema.ts';
import { ServiceType } from './schema.ts';
import type { CheckResult, ServiceReading } from './service.ts';
import { withInput } from './service-input.schema.ts';

const CheckServiceNowInput = builder.inputType('CheckServiceNowInput', {
  description: 'What `checkServiceNow` needs to know.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service, by id or name.' }),
  }),
});

const CheckServiceNowPayload = builder.objectRef<{
  readonly result: CheckResult;
  readonly service: ServiceReading;
}>('CheckServiceNowPayload');
CheckServiceNowPayload.implement({
  description: 'A service was checked.',
  fields: (t) => ({
    result: t.field({
      type: CheckResultType,
      description: 'What was found.',
      resolve: ({ result }) => result,
    }),
    service: t.field({
      type: ServiceType,
      description: 'The service as it is after that.',
      resolve: ({ service }) => service,
    }),
  }),
});

builder.mutationField('checkServiceNow', (t) =>
  t.field({
    type: CheckServiceNowPayload,
    description:
      'Checks a service, or waits for the check that is under way, and answers what was found. It counts as any other, so ' +
      'the status follows only by the thresholds. What was found last without asking is `lastResult`.',
    authScopes: { control: true },
    errors: {
      types: [NotFoundError, ValidationError, NotCheckableError, ForbiddenError],
      union: { name: 'CheckServiceNowResult', description: 'The result, or why there is none.' },
    },
    args: {
      input: t.arg({ type: CheckServiceNowInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input: { serviceId } }, { health }) =>
      health.checkNow(serviceName(serviceId, ['input', 'serviceId'])),
  }),
);

const StartMaintenanceInput = builder.inputType('StartMaintenanceInput', {
  description: 'A maintenance to begin.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service, by id or name.' }),
    until: t.field({
      type: 'DateTime',
      required: true,
      description: 'When it ends by itself: later than now, by 30 days at most.',
    }),
    reason: t.string({
      description: 'What it is for, at most 1000 characters.',
      validate: z.string().max(1000),
    }),
  }),
});

const StartMaintenancePayload = servicePayload(
  'StartMaintenancePayload',
  'A maintenance has begun.',
);

builder.mutationField('startMaintenance', (t) =>
  t.field({
    type: StartMaintenancePayload,
    description:
      'Begins the maintenance of a service, in the place of one that goes on. It is checked all the same, but counts ' +
      'neither for the cluster nor for its uptime.',
    authScopes: { control: true },
    errors: {
      types: SERVICE_ERRORS,
      union: { name: 'StartMaintenanceResult', description: 'The service, or why not.' },
    },
    args: {
      input: t.arg({ type: StartMaintenanceInput, required: true, description: 'Of what.' }),
    },
    resolve: (_root, { input: { serviceId, until, reason } }, { health, viewer }) =>
      withInput(async () => {
        const name = serviceName(serviceId, ['input', 'serviceId']);
        const request = { until, reason: reason ?? undefined, by: viewer.subject };
        return { service: await health.startMaintenance(name, request) };
      }),
  }),
);

const EndMaintenanceInput = builder.inputType('EndMaintenanceInput', {
  description: 'What `endMaintenance` needs to know.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service, by id or name.' }),
  }),
});

const EndMaintenancePayload = servicePayload('EndMaintenancePayload', 'A maintenance has ended.');

builder.mutationField('endMaintenance', (t) =>
  t.field({
    type: EndMaintenancePayload,
    description: 'Ends the maintenance of a service before its time.',
    authScopes: { control: true },
    errors: {
      types: [...SERVICE_ERRORS, NotInMaintenanceError],
      union: { name: 'EndMaintenanceResult', description: 'The service, or why not.' },
    },
    args: {
      input: t.arg({ type: EndMaintenanceInput, required: true, description: 'Of what.' }),
    },
    resolve: async (_root, { input: { serviceId } }, { health }) => ({
      service: await health.endMaintenance(serviceName(serviceId, ['input', 'serviceId'])),
    }),
  }),
);
