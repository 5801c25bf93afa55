import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { serviceName } from '../graphql/ids.ts';
import { ClusterHealthType } from './cluster.schema.ts';
import { ServiceStatusType } from './enums.schema.ts';
import { ServiceType } from './schema.ts';

const DEFAULT_RATE_HZ = 10;
const MAX_RATE = {
  defaultValue: DEFAULT_RATE_HZ,
  validate: z.number().min(0.1).max(20),
} as const;
const RATE_DESCRIPTION = 'The most messages a second, 0.1–20. Default 10.';

builder.subscriptionField('serviceHealthChanged', (t) =>
  t.field({
    type: ServiceType,
    description:
      'Kind: *state*. Services of your tenant as their status changes: first those that fit as they are now (at most ' +
      '1000), then each that comes to another status, or whose maintenance begins or ends. Nothing is told of checks that ' +
      'change nothing. With `service` it ends when that is removed.',
    authScopes: { read: true },
    args: {
      service: t.arg.id({ description: 'Only this service, by id or name.' }),
      statuses: t.arg({
        type: [ServiceStatusType],
        description:
          'Only services that have one of these; one that leaves them is told once more, as it is then.',
      }),
      maxRateHz: t.arg.float({
        ...MAX_RATE,
        description: `${RATE_DESCRIPTION} Counted for each service.`,
      }),
    },
    subscribe: (_root, { service, statuses, maxRateHz }, { liveHealth }) =>
      liveHealth.watchServices(
        {
          service: typeof service === 'string' ? serviceName(service, ['service']) : undefined,
          statuses: statuses ?? undefined,
        },
        maxRateHz ?? DEFAULT_RATE_HZ,
      ),
    resolve: (service) => service,
  }),
);

builder.subscriptionField('clusterHealthChanged', (t) =>
  t.field({
    type: ClusterHealthType,
    description:
      'Kind: *state*. How all services of your tenant are together: now, then each time that the status, the counts or ' +
      'the causes changed.',
    authScopes: { read: true },
    args: { maxRateHz: t.arg.float({ ...MAX_RATE, description: RATE_DESCRIPTION }) },
    subscribe: (_root, { maxRateHz }, { liveHealth }) =>
      liveHealth.watchCluster(maxRateHz ?? DEFAULT_RATE_HZ),
    resolve: (cluster) => cluster,
  }),
);
