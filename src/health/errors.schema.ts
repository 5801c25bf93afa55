import { builder } from '../graphql/builder.ts';
import { ErrorInterface } from '../graphql/errors.ts';
import { encodeId } from '../graphql/ids.ts';
import {
  NotCheckableError,
  NotInMaintenanceError,
  ServiceExistsError,
  ServiceFixedError,
  ServiceNeededError,
  TooManyChecksError,
  TooManyServicesError,
} from './health-errors.ts';

const idOf = (service: string) => encodeId('Service', service);

builder.objectType(ServiceExistsError, {
  name: 'ServiceExistsError',
  description:
    'There is a service of that name already, or the idempotency key was used for another. Code `SERVICE_EXISTS`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    existingServiceId: t.id({
      description: 'The id of the service that there is.',
      resolve: ({ service }) => idOf(service),
    }),
  }),
});

builder.objectType(ServiceFixedError, {
  name: 'ServiceFixedError',
  description:
    'The service can not be changed live in that way: the message says where it comes from. Code `SERVICE_FIXED`.',
  interfaces: [ErrorInterface],
});

builder.objectType(ServiceNeededError, {
  name: 'ServiceNeededError',
  description: 'Other services say that they need this one. Code `SERVICE_NEEDED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    neededByIds: t.idList({
      description: 'The ids of those, by name; at most 100.',
      resolve: ({ neededBy }) => neededBy.slice(0, 100).map(idOf),
    }),
  }),
});

builder.objectType(NotCheckableError, {
  name: 'NotCheckableError',
  description:
    'The service reports by itself, so it can not be checked on demand. Code `NOT_CHECKABLE`.',
  interfaces: [ErrorInterface],
});

builder.objectType(NotInMaintenanceError, {
  name: 'NotInMaintenanceError',
  description: 'The service is not in maintenance. Code `NOT_IN_MAINTENANCE`.',
  interfaces: [ErrorInterface],
});

builder.objectType(TooManyChecksError, {
  name: 'TooManyChecksError',
  description:
    'The services that were added live would be checked too often, all together. Code `TOO_MANY_CHECKS`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.exposeFloat('limit', { description: 'The most checks a second.' }),
    wanted: t.exposeFloat('wanted', { description: 'How many there would be a second.' }),
  }),
});

builder.objectType(TooManyServicesError, {
  name: 'TooManyServicesError',
  description: 'There are as many services as there may be. Code `TOO_MANY_SERVICES`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    limit: t.expose('limit', { type: 'Count', description: 'The most services.' }),
  }),
});
