import { keySchema } from '../debug-sessions/idempotency-key.ts';
import { builder } from '../graphql/builder.ts';
import '../jobs/errors.schema.ts';
import './errors.schema.ts';
import { encodeId, serviceName } from '../graphql/ids.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import {
  ServiceExistsError,
  ServiceFixedError,
  ServiceNeededError,
  TooManyChecksError,
  TooManyServicesError,
} from './health-errors.ts';
import { ServiceType } from './schema.ts';
import type { ServiceReading } from './service.ts';
import { readServiceInput, serviceFields, withInput } from './service-input.schema.ts';

/** What goes wrong with everything that is done to a service that is named. */
export const SERVICE_ERRORS = [
  NotFoundError,
  ValidationError,
  StorageUnavailableError,
  ForbiddenError,
];

interface ServicePayload {
  readonly service: ServiceReading;
}

/** A payload that has a service, and its id for who may not see it. */
export function servicePayload(name: string, description: string) {
  const payload = builder.objectRef<ServicePayload>(name);
  payload.implement({
    description,
    fields: (t) => ({
      service: t.field({
        type: ServiceType,
        description: 'The service as it is now.',
        resolve: ({ service }) => service,
      }),
      serviceId: t.id({
        description: 'Its id: also for who may change services and not see them.',
        resolve: ({ service }) => encodeId('Service', service.name),
      }),
    }),
  });
  return payload;
}

const AddServiceInput = builder.inputType('AddServiceInput', {
  description: 'A service to check over HTTP.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'Unique in your tenant: 1–100 letters, digits, `.`, `_`, `/`, `-`, the first a letter or digit.',
    }),
    url: t.string({
      required: true,
      description:
        'Where to send the request, with `http:` or `https:`. Redirects are not followed.',
    }),
    ...serviceFields(t),
    idempotencyKey: t.string({
      validate: keySchema,
      description:
        'Makes it safe to send this again: the same key with the same service answers the one that was added first, ' +
        'until it is removed. 1–200 characters.',
    }),
  }),
});

const AddServicePayload = servicePayload('AddServicePayload', 'A service was added.');

builder.mutationField('addService', (t) =>
  t.field({
    type: AddServicePayload,
    description: 'Adds a service. It is stored when this is answered, and checked from then on.',
    authScopes: { control: true },
    errors: {
      types: [
        ValidationError,
        ServiceExistsError,
        TooManyServicesError,
        TooManyChecksError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'AddServiceResult', description: 'The service, or why there is none.' },
    },
    args: { input: t.arg({ type: AddServiceInput, required: true, description: 'The service.' }) },
    resolve: (_root, { input: { idempotencyKey, ...input } }, { health }) =>
      withInput(async () => {
        const service = await health.add(readServiceInput(input), idempotencyKey ?? undefined);
        return { service };
      }, input.headers),
  }),
);

const UpdateServiceInput = builder.inputType('UpdateServiceInput', {
  description:
    'What to change in a service. What is left out stays; what is null is taken away, so that its default counts.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service, by id or name.' }),
    url: t.string({
      description:
        'Where to send the request. Of another origin than before, secret `headers` have to be given again, or null.',
    }),
    ...serviceFields(t),
  }),
});

const UpdateServicePayload = servicePayload('UpdateServicePayload', 'A service was changed.');

builder.mutationField('updateService', (t) =>
  t.field({
    type: UpdateServicePayload,
    description:
      'Changes how a service is checked that was added live. Its status and its history stay.',
    authScopes: { control: true },
    errors: {
      types: [...SERVICE_ERRORS, ServiceFixedError, TooManyChecksError],
      union: { name: 'UpdateServiceResult', description: 'The service, or why it is as it was.' },
    },
    args: {
      input: t.arg({ type: UpdateServiceInput, required: true, description: 'What to change.' }),
    },
    resolve: (_root, { input: { serviceId, ...changes } }, { health }) =>
      withInput(async () => {
        const name = serviceName(serviceId, ['input', 'serviceId']);
        return { service: await health.update(name, readServiceInput(changes)) };
      }, changes.headers),
  }),
);

const RemoveServiceInput = builder.inputType('RemoveServiceInput', {
  description: 'What `removeService` needs to know.',
  fields: (t) => ({
    serviceId: t.id({ required: true, description: 'The service, by id or name.' }),
  }),
});

const RemoveServicePayload = builder.objectRef<ServiceReading>('RemoveServicePayload');
RemoveServicePayload.implement({
  description: 'A service was removed.',
  fields: (t) => ({
    removedServiceId: t.id({
      description: 'The id it had.',
      resolve: ({ name }) => encodeId('Service', name),
    }),
  }),
});

builder.mutationField('removeService', (t) =>
  t.field({
    type: RemoveServicePayload,
    description:
      'Removes a service that was added live, or an agent that reported, with its history. An agent that reports again ' +
      'is there again.',
    authScopes: { control: true },
    errors: {
      types: [...SERVICE_ERRORS, ServiceFixedError, ServiceNeededError],
      union: { name: 'RemoveServiceResult', description: 'What was removed, or why it was not.' },
    },
    args: {
      input: t.arg({ type: RemoveServiceInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input: { serviceId } }, { health }) =>
      health.remove(serviceName(serviceId, ['input', 'serviceId'])),
  }),
);
