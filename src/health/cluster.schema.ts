import { builder } from '../graphql/builder.ts';
import { ServiceStatusType } from './enums.schema.ts';
import type { ClusterReading } from './health.ts';
import { FIRST, firstComplexity, firstOf, ServiceType } from './schema.ts';

const CountsType = builder.objectRef<ClusterReading['counts']>('ServiceCounts');
CountsType.implement({
  description: 'How many services have each status, without those in maintenance.',
  fields: (t) => ({
    unhealthy: t.expose('UNHEALTHY', { type: 'Count', description: 'UNHEALTHY.' }),
    degraded: t.expose('DEGRADED', { type: 'Count', description: 'DEGRADED.' }),
    unknown: t.expose('UNKNOWN', { type: 'Count', description: 'UNKNOWN.' }),
    healthy: t.expose('HEALTHY', { type: 'Count', description: 'HEALTHY.' }),
  }),
});

export const ClusterHealthType = builder.objectRef<ClusterReading>('ClusterHealth');
ClusterHealthType.implement({
  description: 'How all services of your tenant are together, and why.',
  authScopes: { read: true },
  fields: (t) => ({
    status: t.expose('status', {
      type: ServiceStatusType,
      description:
        'The worst of all that are not in maintenance: UNHEALTHY before DEGRADED, UNKNOWN, HEALTHY. UNKNOWN when there ' +
        'are none.',
    }),
    since: t.expose('since', { type: 'DateTime', description: 'Since when it is that.' }),
    summary: t.exposeString('summary', {
      description: 'How it is and why, in a sentence or two for people.',
    }),
    counts: t.field({
      type: CountsType,
      description: 'How many services have each status.',
      resolve: ({ counts }) => counts,
    }),
    maintenanceCount: t.expose('maintenanceCount', {
      type: 'Count',
      description: 'Services in maintenance, which do not count.',
    }),
    serviceCount: t.expose('totalCount', {
      type: 'Count',
      description: 'All services, those in maintenance included.',
    }),
    causes: t.field({
      type: [ServiceType],
      complexity: firstComplexity,
      description:
        'Services that are not HEALTHY, not in maintenance, and not to be put down to others; the worst first, then by ' +
        'name. Look here first.',
      args: { first: t.arg(FIRST) },
      resolve: ({ causes }, args) => firstOf(causes, args),
    }),
    affected: t.field({
      type: [ServiceType],
      complexity: firstComplexity,
      description:
        'Services that are not HEALTHY since others are down that they need (`causedBy`); in the same order.',
      args: { first: t.arg(FIRST) },
      resolve: ({ affected }, args) => firstOf(affected, args),
    }),
  }),
});

builder.queryField('clusterHealth', (t) =>
  t.field({
    type: ClusterHealthType,
    description: 'How all services of your tenant are together now, and why.',
    authScopes: { read: true },
    resolve: (_root, _args, { health }) => health.readCluster(),
  }),
);
