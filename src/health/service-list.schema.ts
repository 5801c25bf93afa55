import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { listConnection, pageComplexity } from '../graphql/connections.ts';
import { ServiceKindType, ServiceStatusType } from './enums.schema.ts';
import { ServiceType } from './schema.ts';
import { SEVERITY, type ServiceReading } from './service.ts';

const ServiceFilterInput = builder.inputType('ServiceFilter', {
  description: 'Which services to list: those for which all that is given is true.',
  fields: (t) => ({
    statuses: t.field({ type: [ServiceStatusType], description: 'With one of these statuses.' }),
    kinds: t.field({ type: [ServiceKindType], description: 'Of one of these kinds.' }),
    text: t.string({
      description:
        'With this text in the name or the description, in upper or lower case; at most 1000 characters.',
      validate: z.string().max(1000),
    }),
    isInMaintenance: t.boolean({ description: 'Whether they are in maintenance.' }),
  }),
});

const ServiceOrderField = builder.enumType('ServiceOrderField', {
  description: 'What to order services by.',
  values: {
    NAME: { description: 'By name.' },
    STATUS: {
      description:
        'The worst first, then by name. Read page by page, one whose status changes meanwhile may be missed.',
    },
  } as const,
});

const ServiceOrderInput = builder.inputType('ServiceOrder', {
  description: 'The order of a list of services.',
  fields: (t) => ({
    field: t.field({ type: ServiceOrderField, required: true, description: 'What to order by.' }),
  }),
});

/** By what they are ordered, as texts. */
const KEYS = {
  NAME: ({ name }: ServiceReading) => name,
  STATUS: ({ status, name }: ServiceReading) => `${SEVERITY.UNHEALTHY - SEVERITY[status]} ${name}`,
} as const;

/** What comes in the order of names stays so among those of the same status. */
function worstFirst(services: readonly ServiceReading[]): ServiceReading[] {
  return services.toSorted((a, b) => SEVERITY[b.status] - SEVERITY[a.status]);
}

builder.queryField('services', (t) =>
  t.connection(
    {
      type: ServiceType,
      description:
        'The services of your tenant, by name unless `orderBy` says otherwise. Agents are among them as `agent:…`, and, ' +
        'for the tenant `default`, the parts of this server as `millrace:…`.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: ServiceFilterInput, description: 'Which to list. Default: all.' }),
        orderBy: t.arg({ type: ServiceOrderInput, description: 'In which order.' }),
      },
      resolve: (_root, { filter, orderBy, ...page }, { health }) => {
        const field = orderBy?.field ?? 'NAME';
        const keyOf = KEYS[field];
        const services = health.list({
          statuses: filter?.statuses ?? undefined,
          kinds: filter?.kinds ?? undefined,
          text: filter?.text ?? undefined,
          isInMaintenance: filter?.isInMaintenance ?? undefined,
        });
        const elements = field === 'NAME' ? services : worstFirst(services);
        return listConnection(page, { name: `services by ${field}`, elements, keyOf });
      },
    },
    { name: 'ServiceConnection', description: 'A page of services.' },
    { name: 'ServiceEdge', description: 'A service in a page.' },
  ),
);
