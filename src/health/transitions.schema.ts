import { builder } from '../graphql/builder.ts';
import { keysetConnection, type PageArgs, pageComplexity } from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import { encodeId, serviceName } from '../graphql/ids.ts';
import { ServiceStatusType } from './enums.schema.ts';
import { ExplanationType } from './result.schema.ts';
import { ServiceType } from './schema.ts';
import type { KeptTransition } from './service.ts';

const TransitionType = builder.objectRef<KeptTransition>('ServiceTransition');
TransitionType.implement({
  description: 'A service came from one status to another.',
  fields: (t) => ({
    transitionId: t.exposeID('id', { description: 'Its own id.' }),
    serviceId: t.id({
      description: 'The id of the service.',
      resolve: ({ service }) => encodeId('Service', service),
    }),
    service: t.field({
      type: ServiceType,
      nullable: true,
      description: 'The service as it is now; null when it is not there any more.',
      resolve: ({ service }, _args, { health }) => health.get(service),
    }),
    from: t.expose('from', { type: ServiceStatusType, description: 'The status it had.' }),
    to: t.expose('to', { type: ServiceStatusType, description: 'The status it came to.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    explanation: t.field({
      type: ExplanationType,
      description: 'Why.',
      resolve: ({ explanation }) => explanation,
    }),
  }),
});

const TransitionConnection = builder.connectionObject(
  {
    type: TransitionType,
    name: 'ServiceTransitionConnection',
    description: 'A page of changes of status.',
  },
  { name: 'ServiceTransitionEdge', description: 'A change of status in a page.' },
);

const isText = (value: unknown): value is string => typeof value === 'string';

function pageTransitions(service: string | undefined, args: PageArgs, { health }: Context) {
  return keysetConnection<KeptTransition, string>(args, {
    name: 'service transitions',
    positionOf: ({ id }) => id,
    isPosition: isText,
    fetch: (range) => health.listTransitions({ ...range, service }),
    totalCount: () => health.countTransitions(service),
  });
}

const TransitionFilter = builder.inputType('ServiceTransitionFilter', {
  description: 'Which changes of status to list: those for which all that is given is true.',
  fields: (t) => ({ serviceId: t.id({ description: 'Of this service, by id or name.' }) }),
});

builder.queryField('serviceTransitions', (t) =>
  t.connection(
    {
      type: TransitionType,
      description:
        'The changes of status of the services of your tenant, newest first, each with its explanation. Those of ' +
        'services that were removed are not among them. One is listed within about a second.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: TransitionFilter, description: 'Which to list. Default: all.' }),
      },
      resolve: (_root, { filter, ...page }, context) => {
        const { serviceId } = filter ?? {};
        const service = isText(serviceId)
          ? serviceName(serviceId, ['filter', 'serviceId'])
          : undefined;
        return pageTransitions(service, page, context);
      },
    },
    TransitionConnection,
  ),
);

builder.objectField(ServiceType, 'transitions', (t) =>
  t.connection(
    {
      type: TransitionType,
      description: 'Its changes of status, newest first, each with its explanation.',
      complexity: pageComplexity,
      resolve: ({ name }, args, context) => pageTransitions(name, args, context),
    },
    TransitionConnection,
  ),
);
