import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { DEFAULT_PAGE, LARGEST_PAGE } from '../graphql/connections.ts';
import { serviceName } from '../graphql/ids.ts';
import { MaintenanceType, ServiceCheckType, ThresholdsType, WindowType } from './check.schema.ts';
import { ServiceKindType, ServiceOriginType, ServiceStatusType } from './enums.schema.ts';
import type { TenantHealth } from './health-service.ts';
import { CheckResultType, ExplanationType } from './result.schema.ts';
import type { ServiceReading } from './service.ts';
import { maskDefinition } from './service-definition.ts';

/** The argument of a field that answers services, of which there may be many; see {@link firstOf}. */
export const FIRST = {
  type: 'Int',
  description: `How many to give at most: 1–${LARGEST_PAGE}. Default ${DEFAULT_PAGE}.`,
  validate: z.int().min(1).max(LARGEST_PAGE),
} as const;

interface First {
  readonly first?: number | null | undefined;
}

/** The elements of a list that were asked for. */
export function firstOf<T>(list: readonly T[], { first }: First): T[] {
  return list.slice(0, first ?? DEFAULT_PAGE);
}

/** What a field costs that answers so many services. */
export function firstComplexity({ first }: First) {
  return {
    field: 1,
    multiplier: Math.min(Math.max(first ?? DEFAULT_PAGE, 1), LARGEST_PAGE),
  };
}

/** Those that there are. */
function findAll(names: readonly string[], health: TenantHealth): ServiceReading[] {
  return names.flatMap((name) => health.get(name) ?? []);
}

interface Dependents extends First {
  /** Of the service that is needed. */
  readonly name: string;
}

/** All services are read once, however many are asked about. */
async function readDependents(
  wanted: readonly Dependents[],
  health: TenantHealth,
): Promise<ServiceReading[][]> {
  const dependents = new Map(wanted.map(({ name }) => [name, [] as ServiceReading[]]));
  for (const service of health.list()) {
    for (const name of service.dependsOn) dependents.get(name)?.push(service);
  }
  return wanted.map(({ name, first }) => firstOf(dependents.get(name) ?? [], { first }));
}

/** The type of the API that shows a service. A node: its local id is its name. */
export const ServiceType = builder.objectRef<ServiceReading>('Service');
builder.node(ServiceType, {
  description:
    'Something that has to work: what answers requests, an agent, or a part of this server. Its status follows its ' +
    'latest results, but not each of them (`thresholds`).',
  authScopes: { read: true },
  id: { resolve: ({ name }) => name },
  // Pothos marks what it is given as being of this type.
  loadManyWithoutCache: (names, { health }) =>
    names.map((name) => {
      const service = health.get(name);
      return service && { ...service };
    }),
  fields: (t) => ({
    name: t.exposeString('name', {
      description:
        'Unique in your tenant: `payments`. Of an agent with `agent:` before it, of a part of this server with `millrace:`.',
    }),
    kind: t.expose('kind', { type: ServiceKindType, description: 'What it is.' }),
    origin: t.expose('origin', {
      type: ServiceOriginType,
      description: 'Who said that there is such a service. What is not of API can not be updated.',
    }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
    status: t.expose('status', { type: ServiceStatusType, description: 'How it is.' }),
    since: t.expose('since', {
      type: 'DateTime',
      description: 'Since when it has that status; if it never had another, since it is there.',
    }),
    explanation: t.field({
      type: ExplanationType,
      nullable: true,
      description: 'Why it has that status; null while nothing is known.',
      resolve: ({ explanation }) => explanation,
    }),
    lastResult: t.field({
      type: CheckResultType,
      nullable: true,
      description: 'What was found last; null when nobody looked yet.',
      resolve: ({ lastResult }) => lastResult,
    }),
    check: t.field({
      type: ServiceCheckType,
      nullable: true,
      description: 'How it is checked over HTTP; null for what reports by itself or is a part.',
      resolve: ({ definition }) => definition && maskDefinition(definition),
    }),
    intervalMs: t.exposeFloat('intervalMs', {
      nullable: true,
      description:
        'How often it is checked, or is to report, in milliseconds; null for an agent that reports when it likes.',
    }),
    thresholds: t.field({
      type: ThresholdsType,
      description: 'When its results make a status.',
      resolve: ({ thresholds }) => thresholds,
    }),
    window: t.field({
      type: WindowType,
      description: 'Its latest results, counted.',
      resolve: ({ window }) => window,
    }),
    isFlapping: t.exposeBoolean('isFlapping', {
      description: 'Whether it goes up and down so often that it is DEGRADED until it is steady.',
    }),
    maintenance: t.field({
      type: MaintenanceType,
      nullable: true,
      description: 'The maintenance that goes on; null when there is none.',
      resolve: ({ maintenance }) => maintenance,
    }),
    dependsOn: t.field({
      type: [ServiceType],
      complexity: firstComplexity,
      description: 'Services that it needs. Those that there are not are left out.',
      args: { first: t.arg(FIRST) },
      resolve: ({ dependsOn }, args, { health }) => findAll(firstOf(dependsOn, args), health),
    }),
    dependsOnNames: t.stringList({
      description: 'Names of services that it needs, those included that there are not.',
      resolve: ({ dependsOn }) => [...dependsOn],
    }),
    dependents: t.loadableList({
      type: ServiceType,
      complexity: firstComplexity,
      description: 'Services that need it, by name.',
      args: { first: t.arg(FIRST) },
      loaderOptions: { cache: false },
      load: (wanted: Dependents[], { health }) => readDependents(wanted, health),
      resolve: ({ name }, { first }) => ({ name, first }),
    }),
    causedBy: t.field({
      type: [ServiceType],
      complexity: firstComplexity,
      description:
        'Services that are down and that it needs, directly or not, which themselves need nothing that is down: so they ' +
        'are looked at first. Empty while it is HEALTHY.',
      args: { first: t.arg(FIRST) },
      resolve: ({ causedBy }, args, { health }) => findAll(firstOf(causedBy, args), health),
    }),
    checkCount: t.expose('checkCount', {
      type: 'Count',
      description: 'Checks and reports since the server was started.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was changed last; not its status, but what it is.',
    }),
  }),
});

builder.queryField('service', (t) =>
  t.field({
    type: ServiceType,
    nullable: true,
    description:
      'One service of your tenant. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { read: true },
    args: {
      id: t.arg.id({
        required: true,
        description:
          'Its id or its name: `Service:payments`, `payments`; `Service:agent:crawler`, `agent:crawler`.',
      }),
    },
    resolve: (_root, { id }, { health }) => health.require(serviceName(id, ['id'])),
  }),
);
